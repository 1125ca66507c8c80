"""When a waiting question may be taken agrees with whether it waits, at every instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.activity import ORGANIZER_PEAKS, ActivityProfile
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.queue import QuestionView, release_at, waits
from upss.forum.rules.release import opens_at

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DIALS = Dials(
    version_id=1,
    policy=Policy(),
    prior_per_hour=0.5,
    peak_source=PeakSource.PINNED,
    fixed_cells=ORGANIZER_PEAKS,
    pins={10: False, 100: True},
    closed=frozenset({date(2026, 11, 18)}),
    peaks=ORGANIZER_PEAKS,
)
PEAKS = DIALS.peak_map("Europe/Madrid")
minutes = st.integers(0, 9 * 24 * 60).map(lambda n: MONDAY + n * MINUTE)


@given(minutes, minutes, st.integers(0, 72 * 60), st.sampled_from(Mode))
def test_it_opens_when_it_no_longer_waits(posted, now, wait, mode):
    now, policy = max(posted, now), Policy(mode=mode)
    view = QuestionView(
        id=1, topic="home", language="en", posted_at=posted, asker_id=1, share_minor=1, currency="EUR",
        minutes=10, released_at=release_at(posted, PEAKS, mode, is_express=False),
        urgent_from=posted + wait * MINUTE,
    )  # fmt: skip

    def is_held(at):
        return waits(view, at, policy, is_peak=PEAKS.is_peak(at))

    opens = opens_at(
        released_at=view.released_at, urgent_from=view.urgent_from, now=now, mode=mode, peaks=PEAKS
    )
    assert opens >= now
    assert (opens == now) is not is_held(now)
    assert not is_held(opens)
    if opens > now:
        assert is_held(opens - timedelta(microseconds=1))


def test_fixed_peaks_are_the_organizers_whatever_comes():
    busy = ActivityProfile(tuple([1.0] * 30 + [90.0] * 18), seen=900, week=1)
    fixed = replace(DIALS, peak_source=PeakSource.FIXED)
    assert fixed.peaks_from(busy) == ORGANIZER_PEAKS
    learned = replace(DIALS, peak_source=PeakSource.LEARNED).peaks_from(busy)
    assert learned != ORGANIZER_PEAKS
    assert 100 not in learned
    assert DIALS.peaks_from(busy) == (learned | {100}) - {10}


def test_until_enough_is_seen_the_organizers_hold_with_the_pins():
    new = ActivityProfile()
    assert DIALS.peaks_from(new) == (ORGANIZER_PEAKS | {100}) - {10}
    assert replace(DIALS, peak_source=PeakSource.LEARNED).peaks_from(new) == ORGANIZER_PEAKS
