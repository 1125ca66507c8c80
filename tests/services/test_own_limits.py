"""A person's own limits: reserved with the claim, booked when they count, given back, changed."""

from __future__ import annotations

import zoneinfo
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests import factories
from upss.adjustments import service as adjustments
from upss.adjustments.rules.proposals import Typed
from upss.forum import queries_caps as queries
from upss.forum.models import Claim
from upss.forum.models_caps import CapReservation, CapRuleRow, CapStanding
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import Action, Amount, Basis, CapRefused, CapRule, Metric
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import accepting, answering, caps, claiming, own_limits
from upss.kernel.errors import NotFound
from upss.kernel.ids import new_public_id
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger.rules.split import Terms
from upss.ledger.service import bearing
from upss.notices.models import Notice
from upss.payouts import queries as payout_queries
from upss.payouts import service as payouts
from upss.payouts import tasks as payout_tasks
from upss.payouts.models import PayoutItem
from upss.payouts.rules.schedule import HOLD
from upss.web.ports import unit

SHARE = 1020  # of a medium answer: 12.00 less 15 %
MINUTES = 20
MONTHLY = CapRule(
    metric=Metric.MONEY, period=Period.MONTH, limit=3000, currency="EUR", safety_pct=0
)
PAYMENT = replace(MONTHLY, basis=Basis.PAYMENT)
DAILY = CapRule(metric=Metric.MINUTES, period=Period.DAY, limit=50, safety_pct=0)


@pytest.fixture
def people(app):
    return {
        "asker": factories.person("asker@example.org"),
        "me": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "other": factories.person("other@example.org", role=Role.ANSWERER, topics=("home",)),
    }


@pytest.fixture
def me(people):
    return people["me"]


def limit(account_id, rule=MONTHLY):
    with unit() as uow:
        made = own_limits.add(
            uow, account_id=account_id, rule=rule, currency="EUR", zone="Europe/Madrid"
        )
        uow.commit()
    return made


@pytest.fixture
def unknown_zone(tmp_path):
    """A zone that PostgreSQL has never heard of: the two know zones from different sources."""
    (tmp_path / "Europe").mkdir()
    data = resources.files("tzdata").joinpath("zoneinfo", "Europe", "Madrid").read_bytes()
    (tmp_path / "Europe" / "Nowhere").write_bytes(data)
    known = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([tmp_path, *known])
    yield "Europe/Nowhere"
    zoneinfo.reset_tzpath(known)


def claim(people, who="me", **changes):
    question_id = factories.queued(people["asker"], card=factories.AT_ONCE, **changes)
    with unit() as uow:
        claiming.claim(uow, question_id=question_id, answerer_id=people[who])
        uow.commit()
    return question_id


def send(people, question_id):
    with unit() as uow:
        answering.send_answer(
            uow, question_id=question_id, answerer_id=people["me"], body=factories.ANSWER
        )
        uow.commit()
    return question_id


def accept(people, question_id):
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()


def stands(account_id):
    """(booked, reserved, room) of each limit in force, the first set first."""
    with unit() as uow:
        found = queries.in_force(uow.session, account_id)
        now = uow.clock.now()
    standings = [it.counter.standing(it.row.day_of(now)) for it in found.standings]
    return [(it.booked, it.reserved, it.room) for it in standings]


# --- from the claim to the booking --------------------------------------------------------------


def test_a_claim_reserves_in_every_limit_and_acceptance_books(people, me):
    limit(me), limit(me, DAILY)
    question_id = claim(people)
    assert stands(me) == [(0, SHARE, 3000 - SHARE), (0, MINUTES, 30)]
    send(people, question_id)
    assert stands(me) == [(0, SHARE, 3000 - SHARE), (MINUTES, 0, 30)]  # the time is worked
    accept(people, question_id)
    assert stands(me) == [(SHARE, 0, 3000 - SHARE), (MINUTES, 0, 30)]


def test_a_claim_that_does_not_fit_is_refused_and_leaves_nothing(people, me):
    limit(me, replace(DAILY, limit=1000)), limit(me, replace(MONTHLY, limit=2 * SHARE - 1))
    claim(people)
    before = stands(me)
    with pytest.raises(ClaimRefused) as refused:
        claim(people)
    assert refused.value.facts["reason"] == "own_limits"
    assert stands(me) == before
    with unit() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Claim)) == 1


