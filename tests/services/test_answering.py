"""Claiming, writing, handing back, sending, lapsing; then accepting and the split."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from tests.databases import clone
from tests.money import figures_of, held_minor
from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.db.work import UnitOfWork
from upss.forum import queries_answer as queries
from upss.forum import queries_desk, queries_search
from upss.forum.events import (
    AcceptanceDue,
    AnswerAccepted,
    ClaimLapsed,
    QuestionAnswered,
    QuestionClaimed,
    ReviewEnded,
)
from upss.forum.models import Answer, AnswerDraft, Claim, Move, Question
from upss.forum.models_offers import Skip
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.rules.lifecycle import MoveRefused
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.rules.skips import SkipReason, SkipsUsedUp
from upss.forum.rules.texts import ANSWER_MAX, DRAFT_MAX, DraftTooLong
from upss.forum.rules.windows import Window
from upss.forum.service import accepting, answering, claiming, hours, own_limits, skipping
from upss.kernel.clock import FixedClock
from upss.kernel.errors import NotFound
from upss.kernel.ids import new_public_id
from upss.kernel.money import Money
from upss.ledger.rules.posting.questions import question_paid
from upss.ledger.service.posting import post

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
ANSWER = "Ring the company, ask for a corrected bill, and note the number of your case."
LEASE = Policy().lease
OPEN_CLAIMS_MAX = Policy().open_claims_max
numbers = count(1)


class Work(UnitOfWork):
    """A unit of work on a session of its own, which keeps the events that services emit."""

    def __init__(self, session):
        super().__init__(FixedClock(NOON), None, {}, "Europe/Madrid")
        self.events = []
        self._own = session

    @property
    def session(self):
        return self._own

    def emit(self, event):
        self.events.append(event)
        super().emit(event)

    def told(self, handlers):
        """Handle what was emitted and not taken back, by these handlers."""
        self._handlers = handlers
        self.handle_events()


class Story:
    """People and paid questions for one test."""

    def __init__(self, uow):
        self.uow = uow
        self.clock = uow.clock
        self.events = uow.events
        self.asker = self.person()

    def person(self, *topics):
        now = self.clock.now()
        account = Account(
            public_id=new_public_id(),
            email=f"answering.{next(numbers)}@example.org",
            name="Somebody",
            language="en",
            created_at=now,
            confirmed_at=now,
        )
        self.uow.session.add(account)
        self.uow.session.flush()
        if topics:
            self.uow.session.add(AccountRole(account_id=account.id, role="answerer", given_at=now))
        for topic in topics:
            self.uow.session.add(TopicApproval(account_id=account.id, topic=topic, approved_at=now))
        self.uow.session.flush()
        return account.id

    def question(self, *, topic="bills", asker=None, status="queued", price=1200):
        now = self.clock.now()
        question = Question(
            public_id=new_public_id(),
            asker_id=asker or self.asker,
            status=status,
            language="en",
            topic=topic,
            size="small",
            title="Why is my bill so high?",
            body="It is a third higher than last month.",
            created_at=now,
            updated_at=now,
            price_minor=price,
            currency="EUR",
            commission_bp=1500,
            fund_bp=300,
            offered_at=now,
            offer_ends_at=now + timedelta(hours=1),
            honour_until=now + timedelta(hours=71),
            promise_at=now + timedelta(hours=73),
            paid_at=None if status == "draft" else now,
            released_at=now,
            urgent_at=now,
        )
        self.uow.session.add(question)
        self.uow.session.flush()
        if status != "draft":
            paid = question_paid(
                question_id=question.id,
                amount=Money(price, "EUR"),
                session_id=f"cs_{question.public_id}",
            )
            post(self.uow, paid)
        return question

    def claimed(self, answerer, **more):
        question = self.question(**more)
        claiming.claim(self.uow, question_id=question.id, answerer_id=answerer)
        return question

    def answered(self, answerer, **more):
        question = self.claimed(answerer, **more)
        answering.send_answer(self.uow, question_id=question.id, answerer_id=answerer, body=ANSWER)
        return question

    def claim_of(self, question, answerer):
        return self.uow.session.scalar(
            select(Claim)
            .where(Claim.question_id == question.id, Claim.answerer_id == answerer)
            .order_by(Claim.id.desc())
            .limit(1)
        )

    def moves(self, question):
        self.uow.session.flush()
        return self.uow.session.scalars(
            select(Move.event).where(Move.question_id == question.id).order_by(Move.id)
        ).all()

    def desk(self, answerer, month_start):
        return queries_desk.desk(
            self.uow.session, answerer_id=answerer, now=self.clock.now(),
            month_start=month_start, site_zone=self.uow.zone,
        )  # fmt: skip

    def next(self, answerer):
        """The one question that comes next for somebody, and how many others wait."""
        desk, now = self.desk(answerer, self.clock.now()), self.clock.now()
        is_peak = desk.dials.peak_map(self.uow.zone).is_peak(now)
        found = queries_desk.queue(self.uow.session, desk=desk, now=now, is_peak=is_peak)
        return found.offer and found.offer.id, found.others

    def skip(self, question, answerer, reason=SkipReason.UNSAID):
        skipping.skip(self.uow, question_id=question.id, answerer_id=answerer, reason=reason)
        self.uow.session.flush()

    def work(self, question, answerer):
        return queries.work(
            self.uow.session, public_id=question.public_id, answerer_id=answerer,
            now=self.clock.now(), site_zone=self.uow.zone,
        )  # fmt: skip

    def kinds(self):
        return [type(event) for event in self.events]

    def wait(self, **step):
        self.clock.advance(timedelta(**step))


@pytest.fixture(scope="module")
def engine(server):
    """One database for all of these tests: none of them ever commits."""
    database = clone(server, "answering_" + os.environ.get("PYTEST_XDIST_WORKER", "main"))
    made = create_engine(database.app_url)
    yield made
    made.dispose()


@pytest.fixture
def story(engine):
    with Session(engine) as session:
        yield Story(Work(session))


@pytest.fixture
def ada(story):
    return story.person("bills", "home")


@pytest.fixture
def berta(story):
    return story.person("bills")


def refused(story, question, answerer):
    with pytest.raises(ClaimRefused) as caught:
        claiming.claim(story.uow, question_id=question.id, answerer_id=answerer)
    return caught.value.facts["reason"]


class TestClaim:
    def test_gives_the_question_to_one_person_for_two_hours(self, story, ada):
        question = story.claimed(ada)
        held = story.claim_of(question, ada)
        assert question.status == "claimed"
        assert held.ends_at == story.clock.now() + LEASE
        assert story.kinds() == [QuestionClaimed]
        assert story.moves(question) == ["claim"]

    def test_a_second_press_changes_nothing(self, story, ada):
        question = story.claimed(ada)
        again = claiming.claim(story.uow, question_id=question.id, answerer_id=ada)
        assert again == story.claim_of(question, ada).id
        assert story.moves(question) == ["claim"]
        assert story.kinds() == [QuestionClaimed]

    def test_a_second_person_is_too_late(self, story, ada, berta):
        assert refused(story, story.claimed(ada), berta) == "taken"

    def test_nobody_answers_their_own_question(self, story, ada):
        assert refused(story, story.question(asker=ada), ada) == "own_question"

    def test_only_in_approved_topics(self, story, berta):
        assert refused(story, story.question(topic="home"), berta) == "topic"

    def test_only_so_many_at_once(self, story, ada):
        for _ in range(OPEN_CLAIMS_MAX):
            last = story.claimed(ada)
        assert refused(story, story.question(), ada) == "too_many"
        answering.hand_back(story.uow, question_id=last.id, answerer_id=ada)
        story.claimed(ada)

    @pytest.mark.parametrize("status", ["withdrawn", "expired", "answered"])
    def test_not_what_no_longer_waits(self, story, ada, status):
        assert refused(story, story.question(status=status), ada) == "taken"

    def test_not_in_the_moment_when_the_money_goes_back(self, story, ada):
        question = story.question()
        story.wait(hours=73 + 48)
        assert refused(story, question, ada) == "taken"

    def test_a_draft_is_nobodys_business(self, story, ada):
        question = story.question(status="draft")
        with pytest.raises(NotFound):
            claiming.claim(story.uow, question_id=question.id, answerer_id=ada)

    def test_the_index_has_the_last_word(self, story, ada, berta):
        question = story.claimed(ada)
        question.status = "queued"  # as if the lock had failed
        story.uow.session.flush()
        assert refused(story, question, berta) == "taken"
        assert story.uow.session.scalar(select(Claim.answerer_id)) == ada  # the unit goes on


class TestDraft:
    def save(self, story, question, who, body=ANSWER):
        return answering.save_draft(story.uow, question_id=question.id, answerer_id=who, body=body)

    def test_a_change_moves_the_end(self, story, ada):
        question = story.claimed(ada)
        story.wait(minutes=50)
        saved = self.save(story, question, ada)
        assert saved == answering.Saved(story.clock.now(), story.clock.now() + LEASE, 1)
        assert story.claim_of(question, ada).ends_at == saved.ends_at

    def test_the_same_text_does_not(self, story, ada):
        question = story.claimed(ada)
        first = self.save(story, question, ada)
        story.wait(minutes=50)
        assert self.save(story, question, ada, f"\r\n{ANSWER}\r\n") == first

    def test_an_empty_page_saved_is_no_change(self, story, ada):
        question = story.claimed(ada)
        ends_at = story.claim_of(question, ada).ends_at
        story.wait(minutes=50)
        saved = self.save(story, question, ada, "  ")
        assert (saved.ends_at, saved.revision) == (ends_at, 0)

    def test_never_beyond_promise_and_grace(self, story, ada):
        question = story.question()
        story.wait(hours=73 + 47)
        claiming.claim(story.uow, question_id=question.id, answerer_id=ada)
        story.wait(minutes=10)
        saved = self.save(story, question, ada)
        assert saved.ends_at == question.promise_at + timedelta(hours=48)

    def test_what_is_too_long_to_send_is_kept(self, story, ada):
        question = story.claimed(ada)
        self.save(story, question, ada, "x" * 100_000)
        draft = story.uow.session.get(AnswerDraft, (question.id, ada))
        assert len(draft.body) == 100_000

    def test_what_is_too_long_to_keep_leaves_the_draft(self, story, ada):
        question = story.claimed(ada)
        self.save(story, question, ada)
        with pytest.raises(DraftTooLong):
            self.save(story, question, ada, "x" * (DRAFT_MAX + 1))
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == ANSWER

    def test_after_the_end_it_is_kept_and_said(self, story, ada, berta):
        question = story.claimed(ada)
        answering.hand_back(story.uow, question_id=question.id, answerer_id=ada)
        claiming.claim(story.uow, question_id=question.id, answerer_id=berta)
        saved = self.save(story, question, ada)
        assert saved.ends_at is None
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == ANSWER
        assert story.uow.session.get(AnswerDraft, (question.id, berta)) is None

    def test_strangers_cannot_write(self, story, ada, berta):
        question = story.claimed(ada)
        with pytest.raises(NotFound):
            self.save(story, question, berta)


class TestTime:
    """Row Q19: a claim ends when nothing is saved; a press lengthens it, and never shortens."""

    def extend(self, story, question, who, claim_id=None):
        return claiming.extend(
            story.uow, question_id=question.id, answerer_id=who, claim_id=claim_id
        )

    def test_a_press_keeps_it_two_hours_from_now_any_number_of_times(self, story, ada):
        question = story.claimed(ada)
        for presses in range(1, 13):
            story.wait(minutes=119)
            assert self.extend(story, question, ada) == story.clock.now() + LEASE
            assert story.claim_of(question, ada).extensions == presses
            assert claiming.lapse_due(story.uow) == 0
        story.wait(minutes=120)
        assert claiming.lapse_due(story.uow) == 1

    def test_saving_after_a_press_does_not_shorten(self, story, ada):
        question = story.claimed(ada)
        held = story.claim_of(question, ada)
        held.kept_until = held.ends_at = story.clock.now() + timedelta(hours=20)
        saved = answering.save_draft(
            story.uow, question_id=question.id, answerer_id=ada, body=ANSWER
        )
        assert saved.ends_at == story.clock.now() + timedelta(hours=20)

    def test_never_beyond_promise_and_grace(self, story, ada):
        question = story.question()
        story.wait(hours=73 + 47)
        claiming.claim(story.uow, question_id=question.id, answerer_id=ada)
        story.wait(minutes=10)
        assert self.extend(story, question, ada) == question.promise_at + timedelta(hours=48)

    def test_no_press_brings_back_what_is_over_even_before_the_timer_ran(self, story, ada):
        question = story.claimed(ada)
        story.wait(minutes=120)
        with pytest.raises(claiming.ClaimEnded):
            self.extend(story, question, ada)

    def test_a_save_that_comes_too_late_ends_the_claim_and_keeps_the_text(self, story, ada, berta):
        question = story.claimed(ada)
        story.wait(minutes=120)
        saved = answering.save_draft(
            story.uow, question_id=question.id, answerer_id=ada, body=ANSWER
        )
        assert (saved.ends_at, saved.revision) == (None, 1)
        assert story.claim_of(question, ada).status == "lapsed"
        assert story.kinds() == [QuestionClaimed, ClaimLapsed]
        assert claiming.lapse_due(story.uow) == 0
        claiming.claim(story.uow, question_id=question.id, answerer_id=berta)
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == ANSWER

    def test_a_colleague_need_not_wait_for_the_timer(self, story, ada, berta):
        question = story.claimed(ada)
        story.wait(minutes=120)
        claiming.claim(story.uow, question_id=question.id, answerer_id=berta)
        assert story.moves(question) == ["claim", "lease_ends", "claim"]

    def test_what_is_written_is_sent_after_the_time_if_nobody_has_it(self, story, ada):
        question = story.claimed(ada)
        story.wait(minutes=121)
        answering.send_answer(story.uow, question_id=question.id, answerer_id=ada, body=ANSWER)
        assert story.moves(question) == ["claim", "lease_ends", "claim", "post_answer"]

    def test_strangers_cannot_press(self, story, ada, berta):
        question = story.claimed(ada)
        with pytest.raises(NotFound):
            self.extend(story, question, berta)


class TestFence:
    """What a page of an earlier claim sends late never touches a later claim."""

    @pytest.fixture
    def twice(self, story, ada):
        """Claimed, lapsed, and claimed again by the same person, who goes on writing."""
        question = story.claimed(ada)
        first = story.claim_of(question, ada).id
        story.wait(minutes=121)
        claiming.lapse_due(story.uow)
        claiming.claim(story.uow, question_id=question.id, answerer_id=ada)
        second = story.claim_of(question, ada).id
        assert second > first
        self.save(story, question, ada, "Newer", second)
        return question, first, second

    def save(self, story, question, who, body, claim_id):
        return answering.save_draft(
            story.uow, question_id=question.id, answerer_id=who, body=body, claim_id=claim_id
        )

    def test_a_late_save_is_kept_aside(self, story, ada, twice):
        question, first, _second = twice
        ends_at = story.claim_of(question, ada).ends_at
        story.wait(minutes=10)
        saved = self.save(story, question, ada, "Older", first)
        assert (saved.is_aside, saved.ends_at, saved.revision) == (True, None, 1)
        draft = story.uow.session.get(AnswerDraft, (question.id, ada))
        assert (draft.body, draft.aside) == ("Newer", "Older")
        assert story.claim_of(question, ada).ends_at == ends_at

    def test_the_same_text_needs_no_place_of_its_own(self, story, ada, twice):
        question, first, _second = twice
        self.save(story, question, ada, "Older", first)
        self.save(story, question, ada, "Newer", first)
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).aside == ""

    def test_a_number_that_never_was_changes_nothing(self, story, ada, twice):
        question, _first, _second = twice
        assert self.save(story, question, ada, "Strange", 10**12).is_aside
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == "Newer"

    def test_a_late_press_or_hand_back_does_nothing(self, story, ada, twice):
        question, first, second = twice
        ids = {"question_id": question.id, "answerer_id": ada}
        for act in (claiming.extend, answering.hand_back):
            with pytest.raises(claiming.ClaimEnded):
                act(story.uow, claim_id=first, **ids)
        assert question.status == "claimed"
        answering.hand_back(story.uow, claim_id=second, **ids)
        assert question.status == "queued"


class TestHandBack:
    def test_puts_it_back_and_keeps_the_draft(self, story, ada):
        question = story.claimed(ada)
        answering.save_draft(story.uow, question_id=question.id, answerer_id=ada, body="Half a")
        answering.hand_back(story.uow, question_id=question.id, answerer_id=ada)
        assert question.status == "queued"
        assert story.claim_of(question, ada).status == "handed_back"
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == "Half a"
        claiming.claim(story.uow, question_id=question.id, answerer_id=ada)  # undo
        assert story.moves(question) == ["claim", "hand_back", "claim"]

    def test_what_is_not_held(self, story, ada, berta):
        question = story.claimed(ada)
        answering.hand_back(story.uow, question_id=question.id, answerer_id=ada)
        with pytest.raises(claiming.ClaimEnded):
            answering.hand_back(story.uow, question_id=question.id, answerer_id=ada)
        with pytest.raises(NotFound):
            answering.hand_back(story.uow, question_id=question.id, answerer_id=berta)


class TestSend:
    def send(self, story, question, who, body=ANSWER):
        answering.send_answer(story.uow, question_id=question.id, answerer_id=who, body=body)

    def test_makes_revision_one(self, story, ada):
        question = story.answered(ada)
        answer = story.uow.session.get(Answer, (question.id, 1))
        assert (answer.body, answer.answerer_id) == (ANSWER, ada)
        assert question.status == "answered"
        assert question.answered_at == story.clock.now()
        assert question.accept_due_at == story.clock.now() + timedelta(days=7)
        assert story.claim_of(question, ada).status == "posted"
        assert story.kinds() == [QuestionClaimed, QuestionAnswered]

    def test_twice_is_once(self, story, ada):
        question = story.answered(ada)
        self.send(story, question, ada, "Something else, and much longer than the first one.")
        assert story.uow.session.scalar(select(Answer.body)) == ANSWER
        assert story.kinds().count(QuestionAnswered) == 1

    @pytest.mark.parametrize(
        ("body", "reason"),
        [(" \r\n", "empty"), ("Yes.", "too_short"), ("x" * (ANSWER_MAX + 1), "too_long")],
    )
    def test_refuses_what_is_no_answer(self, story, ada, body, reason):
        question = story.claimed(ada)
        with pytest.raises(answering.AnswerRefused) as caught:
            self.send(story, question, ada, body)
        assert caught.value.facts["reason"] == reason
        assert question.status == "claimed"

    def test_a_minute_after_the_end_it_still_goes(self, story, ada):
        question = story.claimed(ada)
        for _ in range(OPEN_CLAIMS_MAX - 1):
            story.claimed(ada)
        story.wait(minutes=121)
        assert claiming.lapse_due(story.uow) == OPEN_CLAIMS_MAX
        for _ in range(OPEN_CLAIMS_MAX):  # other open claims are no obstacle
            story.claimed(ada)
        self.send(story, question, ada)
        assert question.status == "answered"
        assert story.moves(question) == ["claim", "lease_ends", "claim", "post_answer"]

    def test_not_over_a_colleague(self, story, ada, berta):
        question = story.claimed(ada)
        answering.hand_back(story.uow, question_id=question.id, answerer_id=ada)
        claiming.claim(story.uow, question_id=question.id, answerer_id=berta)
        with pytest.raises(claiming.ClaimEnded):
            self.send(story, question, ada)
        self.send(story, question, berta)
        assert story.uow.session.scalar(select(Answer.answerer_id)) == berta

    def test_strangers_cannot_send(self, story, ada, berta):
        question = story.question()
        with pytest.raises(NotFound):
            self.send(story, question, berta)
        claiming.claim(story.uow, question_id=question.id, answerer_id=ada)
        with pytest.raises(NotFound):
            self.send(story, question, berta)


class TestLapse:
    def test_who_sends_at_once_what_had_just_ended_hears_of_no_end(self, story, ada):
        question = story.claimed(ada)
        answering.save_draft(story.uow, question_id=question.id, answerer_id=ada, body=ANSWER)
        story.uow.told({})
        story.wait(minutes=121)
        answering.send_answer(story.uow, question_id=question.id, answerer_id=ada, body=ANSWER)
        ended = []
        story.uow.told({ClaimLapsed: (lambda _uow, event: ended.append(event),)})
        assert ended == []
        assert story.moves(question)[-3:] == ["lease_ends", "claim", "post_answer"]

    def test_a_save_in_the_last_instant_is_a_save(self, story, ada):
        """The claim's end may fall between two looks at the clock."""
        question = story.claimed(ada)
        story.wait(minutes=120, microseconds=-2)
        clock = story.clock

        class Ticking:
            def now(self):
                clock.advance(timedelta(microseconds=1))
                return clock.now()

        story.uow.clock = Ticking()
        answering.save_draft(story.uow, question_id=question.id, answerer_id=ada, body="Half")
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == "Half"

    def test_only_what_is_due(self, story, ada, berta):
        question, other = story.claimed(ada), story.claimed(berta)
        answering.save_draft(story.uow, question_id=question.id, answerer_id=ada, body="Half a")
        story.wait(minutes=60)
        answering.save_draft(story.uow, question_id=other.id, answerer_id=berta, body="Half b")
        story.wait(minutes=60)
        assert claiming.lapse_due(story.uow) == 1
        assert (question.status, other.status) == ("queued", "claimed")
        assert story.claim_of(question, ada).status == "lapsed"
        assert story.uow.session.get(AnswerDraft, (question.id, ada)).body == "Half a"
        assert story.events[-1] == ClaimLapsed(
            at=story.clock.now(), question_id=question.id, answerer_id=ada
        )
        assert claiming.lapse_due(story.uow) == 0


