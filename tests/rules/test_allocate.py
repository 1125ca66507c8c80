"""Webster's method: exact, no share falls when the total grows, and the same as cent by cent."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.kernel.errors import BadAmount
from upss.kernel.money import MAX_MINOR
from upss.ledger.rules.allocate import allocate

# Two and three parties with weights 1-9, four with 1-5: 81 + 729 + 625.
FEW = [
    weights
    for parties, heaviest in ((2, 9), (3, 9), (4, 5))
    for weights in product(range(1, heaviest + 1), repeat=parties)
]
TOTALS = range(61)
WEIGHTS = st.lists(st.integers(1, 1000), min_size=1, max_size=6)


def cent_by_cent(weights, until):
    """Yield Webster's shares of 0, 1, 2... cents by its definition, without any shortcut."""
    shares = [0] * len(weights)
    yield tuple(shares)
    for _ in range(until):
        claims = [
            Fraction(weight, 2 * share + 1) for weight, share in zip(weights, shares, strict=True)
        ]
        shares[claims.index(max(claims))] += 1
        yield tuple(shares)


def off(shares, weights, whole):
    """Yield how far each share of each total is from the exact one, times the whole weight."""
    for total, parts in enumerate(shares):
        for weight, share in zip(weights, parts, strict=True):
            yield abs(share * whole - total * weight)


@cache
def every_small_case():
    """Return the shares of every small case: weights -> one tuple for each total."""
    return {weights: [allocate(total, weights) for total in TOTALS] for weights in FEW}


# These go 87,000 times through a few lines, which the other tests trace as well.
untraced = pytest.mark.untraced


@untraced
def test_no_share_falls_when_the_total_grows_by_a_cent():
    steps = falls = 0
    for shares in every_small_case().values():
        for before, after in pairwise(shares):
            steps += 1
            falls += any(b < a for a, b in zip(before, after, strict=True))
    assert (steps, falls) == (86_100, 0)


@untraced
def test_every_small_case_sums_up_to_the_total():
    for shares in every_small_case().values():
        assert [sum(parts) for parts in shares] == list(TOTALS)
        assert min(map(min, shares)) == 0


@untraced
def test_every_small_case_is_the_naive_method():
    small = every_small_case()
    wrong = [
        weights
        for weights in FEW
        if max(weights) <= 5 and small[weights] != list(cent_by_cent(weights, TOTALS[-1]))
    ]
    assert wrong == []


@untraced
def test_the_largest_deviation_from_the_exact_share_is_the_stated_one():
    """Webster may leave the whole cents around the exact share: at most by a cent and an eighth."""
    largest = max(
        Fraction(max(off(shares, weights, sum(weights))), sum(weights))
        for weights, shares in every_small_case().items()
    )
    assert largest == Fraction(9, 8)


@given(WEIGHTS, st.integers(0, 400))
def test_any_weights_are_shared_as_cent_by_cent(weights, total):
    *_, last = cent_by_cent(weights, total)
    assert allocate(total, weights) == last


@given(WEIGHTS, st.integers(0, MAX_MINOR - 1))
def test_any_total_is_shared_exactly_and_nobody_loses_by_one_cent_more(weights, total):
    shares, more = allocate(total, weights), allocate(total + 1, weights)
    assert sum(shares) == total
    assert sorted(b - a for a, b in zip(shares, more, strict=True)) == [0] * (len(weights) - 1) + [
        1
    ]
    assert all(type(share) is int for share in shares)


@given(WEIGHTS, st.integers(0, MAX_MINOR))
def test_the_result_is_websters_whatever_the_size(weights, total):
    """Nobody's next cent is claimed more strongly than anybody's last: the method's definition."""
    shares = allocate(total, weights)
    last = min(
        (Fraction(w, 2 * share - 1) for w, share in zip(weights, shares, strict=True) if share),
        default=None,
    )
    following = max(Fraction(w, 2 * share + 1) for w, share in zip(weights, shares, strict=True))
    assert last is None or last >= following


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (1, (1, 1), (1, 0)),
        (3, (1, 1), (2, 1)),
        (1, (3, 3, 1), (1, 0, 0)),
        (2, (2, 2, 2, 2), (1, 1, 0, 0)),
        (3, (1, 3, 3), (1, 1, 1)),
        (4, (1, 3, 3), (1, 2, 1)),  # where largest remainder takes the first one's cent away
        (0, (7,), (0,)),
        (5, (7,), (5,)),
    ],
)
def test_ties_go_to_the_first_listed(total, weights, shares):
    assert allocate(total, weights) == shares


def test_the_largest_total_is_exact():
    shares = allocate(MAX_MINOR, (9, 7, 5, 3))
    assert sum(shares) == MAX_MINOR
    assert max(
        abs(share - Fraction(MAX_MINOR * weight, 24))
        for share, weight in zip(shares, (9, 7, 5, 3), strict=True)
    ) < Fraction(3, 2)


@pytest.mark.parametrize(
    ("total", "weights"),
    [
        (-1, (1,)),
        (10.0, (1,)),
        (True, (1,)),
        (MAX_MINOR + 1, (1,)),
        (10, ()),
        (10, (1, 0)),
        (10, (-1, 2)),
        (10, (1.0,)),
        (10, (True, 2)),
    ],
)
def test_what_cannot_be_shared_is_refused(total, weights):
    with pytest.raises(BadAmount):
        allocate(total, weights)