def test_the_safety_is_kept_free(people, me):
    limit(me, replace(MONTHLY, limit=2 * SHARE, safety_pct=10))
    claim(people)
    with pytest.raises(ClaimRefused, match="own_limits"):
        claim(people)


def test_a_limit_that_only_warns_refuses_nothing(people, me):
    limit(me, replace(MONTHLY, limit=SHARE, action=Action.WARN))
    claim(people), claim(people)
    assert stands(me) == [(0, 2 * SHARE, 0)]


def test_handing_back_and_lapsing_give_the_room_back(people, me, clock):
    limit(me)
    first, _second = claim(people), claim(people)
    with unit() as uow:
        answering.hand_back(uow, question_id=first, answerer_id=me)
        uow.commit()
    assert stands(me) == [(0, SHARE, 3000 - SHARE)]
    clock.instant += timedelta(hours=5)
    with unit() as uow:
        assert claiming.lapse_due(uow) == 1
        uow.commit()
    assert stands(me) == [(0, 0, 3000)]


def test_another_ones_limit_counts_for_nobody_else(people, me):
    limit(people["other"], replace(MONTHLY, limit=1))
    claim(people)
    assert stands(me) == []


def test_the_next_period_begins_empty_but_for_what_is_reserved(people, me, clock):
    limit(me)
    accept(people, send(people, claim(people)))
    open_one = send(people, claim(people))
    clock.instant = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # 1 December in Madrid
    assert stands(me) == [(0, SHARE, 3000 - SHARE)]
    accept(people, open_one)
    with unit() as uow:
        rule = queries.in_force(uow.session, me).standings[0].row
        assert queries.counter_of(uow.session, rule).booked == {
            date(2026, 11, 1): SHARE,
            date(2026, 12, 1): SHARE,
        }


def test_a_clock_set_back_reopens_nothing(people, me, clock):
    limit(me, replace(MONTHLY, limit=SHARE))
    accept(people, send(people, claim(people)))
    clock.instant -= timedelta(days=30)
    with unit() as uow:
        _no_paid_work, found = queries.limits(uow.session, me, clock.now())
    assert not found.has_room(1, "EUR", 0)


