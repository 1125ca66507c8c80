"""A claim lasts as long as something is saved; a press lengthens it and never shortens it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.lease import (
    Lease,
    LeaseEnded,
    begin,
    expires_at,
    extend,
    is_live,
    keep_until,
    saved,
    warn_at,
)
from upss.forum.rules.policy import Policy
from upss.forum.rules.timers import GRACE

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
POLICY = Policy()
PROMISE = NOON + 20 * HOUR


def ends(lease, promise_at=PROMISE):
    return expires_at(lease, POLICY, promise_at)


def test_a_claim_ends_two_hours_after_the_last_saved_change():
    lease = begin(NOON)
    assert ends(lease) == NOON + 2 * HOUR
    assert warn_at(lease, POLICY, PROMISE) == NOON + 100 * MINUTE
    lease = saved(lease, NOON + 119 * MINUTE, POLICY)
    assert ends(lease) == NOON + 239 * MINUTE
    assert is_live(lease, NOON + 239 * MINUTE - timedelta(microseconds=1), POLICY, PROMISE)
    assert not is_live(lease, NOON + 239 * MINUTE, POLICY, PROMISE)


def test_a_long_answer_is_never_cut_while_it_is_saved():
    lease, at = begin(NOON), NOON
    while at < PROMISE:
        at += 90 * MINUTE
        lease = saved(lease, at, POLICY)
    assert is_live(lease, at + HOUR, POLICY, PROMISE)
    assert lease.claimed_at == NOON


def pressed(lease, at, promise_at=PROMISE):
    return extend(lease, at, POLICY, promise_at=promise_at)


def test_a_press_gives_two_hours_from_now_and_twenty_presses_give_twenty_times_more():
    lease, at, promise_at = begin(NOON), NOON, NOON + 40 * HOUR
    for presses in range(1, 21):
        at += 100 * MINUTE
        lease = pressed(lease, at, promise_at)
        assert (lease.extensions, ends(lease, promise_at)) == (presses, at + 2 * HOUR)
    assert lease.last_saved == NOON  # a press is no saved change


def test_after_the_promise_ten_presses_are_free_and_then_something_must_be_saved_between_two():
    lease, at = begin(PROMISE), PROMISE
    for _ in range(10):
        at += 100 * MINUTE
        lease = pressed(lease, at)
        assert ends(lease) == at + 2 * HOUR
    assert pressed(lease, at + 100 * MINUTE) == lease
    lease = saved(lease, at + 100 * MINUTE, POLICY)
    again = pressed(lease, at + 110 * MINUTE)
    assert ends(again) == at + 230 * MINUTE
    assert pressed(again, at + 120 * MINUTE) == again


def test_a_claim_ends_for_good_when_the_asker_is_refunded():
    late = PROMISE + GRACE - HOUR
    lease = pressed(begin(late), late + 30 * MINUTE)
    assert ends(lease) == PROMISE + GRACE
    assert not is_live(lease, PROMISE + GRACE, POLICY, PROMISE)
    again = pressed(lease, PROMISE + GRACE)  # what is over stays over
    assert not is_live(again, PROMISE + GRACE, POLICY, PROMISE)


@pytest.mark.parametrize("press", ["save", "extend", "keep"])
def test_an_ended_claim_is_not_brought_back(press):
    def act(lease, now):
        if press == "save":
            return saved(lease, now, POLICY)
        if press == "extend":
            return pressed(lease, now)
        return keep_until(lease, now, POLICY, window_end=NOON + 9 * HOUR, promise_at=PROMISE)

    lease = begin(NOON)
    assert is_live(act(lease, NOON + 119 * MINUTE), NOON + 2 * HOUR, POLICY, PROMISE) is True
    with pytest.raises(LeaseEnded) as ended:
        act(lease, NOON + 2 * HOUR)
    assert (ended.value.code, ended.value.facts) == (
        "lease_ended",
        {"ended_at": NOON + 2 * HOUR},
    )


@pytest.mark.parametrize(
    ("window_end", "until"),
    [
        (9, 9),  # the end of the next own window
        (18, 18),
        (30, 18),  # two hours are left for another answerer
        (1, 2),  # never shortens
    ],
)
def test_a_claim_can_be_kept_until_the_next_own_hours(window_end, until):
    lease = keep_until(
        begin(NOON), NOON, POLICY, window_end=NOON + window_end * HOUR, promise_at=PROMISE
    )
    assert ends(lease) == NOON + until * HOUR
    assert lease.extensions == 1


def test_a_claim_made_after_the_promise_lasts_two_hours_and_can_only_be_extended():
    late = PROMISE + HOUR
    lease = keep_until(begin(late), late, POLICY, window_end=late + 9 * HOUR, promise_at=PROMISE)
    assert ends(lease) == late + 2 * HOUR
    assert ends(pressed(lease, late + HOUR)) == late + 3 * HOUR


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["save", "extend", "keep"]), st.integers(-90, 130), st.integers(0, 60)
        ),
        max_size=30,
    ),
    st.integers(-60, 60),
)
def test_nothing_ever_shortens_a_live_claim(presses, promise_in):
    """Also when the clock is set back, and whatever was promised."""
    promise_at = NOON + promise_in * HOUR
    lease, now = begin(NOON), NOON
    for kind, minutes, window in presses:
        now += minutes * MINUTE
        before, was_live = ends(lease, promise_at), is_live(lease, now, POLICY, promise_at)
        try:
            if kind == "save":
                lease = saved(lease, now, POLICY)
            elif kind == "extend":
                lease = pressed(lease, now, promise_at)
            else:
                end = now + window * HOUR
                lease = keep_until(lease, now, POLICY, window_end=end, promise_at=promise_at)
        except LeaseEnded:
            assert not was_live
            continue
        assert ends(lease, promise_at) >= before
        assert is_live(lease, now, POLICY, promise_at) == was_live
        assert ends(lease, promise_at) <= promise_at + GRACE
        if kind != "keep":
            assert ends(lease, promise_at) >= min(now + POLICY.lease, promise_at + GRACE)
    assert lease.claimed_at == NOON
    assert lease.extensions <= len(presses)


def test_a_lease_can_be_read_back_from_its_columns():
    lease = Lease(NOON, NOON + HOUR, 3, NOON + 5 * HOUR)
    assert ends(lease) == NOON + 5 * HOUR
    assert ends(saved(lease, NOON + 4 * HOUR, POLICY)) == NOON + 6 * HOUR
