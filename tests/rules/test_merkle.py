"""The tree over a block's entries: the shape of RFC 6962, proofs that hold, and those that do not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.ledger.rules.merkle import NO_BLOCK, Block, leaf, node, proof, root

DIGESTS = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=70)
BLOCK = Block(
    seq=1,
    prev=NO_BLOCK,
    n_entries=3,
    root="ab" * 32,
    sealed_at=datetime(2026, 11, 1, 12, 0, 0, 5, tzinfo=UTC),
)


def named(n):
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(n)]


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def check_proof(digest, position, n_entries, steps, expected_root):
    """Whether the steps lead from this digest, at this position, to this root."""
    if not 0 <= position < n_entries:
        return False
    reached, left = leaf(digest), list(steps)
    while n_entries > 1:
        if position ^ 1 < n_entries:
            if not left:
                return False
            step = left.pop(0)
            reached = node(step, reached) if position % 2 else node(reached, step)
        position, n_entries = position // 2, (n_entries + 1) // 2
    return not left and reached == expected_root


def by_definition(leaves):
    """The hash of RFC 6962, section 2.1, word by word: split at the largest power of two below n."""
    if len(leaves) == 1:
        return sha(b"\x00", leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01", by_definition(leaves[:k]), by_definition(leaves[k:]))


def path_by_definition(leaves, m):
    """The audit path of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*path_by_definition(leaves[:k], m), by_definition(leaves[k:])]
    return [*path_by_definition(leaves[k:], m - k), by_definition(leaves[:k])]


@pytest.mark.parametrize("n", [*range(1, 34), 511, 512])
def test_root_and_proofs_are_those_of_the_definition(n):
    digests = named(n)
    raw = [bytes.fromhex(digest) for digest in digests]
    assert root(digests) == by_definition(raw).hex()
    for position in {0, 1, n // 2, n - 2, n - 1} & set(range(n)):
        expected = tuple(step.hex() for step in path_by_definition(raw, position))
        assert proof(digests, position) == expected


def test_known_values():
    """Computed by hand with sha256sum, so that no code of ours stands behind them."""
    zeros = "00" * 32
    assert leaf(zeros) == "7f9c9e31ac8256ca2f258583df262dbc7d6f68f2a03043d5c99a4ae5a7396ce9"
    assert root([zeros]) == leaf(zeros)
    assert root([zeros, zeros]) == node(leaf(zeros), leaf(zeros))


@given(DIGESTS)
def test_every_proof_holds(digests):
    whole = root(digests)
    for position, digest in enumerate(digests):
        steps = proof(digests, position)
        assert len(steps) <= (len(digests) - 1).bit_length()
        assert check_proof(digest, position, len(digests), steps, whole)


def flipped(digest):
    return f"{int(digest[0], 16) ^ 1:x}{digest[1:]}"


@given(DIGESTS, st.data())
def test_no_proof_holds_for_anything_else(digests, data):
    n, whole = len(digests), root(digests)
    position = data.draw(st.integers(0, n - 1))
    digest, steps = digests[position], proof(digests, position)
    assert not check_proof(flipped(digest), position, n, steps, whole)
    assert not check_proof(digest, position, n, steps, flipped(whole))
    assert not check_proof(digest, position, n, (*steps, whole), whole)
    for wrong in (-1, n, n + 1):
        assert not check_proof(digest, wrong, n, steps, whole)
    for place, step in enumerate(steps):
        bent = (*steps[:place], flipped(step), *steps[place + 1 :])
        assert not check_proof(digest, position, n, bent, whole)
        assert not check_proof(digest, position, n, steps[:place], whole)


@given(st.integers(2, 70), st.data())
def test_a_proof_holds_at_its_own_position_only(n, data):
    digests = named(n)
    position = data.draw(st.integers(0, n - 1))
    steps = proof(digests, position)
    holds = [check_proof(digests[position], at, n, steps, root(digests)) for at in range(n)]
    assert [at for at, held in enumerate(holds) if held] == [position]


def test_a_node_never_passes_for_a_leaf():
    first, second = named(2)
    assert root([first, second]) != leaf(first + second)
    assert node(first, second) != node(second, first)


def test_the_hash_of_a_block_is_that_of_the_published_form():
    form = (
        b'upss-block-v1\x00{"n_entries":3,"prev":"' + b"0" * 64 + b'","root":"' + b"ab" * 32 + b'",'
        b'"sealed_at":"2026-11-01T12:00:00.000005+00:00","seq":1}'
    )
    assert BLOCK.hash == hashlib.sha256(form).hexdigest()


def test_the_hash_covers_every_field_but_not_the_zone_in_which_a_time_is_spelled():
    later = BLOCK.sealed_at + timedelta(microseconds=1)
    changes = [{"seq": 2}, {"prev": "1" * 64}, {"n_entries": 4}, {"root": "0" * 64}]
    others = [replace(BLOCK, **change) for change in [*changes, {"sealed_at": later}]]
    assert len({BLOCK.hash, *(other.hash for other in others)}) == 6
    elsewhere = BLOCK.sealed_at.astimezone(timezone(timedelta(hours=2)))
    assert replace(BLOCK, sealed_at=elsewhere).hash == BLOCK.hash
