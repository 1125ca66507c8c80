"""Check an exported ledger without UPSS: python verify_ledger.py FILE [--anchor HASH].

Everything in the file is computed again and compared. HASH is that of any block, kept from a
statement, a mail or the public page: only with it are a rewritten history and a cut-off end found.
Exit code: 0 all is right, 1 something is not, 2 wrong usage. Needs Python alone, 3.8 or newer.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter

ENTRY = "actor approver booked_at external_ref key kind lines reason request reverses value_date"


def need(right, words):
    if not right:
        raise ValueError(words)


def fields(names, row):  # exactly these and no other
    need(type(row) is dict and sorted(row) == names.split(), f"the fields are not: {names}")
    return row


def once(pairs):  # an object with a field that stands twice could be read in two ways
    need(len(dict(pairs)) == len(pairs), "a field stands twice")
    return dict(pairs)


def spell(value):  # the one spelling: keys sorted, no spaces, ASCII alone
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves):  # of the tree whose left part is the largest power of two below the whole
    if len(leaves) == 1:
        return leaves[0]
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root(leaves[:cut]), root(leaves[cut:]))


class Ledger:  # what was read so far: entries by id, then blocks, then the balances
    def __init__(self):
        self.entries, self.last, self.ended = 0, 0, False
        self.waiting, self.hashes = {}, ["0" * 64]  # digests of entries in no block yet; blocks
        self.balances, self.currencies = Counter(), {}

    def entry(self, row):
        entry, number = fields(ENTRY, fields("digest entry id", row)["entry"]), row["id"]
        digest, sums = sha(b"upss-entry-v1\0", spell(entry)).hex(), Counter()
        need(digest == row["digest"], "the digest is not that of the entry")
        need(type(number) is int and number > self.last, "an entry out of order, or twice")
        need(len(self.hashes) == 1, "an entry after the blocks")
        need(entry["reverses"] is None or entry["reverses"] in self.waiting, "it reverses nothing")
        for account, currency, amount, _question in entry["lines"]:
            need(type(amount) is int and 0 < abs(amount) < 2**53, "an amount that is none")
            need(self.currencies.setdefault(account, currency) == currency, "two currencies")
            sums[currency] += amount
            self.balances[account] += amount
        need(sums and not any(sums.values()), "the lines do not add up to zero")
        self.entries, self.last, self.waiting[number] = self.entries + 1, number, digest

    def block(self, row):
        block, ids = fields("block entries", row)["block"], row["entries"]
        head = {**fields("hash n_entries prev root sealed_at seq", block)}
        stated, place = head.pop("hash"), {"prev": self.hashes[-1], "seq": len(self.hashes)}
        need(spell({**head, **place}) == spell(head), "it does not follow the block before")
        self.hashes.append(sha(b"upss-block-v1\0", spell(head)).hex())
        need(self.hashes[-1] == stated, "the hash is not that of the block")
        need(all(type(one) is int for one in ids) and ids == sorted(set(ids)), "ids out of order")
        need(len(ids) == head["n_entries"] > 0, "not as many entries as the block states")
        need(all(one in self.waiting for one in ids), "an entry that is missing, or in two blocks")
        tree = root([sha(b"\0", bytes.fromhex(self.waiting.pop(one))) for one in ids])
        need(tree.hex() == head["root"], "the root is not that of the entries")

    def end(self, row):
        stated = fields("anchored balances blocks entries", row)["balances"]
        for code, minor in self.balances.items():
            need(stated.get(code) == minor, f"{code!a} has {minor}, not {stated.get(code)!a}")
        counts = {"anchored": self.entries - len(self.waiting), "blocks": len(self.hashes) - 1}
        counted = {"balances": self.balances, "entries": self.entries, **counts}
        need(spell(row) == spell(counted), "the counts or accounts are not those of the entries")
        self.ended = True

    def take(self, number, line):  # what is no whole number is none for int(), and so refused
        row = json.loads(line, parse_float=int, parse_constant=int, object_pairs_hook=once)
        need(not self.ended, "something follows the balances")
        if number == 1:
            need(spell(row) == b'{"format":"upss-ledger","version":1}', "not an exported ledger")
        else:
            (self.entry if "entry" in row else self.block if "block" in row else self.end)(row)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check an exported ledger.")
    parser.add_argument("file")
    parser.add_argument("--anchor", metavar="HASH", help="the hash of a block, from elsewhere")
    asked, ledger, number = parser.parse_args(arguments), Ledger(), 0
    try:
        with open(asked.file, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                ledger.take(number, line)
        need(ledger.ended, "the file is cut off here")
        need(asked.anchor in [None, *ledger.hashes[1:]], "the anchor is the hash of no block")
    except (ValueError, OSError, LookupError, TypeError, AttributeError, RecursionError) as error:
        print(ascii(f"NOT RIGHT, line {number}: {type(error).__name__}: {error}")[1:-1])
        return 1
    print(f"All is right: {ledger.entries} entries, {len(ledger.waiting)} of them in no block.")
    print(f"Block {len(ledger.hashes) - 1} is {ledger.hashes[-1]}")
    print(
        f"The anchor is block {ledger.hashes.index(asked.anchor)}: nothing up to it changed."
        if asked.anchor
        else "Compare it with a hash that you kept, or give that as --anchor."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