def accept_by_itself(uow, event):
    """What follows when the asker was told of the answer."""
    accepting.accept(uow, question_id=event.question_id, actor_id=None)


class TestAccept:
    def test_splits_by_the_frozen_rule(self, story, ada):
        question = story.answered(ada, price=1205)
        accepting.accept(story.uow, question_id=question.id, actor_id=story.asker)
        money = figures_of(story.uow.session, [question.id])[question.id]
        # 1,205 x 15 % = 180.75, of which 3 % of the price = 36.15 are the fund's
        assert (money.held, money.share, money.organizer, money.fund) == (0, 1025, 144, 36)
        assert (question.status, question.accepted_at) == ("accepted", story.clock.now())
        assert story.events[-1] == AnswerAccepted(
            at=story.clock.now(), question_id=question.id, answerer_id=ada, by_timer=False
        )

    def test_twice_is_once(self, story, ada):
        question = story.answered(ada)
        for _ in range(2):
            accepting.accept(story.uow, question_id=question.id, actor_id=story.asker)
        assert story.kinds().count(AnswerAccepted) == 1

    def test_only_the_asker(self, story, ada, berta):
        question = story.answered(ada)
        for stranger in (ada, berta):
            with pytest.raises(NotFound):
                accepting.accept(story.uow, question_id=question.id, actor_id=stranger)
        assert question.status == "answered"

    def test_not_before_the_answer(self, story, ada):
        question = story.claimed(ada)
        with pytest.raises(MoveRefused):
            accepting.accept(story.uow, question_id=question.id, actor_id=story.asker)
        assert held_minor(story.uow.session, question.id) == 1200

    def test_by_itself_after_seven_days(self, story, ada):
        question = story.answered(ada)
        story.uow.told({ReviewEnded: (accept_by_itself,)})
        story.wait(days=7, seconds=-1)
        assert accepting.auto_accept_due(story.uow) == 0
        story.wait(seconds=1)
        assert accepting.auto_accept_due(story.uow) == 1
        assert accepting.auto_accept_due(story.uow) == 0
        assert question.status == "accepted"
        assert story.events[-1].by_timer
        assert story.moves(question)[-1] == "auto_accept"

    def test_what_follows_for_one_person_holds_up_nobody_else(self, story, ada, berta):
        first, second = story.answered(ada), story.answered(berta)
        story.uow.told({})
        told = []

        def tell(_uow, event):
            if event.answerer_id == ada:
                raise RuntimeError
            told.append(event.question_id)

        story.uow._handlers = {ReviewEnded: (accept_by_itself,), AnswerAccepted: (tell,)}
        story.wait(days=7)
        assert accepting.auto_accept_due(story.uow) == 1
        assert (first.status, second.status) == ("answered", "accepted")
        assert told == [second.id]
        story.uow.handle_events()  # nothing of the first is left to tell
        assert told == [second.id]

    def test_closed_thirty_days_after_the_answer(self, story, ada):
        question = story.answered(ada)
        accepting.accept(story.uow, question_id=question.id, actor_id=None)
        story.wait(days=30, seconds=-1)
        assert accepting.close_due(story.uow) == 0
        story.wait(seconds=1)
        assert accepting.close_due(story.uow) == 1
        assert (question.status, question.closed_at) == ("final", story.clock.now())


