"""This site as the simulator takes it: the week that it has seen, its people, its questions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.accounts.models import TopicApproval
from upss.forum import queries_hours
from upss.forum.models import Question
from upss.forum.models_caps import CapRuleRow
from upss.forum.rules.activity import HOURS, LEARN_FROM, ActivityProfile, pooled
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import Action, Metric
from upss.forum.rules.pricing import MINUTES, Size
from upss.ledger.rules.split import split
from upss.organizer.queries.week import WEEKS, traffic
from upss.simulation.scenario import Scenario
from upss.simulation.site import Answerer, Offer, Site
from upss.simulation.world import CAP_DAYS
from upss.site import queries as site_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from upss.forum.rules.dials import Dials
    from upss.forum.rules.policy import Policy

LEAST_QUESTIONS = LEARN_FROM  # of the last weeks
LEAST_PEOPLE = 5  # fewer, and figures would tell of single persons and their own limits
_WEEK = timedelta(weeks=1)
_DAYS = {
    Period.DAY: 1.0,
    Period.WEEK: 7.0,
    Period.MONTH: 30.4,
    Period.QUARTER: 91.3,
    Period.YEAR: 365.25,
    Period.TAX_YEAR: 365.25,
}

Counts = Counter[tuple[str, str, str]]  # questions by topic, language and size


@dataclass(frozen=True, slots=True)
class Read:
    """What the site has for the simulator; `site` is None where it is too little."""

    people: int
    questions: int
    site: Site | None

    def scenario(self, policy: Policy, *, weeks: int) -> Scenario:
        """Return this site run by `policy`, or the model's where this one has too little.

        In neither does anybody follow suggested hours: nobody knows yet whether people would.
        """
        if self.site is None:
            return Scenario(policy=policy, weeks=weeks, slots=0.0, quiet_hours=True)
        return self.site.scenario(policy, weeks=weeks)


def read(session: Session, dials: Dials, *, now: datetime, site_zone: str) -> Read:
    """Read the last weeks, everybody's hours, languages, topics and limits, and the prices.

    Seven statements.
    """
    asked = traffic(session, now, site_zone).asked
    people = _people(session, now, site_zone)
    counts, first = _counts(session, now)
    total = counts.total()
    if total < LEAST_QUESTIONS or len(people) < LEAST_PEOPLE or first is None:
        return Read(len(people), total, None)
    site = Site(
        zone=site_zone,
        per_week=total / max((now - first) / _WEEK, 1.0),
        rel=_rel(asked),
        peaks=dials.peaks,
        people=tuple(people),
        places=_places(counts),
        offers=_offers(session, counts),
        guess=dials.prior_per_hour,
    )
    return Read(len(people), total, site)


def _rel(asked: Sequence[int]) -> tuple[float, ...]:
    """Return the hours of the week relative to the mean one, working days and weekends pooled."""
    counts = [0.0] * 48
    for cell, number in enumerate(asked):
        counts[pooled(cell)] += number
    levels = ActivityProfile(tuple(counts)).week_rel()
    mean = sum(levels) / HOURS
    return tuple(level / mean for level in levels)


def _people(session: Session, now: datetime, site_zone: str) -> list[Answerer]:
    """Return who answers something, by what they declare now; days away are left out."""
    approved: dict[int, set[str]] = {}
    for row in session.scalars(select(TopicApproval)):
        approved.setdefault(row.account_id, set()).add(row.topic)
    declared = {
        version.account_id: version.declared
        for version in queries_hours.history(session, now, site_zone)
    }
    caps = _caps(session)
    found: list[Answerer] = []
    for account_id in sorted(approved.keys() & declared.keys()):
        mine = declared[account_id]
        topics = approved[account_id] - mine.topics_off
        if topics:
            found.append(
                Answerer(
                    tuple(sorted(topics)),
                    tuple(sorted(mine.languages)),
                    replace(mine.hours, absences=(), paused_until=None),
                    caps.get(account_id),
                )
            )
    return found


def _caps(session: Session) -> dict[int, int]:
    """Return the tightest limit on money of each person, in minor units for the model's days."""
    rows = session.scalars(
        select(CapRuleRow).where(
            CapRuleRow.ended_at.is_(None),
            CapRuleRow.metric == Metric.MONEY,
            CapRuleRow.action == Action.BLOCK,
        )
    )
    found: dict[int, int] = {}
    for row in rows:
        days = _DAYS.get(Period(row.period), float(max(row.days, 1)))
        limit = round(row.ceiling * CAP_DAYS / days)
        found[row.account_id] = min(limit, found.get(row.account_id, limit))
    return found


def _counts(session: Session, now: datetime) -> tuple[Counts, datetime | None]:
    """Return the questions of the last weeks, and when the first of them came."""
    rows = session.execute(
        select(
            Question.topic,
            Question.language,
            Question.size,
            func.count().label("number"),
            func.min(Question.paid_at).label("first"),
        )
        .where(Question.paid_at >= now - WEEKS * _WEEK, Question.paid_at < now)
        .group_by(Question.topic, Question.language, Question.size)
    ).all()
    counts: Counts = Counter()
    for row in rows:
        counts[str(row.topic), row.language, str(row.size)] = row.number
    return counts, min((row.first for row in rows), default=None)


def _places(counts: Counts) -> tuple[tuple[str, str, float], ...]:
    found: Counter[tuple[str, str]] = Counter()
    for (topic, language, _size), number in counts.items():
        found[topic, language] += number
    return tuple((*place, float(number)) for place, number in sorted(found.items()))


def _offers(session: Session, counts: Counts) -> tuple[Offer, ...]:
    """Return each size with what an answer of today's prices earns on average."""
    terms = site_queries.terms(session)
    bought: Counter[str] = Counter()
    for (_topic, _language, size), number in counts.items():
        bought[size] += number
    return tuple(
        Offer(MINUTES[Size(size)], _share(terms, size), float(number))
        for size, number in sorted(bought.items())
    )


def _share(terms: site_queries.Terms, size: str) -> int:
    prices = [price for (_topic, each), price in terms.prices.items() if each == size]
    shares = [
        split(price, commission_bp=terms.commission_bp, fund_bp=terms.fund_bp).share_minor
        for price in prices
    ]
    return round(sum(shares) / len(shares))
