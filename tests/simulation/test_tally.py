"""The figures of a run that was written down by hand, against figures counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from upss.forum.rules.hours import Hours
from upss.forum.rules.promising import Quote
from upss.forum.rules.windows import Interval
from upss.simulation.lines import Case
from upss.simulation.metrics import Topic, figures, tally
from upss.simulation.profile import PEAK_CELLS, Calendar
from upss.simulation.scenario import Scenario
from upss.simulation.trace import Trace, Work
from upss.simulation.world import Asked, Person, World

SCENARIO = Scenario(
    weeks=2, warm_up=1, start=datetime(2026, 6, 1, tzinfo=UTC), zone="Etc/UTC"
)  # judged from Monday 8 to Sunday 21 June
HOUR = timedelta(hours=1)


def at(day, hour=0, minute=0, month=6):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def someone(number, zone, open_until):
    return Person(
        id=number,
        topics=("often", "rare")[:number],
        languages=("es",),
        hours=Hours(windows=(), zone=zone),
        pace=1.0,
        cap_minor=1_000,
        is_away=False,
        open=(Interval(at(7, 22), open_until),),
        quiet=(),
        visits=(),
    )


def case(number, when, promised_h, topic, language="es", paid_after=0, **facts):
    asked = Asked(
        id=number, at=when, pays_after=timedelta(minutes=paid_after), topic=topic,
        language=language, minutes=20, share_minor=800, asker_id=9, wants_previous=False,
        wants_express=False,
    )  # fmt: skip
    by = when + promised_h * HOUR
    quote = Quote(by, base_h=1.0, factor=1.0, margin=0.1, n_ahead=0, rate=1.0, reading=0.0)
    return Case(asked, quote, by, when + asked.pays_after, **facts)


@pytest.fixture(scope="module")
def counted():
    calendar = Calendar(SCENARIO.start, 60 * 24, ZoneInfo("Etc/UTC"))
    people = (someone(1, "Etc/UTC", at(8, 2)), someone(2, "America/New_York", at(8, 4)))
    trace = Trace(
        cases=[
            case(1, at(7, 23, 59), 5, "rare", kept=False, ended_at=at(9)),
            # asked and paid in a peak, answered in the night
            case(2, at(8, 10), 24, "often", paid_after=30, first_answer_at=at(8, 22)),
            # two hours late, and still in the peak
            case(3, at(16, 9, 30), 2, "often", "ca", first_answer_at=at(16, 13, 30), kept=False),
            # never answered: its money went back two days after its promise
            case(4, at(17, 3), 20, "rare", kept=False, ended="refunded", ended_at=at(19, 23)),
            case(5, at(22), 5, "rare", first_answer_at=at(22, 1)),
        ],
        refused=[(at(7, 12), "never"), (at(10, 18), "never"), (at(22), "never")],
        works=[
            Work(1, at(7, 23, 30), at(8, 0, 30)),  # half of it is judged
            Work(2, at(8, 20, 40), at(8, 21, 20)),  # a peak ends at 21:00
        ],
        answers=[at(8, 22), at(16, 13, 30), at(22, 1)],
        # 30 days: the first from 8 June to 7 July, the other, in New York, from 7 June to 7 July
        earned=[
            (at(8, 2), 1, 600),
            (at(8, 2), 2, 600),
            (at(7, 12, month=7), 1, 600),
            (at(7, 12, month=7), 2, 600),
        ],
        invitations=[(at(7, 20), 1), (at(9, 20), 2)],
        visits=[(at(8), True), (at(9), False), (at(23), False)],
        quiet_invitations=1,
        false_lapses=2,
        cut_at_refund=3,
        same_answerer=2,
    )
    return tally(World(1, SCENARIO, calendar, (), people), SCENARIO, trace)


def hours(**minutes):
    return tuple(float(minutes.get(f"h{hour}", 0)) for hour in range(24))


def test_the_hours_of_one_seed(counted):
    assert {20, 21} & {cell % 24 for cell in PEAK_CELLS} == {20}
    assert counted.arrivals == hours(h3=1, h9=1, h10=1, h18=1)
    assert counted.work == hours(h0=30, h20=20, h21=20)
    assert counted.off_peak == 50
    assert len(counted.at_once) == 14 * 24 * 4
    assert [place for place, number in enumerate(counted.at_once) if number] == [0, 1, 83, 84, 85]
    assert counted.moved == (1, 2)


def test_the_promises_of_one_seed(counted):
    assert counted.kept == (1, 3)
    assert counted.by_week == (1, 0)
    assert counted.by_topic == (
        Topic("never", kept=0, promised=0, refused=1, promise_p95_h=0, people=0),
        Topic("often", kept=1, promised=2, refused=0, promise_p95_h=24, people=2),
        Topic("rare", kept=0, promised=1, refused=0, promise_p95_h=20, people=1),
    )
    assert counted.by_place == (1, 0, 0)
    assert counted.promised_h == (2, 20, 24)
    assert counted.answered_h == (4, 12, 68)


def test_what_people_earned_and_did(counted):
    assert counted.over_cap == 1
    assert counted.gini == pytest.approx(1 / 6)  # 3.00 and 1.50 for a declared hour
    assert counted.counts == {
        "answers": 2, "invitations": 1, "visits": 2, "empty_visits": 1, "false_lapses": 2,
        "cut_at_refund": 3, "quiet_invitations": 1, "same_answerer": 2, "all_answers": 3,
        "refused": 1,
    }  # fmt: skip


def test_the_figures(counted):
    assert figures([counted]) == pytest.approx(
        {
            "off_peak_share": 5 / 7, "par_arrivals": 6, "par_work": 72 / 7,
            "par_total": 3 / 7 * 12, "par_work_over_arrivals": 12 / 7,
            "kept": 1 / 3, "kept_worst_week": 0, "kept_worst_topic": 0, "kept_worst_place": 0,
            "promise_p50_h": 20, "promise_p95_h": 24, "answered_p50_h": 12, "answered_p95_h": 68,
            "answered_over_promise_p50": 0.6, "moved_share": 0.5, "cap_breaches": 1,
            "false_lapses": 2, "cut_at_refund": 3, "invitations_per_answer": 0.5,
            "invitations_in_quiet_hours": 1, "empty_visits": 0.5, "same_answerer": 2 / 3,
            "at_once_p99": 0, "gini": 1 / 6, "questions": 3, "refused": 1, "refused_share": 0.25,
        }
    )  # fmt: skip
