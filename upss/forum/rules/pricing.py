"""The price menu: three sizes of answer, and what each part of the price goes to."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    """How much work the asker buys; never a place in the queue or a shorter promise."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


# About how long an answer of each size takes to write, in minutes.
MINUTES = {Size.SMALL: 10, Size.MEDIUM: 20, Size.LARGE: 40}
