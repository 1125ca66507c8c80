"""Trees of hashes over the entries of a block, proofs of one entry, and the hash of a block.

The shape and the marks of the tree are those of RFC 6962; everything is SHA-256. Digests, roots
and the steps of a proof are spelled in hexadecimal, as they are stored and shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from upss.ledger.rules.entry import canonical_json

# What stands before the first block.
NO_BLOCK = "0" * 64
_BLOCK_DOMAIN = b"upss-block-v1\0"
# Marks that keep a leaf from ever passing for a node.
_LEAF, _NODE = b"\0", b"\1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The head of a block: everything that its hash covers."""

    seq: int
    prev: str
    n_entries: int
    root: str
    sealed_at: datetime

    @property
    def hash(self) -> str:
        """The SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(_BLOCK_DOMAIN + canonical_json(self.document())).hexdigest()

    def document(self) -> dict[str, object]:
        """Return the head as plain JSON values."""
        return {
            "seq": self.seq,
            "prev": self.prev,
            "n_entries": self.n_entries,
            "root": self.root,
            "sealed_at": self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }


def leaf(digest: str) -> str:
    """Return the hash of a leaf: the digest of one entry."""
    return hashlib.sha256(_LEAF + bytes.fromhex(digest)).hexdigest()


def node(left: str, right: str) -> str:
    """Return the hash of the node over two others."""
    return hashlib.sha256(_NODE + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def root(digests: Sequence[str]) -> str:
    """Return the root over these digests, at least one, in the order of the block."""
    return list(_levels(digests))[-1][0]


def proof(digests: Sequence[str], position: int) -> tuple[str, ...]:
    """Return what leads from one digest to the root: its neighbours, from the leaf upwards."""
    steps = []
    for level in _levels(digests):
        if position ^ 1 < len(level):
            steps.append(level[position ^ 1])
        position //= 2
    return tuple(steps)


def _levels(digests: Sequence[str]) -> Iterator[list[str]]:
    """Yield the tree from the leaves to the root; who has no neighbour moves up unchanged."""
    level = [leaf(digest) for digest in digests]
    while len(level) > 1:
        yield level
        pairs = [level[start : start + 2] for start in range(0, len(level), 2)]
        level = [node(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    yield level
