"""Loads a ledger of any size by COPY: whole stories of questions, in the shape that posting leaves.

Lines, seals, guarded balances, blocks, checkpoints and pending entries agree with each other; the
digests are only numbers of the right form, because no measurement here looks into them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from psycopg import sql

from bench import bulk
from upss.ledger.rules import chart

ANSWERERS = 200
COMMISSION_BP = 1500
PRICE, FEE, COMMISSION, FUND, SHARE = 1001, 40, 120, 30, 851
PAYABLE, IN_PAYOUT = "{payable}", "{in_payout}"  # the accounts of the question's answerer
# Questions whose stories fill a block of the chain, and those of the tail that no block holds yet.
PER_BLOCK = 102
IN_TAIL = 60
BOOKED_AT, VALUE_DATE = "2026-11-01 10:30:00+00", "2026-11-01"

LARGE = ["ledger.entry", "ledger.posting", "ledger.seal", "ledger.block_entry"]


@dataclass(frozen=True)
class Event:
    """One entry of a story: its kind, its key for a question, and its lines in minor units."""

    kind: str
    key: str
    lines: tuple[tuple[str, int], ...]
    movement: bool = False


PAID = Event("question_paid", "cs:{q}", ((chart.STRIPE_UNSETTLED, PRICE), (chart.HELD, -PRICE)))
SETTLED = Event(
    "charge_settled",
    "bt:c{q}",
    (
        (chart.STRIPE_BALANCE, PRICE - FEE),
        (chart.STRIPE_UNSETTLED, -PRICE),
        (chart.STRIPE_FEES, FEE),
    ),
    movement=True,
)
ACCEPTED = Event(
    "answer_accepted",
    "split:{q}:1",
    (
        (chart.GUARANTEE_FUND, -FUND),
        (chart.COMMISSION, -COMMISSION),
        (PAYABLE, -SHARE),
        (chart.HELD, PRICE),
    ),
)
RESERVED = Event("payout_reserved", "rsv:{q}", ((IN_PAYOUT, -SHARE), (PAYABLE, SHARE)))
TRANSFERRED = Event(
    "transfer_created",
    "bt:t{q}",
    ((chart.STRIPE_BALANCE, -SHARE), (IN_PAYOUT, SHARE)),
    movement=True,
)
WHOLE_STORY = (PAID, SETTLED, ACCEPTED, RESERVED, TRANSFERRED)
LINES_OF_STORY = sum(len(event.lines) for event in WHOLE_STORY)


def answerer_of(question: int) -> int:
    """Return whose answer the story of this question is about."""
    return 1 + question % ANSWERERS


def questions_for(postings: int) -> int:
    """Return how many whole stories come nearest to so many postings, with a tail without block."""
    blocks = max(1, round((postings / LINES_OF_STORY - IN_TAIL) / PER_BLOCK))
    return blocks * PER_BLOCK + IN_TAIL


def load_stories(conninfo: str, questions: int) -> int:
    """Fill an empty ledger with whole stories of questions 1 to `questions`; return its postings.

    `conninfo` is the superuser's: the triggers are off while it loads.
    """
    with bulk.quiet(conninfo) as connection:
        loader = _Loader(connection, WHOLE_STORY)
        with bulk.without_indexes(connection, LARGE):
            loader.write(range(1, questions + 1))
            loader.write_chain(questions)
    bulk.analyse(conninfo)
    return questions * LINES_OF_STORY


def load_paid(conninfo: str, questions: range) -> None:
    """Add paid questions, whose price waits in the held account for its split."""
    with bulk.quiet(conninfo) as connection:
        _Loader(connection, (PAID,)).write(questions)
    bulk.analyse(conninfo)


class _Loader:
    """Writes the same events for each question of a range, after what the ledger holds already."""

    def __init__(self, connection: bulk.Connection, story: tuple[Event, ...]) -> None:
        self.connection = connection
        self.story = story
        self.ids = self._open_accounts()
        row = connection.execute("SELECT coalesce(max(id), 0) FROM ledger.entry").fetchone()
        assert row is not None
        self.before = int(str(row[0]))

    def _open_accounts(self) -> dict[str, int]:
        """Open all accounts of all stories; return their ids by code."""
        codes = [code for event in WHOLE_STORY for code, _ in event.lines if "{" not in code]
        for number in range(1, ANSWERERS + 1):
            codes += [chart.payable(number), chart.in_payout(number)]
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ledger.account (code, kind, currency, guarded)"
                " VALUES (%s, %s, 'EUR', %s) ON CONFLICT DO NOTHING",
                [(code, chart.kind_of(code), chart.is_guarded(code)) for code in codes],
            )
        rows = self.connection.execute("SELECT code, id FROM ledger.account")
        return {str(code): int(str(number)) for code, number in rows}

    def write(self, questions: range) -> None:
        """Write entries, seals, lines and guarded balances, and go on counting after them."""
        count = len(self.story)
        last = self.before + len(questions) * count
        self._copy("entry", self._filled(self._entries(), questions))
        self._copy("posting", self._filled(self._lines(), questions))
        self._copy("seal", self._seals(range(self.before + 1, last + 1)))
        self._copy("balance", self._filled(self._balances(), questions))
        self.connection.execute("SELECT setval('ledger.entry_id_seq', %s)", (last,))

    def write_chain(self, questions: int) -> None:
        """Put all but the tail of whole stories into blocks, with the checkpoints of each."""
        blocks = (questions - IN_TAIL) // PER_BLOCK
        size = PER_BLOCK * len(self.story)
        self._copy("block", (_block(seq, size) for seq in range(1, blocks + 1)))
        self._copy(
            "block_entry",
            (
                f"{1 + (n - 1) // size}\t{(n - 1) % size}\t{n}\n"
                for n in range(1, blocks * size + 1)
            ),
        )
        self._copy("checkpoint", self._checkpoints(blocks))
        tail = range(blocks * size + 1, questions * len(self.story) + 1)
        self._copy("pending", (f"{number}\n" for number in tail))

    def _copy(self, table: str, rows: Iterable[str]) -> None:
        name = sql.Identifier("ledger", table)
        with self.connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copy:
            waiting = iter(rows)
            while some := "".join(islice(waiting, 2000)):
                copy.write(some)

    def _filled(self, template: str, questions: range) -> Iterator[str]:
        """Yield the template's rows for each question: {q}, {e0}..., {h0}..., {payable}, {in_payout}."""
        count = len(self.story)
        fill = template.format
        hashed = "{h" in template
        for done, question in enumerate(questions):
            first = self.before + 1 + done * count
            names: dict[str, object] = {f"e{n}": first + n for n in range(count)}
            if hashed:
                names |= {f"h{n}": _digest(f"request {first + n}") for n in range(count)}
            whose = answerer_of(question)
            yield fill(
                q=question,
                payable=self.ids[chart.payable(whose)],
                in_payout=self.ids[chart.in_payout(whose)],
                **names,
            )

    def _entries(self) -> str:
        return "".join(
            f"{{e{n}}}\t{event.kind}\t{event.key}\t{{h{n}}}\t"
            f"{event.key.removeprefix('bt:') if event.movement else chr(92) + 'N'}\t\\N\t"
            f"{BOOKED_AT}\t{VALUE_DATE}\tsystem\t\\N\t\\N\n"
            for n, event in enumerate(self.story)
        )

    def _lines(self) -> str:
        return "".join(
            f"{{e{n}}}\t{line_no}\t{self.ids.get(code, code)}\tEUR\t{minor}\t{{q}}\n"
            for n, event in enumerate(self.story)
            for line_no, (code, minor) in enumerate(event.lines, start=1)
        )

    def _seals(self, numbers: range) -> Iterator[str]:
        count = len(self.story)
        ends = [
            f"{len(event.lines)}\t{sum(minor for _, minor in event.lines if minor > 0)}"
            for event in self.story
        ]
        for done, number in enumerate(numbers):
            yield f"{number}\t{ends[done % count]}\t{_digest(f'entry {number}')}\n"

    def _balances(self) -> str:
        """Sum up the guarded lines of a story: after a whole one all of them are zero."""
        sums: dict[str, int] = {}
        for code, minor in (line for event in self.story for line in event.lines):
            if code in (PAYABLE, IN_PAYOUT, chart.HELD):
                sums[code] = sums.get(code, 0) + minor
        return "".join(
            f"{self.ids.get(code, code)}\t{{q}}\t{minor}\n" for code, minor in sums.items()
        )

    def _checkpoints(self, blocks: int) -> Iterator[str]:
        """Yield, for each block, the running totals of the accounts that its entries touch."""
        totals: dict[int, list[int]] = {}
        for seq in range(1, blocks + 1):
            touched: set[int] = set()
            for question in range((seq - 1) * PER_BLOCK + 1, seq * PER_BLOCK + 1):
                touched |= self._add_up(question, totals)
            for account in touched:
                debit, credit = totals[account]
                yield f"{account}\t{seq}\t{debit}\t{credit}\n"

    def _add_up(self, question: int, totals: dict[int, list[int]]) -> set[int]:
        whose = answerer_of(question)
        own = {PAYABLE: chart.payable(whose), IN_PAYOUT: chart.in_payout(whose)}
        touched = set()
        for code, minor in (line for event in self.story for line in event.lines):
            account = self.ids[own.get(code, code)]
            totals.setdefault(account, [0, 0])[minor < 0] += abs(minor)
            touched.add(account)
        return touched


def _block(seq: int, size: int) -> str:
    previous = _digest(f"block {seq - 1}") if seq > 1 else "0" * 64
    root, own = _digest(f"root {seq}"), _digest(f"block {seq}")
    return f"{seq}\t{previous}\t{size}\t{root}\t{BOOKED_AT}\t{own}\n"


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()
