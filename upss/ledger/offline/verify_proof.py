"""Check the proof of some entries without UPSS: python verify_proof.py FILE --anchor HASH.

Each entry is led up to the root of its block, and its block along the chain to the anchor: the
hash of a block that you kept from a statement, a mail or the public page. Without it the proof
only agrees with itself. Exit code: 0 all is right, 1 something is not, 2 wrong usage.
"""

import argparse
import hashlib
import json
import sys

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


def climb(digest, position, size, path):  # what has no neighbour moves up as it is
    need(type(position) is int and 0 <= position < size, "no such place in the block")
    reached, steps = sha(b"\0", bytes.fromhex(digest)), [bytes.fromhex(step) for step in path]
    need([step.hex() for step in steps] == path, "a hash of the path is misspelled")
    while size > 1:
        if position ^ 1 < size:
            need(steps, "the path is too short")
            step = steps.pop(0)
            reached = sha(b"\1", step, reached) if position % 2 else sha(b"\1", reached, step)
        position, size = position // 2, (size + 1) // 2
    need(not steps, "the path is too long")
    return reached.hex()


class Proof:  # what was read so far: entries by id, then an unbroken part of the chain
    def __init__(self):
        self.entries, self.blocks = {}, {}

    def entry(self, row):
        entry = fields(ENTRY, fields("block digest entry id path pos", row)["entry"])
        digest = sha(b"upss-entry-v1\0", spell(entry)).hex()
        need(digest == row["digest"], "the digest is not that of the entry")
        need(type(row["id"]) is type(row["block"]) is int, "an id that is no number")
        need(row["id"] > max(self.entries, default=0), "an entry out of order, or twice")
        need(not self.blocks, "an entry after the blocks")
        self.entries[row["id"]] = row

    def block(self, row):  # the first may be any of the chain
        block = fields("hash n_entries prev root sealed_at seq", fields("block", row)["block"])
        before = self.blocks[max(self.blocks)] if self.blocks else None
        follows = before is None or block["prev"] == before["hash"]
        need(follows, "it does not follow the block before")
        need(before is None or block["seq"] == before["seq"] + 1, "its number is not the next")
        head = {name: value for name, value in block.items() if name != "hash"}
        found = sha(b"upss-block-v1\0", spell(head)).hex()
        need(found == block["hash"], "the hash is not that of the block")
        self.blocks[block["seq"]] = block

    def take(self, number, line):  # what is no whole number is none for int(), and so refused
        row = json.loads(line, parse_float=int, parse_constant=int, object_pairs_hook=once)
        if number > 1:
            (self.entry if "entry" in row else self.block)(row)
            return
        row.pop("not_anchored", None)  # how many entries are in no block up to the last one here
        need(spell(row) == b'{"format":"upss-proof","version":1}', "not a proof")

    def end(self, anchor):  # every entry leads to its block, every block to the anchor
        need(self.entries and self.blocks, "the proof is empty or cut off")
        last = [seq for seq, block in self.blocks.items() if anchor in (None, block["hash"])]
        need(last, "the anchor is the hash of no block here")
        for number, row in self.entries.items():
            need(row["block"] in self.blocks, f"entry {number}: its block is missing")
            need(row["block"] <= last[-1], f"entry {number} is newer than the anchor")
            block = self.blocks[row["block"]]
            found = climb(row["digest"], row["pos"], block["n_entries"], row["path"])
            need(found == block["root"], f"entry {number}: the path does not lead to the root")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check the proof of some entries of the ledger.")
    parser.add_argument("file")
    parser.add_argument("--anchor", metavar="HASH", help="the hash of a block, from elsewhere")
    asked, proof, number = parser.parse_args(arguments), Proof(), 0
    try:
        with open(asked.file, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                proof.take(number, line)
        proof.end(asked.anchor)
    except (ValueError, OSError, LookupError, TypeError, AttributeError, RecursionError) as error:
        print(ascii(f"NOT RIGHT, line {number}: {type(error).__name__}: {error}")[1:-1])
        return 1
    newest = proof.blocks[max(proof.blocks)]
    print(f"All is right: {len(proof.entries)} entries are in the chain of block {newest['seq']}.")
    print("It leads to your anchor." if asked.anchor else f"Keep or compare {newest['hash']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