class TestReminders:
    def days(self, story):
        return [event.day for event in story.events if type(event) is AcceptanceDue]

    def test_each_once(self, story, ada):
        story.answered(ada)
        for _ in range(6 * 24 + 30):
            accepting.remind_due(story.uow)
            story.wait(hours=1)
        assert self.days(story) == [1, 3, 6]

    def test_not_a_day_late(self, story, ada):
        story.answered(ada)
        story.wait(days=2, minutes=1)
        assert accepting.remind_due(story.uow) == 0
        story.wait(hours=24)
        assert accepting.remind_due(story.uow) == 1
        assert self.days(story) == [3]

    def test_one_that_fails_holds_up_no_other_and_comes_later(self, story, ada):
        first = story.answered(ada)
        story.wait(minutes=1)
        second = story.answered(ada)
        story.wait(days=1)
        told = []

        def tell(_uow, event):
            if event.question_id == first.id and not told:
                raise RuntimeError
            told.append(event.question_id)

        story.uow.told({AcceptanceDue: (tell,)})
        assert [accepting.remind_due(story.uow) for _ in range(3)] == [1, 1, 0]
        assert told == [second.id, first.id]

    def test_not_once_accepted(self, story, ada):
        question = story.answered(ada)
        accepting.accept(story.uow, question_id=question.id, actor_id=story.asker)
        story.wait(days=1)
        assert accepting.remind_due(story.uow) == 0


