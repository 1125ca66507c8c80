"""Check an exported ledger without UPSS: python verify_ledger.py FILE [--anchor HASH].

Everything in the file is computed again and compared. HASH is that of any block, kept from a
statement, a mail or the public page: only with it are a rewritten history and a cut-off end found.
Exit code: 0 all is right, 1 something is not, 2 wrong usage. Needs Python alone, 3.8 or newer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from typing import Any

ENTRY = "actor approver booked_at external_ref key kind lines reason request reverses value_date"


def need(right: object, words: str) -> None:
    """Stop with these words unless it is right."""
    if not right:
        raise ValueError(words)


def fields(names: str, row: Any) -> Any:
    """Return an object that has exactly these fields."""
    need(type(row) is dict and sorted(row) == names.split(), f"the fields are not: {names}")
    return row


def spell(value: Any) -> bytes:
    """Return the one spelling: keys sorted, no spaces, ASCII alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def sha(*parts: bytes) -> bytes:
    """Return the SHA-256 of the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves: list[bytes]) -> bytes:
    """Return the root of the tree, whose left part is the largest power of two below the whole."""
    if len(leaves) == 1:
        return leaves[0]
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root(leaves[:cut]), root(leaves[cut:]))


class Ledger:
    """What was read so far: entries in the order of their ids, then blocks, then balances."""

    def __init__(self) -> None:
        self.entries = self.last = 0
        self.digests: dict[int, str] = {}  # of the entries in no block yet
        self.totals: Counter[str] = Counter()
        self.currencies: dict[str, str] = {}
        self.blocks = ["0" * 64]
        self.ended = False

    def entry(self, row: Any) -> None:
        """Take an entry whose digest is its own, and whose lines add up to zero."""
        entry, number = fields(ENTRY, fields("digest entry id", row)["entry"]), row["id"]
        digest = sha(b"upss-entry-v1\0", spell(entry)).hex()
        need(digest == row["digest"], "the digest is not that of the entry")
        need(type(number) is int and number > self.last, "an entry out of order, or twice")
        need(len(self.blocks) == 1, "an entry after the blocks")
        need(entry["reverses"] is None or entry["reverses"] in self.digests, "it reverses nothing")
        sums: Counter[str] = Counter()
        for account, currency, amount, _question in entry["lines"]:
            need(type(amount) is int and 0 < abs(amount) < 2**53, "an amount that is none")
            need(self.currencies.setdefault(account, currency) == currency, "two currencies")
            sums[currency] += amount
            self.totals[account] += amount
        need(sums and not any(sums.values()), "the lines do not add up to zero")
        self.entries, self.last, self.digests[number] = self.entries + 1, number, digest

    def block(self, row: Any) -> None:
        """Take a block that follows the one before it, with the entries that it states."""
        block, ids = fields("block entries", row)["block"], row["entries"]
        fields("hash n_entries prev root sealed_at seq", block)
        place = spell([len(self.blocks), self.blocks[-1]])
        need(spell([block["seq"], block["prev"]]) == place, "it does not follow the block before")
        head = {name: value for name, value in block.items() if name != "hash"}
        self.blocks.append(sha(b"upss-block-v1\0", spell(head)).hex())
        need(self.blocks[-1] == block["hash"], "the hash is not that of the block")
        need(all(type(one) is int for one in ids) and ids == sorted(set(ids)), "ids out of order")
        need(len(ids) == block["n_entries"] > 0, "not as many entries as the block states")
        need(all(one in self.digests for one in ids), "an entry that is missing, or in two blocks")
        tree = root([sha(b"\0", bytes.fromhex(self.digests.pop(one))) for one in ids])
        need(tree.hex() == block["root"], "the root is not that of the entries")

    def end(self, row: Any) -> None:
        """Take the balances of all accounts and the counts, which must be those of the lines."""
        stated = fields("anchored balances blocks entries", row)["balances"]
        for code, minor in self.totals.items():
            need(stated.get(code) == minor, f"{code!a} has {minor}, not {stated.get(code)!a}")
        counts = {"anchored": self.entries - len(self.digests), "blocks": len(self.blocks) - 1}
        counted = {"balances": self.totals, "entries": self.entries, **counts}
        self.ended = spell(row) == spell(counted)
        need(self.ended, "the counts or accounts are not those of the entries")


def refuse(spelled: str) -> None:
    """Stop at a number that is not whole."""
    raise ValueError(f"{spelled[:20]} is no whole number")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one with a field that stands twice could be read in two ways."""
    need(len(dict(pairs)) == len(pairs), "a field stands twice")
    return dict(pairs)


def take(ledger: Ledger, number: int, line: str) -> None:
    """Take one line of the file; raises ValueError where it is not right."""
    row = json.loads(line, parse_float=refuse, parse_constant=refuse, object_pairs_hook=once)
    need(not ledger.ended, "something follows the balances")
    if number == 1:
        need(spell(row) == b'{"format":"upss-ledger","version":1}', "not an exported ledger")
    elif "entry" in row:
        ledger.entry(row)
    elif "block" in row:
        ledger.block(row)
    else:
        ledger.end(row)


def main(arguments: list[str] | None = None) -> int:
    """Check the file that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported ledger.")
    parser.add_argument("file")
    parser.add_argument("--anchor", metavar="HASH", help="the hash of a block, from elsewhere")
    asked, ledger, number = parser.parse_args(arguments), Ledger(), 0
    try:
        with open(asked.file, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                take(ledger, number, line)
        need(ledger.ended, "the file is cut off here")
        need(asked.anchor in [None, *ledger.blocks[1:]], "the anchor is the hash of no block")
    except (ValueError, OSError, LookupError, TypeError, AttributeError, RecursionError) as error:
        print(ascii(f"NOT RIGHT, line {number}: {type(error).__name__}: {error}")[1:-1])
        return 1
    newest = len(ledger.blocks) - 1
    print(f"All is right: {ledger.entries} entries, {len(ledger.digests)} of them in no block.")
    print(f"Block {newest} is {ledger.blocks[newest]}")
    if asked.anchor:
        print(f"The anchor is block {ledger.blocks.index(asked.anchor)}: nothing up to it changed.")
    else:
        print("Compare it with a hash that you kept, or give that as --anchor.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