def test_net_of_expenses(people, me):
    limit(me, replace(MONTHLY, amount=Amount.NET, expenses_pct=50))
    accept(people, send(people, claim(people)))
    assert stands(me) == [(SHARE // 2, 0, 3000 - SHARE // 2)]


# --- payment and refunds ------------------------------------------------------------------------


def pay(me, question_id, minor=SHARE):
    with unit() as uow:
        caps.paid(uow, answerer_id=me, lines=[(question_id, minor)])
        uow.commit()


def refund(me, question_id, minor):
    with unit() as uow:
        caps.refunded(uow, question_id=question_id, answerer_id=me, taken_back_minor=minor)
        uow.commit()


def test_by_payment_it_counts_when_the_money_is_sent(people, me):
    limit(me, PAYMENT)
    question_id = send(people, claim(people))
    accept(people, question_id)
    assert stands(me) == [(0, SHARE, 3000 - SHARE)]
    pay(me, question_id, 1000)
    assert stands(me) == [(1000, 0, 2000)]
    pay(me, question_id, 20)  # the rest, or a thank-you, later
    assert stands(me) == [(SHARE, 0, 3000 - SHARE)]


def test_a_refund_is_taken_from_the_period_that_counted_it(people, me, clock):
    limit(me), limit(me, DAILY)
    question_id = send(people, claim(people))
    accept(people, question_id)
    clock.instant += timedelta(days=20)
    refund(me, question_id, 400)
    with unit() as uow:
        money, time = (it.row for it in queries.in_force(uow.session, me).standings)
        assert queries.counter_of(uow.session, money).booked == {date(2026, 11, 1): SHARE - 400}
        assert queries.counter_of(uow.session, time).booked == {date(2026, 11, 18): MINUTES}
    refund(me, question_id, 5000)  # never more than was counted
    with unit() as uow:
        assert queries.counter_of(uow.session, money).booked == {date(2026, 11, 1): 0}


def test_a_refund_of_what_is_not_counted_yet_gives_its_room_back(people, me):
    limit(me, PAYMENT)
    question_id = send(people, claim(people))
    accept(people, question_id)
    refund(me, question_id, 400)
    assert stands(me) == [(0, SHARE - 400, 3000 - SHARE + 400)]
    refund(me, question_id, SHARE)
    assert stands(me) == [(0, 0, 3000)]


def test_a_refund_of_paid_money_is_a_later_negative(people, me, clock):
    limit(me, PAYMENT)
    question_id = send(people, claim(people))
    accept(people, question_id)
    pay(me, question_id)
    clock.instant += timedelta(days=20)
    refund(me, question_id, 400)
    with unit() as uow:
        rule = queries.in_force(uow.session, me).standings[0].row
        assert queries.counter_of(uow.session, rule).booked == {
            date(2026, 11, 1): SHARE,
            date(2026, 12, 1): -400,
        }
    assert stands(me) == [(0, 0, 3000)]  # the refund makes no more room than there is


# --- the database has the last word -------------------------------------------------------------


def test_the_database_refuses_what_would_pass_a_limit(people, me):
    limit(me, replace(MONTHLY, limit=SHARE + 1))
    claim(people)
    with unit() as uow, pytest.raises(IntegrityError, match="no room under limit"):
        uow.session.execute(update(CapStanding).values(reserved=CapStanding.reserved + 2))


def test_the_database_counts_bookings_too(people, me):
    limit(me, replace(MONTHLY, period=Period.ROLLING, days=30, limit=SHARE + 1))
    accept(people, send(people, claim(people)))
    with unit() as uow, pytest.raises(IntegrityError, match="no room under limit"):
        uow.session.execute(update(CapStanding).values(reserved=CapStanding.reserved + 2))
    with unit() as uow:
        uow.session.execute(update(CapStanding).values(reserved=CapStanding.reserved + 1))


@pytest.mark.parametrize(
    "statement", ["UPDATE cap_rule SET most = 9", "DELETE FROM cap_rule", "DELETE FROM cap_counter"]
)
def test_the_application_rewrites_no_limit(me, statement):
    limit(me)
    with unit() as uow, pytest.raises(DBAPIError, match="permission denied"):
        uow.session.execute(text(statement))


# --- setting, changing, removing ----------------------------------------------------------------


def test_a_new_limit_counts_what_its_period_has_seen(people, me, clock):
    clock.instant -= timedelta(days=30)
    accept(people, send(people, claim(people)))  # in October
    clock.instant += timedelta(days=30)
    accept(people, send(people, claim(people)))
    claim(people)
    limit(me), limit(me, DAILY), limit(me, replace(MONTHLY, period=Period.YEAR, limit=9000))
    assert stands(me) == [
        (SHARE, SHARE, 3000 - 2 * SHARE),
        (MINUTES, MINUTES, 10),
        (2 * SHARE, SHARE, 9000 - 3 * SHARE),
    ]


def test_a_new_limit_by_payment_knows_payments_and_refunds(people, me, uow):
    first, second = send(people, claim(people)), send(people, claim(people))
    accept(people, first), accept(people, second)
    bearing.refund_after_split(
        uow, question_id=first, amount=Money(600, "EUR"), refund_key="r1",
        terms=Terms(1500, 300, ((me, 1),)),
    )  # fmt: skip
    uow.commit()
    limit(me, MONTHLY), limit(me, PAYMENT)
    assert stands(me) == [(SHARE + SHARE // 2, 0, 3000 - 1530), (0, 1530, 1470)]


def test_what_was_handed_back_or_withdrawn_is_not_counted(people, me):
    with unit() as uow:
        answering.hand_back(uow, question_id=claim(people), answerer_id=me)
        uow.commit()
    limit(me)
    assert stands(me) == [(0, 0, 3000)]


def test_a_changed_limit_holds_from_now_and_forgets_nothing(people, me):
    old = limit(me)
    accept(people, send(people, claim(people)))
    open_one = claim(people)
    with unit() as uow:
        new = own_limits.change(
            uow, account_id=me, public_id=old, rule=replace(MONTHLY, limit=5000), currency="EUR"
        )
        uow.commit()
    assert new != old
    assert stands(me) == [(SHARE, SHARE, 5000 - 2 * SHARE)]
    accept(people, send(people, open_one))
    assert stands(me) == [(2 * SHARE, 0, 5000 - 2 * SHARE)]
    with unit() as uow, pytest.raises(NotFound):
        own_limits.change(uow, account_id=me, public_id=old, rule=MONTHLY, currency="EUR")


def test_the_same_rule_again_changes_nothing(me):
    old = limit(me)
    with unit() as uow:
        assert (
            own_limits.change(uow, account_id=me, public_id=old, rule=MONTHLY, currency="EUR")
            == old
        )


def test_a_lower_limit_than_what_is_used_leaves_no_room(people, me):
    old = limit(me)
    claim(people), claim(people)
    with unit() as uow:
        own_limits.change(
            uow, account_id=me, public_id=old, rule=replace(MONTHLY, limit=SHARE), currency="EUR"
        )
        uow.commit()
    assert stands(me) == [(0, 2 * SHARE, 0)]
    with pytest.raises(ClaimRefused, match="own_limits"):
        claim(people)


def test_a_removed_limit_binds_no_more_and_comes_back_knowing_everything(people, me):
    old = limit(me, replace(MONTHLY, limit=SHARE))
    claim(people)
    with unit() as uow:
        own_limits.remove(uow, account_id=me, public_id=old)
        own_limits.remove(uow, account_id=me, public_id=old)
        uow.commit()
    assert stands(me) == []
    claim(people)
    with unit() as uow:
        assert [row.public_id for row in queries.ended(uow.session, me, limit=9)] == [old]
        new = own_limits.restore(uow, account_id=me, public_id=old)
        assert own_limits.restore(uow, account_id=me, public_id=old) == old  # pressed twice
        uow.commit()
    assert new != old
    assert stands(me) == [(0, 2 * SHARE, 0)]
    with unit() as uow:
        assert queries.ended(uow.session, me, limit=9) == []


def test_nobody_elses_limit_can_be_touched(people, me):
    mine = limit(me)
    for act in (own_limits.remove, own_limits.restore):
        with unit() as uow, pytest.raises(NotFound):
            act(uow, account_id=people["other"], public_id=mine)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (replace(MONTHLY, limit=0), "limit"),
        (replace(MONTHLY, currency="USD"), "currency"),
        (replace(MONTHLY, period=Period.ROLLING), "days"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(me, rule, reason):
    with pytest.raises(CapRefused) as refused:
        limit(me, rule)
    assert reason in refused.value.facts["reasons"]


def test_nobody_has_more_limits_than_they_can_oversee(me):
    for _ in range(own_limits.MOST_RULES):
        limit(me)
    with pytest.raises(own_limits.TooManyLimits):
        limit(me)


def test_days_in_a_zone_that_the_database_does_not_know(people, me, unknown_zone, clock):
    question = claim(people)
    with unit() as uow:
        answering.send_answer(uow, question_id=question, answerer_id=me, body=factories.ANSWER)
        accepting.accept(uow, question_id=question, actor_id=people["asker"])
        uow.commit()
    clock.instant = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    with unit() as uow:
        rule = replace(MONTHLY, period=Period.DAY)
        own_limits.add(uow, account_id=me, rule=rule, currency="EUR", zone=unknown_zone)
        [work] = queries.works(uow.session, me, since=clock.now() - HOLD, zone=unknown_zone)
        [day] = queries.money_by_day(uow.session, me, unknown_zone)
    assert (work.answered_on, work.accepted_on) == (date(2026, 11, 18), date(2026, 11, 18))
    assert (day.day, day.accrued) == (date(2026, 11, 18), SHARE)


def test_no_paid_work_refuses_every_claim_until_it_is_off(people, me):
    held = claim(people)
    for is_on in (True, False):
        with unit() as uow:
            own_limits.set_no_paid_work(uow, account_id=me, is_on=is_on)
            uow.commit()
        if is_on:
            with pytest.raises(ClaimRefused, match="no_paid_work"):
                claim(people)
            accept(people, send(people, held))  # what was begun is finished and paid
            assert factories.question_row(held).status == "accepted"
    claim(people)


def test_the_room_of_all_limits_together(people, me, uow):
    limit(me, replace(MONTHLY, limit=SHARE)), limit(me, replace(DAILY, limit=MINUTES))
    no_paid_work, found = queries.limits(uow.session, me, uow.clock.now())
    assert not no_paid_work
    assert found.has_room(SHARE, "EUR", MINUTES)
    assert not found.has_room(SHARE + 1, "EUR", MINUTES)
    assert not found.has_room(SHARE, "EUR", MINUTES + 1)


# --- warnings -----------------------------------------------------------------------------------


def test_at_70_and_90_per_cent_the_person_alone_is_told_once(people, me):
    public_id = limit(me, replace(MONTHLY, limit=2 * SHARE + 200))
    claim(people)

    def told():
        with unit() as uow:
            rows = uow.session.execute(
                select(Notice.fact, Notice.account_id).where(Notice.template == "cap_near")
            ).all()
            rule = queries.rule_of(uow.session, me, public_id)
        return [(fact.removeprefix(f"cap:{rule.id}:"), account) for fact, account in rows]

    assert told() == []
    second = claim(people)
    assert told() == [("2026-11-01:90", me)]
    with unit() as uow:
        answering.hand_back(uow, question_id=second, answerer_id=me)
        uow.commit()
    claim(people)
    assert told() == [("2026-11-01:90", me)]


def test_reservations_follow_their_counter(people, me):
    limit(me), limit(me, DAILY)
    accept(people, send(people, claim(people)))
    claim(people)
    with unit() as uow:
        sums = uow.session.execute(
            select(func.sum(CapReservation.held), func.sum(CapReservation.counted))
            .join(CapRuleRow, CapRuleRow.id == CapReservation.rule_id)
            .group_by(CapRuleRow.id)
            .order_by(CapRuleRow.id)
        ).all()
    assert [tuple(map(int, row)) for row in sums] == [(SHARE, SHARE), (MINUTES, MINUTES)]


def test_a_payout_books_what_counts_by_payment(people, me, clock):
    limit(me, PAYMENT)
    factories.control("fail-next", times=0)
    accept(people, send(people, claim(people)))
    payout_tasks.start_onboarding(
        me, return_url="http://localhost/", refresh_url="http://localhost/"
    )
    with unit() as uow:
        provider_id = payout_queries.recipient_of(uow.session, me).provider_id
    factories.control(f"accounts/{provider_id}", status="active")
    payout_tasks.refresh_recipient(me)
    clock.advance(HOLD)
    run_id = payout_tasks.prepare_run(factories.person(role=Role.ORGANIZER))
    with unit() as uow:
        payouts.approve_run(uow, run_id=run_id, organizer_id=factories.person(role=Role.ORGANIZER))
        uow.commit()
    assert stands(me) == [(0, SHARE, 3000 - SHARE)]
    with unit() as uow:
        item_id = uow.session.scalars(select(PayoutItem.id)).one()
    payout_tasks.send_item(item_id)
    assert stands(me) == [(SHARE, 0, 3000 - SHARE)]
    limit(me, replace(PAYMENT, limit=4000))  # a limit set now has seen the transfer too
    assert stands(me)[1] == (SHARE, 0, 4000 - SHARE)


def test_goodwill_counts_when_it_is_given_or_when_it_is_sent(people, me, clock):
    limit(me), limit(me, PAYMENT), limit(me, DAILY)
    question_id = send(people, claim(people))
    accept(people, question_id)
    clock.advance(timedelta(days=20))

    def decide(proposal_of):
        author, other = (factories.person(role=Role.ORGANIZER) for _ in range(2))
        public_id = new_public_id()
        with unit() as uow:
            proposal_of(uow, public_id, author)
            uow.commit()
        with unit() as uow:
            adjustments.approve(uow, public_id=public_id, organizer_id=other)
            uow.commit()
        return public_id

    def give(uow, public_id, author):
        typed = Typed(
            purpose="goodwill", question=str(question_id), amount="2,50", reason="Helped twice."
        )
        made = adjustments.understand(uow, typed)
        adjustments.propose(uow, made, public_id=public_id, organizer_id=author)

    given = decide(give)
    assert stands(me) == [(250, 0, 2750), (0, SHARE, 3000 - SHARE), (0, 0, 50)]
    limit(me)  # one that is set later says the same
    assert stands(me)[-1] == (250, 0, 2750)

    def take_back(uow, public_id, author):
        adjustments.propose_reversal(
            uow, of_public_id=given, public_id=public_id, organizer_id=author,
            reason="It was a mistake.",
        )  # fmt: skip

    decide(take_back)
    assert stands(me)[0] == stands(me)[-1] == (0, 0, 3000)