class TestWhatComesNext:
    def test_the_longest_paid_that_is_for_them(self, story, berta):
        late = story.question(topic="bills", price=2400)
        late.paid_at = story.clock.now() + timedelta(hours=1)
        early = story.question(topic="bills")
        story.question(topic="home")
        story.question(asker=berta)
        story.question(status="withdrawn")
        story.uow.session.flush()
        assert story.next(berta) == (early.id, 1)
        claiming.claim(story.uow, question_id=early.id, answerer_id=berta)
        assert story.next(berta) == (late.id, 0)

    def test_more_than_a_page_tells_are_not_counted(self, story, berta):
        first = story.question()
        for _ in range(queries_search.MOST_TOLD + 2):
            story.question()
        assert story.next(berta) == (first.id, queries_search.MOST_TOLD)

    def test_past_all_that_own_limits_have_no_room_for(self, story, berta):
        rule = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=1200, currency="EUR")
        own_limits.add(story.uow, account_id=berta, rule=rule, currency="EUR", zone="UTC")
        for _ in range(45):
            story.question(price=2400)
        assert story.next(berta) == (None, 45)
        fits = story.question()
        assert story.next(berta) == (fits.id, 45)

    def test_what_does_not_fit_into_the_day_is_not_offered(self, story, berta):
        held, large, small = story.question(), story.question(), story.question()
        large.size = "large"
        day = {"quiet": (0, 0), "rest_days": frozenset(), "daily_answers": None}
        whose = hours.Whose(berta, story.uow.zone)
        hours.set_day(story.uow, whose, daily_minutes=30, **day)
        claiming.claim(story.uow, question_id=held.id, answerer_id=berta)
        assert story.next(berta) == (small.id, 0)
        hours.set_day(story.uow, whose, daily_minutes=15, **day)
        assert story.desk(berta, story.clock.now()).refusal == "daily"
        assert story.next(berta)[0] == small.id  # to be read

    def test_a_promised_answer_is_one_of_the_day(self, story, berta):
        first, second = story.question(), story.question()
        day = {"quiet": (0, 0), "rest_days": frozenset(), "daily_minutes": 120}
        hours.set_day(story.uow, hours.Whose(berta, story.uow.zone), daily_answers=1, **day)
        claiming.claim(story.uow, question_id=first.id, answerer_id=berta)
        with pytest.raises(ClaimRefused) as refused:
            claiming.claim(story.uow, question_id=second.id, answerer_id=berta)
        assert refused.value.facts["reasons"] == ("daily",)
        assert story.desk(berta, story.clock.now()).refusal == "daily"


