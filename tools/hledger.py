"""Where hledger is: `python -m tools.hledger` prints its path, and installs it if it may."""

from __future__ import annotations

import sys

from tools.program import Program

HLEDGER = Program(
    title="hledger",
    names=("hledger",),
    variable="UPSS_HLEDGER",
    packages=("hledger",),
    needed_by="The tests of the ledger's export",
)
find = HLEDGER.find
main = HLEDGER.main
explain = HLEDGER.explain

if __name__ == "__main__":
    sys.exit(main())
