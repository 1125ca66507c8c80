"""Figures of a run, by the definitions of docs/off-peak.md: only the judged weeks count.

Hours are the site's own. Ratios of peak to average are taken after adding up all seeds, "worst"
is the mean of each seed's worst.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from upss.simulation.lines import Case
from upss.simulation.profile import DAY_HOURS, HOUR, Calendar
from upss.simulation.scenario import Scenario
from upss.simulation.trace import Trace
from upss.simulation.world import CAP_DAYS, World

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """How the questions of one topic fared: of those promised so many kept; others were refused."""

    name: str
    kept: int
    promised: int
    refused: int
    promise_p95_h: float
    people: int


@dataclass(frozen=True, slots=True)
class Tally:
    """One seed: counts and lists that are pooled with those of other seeds.

    A question that was never answered counts in `answered_h` until its refund.
    """

    arrivals: tuple[float, ...]  # by hour of the day, refused questions too
    work: tuple[float, ...]
    off_peak: float  # minutes of work
    at_once: tuple[int, ...]  # people at work, at the start of each quarter of an hour
    kept: tuple[int, int]  # of how many
    by_week: tuple[float, ...]
    by_topic: tuple[Topic, ...]
    by_place: tuple[float, ...]  # kept, of each topic and language
    promised_h: tuple[float, ...]
    answered_h: tuple[float, ...]
    moved: tuple[int, int]  # posted in a peak, and answered outside of one
    counts: dict[str, int]
    gini: float
    over_cap: int


def tally(world: World, scenario: Scenario, trace: Trace) -> Tally:
    """Return what the judged weeks of one seed came to."""
    since, until = scenario.judged_from, scenario.judged_until
    calendar = world.calendar
    cases = [case for case in trace.cases if since <= case.asked.at < until]
    refused = [(at, topic) for at, topic in trace.refused if since <= at < until]
    work, off_peak = _minutes(trace, world, since, until)
    arrived = [case.posted_at for case in cases] + [at for at, _ in refused]
    return Tally(
        arrivals=_by_hour(arrived, calendar),
        work=work,
        off_peak=off_peak,
        at_once=_at_once(trace, since, until),
        kept=(sum(case.kept for case in cases), len(cases)),
        by_week=_kept((scenario.judged_week(case.asked.at), case) for case in cases),
        by_topic=_by_topic(cases, Counter(topic for _, topic in refused), world),
        by_place=_kept(((case.asked.topic, case.asked.language), case) for case in cases),
        promised_h=tuple(sorted(_promise_h(case) for case in cases)),
        answered_h=tuple(sorted(_answer_h(case) for case in cases)),
        moved=_moved(cases, world),
        counts=_counts(trace, since, until) | {"refused": len(refused)},
        gini=gini(_per_declared_hour(world, trace, since, until)),
        over_cap=_over_cap(world, trace),
    )


def _kept(cases: Iterable[tuple[object, Case]]) -> tuple[float, ...]:
    """Return the share of promises kept in each group, the groups as they first appear."""
    groups: dict[object, list[bool]] = {}
    for group, case in cases:
        groups.setdefault(group, []).append(case.kept)
    return tuple(fmean(group) for group in groups.values())


def _by_topic(cases: Sequence[Case], refused: Mapping[str, int], world: World) -> tuple[Topic, ...]:
    mine: dict[str, list[Case]] = {name: [] for name in refused}
    for case in cases:
        mine.setdefault(case.asked.topic, []).append(case)
    return tuple(
        Topic(
            name,
            kept=sum(case.kept for case in mine[name]),
            promised=len(mine[name]),
            refused=refused.get(name, 0),
            promise_p95_h=quantile(sorted(_promise_h(case) for case in mine[name]), 0.95),
            people=sum(name in person.topics for person in world.people),
        )
        for name in sorted(mine)
    )


def _promise_h(case: Case) -> float:
    return (case.quote.by - case.asked.at) / HOUR


def _answer_h(case: Case) -> float:
    over = case.first_answer_at or case.ended_at
    assert over is not None, case
    return (over - case.asked.at) / HOUR


def _by_hour(times: Sequence[datetime], calendar: Calendar) -> tuple[float, ...]:
    hours = [0.0] * DAY_HOURS
    for at in times:
        hours[calendar.cell(at) % DAY_HOURS] += 1
    return tuple(hours)


def _minutes(
    trace: Trace, world: World, since: datetime, until: datetime
) -> tuple[tuple[float, ...], float]:
    """Return the minutes of work by hour of the day, and those outside the peaks."""
    calendar, peaks = world.calendar, world.scenario.peaks
    hours, off_peak = [0.0] * DAY_HOURS, 0.0
    for work in trace.works:
        for number, start, end in calendar.cut(max(work.start, since), min(work.end, until)):
            cell, minutes = calendar.cells[number], (end - start) / _MINUTE
            hours[cell % DAY_HOURS] += minutes
            off_peak += minutes * (cell not in peaks)
    return tuple(hours), off_peak


def _at_once(trace: Trace, since: datetime, until: datetime) -> tuple[int, ...]:
    starts = sorted(work.start for work in trace.works)
    ends = sorted(work.end for work in trace.works)
    step, found, at = timedelta(minutes=15), [], since
    while at < until:
        found.append(bisect_right(starts, at) - bisect_right(ends, at))
        at += step
    return tuple(found)


def _moved(cases: Sequence[Case], world: World) -> tuple[int, int]:
    """Count what was posted in a peak, and how much of it was answered outside of one."""
    calendar, peaks = world.calendar, world.scenario.peaks
    moved = [
        case.first_answer_at is not None and calendar.cell(case.first_answer_at) not in peaks
        for case in cases
        if calendar.cell(case.posted_at) in peaks
    ]
    return sum(moved), len(moved)


def _counts(trace: Trace, since: datetime, until: datetime) -> dict[str, int]:
    def within(times: Sequence[datetime]) -> int:
        return bisect_left(times, until) - bisect_left(times, since)

    visits = [found for at, found in trace.visits if since <= at < until]
    return {
        "answers": within(trace.answers),
        "invitations": within([at for at, _ in trace.invitations]),
        "visits": len(visits),
        "empty_visits": len(visits) - sum(visits),
        "false_lapses": trace.false_lapses,
        "cut_at_refund": trace.cut_at_refund,
        "quiet_invitations": trace.quiet_invitations,
        "same_answerer": trace.same_answerer,
        "all_answers": len(trace.answers),
    }


def _per_declared_hour(world: World, trace: Trace, since: datetime, until: datetime) -> list[float]:
    earned = dict.fromkeys((person.id for person in world.people), 0)
    for at, person_id, share in trace.earned:
        if since <= at < until:
            earned[person_id] += share
    rates: list[float] = []
    for person in world.people:
        clipped = [(max(i.start, since), min(i.end, until)) for i in person.open]
        declared = sum((end - start) / HOUR for start, end in clipped if start < end)
        rates.append(earned[person.id] / declared if declared else 0.0)
    return rates


def gini(values: Sequence[float]) -> float:
    """Return the Gini coefficient: 0 if all are equal, towards 1 if one has everything."""
    total, count = sum(values), len(values)
    if not total:
        return 0.0
    ranked = sum(rank * value for rank, value in enumerate(sorted(values), 1))
    return 2 * ranked / (count * total) - (count + 1) / count


def _over_cap(world: World, trace: Trace) -> int:
    """Count the people who earned more than their limit in any 30 of their own days.

    Counted from what was earned, not from the counters that are to prevent it.
    """
    limits = {p.id: (p.cap_minor, ZoneInfo(p.hours.zone)) for p in world.people if p.cap_minor}
    days: dict[int, list[tuple[int, int]]] = {person_id: [] for person_id in limits}
    for at, person_id, share in trace.earned:
        if person_id in limits:
            day = at.astimezone(limits[person_id][1]).toordinal()
            days[person_id].append((day, share))
    return sum(_passes(days[person_id], cap or 0) for person_id, (cap, _) in limits.items())


def _passes(earned: Sequence[tuple[int, int]], cap: int) -> bool:
    return any(
        sum(share for day, share in earned if last - CAP_DAYS < day <= last) > cap
        for last, _ in earned
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the ordered values lie; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def peak_to_average(hours: Sequence[float]) -> float:
    """Return the greatest hour over the mean hour."""
    return max(hours) * len(hours) / sum(hours) if sum(hours) else 0.0


def figures(tallies: Sequence[Tally]) -> dict[str, float]:
    """Return the figures of all seeds together, as they are: to be told they are `rounded`."""
    arrivals = [sum(hour) for hour in zip(*(one.arrivals for one in tallies), strict=True)]
    work = [sum(hour) for hour in zip(*(one.work for one in tallies), strict=True)]
    both = [
        here / max(sum(arrivals), 1e-9) + there / max(sum(work), 1e-9)
        for here, there in zip(arrivals, work, strict=True)
    ]
    promised = sorted(h for one in tallies for h in one.promised_h)
    answered = sorted(h for one in tallies for h in one.answered_h)
    counts: Counter[str] = Counter()
    for one in tallies:
        counts.update(one.counts)
    at_once = sorted(number for one in tallies for number in one.at_once)
    questions, refused = sum(one.kept[1] for one in tallies), counts["refused"]
    return {
        "off_peak_share": sum(one.off_peak for one in tallies) / max(sum(work), 1e-9),
        "par_arrivals": peak_to_average(arrivals),
        "par_work": peak_to_average(work),
        "par_total": peak_to_average(both),
        "par_work_over_arrivals": peak_to_average(work) / max(peak_to_average(arrivals), 1e-9),
        "kept": sum(one.kept[0] for one in tallies) / max(1, questions),
        "kept_worst_week": fmean(min(one.by_week, default=0.0) for one in tallies),
        "kept_worst_topic": fmean(
            min((each.kept / each.promised for each in one.by_topic if each.promised), default=0.0)
            for one in tallies
        ),
        "kept_worst_place": fmean(min(one.by_place, default=0.0) for one in tallies),
        "promise_p50_h": quantile(promised, 0.5),
        "promise_p95_h": quantile(promised, 0.95),
        "answered_p50_h": quantile(answered, 0.5),
        "answered_p95_h": quantile(answered, 0.95),
        "answered_over_promise_p50": quantile(answered, 0.5) / max(quantile(promised, 0.5), 1e-9),
        "moved_share": sum(one.moved[0] for one in tallies)
        / max(1, sum(one.moved[1] for one in tallies)),
        "cap_breaches": sum(one.over_cap for one in tallies),
        "false_lapses": counts["false_lapses"],
        "cut_at_refund": counts["cut_at_refund"],
        "invitations_per_answer": counts["invitations"] / max(1, counts["answers"]),
        "invitations_in_quiet_hours": counts["quiet_invitations"],
        "empty_visits": counts["empty_visits"] / max(1, counts["visits"]),
        "same_answerer": counts["same_answerer"] / max(1, counts["all_answers"]),
        "at_once_p99": quantile(at_once, 0.99),
        "gini": fmean(one.gini for one in tallies),
        "questions": questions,
        "refused": refused,
        "refused_share": refused / max(1, questions + refused),
    }


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Return figures as they are told; goals are judged before."""
    return {key: round(value, 4) for key, value in figures.items()}
