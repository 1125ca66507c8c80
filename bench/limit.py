"""The limit: pgbench with nothing but the ledger's own statement, on the same tables and triggers."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import books
from bench.race import Turn
from bench.server import Server
from upss.db import embedded
from upss.ledger.rules import chart
from upss.ledger.rules.split import split
from upss.ledger.service import posting


def _literal(value: str) -> str:
    """Return a text for the script, where a plain colon would begin a variable's name."""
    return "E'" + value.replace(":", "\\x3a") + "'"


_PARTS = split(books.PRICE, commission_bp=books.COMMISSION_BP, fund_bp=0)
_Q = ":q::bigint"
_HASH = f"(md5({_Q}::text) || md5({_Q}::text))"
_WHOSE = f"lpad((1 + {_Q} % {books.ANSWERERS})::text, 4, '0')"
_PAYABLE = f"{_literal(chart.PAYABLE_PREFIX)} || {_WHOSE}"
# For each value that the service sends: the same value, made by the server from the question.
VALUES = {
    "kind": "'answer_accepted'",
    "key": f"({_literal('split:')} || {_Q} || {_literal(':1')})",
    "request_hash": _HASH,
    "external_ref": "NULL",
    "reverses_id": "NULL::bigint",
    "booked_at": "now()",
    "value_date": "current_date",
    "actor": "'system'",
    "reason": "NULL",
    "approver": "NULL",
    "codes": f"ARRAY[{_literal(chart.COMMISSION)}, {_PAYABLE}, {_literal(chart.HELD)}]",
    "currencies": "ARRAY['EUR', 'EUR', 'EUR']",
    "amounts": f"ARRAY[{-_PARTS.commission_minor}, {-_PARTS.share_minor}, {books.PRICE}]",
    "questions": f"ARRAY[{_Q}, {_Q}, {_Q}]",
    "n_lines": "3",
    "debits": str(books.PRICE),
    "digest": _HASH,
}


def script() -> str:
    """Return pgbench's script: the next question of this client, and the service's statement."""
    statement = re.sub(r"%\((\w+)\)s", lambda name: VALUES[name[1]], posting.WRITE)
    place = "\\set q :first + :client_id * :span + :n"
    return f"{place}\n\\set n :n + 1\n{statement};\n"


def program() -> Path:
    """Return pgbench: the one beside the embedded server, or the one on the PATH."""
    bundled = embedded.binaries() / "pgbench"
    found = bundled if bundled.exists() else shutil.which("pgbench")
    if found is None:
        raise FileNotFoundError("pgbench is neither with the embedded PostgreSQL nor on the PATH")
    return Path(found)


def pgbench(conninfo: str, script: Path, clients: int, *options: str) -> float:
    """Run pgbench with prepared statements; return transactions per second after connecting."""
    threads = str(min(clients, 2))
    how = ("-n", "-M", "prepared", "-c", str(clients), "-j", threads, "-f", str(script))
    ran = subprocess.run(
        [program(), *how, *options, conninfo], capture_output=True, text=True, check=False
    )
    rate = re.search(r"^tps = ([\d.]+)", ran.stdout, re.MULTILINE)
    if ran.returncode != 0 or rate is None:
        raise RuntimeError(f"pgbench failed: {ran.stderr.strip()[-2000:]}")
    return float(rate[1])


@dataclass(frozen=True)
class Limit:
    """Posts by pgbench, one prepared statement for each entry, which commits by itself."""

    server: Server
    database: str
    script: Path

    def __call__(self, turn: Turn) -> float:
        """Return entries per second, without the time of connecting."""
        variables = {"first": turn.first_question, "span": turn.span, "n": 0}
        defined = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        options = ("-T", str(int(turn.seconds)), *defined)
        conninfo = self.server.app_conninfo(self.database)
        return pgbench(conninfo, self.script, turn.clients, *options)