class TestATopicSwitchedOff:
    def test_what_is_written_may_be_sent_while_the_approval_stands(self, story, ada):
        question = story.claimed(ada)
        claiming.end(story.uow, story.claim_of(question, ada), "lapsed")
        question.status = "queued"
        story.uow.session.flush()
        work = {"languages": frozenset({"en"}), "topics_off": frozenset({"bills"})}
        hours.set_work(story.uow, hours.Whose(ada, story.uow.zone), **work)
        assert refused(story, question, ada) == "topic"
        answering.send_answer(story.uow, question_id=question.id, answerer_id=ada, body=ANSWER)
        assert question.status == "answered"


class TestPassingOver:
    def test_another_one_and_another_until_the_own_day_ends(self, story, berta):
        hours.set_week(
            story.uow, hours.Whose(berta, story.uow.zone), zone_name="Asia/Tokyo",
            windows=(Window(0, 9 * 60, 60),),
        )  # fmt: skip
        ids = [story.question() for _ in range(5)]
        for number in range(3):
            assert story.next(berta) == (ids[number].id, 4 - number)
            story.skip(ids[number], berta)
            story.skip(ids[number], berta)  # twice is once
        desk = story.desk(berta, story.clock.now())
        assert (desk.skips_left, desk.refusal) == (0, None)
        with pytest.raises(SkipsUsedUp) as refused:
            story.skip(ids[3], berta)
        assert refused.value.facts == {"most": 3}
        assert story.next(berta) == (ids[3].id, 1)
        # Wednesday 20:00 in Tokyo: that day has four more hours
        story.wait(hours=4, seconds=-1)
        assert story.next(berta)[0] == ids[3].id
        story.wait(seconds=1)
        assert story.next(berta)[0] == ids[0].id
        assert story.desk(berta, story.clock.now()).skips_left == 3

    def test_it_is_for_one_person_and_for_the_offer_alone(self, story, ada, berta):
        question = story.question()
        story.skip(question, berta, SkipReason.TOO_LONG)
        assert story.next(berta) == (None, 0)
        assert story.next(ada) == (question.id, 0)
        row = story.uow.session.scalars(select(Skip)).one()
        assert (row.reason, row.at) == ("too_long", story.clock.now())
        claiming.claim(story.uow, question_id=question.id, answerer_id=berta)

    def test_the_question_is_locked_before_the_person(self, story, berta):
        question, locks = story.question(), []

        def note(_connection, _cursor, statement, *_more):
            if " FOR " in statement:
                locks.append(statement.split("FROM ")[1].split()[0])

        engine = story.uow.session.get_bind()
        listen(engine, "before_cursor_execute", note)
        try:
            story.skip(question, berta)
        finally:
            remove(engine, "before_cursor_execute", note)
        assert locks == ["question", "account"]

    def test_a_change_of_mind(self, story, berta):
        first, second = story.question(), story.question()
        for each in (first, second):
            story.skip(each, berta)
        skipping.show_again(story.uow, answerer_id=berta, question_id=second.id)
        assert story.next(berta) == (second.id, 0)
        skipping.show_again(story.uow, answerer_id=berta)
        assert story.next(berta) == (first.id, 1)


