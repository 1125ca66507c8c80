"""Asking: drafts and their owners, the frozen offer, submission, withdrawal."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy import text as sql

from tests.factories import draft, pay_at_standin, person, question_row, queued, submitted
from tests.money import entries, figures_of, payment_row
from upss.accounts.models import Account
from upss.forum import queries_ask, views_ask
from upss.forum.models import Move, Question
from upss.forum.rules.lifecycle import MoveRefused
from upss.forum.rules.ownership import Owner
from upss.forum.rules.texts import DRAFT_MAX, DraftTooLong
from upss.forum.service import asking
from upss.forum.tasks import run_timers
from upss.kernel.errors import NotFound
from upss.kernel.ids import QuestionId, new_public_id
from upss.payments import tasks as payment_tasks
from upss.web import sessions
from upss.web.ports import unit

HOUR = timedelta(hours=1)
TEXT = {
    "title": "Can I return a fridge that arrived damaged?",
    "body": "It has a dent in the door and does not close well.",
    "topic": "home",
    "size": "medium",
    "language": "en",
}


def of(asker=None, session=None):
    return Owner(asker_id=asker, session_id=session)


def save(owner, public_id=None, **changes):
    public_id = public_id or new_public_id()
    with unit() as uow:
        number = asking.save_draft(
            uow, public_id=public_id, owner=owner, text=asking.DraftText(**(TEXT | changes))
        )
        uow.commit()
    return number, public_id


def offer(question):
    with unit() as uow:
        asking.make_offer(uow, question_id=question)
        uow.commit()


def submit(question, owner, email="asker@example.org", language="en"):
    with unit() as uow:
        payment = asking.submit(
            uow, question_id=question, owner=owner, email=email, language=language
        )
        uow.commit()
    return payment


def moves(question):
    with unit() as uow:
        of_it = select(Move.event, Move.actor).where(Move.question_id == question)
        return [tuple(row) for row in uow.session.execute(of_it.order_by(Move.id))]


@pytest.fixture
def new_terms(database):
    """The organizer changes every price and the split, or closes a topic."""

    def change(sql):
        with psycopg.connect(database.owner_conninfo) as owner:
            owner.execute(sql)

    return change


DEARER = """
    WITH v AS (INSERT INTO site_version (commission_bp, fund_bp, currency, created_at)
               VALUES (2500, 0, 'EUR', now()) RETURNING id)
    INSERT INTO price (version_id, topic, size, price_minor)
    SELECT v.id, p.topic, p.size, p.price_minor * 10 FROM v, price p"""


@pytest.fixture
def browser(app):
    """The row of an anonymous browser's session, made anew at each call."""

    def make():
        with app.test_request_context("/"):
            return sessions.row_id()

    return make


# Drafts


def test_a_draft_keeps_what_was_typed_whatever_it_is(app):
    number, _ = save(of(person()), title="", body="", topic=None, size=None)
    row = question_row(number)
    assert (row.status, row.title, row.body, row.topic, row.size) == ("draft", "", "", None, None)
    with pytest.raises(asking.DraftIncomplete) as incomplete:
        offer(number)
    assert incomplete.value.facts["faults"] == dict.fromkeys(
        ("title", "body", "topic", "size"), "empty"
    )


def test_a_very_long_text_is_kept_and_refused_kindly(app):
    number, _ = save(of(person()), body="a" * 100_000)
    assert len(question_row(number).body) == 100_000
    with pytest.raises(asking.DraftIncomplete) as incomplete:
        offer(number)
    assert incomplete.value.facts["faults"] == {"body": "too_long"}
    with pytest.raises(DraftTooLong):
        save(of(person()), body="a" * (DRAFT_MAX + 1))


def test_nul_characters_and_line_ends(app):
    number, _ = save(of(person()), title="\x00Why?\x00", body="a\r\nb\x00c", topic="ho\x00me")
    row = question_row(number)
    assert (row.title, row.body, row.topic) == ("Why?", "a\nbc", None)


@pytest.mark.parametrize("topic", ["nothing-like-this", "", "HOME", "home' OR 1=1"])
def test_a_topic_that_is_not_on_the_menu_is_not_chosen(app, topic):
    number, _ = save(of(person()), topic=topic)
    assert question_row(number).topic is None


def test_a_topic_that_closes_must_be_chosen_again(app, new_terms):
    number, _ = save(of(person()))
    new_terms("UPDATE topic SET is_open = false WHERE code = 'home'")
    with pytest.raises(asking.DraftIncomplete) as incomplete:
        offer(number)
    assert incomplete.value.facts["faults"] == {"topic": "empty"}


