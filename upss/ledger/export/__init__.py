"""The whole ledger as a file, made line by line from one snapshot, in one of four forms."""

from __future__ import annotations

from upss.ledger.export import beancount, csv_lines, hledger, jsonl

FORMS = {
    "jsonl": jsonl.lines,
    "beancount": beancount.lines,
    "hledger": hledger.lines,
    "csv": csv_lines.lines,
}