class TestQueries:
    def test_the_desk(self, story, ada, berta):
        month_start = story.clock.now().replace(day=1)
        empty = story.desk(ada, month_start)
        assert (empty.answers, empty.earned_minor, empty.currency, empty.held) == (0, 0, None, [])
        earned = story.answered(ada)
        accepting.accept(story.uow, question_id=earned.id, actor_id=story.asker)
        story.answered(ada)
        story.claimed(berta)
        held = story.claimed(ada)
        desk = story.desk(ada, month_start)
        assert (desk.answers, desk.earned_minor, desk.currency) == (2, 1020, "EUR")
        assert [row.id for row in desk.held] == [held.id]
        later = story.clock.now() + timedelta(days=1)
        next_month = story.desk(ada, later)
        assert (next_month.answers, next_month.earned_minor) == (0, 0)

    def test_one_question(self, story, ada, berta):
        question = story.claimed(ada)
        answering.save_draft(story.uow, question_id=question.id, answerer_id=ada, body="Half a")
        story.uow.session.flush()
        mine = story.work(question, ada)
        assert (mine.claim_status, mine.draft, mine.revision) == ("active", "Half a", 1)
        assert mine.can_write
        theirs = story.work(question, berta)
        assert (theirs.claim_status, theirs.draft, theirs.answer) == (None, "", None)
        assert not theirs.can_write
        assert not theirs.is_open
        draft = story.question(status="draft")
        assert story.work(draft, ada) is None