def test_an_anonymous_draft_belongs_to_its_browser(app, browser):
    mine, other = browser(), browser()
    number, public_id = save(of(session=mine))
    assert save(of(session=mine), public_id, title="Again?")[0] == number
    for stranger in (of(session=other), of(asker=person()), of(), of(person(), other)):
        with pytest.raises(NotFound):
            save(stranger, public_id, title="Mine now")
        with unit() as uow:
            with pytest.raises(NotFound):
                queries_ask.owned(uow.session, public_id, stranger)
            with pytest.raises(NotFound):
                queries_ask.thread(uow.session, public_id, stranger)
            with pytest.raises(NotFound):
                queries_ask.find(uow.session, public_id, stranger)
            assert queries_ask.newest_draft(uow.session, stranger) is None
    assert question_row(number).title == "Again?"


def test_a_draft_of_an_account_is_not_another_accounts(app):
    owner = person()
    number, public_id = save(of(owner))
    with pytest.raises(NotFound):
        save(of(person()), public_id)
    with unit() as uow:
        assert queries_ask.owned(uow.session, public_id, of(owner)).id == number


# The offer


def test_an_offer_freezes_price_split_and_promise(app, clock, new_terms):
    number = draft(person())
    offer(number)
    row = question_row(number)
    frozen = (row.price_minor, row.currency, row.commission_bp, row.fund_bp)
    assert frozen == (1200, "EUR", 1500, 300)
    assert row.offer_ends_at == clock.now() + HOUR
    assert row.promise_at == clock.now() + 25 * HOUR
    new_terms(DEARER)
    clock.advance(timedelta(minutes=20))
    payment = submit(number, of(row.asker_id))
    after = question_row(number)
    assert (after.price_minor, after.currency, after.commission_bp, after.fund_bp) == frozen
    assert (after.promise_at, after.offer_ends_at) == (row.promise_at, row.offer_ends_at)
    paid = payment_row(payment)
    assert (paid.amount_minor, paid.currency) == (1200, "EUR")
    assert (paid.expires_at, paid.honour_until) == (row.offer_ends_at, row.honour_until)
    offer(draft(person()))


def test_a_new_offer_has_the_new_terms(app, clock, new_terms):
    number = draft(person())
    offer(number)
    new_terms(DEARER)
    clock.advance(2 * HOUR)
    offer(number)
    row = question_row(number)
    assert (row.price_minor, row.commission_bp) == (12_000, 2500)
    assert row.offer_ends_at == clock.now() + HOUR


def test_the_split_is_that_of_the_offer(app, clock, new_terms):
    from tests.factories import answered
    from upss.forum.service import accepting
    from upss.kernel.roles import Role

    asker = person()
    question = answered(asker, person(role=Role.ANSWERER, topics=("home",)))
    new_terms(DEARER)
    with unit() as uow:
        accepting.accept(uow, question_id=question, actor_id=asker)
        uow.commit()
        money = figures_of(uow.session, [question])[question]
    assert (money.share, money.organizer, money.fund) == (1020, 144, 36)


def test_an_offer_is_taken_only_while_31_minutes_remain(app, clock):
    first, second = draft(person()), draft(person())
    offer(first)
    offer(second)
    clock.advance(timedelta(minutes=29))
    assert asking.is_payable(question_row(first), now=clock.now())
    submit(first, of(question_row(first).asker_id))
    clock.advance(timedelta(seconds=1))
    assert not asking.is_payable(question_row(second), now=clock.now())
    with pytest.raises(asking.OfferStale):
        submit(second, of(question_row(second).asker_id))
    assert question_row(second).status == "draft"


def test_no_offer_is_taken_that_was_not_made(app):
    number = draft(person())
    with pytest.raises(asking.OfferStale):
        submit(number, of(question_row(number).asker_id))


@pytest.mark.parametrize("change", [{"size": "large"}, {"body": "Else."}, {"topic": "bills"}])
def test_a_change_in_another_tab_ends_the_offer(app, change):
    asker = person()
    number, public_id = save(of(asker), size="small")
    offer(number)
    save(of(asker), public_id, **({"size": "small"} | change))
    with pytest.raises(asking.OfferStale):
        submit(number, of(asker))
    offer(number)
    expected = 2400 if "size" in change else 600
    assert payment_row(submit(number, of(asker))).amount_minor == expected


def test_saving_the_same_again_keeps_the_offer(app):
    asker = person()
    number, public_id = save(of(asker))
    offer(number)
    save(of(asker), public_id, body=TEXT["body"] + "\r\n")
    assert submit(number, of(asker))


