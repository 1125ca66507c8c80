"""The queue: a reason for every refusal, one order, nobody's question overtaken for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.queue import (
    AnswererView,
    ClaimRefused,
    QuestionView,
    Reason,
    Verdict,
    check_claim,
    claimable,
    is_claimable,
    next_question,
    order_key,
    percentiles,
    release_at,
    reservation_until,
)

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ME, OTHER, ASKER = 7, 8, 1
POLICY = Policy()


class Full:
    """Caps with room for less than `minutes` and `share`."""

    def __init__(self, share=0, minutes=0):
        self.share, self.minutes = share, minutes

    def has_room(self, share_minor, currency, minutes):
        return share_minor < self.share and minutes < self.minutes and currency == "EUR"


class Until:
    """A peak that ends at `end`."""

    def __init__(self, end):
        self.end = end

    def next_nonpeak(self, at):
        return max(at, self.end)


def question(**facts):
    """A question released five hours ago, not yet urgent, which anybody may claim."""
    usual = {
        "id": 3,
        "topic": "law",
        "language": "es",
        "posted_at": NOW - 6 * HOUR,
        "released_at": NOW - 5 * HOUR,
        "urgent_from": NOW + 5 * HOUR,
        "asker_id": ASKER,
        "share_minor": 800,
        "currency": "EUR",
        "minutes": 20,
    }
    return QuestionView(**(usual | facts))


def answerer(**facts):
    usual = {"id": ME, "topics": frozenset({"law", "cars"}), "languages": frozenset({"es", "ca"})}
    return AnswererView(**(usual | facts))


def reasons(q, a, policy=POLICY, **at):
    return set(claimable(q, a, NOW, policy, **at).reasons)


# --- each reason, and its edge ------------------------------------------------------------------

ALONE = [
    (Reason.TOPIC, {"topic": "tax"}, {}),
    (Reason.LANGUAGE, {"language": "en"}, {}),
    (Reason.TAKEN, {"is_taken": True}, {}),
    (Reason.OWN_QUESTION, {"asker_id": ME}, {}),
    (Reason.EXCLUDED, {"excluded": frozenset({ME})}, {}),
    (Reason.SKIPPED, {}, {"skipped": frozenset({3})}),
    (Reason.AWAY, {}, {"is_away": True}),
    (Reason.TOO_MANY, {}, {"open_claims": 3}),
    (Reason.NO_PAID_WORK, {}, {"no_paid_work": True}),
    (Reason.PEAK, {"released_at": NOW + timedelta(microseconds=1)}, {}),
    (Reason.RESERVED, {"reserved_for": OTHER, "reserved_until": NOW + HOUR}, {}),
    (Reason.STAGGER, {"released_at": NOW - 119 * HOUR / 60}, {"percentile": 0.5}),
    (Reason.DAILY, {}, {"minutes_today": 101}),
    (Reason.DAILY, {}, {"answers_today": 4, "daily_answers": 4}),
    (Reason.OWN_LIMITS, {}, {"caps": Full(800, 21)}),
]
JUST = [  # one step from each edge above: allowed
    ({"excluded": frozenset({OTHER})}, {"skipped": frozenset({4})}),
    ({}, {"open_claims": 2}),
    ({"released_at": NOW}, {}),
    ({"released_at": NOW - 2 * HOUR}, {"percentile": 0.5}),
    ({"released_at": NOW - 4 * HOUR}, {"percentile": 1.0}),
    ({"reserved_for": OTHER, "reserved_until": NOW}, {}),
    ({"reserved_for": ME, "reserved_until": NOW + HOUR}, {}),
    ({"reserved_for": OTHER}, {}),
    ({}, {"minutes_today": 100}),
    ({}, {"answers_today": 3, "daily_answers": 4}),
    ({}, {"caps": Full(801, 21)}),
]


@pytest.mark.parametrize(("reason", "q", "a"), ALONE)
def test_each_reason_alone(reason, q, a):
    assert reasons(question(**q), answerer(**a)) == {reason}


@pytest.mark.parametrize(("q", "a"), JUST)
def test_one_step_before_each_reason(q, a):
    assert claimable(question(**q), answerer(**a), NOW, POLICY).ok


def test_all_reasons_at_once():
    q = question(
        topic="tax",
        language="en",
        is_taken=True,
        asker_id=ME,
        excluded=frozenset({ME}),
        released_at=NOW,
        reserved_for=OTHER,
        reserved_until=NOW + HOUR,
    )
    a = answerer(
        skipped=frozenset({3}),
        is_away=True,
        open_claims=3,
        no_paid_work=True,
        percentile=0.1,
        minutes_today=101,
        caps=Full(),
    )
    assert reasons(q, a, is_peak=True) == set(Reason)


def test_the_organizer_cannot_tell_a_cap_from_another_private_limit():
    for private in ({Reason.NO_PAID_WORK}, {Reason.OWN_LIMITS}, {*Reason} - {Reason.TOPIC}):
        shown = Verdict(frozenset(private)).for_organizer
        assert Reason.NO_PAID_WORK not in shown
        assert shown == (private - {Reason.NO_PAID_WORK}) | {Reason.OWN_LIMITS}
    assert Verdict(frozenset({Reason.DAILY})).for_organizer == {Reason.DAILY}


def test_a_refused_claim_says_the_first_reason_and_all():
    check_claim(question(), answerer(), NOW, POLICY)
    with pytest.raises(ClaimRefused) as refused:
        check_claim(question(topic="tax", asker_id=ME), answerer(), NOW, POLICY)
    assert refused.value.code == "claim_refused"
    assert refused.value.facts == {"reason": "topic", "reasons": ("topic", "own_question")}


# --- peaks, urgency, express, the head start ----------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "facts", "is_peak", "waits"),
    [
        (Mode.DEFERRED, {}, False, False),
        (Mode.DEFERRED, {}, True, True),  # released before, and this is the next peak
        (Mode.DEFERRED, {"urgent_from": NOW}, True, False),
        (Mode.DEFERRED, {"urgent_from": NOW, "released_at": NOW + HOUR}, True, False),
        (Mode.DEFERRED, {"is_express": True}, True, False),
        (Mode.STRICT, {"urgent_from": NOW}, True, True),
        (Mode.STRICT, {"urgent_from": NOW, "released_at": NOW + HOUR}, False, True),
        (Mode.STRICT, {"is_express": True}, True, False),
        (Mode.STRICT, {}, False, False),
        (Mode.OPEN, {"released_at": NOW + HOUR}, True, False),
    ],
)
def test_what_waits_in_a_peak(mode, facts, is_peak, waits):
    found = reasons(question(**facts), answerer(), Policy(mode=mode), is_peak=is_peak)
    assert found == ({Reason.PEAK} if waits else set())


def test_the_stagger_counts_from_the_release_and_in_open_mode_from_the_posting():
    rich = answerer(percentile=1.0)
    waiting = question(posted_at=NOW - HOUR, released_at=NOW + HOUR)
    assert reasons(waiting, rich) == {Reason.PEAK}
    assert reasons(waiting, rich, Policy(mode=Mode.OPEN)) == {Reason.STAGGER}
    old = question(posted_at=NOW - 4 * HOUR, released_at=NOW + HOUR)
    assert not reasons(old, rich, Policy(mode=Mode.OPEN))


@pytest.mark.parametrize(
    "facts",
    [
        {"urgent_from": NOW},
        {"is_express": True},
        {"reserved_for": ME, "reserved_until": NOW + HOUR},
    ],
)
def test_urgent_express_and_kept_questions_ignore_the_stagger(facts):
    rich = answerer(percentile=1.0)
    assert reasons(question(released_at=NOW), rich) == {Reason.STAGGER}
    assert not reasons(question(released_at=NOW, **facts), rich)
    assert not reasons(question(released_at=NOW), rich, Policy(stagger=timedelta(0)))


def test_a_question_is_released_when_its_peak_ends():
    peak = Until(NOW + HOUR)
    assert release_at(NOW, peak, Mode.DEFERRED, is_express=False) == NOW + HOUR
    assert release_at(NOW, peak, Mode.STRICT, is_express=False) == NOW + HOUR
    assert release_at(NOW + 2 * HOUR, peak, Mode.DEFERRED, is_express=False) == NOW + 2 * HOUR
    assert release_at(NOW, peak, Mode.OPEN, is_express=False) == NOW
    assert release_at(NOW, peak, Mode.STRICT, is_express=True) == NOW


@pytest.mark.parametrize(
    ("facts", "until"),
    [
        ({}, 4),
        ({"opens_at": NOW + 4 * HOUR}, None),
        ({"opens_at": NOW + 3 * HOUR}, 4),
        ({"opens_at": None}, None),
        ({"urgent_from": NOW + 2 * HOUR}, 2),
        ({"urgent_from": NOW}, None),
        ({"is_express": True}, None),
        ({"policy": Policy(continuity=timedelta(0))}, None),
    ],
)
def test_the_head_start_of_the_previous_answerer(facts, until):
    usual = {
        "released_at": NOW,
        "urgent_from": NOW + 9 * HOUR,
        "opens_at": NOW,
        "is_express": False,
        "policy": POLICY,
    }
    found = reservation_until(**(usual | facts))
    assert found == (None if until is None else NOW + until * HOUR)


# --- the order ----------------------------------------------------------------------------------


def test_express_comes_first_then_what_is_kept_then_by_posting():
    early, late = NOW - 9 * HOUR, NOW - 8 * HOUR
    kept = {"reserved_for": ME, "reserved_until": NOW + HOUR}
    rows = [
        question(id=9, posted_at=late, is_express=True, **kept),
        question(id=8, posted_at=early, is_express=True),
        question(id=7, posted_at=late, **kept),
        question(id=4, posted_at=early),
        question(id=6, posted_at=early, reserved_for=ME, reserved_until=NOW),  # is over
        question(id=5, posted_at=late, reserved_for=OTHER, reserved_until=NOW),
    ]
    for few in permutations(rows, 4):
        offered = next_question(answerer(), few, NOW, POLICY)
        assert offered == min(few, key=rows.index)
    assert next_question(answerer(is_away=True), rows, NOW, POLICY) is None
    assert next_question(answerer(), [], NOW, POLICY) is None


HOURS = st.integers(-12, 12).map(lambda hours: NOW + hours * HOUR)
PEOPLE = st.sampled_from([ME, OTHER, ASKER])


@st.composite
def questions(draw):
    posted = NOW - draw(st.integers(0, 12)) * HOUR
    return question(
        id=draw(st.integers(1, 10**6)),
        topic=draw(st.sampled_from(["law", "law", "cars", "tax"])),
        language=draw(st.sampled_from(["es", "es", "ca", "en"])),
        posted_at=posted,
        released_at=posted + draw(st.integers(0, 12)) * HOUR,
        urgent_from=draw(HOURS),
        asker_id=draw(PEOPLE),
        is_express=draw(st.booleans()),
        is_taken=draw(st.integers(0, 9)) == 0,
        excluded=draw(st.frozensets(PEOPLE, max_size=1)),
        reserved_for=draw(st.none() | PEOPLE),
        reserved_until=draw(st.none() | HOURS),
        minutes=draw(st.sampled_from([10, 20, 40])),
        share_minor=draw(st.integers(0, 1500)),
    )


answerers = st.builds(
    answerer,
    topics=st.frozensets(st.sampled_from(["law", "cars", "tax"]), min_size=1),
    languages=st.frozensets(st.sampled_from(["es", "ca", "en"]), min_size=1),
    percentile=st.floats(0, 1),
    is_away=st.integers(0, 9).map(lambda n: n == 0),
    open_claims=st.integers(0, 4),
    minutes_today=st.integers(0, 130),
    answers_today=st.integers(0, 4),
    daily_answers=st.none() | st.integers(1, 5),
    caps=st.none() | st.builds(Full, st.integers(1, 2000), st.integers(11, 50)),
    no_paid_work=st.integers(0, 9).map(lambda n: n == 0),
)
policies = st.builds(Policy, mode=st.sampled_from(Mode))


@given(questions(), answerers, policies, st.booleans())
def test_a_claim_is_refused_exactly_when_there_is_a_reason(q, a, policy, is_peak):
    verdict = claimable(q, a, NOW, policy, is_peak=is_peak)
    assert verdict.ok == (not verdict.reasons)
    assert verdict.ok == is_claimable(q, a, NOW, policy, is_peak=is_peak)
    assert bool(verdict.for_organizer) == bool(verdict.reasons)
    if verdict.ok:
        check_claim(q, a, NOW, policy, is_peak=is_peak)
    else:
        with pytest.raises(ClaimRefused) as refused:
            check_claim(q, a, NOW, policy, is_peak=is_peak)
        assert set(refused.value.facts["reasons"]) == verdict.reasons
    # against the page's own words, written out a second time
    waiting = (is_peak or q.released_at > NOW) and policy.mode is not Mode.OPEN
    pierces = policy.mode is Mode.DEFERRED and q.urgent_from <= NOW
    assert (Reason.PEAK in verdict.reasons) == (waiting and not pierces and not q.is_express)
    kept = q.reserved_until is not None and q.reserved_until > NOW and q.reserved_for is not None
    kept = kept and q.urgent_from > NOW  # what is urgent waits for nobody
    assert (Reason.RESERVED in verdict.reasons) == (kept and q.reserved_for != ME)


@given(st.lists(questions(), max_size=5, unique_by=lambda q: q.id), answerers, st.randoms())
def test_the_offer_is_claimable_and_does_not_depend_on_the_order_it_was_read_in(rows, a, random):
    offered = next_question(a, rows, NOW, POLICY)
    may = sorted(
        (q for q in rows if claimable(q, a, NOW, POLICY).ok), key=lambda q: order_key(q, a, NOW)
    )
    assert offered == (may[0] if may else None)
    random.shuffle(rows)
    assert next_question(a, rows, NOW, POLICY) == offered
    keys = [order_key(q, a, NOW) for q in rows]
    assert len(set(keys)) == len(rows)  # total: no two are equal


@settings(max_examples=settings().max_examples // 5)
@given(questions(), questions(), answerers)
def test_nothing_else_of_a_question_moves_it_in_the_queue(q, other, a):
    """Above all not its promise: what is urgent may be claimed sooner, and still waits its turn."""
    moves = ("id", "posted_at", "is_express", "reserved_for", "reserved_until")
    alike = replace(other, **{name: getattr(q, name) for name in moves})
    if q.reserved_for is not None:  # a head start ends when the question becomes urgent
        alike = replace(alike, urgent_from=q.urgent_from)
    assert order_key(alike, a, NOW) == order_key(q, a, NOW)


waiting_rows = st.lists(
    st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=8
)  # hours since posted, express
newcomers = st.lists(st.integers(-3, 3), min_size=8, max_size=8)  # hours until urgent


@given(waiting_rows, newcomers)
def test_no_question_starves(rows, coming):
    """While one person works, questions keep coming; each claim brings every waiting one nearer."""
    me, far = answerer(), NOW + 99 * HOUR
    waiting = [
        question(id=n, posted_at=NOW - ago * HOUR, urgent_from=far, is_express=express)
        for n, (ago, express) in enumerate(rows)
    ]
    left = {q.id for q in waiting}
    oldest = min(waiting, key=lambda q: (q.posted_at, q.id))
    bound = 1 + sum(q.is_express for q in waiting if q != oldest)
    for claims in range(1, len(rows) + 1):
        now = NOW + claims * HOUR
        urgent_from = now + coming[claims - 1] * HOUR
        waiting.append(
            question(id=99 + claims, posted_at=now, released_at=now, urgent_from=urgent_from)
        )
        offered = next_question(me, waiting, now, POLICY)
        waiting.remove(offered)
        left.discard(offered.id)
        assert oldest.id not in left or claims < bound
    assert not left  # as many claims as there were questions, and none of the newcomers overtook


# --- the percentile of earnings -----------------------------------------------------------------


def test_percentiles_of_few():
    assert percentiles({}) == {}
    assert percentiles({1: 9.0}) == {1: 0.0}
    assert percentiles({1: 0.0, 2: 0.0, 3: 0.0}) == {1: 0.0, 2: 0.0, 3: 0.0}
    assert percentiles({1: 5.0, 2: 1.0, 3: 9.0}) == {1: 0.5, 2: 0.0, 3: 1.0}
    assert percentiles({1: 5.0, 2: 1.0, 3: 9.0, 4: 5.0, 5: 5.0}) == {
        1: 0.25,
        2: 0.0,
        3: 1.0,
        4: 0.25,
        5: 0.25,
    }


@given(st.dictionaries(st.integers(), st.floats(0, 1e6), min_size=1))
def test_percentiles_keep_the_order_and_stay_within_one(earned):
    found = percentiles(earned)
    assert set(found) == set(earned)
    assert all(0 <= share <= 1 for share in found.values())
    ranked = sorted(earned, key=earned.get)
    for poorer, richer in pairwise(ranked):
        assert found[poorer] <= found[richer]
        assert (found[poorer] == found[richer]) == (earned[poorer] == earned[richer])