def test_what_is_submitted_is_no_draft_any_more(app):
    asker = person()
    number, _payment = submitted(asker)
    public_id = question_row(number).public_id
    for late in (
        lambda: save(of(asker), public_id, title="Else?"),
        lambda: offer(number),
    ):
        with pytest.raises(asking.OfferStale):
            late()
    with pytest.raises(MoveRefused):
        submit(number, of(asker))
    assert question_row(number).title == TEXT["title"]
    assert payment_row(_payment).closed_at is None


def test_an_unknown_question(app):
    for call in (asking.make_offer, asking.withdraw, asking.discard, asking.edit_again):
        with pytest.raises(NotFound), unit() as uow:
            call(uow, question_id=QuestionId(4711))


# Submission, editing, withdrawal


def test_an_anonymous_asker_gets_an_account_by_the_address(app, browser):
    number, _ = save(of(session=browser()), language="ca")
    offer(number)
    submit(
        number, of(session=question_row(number).session_id), "nube.prat@example.org", language="ca"
    )
    row = question_row(number)
    with unit() as uow:
        account = uow.session.get_one(Account, row.asker_id)
    assert (account.email, account.language) == ("nube.prat@example.org", "ca")
    assert row.email == "nube.prat@example.org"
    again, _ = save(of(session=browser()))
    offer(again)
    submit(again, of(session=question_row(again).session_id), "nube.prat@example.org")
    assert question_row(again).asker_id == row.asker_id


def test_edit_again_and_discard(app):
    asker = person()
    number, payment = submitted(asker)
    with pytest.raises(MoveRefused), unit() as uow:
        asking.discard(uow, question_id=number)
    with unit() as uow:
        asking.edit_again(uow, question_id=number)
        uow.commit()
    assert payment_row(payment).closed_at is not None
    with unit() as uow:
        asking.discard(uow, question_id=number)
        uow.commit()
    row = question_row(number)
    assert row.status == "abandoned"
    assert row.closed_at is not None
    actor = f"account:{asker}"
    assert moves(number) == [("submit", actor), ("edit_again", actor), ("discard", actor)]


def test_an_anonymous_draft_is_discarded_by_its_browser(app, browser):
    number, _ = save(of(session=browser()))
    with unit() as uow:
        asking.discard(uow, question_id=number)
        uow.commit()
    assert moves(number) == [("discard", "asker")]


def test_what_is_paid_is_refused_before_its_payment_is_locked(app, database):
    asker = person()
    number = queued(asker)
    text = asking.DraftText(**TEXT)
    late = {"public_id": question_row(number).public_id, "owner": of(asker), "text": text}
    refused = [
        (MoveRefused, asking.edit_again, {"question_id": number}),
        (MoveRefused, asking.discard, {"question_id": number}),
        (asking.OfferStale, asking.make_offer, {"question_id": number}),
        (asking.OfferStale, asking.save_draft, late),
    ]
    with psycopg.connect(database.owner_conninfo) as elsewhere:  # a refund, say
        elsewhere.execute("SELECT FROM payment FOR UPDATE")
        for error, call, facts in refused:
            with unit() as uow:
                uow.session.execute(sql("SET LOCAL lock_timeout = '100ms'"))
                with pytest.raises(error):
                    call(uow, **facts)
    assert question_row(number).status == "queued"
    with app.test_request_context():  # it was a draft when the page was made
        to = views_ask._offer_anew(question_row(number), is_express=True)
    assert (to.status_code, to.location) == (303, f"/questions/{late['public_id']}")


def test_nothing_unpaid_is_withdrawn(app):
    number, _payment = submitted(person())
    with pytest.raises(MoveRefused), unit() as uow:
        asking.withdraw(uow, question_id=number)
    assert entries() == []


def test_a_late_payment_finds_the_draft_as_it_was(app, clock):
    asker = person()
    number, payment = submitted(asker)
    pay_at_standin(payment)
    clock.advance(2 * HOUR)
    run_timers()
    save(of(asker), question_row(number).public_id)  # the page saves by itself, unchanged
    assert payment_tasks.check_payment(payment) == "paid"
    assert question_row(number).status == "queued"
    assert moves(number)[-1] == ("late_payment_honoured", "system")


def test_my_questions_hide_what_was_given_up(app):
    asker = person()
    kept, gone = draft(asker), draft(asker)
    with unit() as uow:
        asking.discard(uow, question_id=gone)
        uow.commit()
        mine = queries_ask.mine(uow.session, of(asker), after=None, limit=10)
        assert [row.id for row in mine] == [kept]
        assert queries_ask.mine(uow.session, of(), after=None, limit=10) == []
        assert uow.session.get_one(Question, gone).status == "abandoned"
