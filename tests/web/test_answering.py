"""An answerer's pages: queue, reading first, writing, checking, sending, giving back."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from tests.counting import statements
from tests.factories import (
    ANSWER,
    csrf_of,
    draft,
    hidden_of,
    person,
    post,
    question_row,
    queued,
    sign_in_as,
)
from tests.kept import kept as put_back
from upss.accounts.models import Account
from upss.forum.models import Answer, AnswerDraft
from upss.forum.rules.policy import Policy
from upss.forum.rules.texts import ANSWER_MAX, DRAFT_MAX
from upss.forum.service import answering, claiming, hours
from upss.kernel.roles import Role
from upss.web.ports import unit

OPEN_CLAIMS_MAX = Policy().open_claims_max
TITLE = "Can I return a fridge that arrived damaged?"


@pytest.fixture
def begun(app, database, request):
    """Who takes part, and the question where a test wants it: made once, put back for each test."""
    has_question = "question" in request.fixturenames
    if "nobody_rests" in request.fixturenames:
        return begin(with_question=has_question)
    name = "answering, with a question" if has_question else "answering"
    return put_back(name, database, lambda: begin(with_question=has_question))


def begin(*, with_question):
    asker = person("asker.person@example.org")
    return {
        "asker": asker,
        "ada": person("ada@example.org", role=Role.ANSWERER, topics=("home",)),
        "question": queued(asker) if with_question else None,
    }


@pytest.fixture
def asker(begun):
    return begun["asker"]


@pytest.fixture
def ada(begun):
    return begun["ada"]


@pytest.fixture
def berta(begun):  # not put back: her hours would move each promise
    return person("berta@example.org", role=Role.ANSWERER, topics=("home",))


@pytest.fixture
def browser(app, client, ada):
    sign_in_as(app, client, ada)
    return client


@pytest.fixture
def question(begun):
    return question_row(begun["question"])


@pytest.fixture
def claimed(browser, question, ada):
    take(question, ada)
    return question


def take(question, who):
    with unit() as uow:
        claiming.claim(uow, question_id=question.id, answerer_id=who)
        uow.commit()


def give_back(question, who):
    with unit() as uow:
        answering.hand_back(uow, question_id=question.id, answerer_id=who)
        uow.commit()


def kept(question, who):
    with unit() as uow:
        found = uow.session.get(AnswerDraft, (question.id, who), populate_existing=True)
        return found.body if found else None


def sent(question):
    with unit() as uow:
        return uow.session.scalar(select(Answer.body).where(Answer.question_id == question.id))


def text_of(response):
    assert response.status_code < 500
    return response.get_data(as_text=True)


def write_url(question, rest=""):
    return f"/answering/{question.public_id}{rest}"


class TestQueue:
    def test_shows_what_waits_and_nothing_of_the_asker(self, browser, question):
        page = text_of(browser.get("/queue"))
        assert TITLE in page
        assert f'action="/queue/{question.public_id}/claim"' in page
        assert "€10.20" in page  # 12.00 less 15 %
        assert "Home and repairs" in page
        assert "asker.person" not in page
        assert "There is no clock on this page." in page

    def test_says_when_nothing_waits(self, browser):
        assert "No question waits for you now" in text_of(browser.get("/queue"))

    def test_two_statements_besides_the_session_whatever_waits(self, browser, asker, ada):
        for _ in range(3):
            take(question_row(queued(asker)), ada)
        for _ in range(2):
            queued(asker)
        browser.get("/queue")
        with statements() as seen:
            browser.get("/queue")
        assert len(seen) == 3, seen

    def test_another_one_and_back_again(self, browser, asker):
        first, second = (question_row(queued(asker)).public_id for _ in range(2))
        page = text_of(browser.get("/queue"))
        assert (first in page, second in page) == (True, False)
        assert "1 other question waits as well." in page
        assert "You can do this 3 more times today." in page
        answer = post(browser, "/queue", f"/queue/{first}/skip", why="too_long")
        page = text_of(browser.get(answer.headers["Location"]))
        assert "You get another question instead." in page
        assert f'action="/queue/{second}/claim"' in page
        assert "It is the only one for you now." in page
        assert "Another one" not in page
        (alone,) = re.findall(rf'href="(/queue/{second}[^"]*)"', page)
        assert "Another one" not in text_of(browser.get(alone))
        assert "Another one" in text_of(browser.get(f"/queue/{second}"))
        answer = post(browser, answer.headers["Location"], "/queue/again", question=first)
        assert answer.headers["Location"] == f"/queue/{first}"
        assert f'action="/queue/{first}/claim"' in text_of(browser.get("/queue"))
        # whoever opens a question by its address may still take it
        for public_id in (first, second):
            answer = post(browser, f"/queue/{public_id}", f"/queue/{public_id}/skip", why="made up")
        page = text_of(browser.get(answer.headers["Location"]))
        assert "You have passed the question over." in page
        assert "You get another question instead." not in page
        assert "data-flashes" in page.split("You have passed the question over.")[0][-200:]
        page = text_of(browser.get("/queue"))
        assert "No question waits for you now" in page
        assert "You have passed over 2 questions today." in page
        assert "Another one" not in text_of(browser.get(f"/queue/{first}"))
        post(browser, f"/queue/{first}", f"/queue/{first}/claim")
        post(browser, "/queue", "/queue/again")
        assert second in text_of(browser.get("/queue"))

    def test_three_a_day(self, browser, asker):
        ids = [question_row(queued(asker)).public_id for _ in range(5)]
        for public_id in ids[:3]:
            post(browser, "/queue", f"/queue/{public_id}/skip")
        page = text_of(browser.get("/queue"))
        assert "You have passed over 3 questions today, and a day has no more." in page
        assert "Nothing is lost and nothing counts against you." in page
        assert "/skip" not in page
        post(browser, "/queue", f"/queue/{ids[3]}/skip")
        assert ids[3] in text_of(browser.get("/queue"))

    def test_says_how_little_is_left_of_a_day(self, browser, question, ada):
        words = "You have 30 minutes left for today. Longer questions are not shown."
        assert words not in text_of(browser.get("/queue"))
        with unit() as uow:
            hours.set_day(
                uow, hours.Whose(ada, "Europe/Madrid"), quiet=(0, 0), rest_days=frozenset(),
                daily_minutes=30, daily_answers=None,
            )  # fmt: skip
            uow.commit()
        page = text_of(browser.get("/queue"))
        assert words in page
        assert TITLE in page
        take(question, ada)
        assert "You have 10 minutes left for today." in text_of(browser.get("/queue"))

    def test_is_for_answerers(self, app, client, asker):
        assert client.get("/queue").headers["Location"].startswith("/sign-in")
        sign_in_as(app, client, asker)
        assert client.get("/queue").status_code == 403


class TestReadAndClaim:
    def test_reading_first(self, browser, question):
        page = text_of(browser.get(f"/queue/{question.public_id}"))
        assert "It has a dent in the door" in page
        assert '<h1 lang="en">' in page
        assert "asker.person" not in page

    def test_claiming_leads_to_writing_with_undo(self, browser, question):
        answer = post(browser, "/queue", f"/queue/{question.public_id}/claim")
        assert answer.headers["Location"] == write_url(question, "?taken=1")
        page = text_of(browser.get(answer.headers["Location"]))
        assert "The question is yours now. Nobody else can take it." in page
        assert "Undo" in page
        # claimed on Wednesday at 12:00 in Madrid: kept until 14:00
        assert "Kept for you until 14:00. Saving moves it." in page
        back = post(browser, write_url(question), write_url(question, "/hand-back"))
        offered = text_of(browser.get(back.headers["Location"]))
        assert "You have given the question back." in offered
        assert question_row(question.id).status == "queued"
        again = browser.post(
            f"/queue/{question.public_id}/claim", data={"csrf_token": csrf_of(offered)}
        )
        assert again.headers["Location"] == write_url(question, "?taken=1")

    def test_a_colleague_was_faster(self, browser, question, berta):
        token = csrf_of(text_of(browser.get("/queue")))
        take(question, berta)
        answer = browser.post(
            f"/queue/{question.public_id}/claim",
            data={"csrf_token": token},
            follow_redirects=True,
        )
        assert "This question no longer waits." in text_of(answer)
        late = browser.get(f"/queue/{question.public_id}", follow_redirects=True)
        assert "This question no longer waits." in text_of(late)
        assert "It has a dent" not in text_of(late)

    def test_too_many_at_once(self, browser, asker, ada):
        for _ in range(OPEN_CLAIMS_MAX):
            take(question_row(queued(asker)), ada)
        last = question_row(queued(asker))
        answer = post(browser, "/queue", f"/queue/{last.public_id}/claim")
        page = text_of(browser.get(answer.headers["Location"]))
        assert page.count("You hold 3 questions") == 1
        assert "I will answer this" not in page
        assert question_row(last.id).status == "queued"

    def test_what_is_not_for_this_answerer(self, browser, asker, ada):
        other_topic = question_row(queued(asker, topic="bills"))
        own = question_row(queued(ada))
        unpaid = question_row(draft(asker))
        for question in (other_topic, own, unpaid):
            assert browser.get(f"/queue/{question.public_id}").status_code == 404
        assert browser.get("/queue/nothing").status_code == 404
        for question, words in (
            (other_topic, "This is not one of the topics that you answer now."),
            (own, "This is your own question."),
        ):
            answer = post(browser, "/queue", f"/queue/{question.public_id}/claim")
            assert words in text_of(browser.get(answer.headers["Location"]))
        assert post(browser, "/queue", f"/queue/{unpaid.public_id}/claim").status_code == 404

    def test_reading_what_was_claimed_leads_to_the_writing(self, browser, claimed, ada, berta):
        def leads_to():
            return browser.get(f"/queue/{claimed.public_id}").headers["Location"]

        assert leads_to() == write_url(claimed)
        give_back(claimed, ada)
        take(claimed, berta)
        assert leads_to() == write_url(claimed)  # where what was written is kept


class TestWhatAnOrganizerReads:
    def test_why_it_was_not_taken_and_nobodys_name(self, app, browser, question, ada):
        public_id = question.public_id
        post(browser, "/queue", f"/queue/{public_id}/skip", why="too_long")
        post(browser, "/limits", "/limits/paid-work", no_paid_work="yes")
        for _ in range(2):
            post(browser, f"/queue/{public_id}", f"/queue/{public_id}/claim")
        reader = app.test_client()
        sign_in_as(app, reader, person("olga@example.org", role=Role.ORGANIZER), organizer=True)
        page = text_of(reader.get(f"/organizer/questions/{question.id}"))
        rows = re.findall(r"<tr><th[^>]*>(.+?)</th><td[^>]*>(\d+)</td></tr>", page)
        assert [(unescape(what), times) for what, times in rows] == [
            ("Claim refused: the answerer's own limits", "2"),
            ("Passed over: too long for that day", "1"),
        ]
        with unit() as uow:
            name = uow.session.get_one(Account, ada).name
        assert name not in page


class TestBusyHours:
    """Wednesday at 12:00 is a busy hour of a new site: what is asked then waits until 14:00."""

    @pytest.fixture
    def waiting(self, nobody_rests, ada, asker):  # noqa: ARG002
        return question_row(queued(asker))

    @pytest.mark.usefixtures("waiting")
    def test_the_queue_says_from_when_it_can_be_taken(self, browser, clock):
        page = text_of(browser.get("/queue"))
        assert TITLE not in page
        assert "1 question waits for a quieter hour." in page
        assert "From this time on you can take them: Wednesday 18 November at 14:00." in page
        clock.advance(timedelta(hours=2))
        page = text_of(browser.get("/queue"))
        assert TITLE in page
        assert "for a quieter hour" not in page

    def test_its_own_page_says_so_and_has_no_button(self, browser, waiting, clock):
        page = text_of(browser.get(f"/queue/{waiting.public_id}"))
        assert "This question waits for a quieter hour" in page
        assert "from this time on: Wednesday 18 November at 14:00" in page
        assert f"/queue/{waiting.public_id}/claim" not in page
        answer = browser.post(
            f"/queue/{waiting.public_id}/claim",
            data={"csrf_token": csrf_of(text_of(browser.get("/settings")))},
        )
        assert "This question waits for a quieter hour." in text_of(
            browser.get(answer.headers["Location"])
        )
        clock.advance(timedelta(hours=2))
        assert "I will answer this" in text_of(browser.get(f"/queue/{waiting.public_id}"))

    def test_who_asked_reads_it_too(self, app, client, waiting, asker, clock):
        sign_in_as(app, client, asker)
        page = text_of(client.get(f"/questions/{waiting.public_id}"))
        assert "Your question came at a busy hour." in page
        assert "from this time on: Wednesday 18 November at 14:00" in page
        clock.advance(timedelta(hours=2))
        assert "busy hour" not in text_of(client.get(f"/questions/{waiting.public_id}"))

    @pytest.mark.usefixtures("question")
    def test_who_is_away_is_told(self, browser, ada, clock):
        with unit() as uow:
            until = clock.now() + timedelta(days=1)
            hours.pause(uow, hours.Whose(ada, "Europe/Madrid"), until=until)
            uow.commit()
        page = text_of(browser.get("/queue"))
        assert "You have said that you are away" in page
        assert TITLE in page
        assert "I will answer this" not in page

    def test_kept_until_the_next_hours_end(self, browser, claimed):
        answer = post(browser, write_url(claimed), body="", do="keep")
        page = text_of(browser.get(answer.headers["Location"]))
        # own hours end at 20:00; the promise of 18:30 keeps its last two hours for somebody else
        assert "Kept for you until 16:30." in page
        # what is kept for longer than a press gives is not moved by one: none is offered
        queue = text_of(browser.get("/queue"))
        for shown in (page, queue):
            assert "Saving moves it" not in shown
            assert "Keep it for two hours from now" not in shown


class TestWrite:
    def test_save_without_javascript(self, browser, claimed, ada, clock):
        clock.advance(timedelta(minutes=30))
        answer = post(browser, write_url(claimed), body="Half an\r\nanswer", do="save")
        assert answer.status_code == 303
        page = text_of(browser.get(answer.headers["Location"]))
        assert "Half an\nanswer</textarea>" in page
        assert "Saved at 12:30. Kept for you until 14:30. Saving moves it." in page
        assert kept(claimed, ada) == "Half an\nanswer"

    def test_autosave_tells_the_times(self, browser, claimed, ada):
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        answer = browser.post(
            write_url(claimed, "/autosave"),
            data={"body": "Half an answer", "csrf_token": token},
            headers={"X-CSRFToken": token, "Accept": "application/json"},
        )
        assert answer.json == {
            "saved_at_text": "Saved at 12:00. Kept for you until 14:00. Saving moves it.",
            "ends_text": "Kept for you until 14:00. Saving moves it.",
            "warn_in": 100 * 60,
        }
        assert kept(claimed, ada) == "Half an answer"

    def test_autosave_after_the_end(self, browser, claimed, ada):
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        give_back(claimed, ada)
        answer = browser.post(
            write_url(claimed, "/autosave"), data={"body": "Half", "csrf_token": token}
        )
        assert answer.json["saved_at_text"] == (
            "Saved at 12:00. The question is not kept for you any more."
        )
        assert kept(claimed, ada) == "Half"

    def test_autosave_of_too_much(self, browser, claimed, ada):
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        answer = browser.post(
            write_url(claimed, "/autosave"),
            data={"body": "x" * (DRAFT_MAX + 1), "csrf_token": token},
        )
        assert (answer.status_code, answer.json["error"]) == (422, "draft_too_long")
        assert kept(claimed, ada) is None

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("", "Write your answer"),
            ("Yes.", "Write a little more: at least 40 characters. You have 4."),
            ("é" * (ANSWER_MAX + 1), "Your answer is 1 character too long."),
            ("x" * 100_000, "Your answer is 80000 characters too long. Shorten it to 20000."),
        ],
    )
    def test_what_cannot_be_sent_is_said_and_kept(self, browser, claimed, ada, body, words):
        answer = post(browser, write_url(claimed), body=body, do="check")
        page = text_of(answer)
        assert answer.status_code == 422
        assert page.count(words) >= 2  # in the summary and at the field
        assert "<title>Error:" in page
        assert f"{body}</textarea>" in page
        assert kept(claimed, ada) == body

    def test_more_than_the_server_keeps_stays_in_the_box(self, browser, claimed, ada):
        post(browser, write_url(claimed), body="Kept", do="save")
        body = "x" * (DRAFT_MAX + 1)
        answer = post(browser, write_url(claimed), body=body, do="save")
        assert answer.status_code == 422
        assert "This text is too long to be saved." in text_of(answer)
        assert f"{body}</textarea>" in text_of(answer)
        assert kept(claimed, ada) == "Kept"

    def test_giving_back_keeps_what_was_just_typed(self, browser, claimed, ada):
        answer = post(browser, write_url(claimed), body="Not yet saved", do="hand_back")
        assert answer.headers["Location"].startswith("/queue?given_back=")
        assert kept(claimed, ada) == "Not yet saved"
        assert question_row(claimed.id).status == "queued"
        page = text_of(browser.get(f"/queue/{claimed.public_id}"))
        assert "You wrote on this question before. Your text is kept." in page

    def test_giving_back_twice(self, browser, claimed, ada):
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        give_back(claimed, ada)
        answer = browser.post(write_url(claimed, "/hand-back"), data={"csrf_token": token})
        page = text_of(browser.get(answer.headers["Location"]))
        assert "The question is not kept for you any more." in page

    def test_when_somebody_else_has_it(self, browser, claimed, ada, berta):
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        give_back(claimed, ada)
        take(claimed, berta)
        answer = browser.post(
            write_url(claimed), data={"csrf_token": token, "body": ANSWER, "do": "check"}
        )
        page = text_of(browser.get(answer.headers["Location"], follow_redirects=True))
        assert "Somebody else has taken it, or it was withdrawn." in page
        assert ANSWER in page
        assert "<textarea" not in page
        assert kept(claimed, ada) == ANSWER

    def test_somebody_elses_claim(self, app, client, claimed, berta):
        token = csrf_of(text_of(client.get(write_url(claimed))))
        sign_in_as(app, client, berta)
        token = csrf_of(text_of(client.get("/queue")))
        assert client.get(write_url(claimed), follow_redirects=True).request.path == "/queue"
        for rest, status in (("", 404), ("/autosave", 404), ("/hand-back", 404), ("/send", 303)):
            answer = client.post(
                write_url(claimed, rest), data={"csrf_token": token, "body": ANSWER, "do": "save"}
            )
            assert answer.status_code == status
        assert kept(claimed, berta) is None
        assert question_row(claimed.id).status == "claimed"

    def test_the_page_needs_two_statements(self, browser, claimed):
        browser.get(write_url(claimed))
        with statements() as seen:
            browser.get(write_url(claimed))
        assert len(seen) == 2, seen


class TestTime:
    """A claim's end is said as an hour, twenty minutes before, and a press moves it."""

    def test_near_the_end_the_page_says_so_and_one_press_moves_it(self, browser, claimed, clock):
        assert 'data-warn-in="6000" hidden' in text_of(browser.get(write_url(claimed)))
        clock.advance(timedelta(minutes=101))
        page = text_of(browser.get(write_url(claimed)))
        assert '<div data-warn-in="0">' in page
        assert "Do you need more time?" in page
        answer = post(browser, write_url(claimed), body="Half an answer", do="extend")
        page = text_of(browser.get(answer.headers["Location"]))
        assert "Kept for you until 15:41. Saving moves it." in page
        assert "Half an answer</textarea>" in page
        assert 'data-warn-in="6000" hidden' in page

    def test_another_day_is_named(self, browser, claimed, clock):
        clock.advance(timedelta(minutes=119))  # 13:59
        for _ in range(5):
            post(browser, write_url(claimed), body="", do="extend")
            clock.advance(timedelta(minutes=119))
        answer = post(browser, write_url(claimed), body="", do="extend")
        page = text_of(browser.get(answer.headers["Location"]))
        assert "Kept for you until Thursday 19 November at 01:54. Saving moves it." in page

    def test_from_the_queue(self, browser, claimed, clock):
        clock.advance(timedelta(minutes=60))
        answer = post(browser, "/queue", write_url(claimed, "/keep"))
        page = text_of(browser.get(answer.headers["Location"]))
        assert answer.headers["Location"] == "/queue"
        assert "Kept for you until 15:00. Saving moves it." in page

    def test_a_press_after_the_end_says_so_and_keeps_the_text(self, browser, claimed, ada, clock):
        unseen = hidden_of(text_of(browser.get(write_url(claimed))))
        clock.advance(timedelta(minutes=121))
        answer = browser.post(write_url(claimed), data=unseen | {"body": "Half", "do": "extend"})
        page = text_of(browser.get(answer.headers["Location"]))
        assert "The question is not kept for you any more." in page
        assert kept(claimed, ada) == "Half"
        assert question_row(claimed.id).status == "queued"


class TestOlderPage:
    """A window that was opened for an earlier claim of the same person."""

    @pytest.fixture
    def unseen(self, browser, claimed, ada, clock):
        """What that window's form carries; meanwhile the person goes on in another one."""
        unseen = hidden_of(text_of(browser.get(write_url(claimed))))
        clock.advance(timedelta(minutes=121))
        take(claimed, ada)
        post(browser, write_url(claimed), body="Newer", do="save")
        return unseen

    def test_its_autosave_is_kept_beside(self, browser, claimed, ada, unseen):
        answer = browser.post(write_url(claimed, "/autosave"), data=unseen | {"body": "Older"})
        assert answer.json["saved_at_text"].startswith("There is a newer text of yours.")
        assert kept(claimed, ada) == "Newer"
        page = text_of(browser.get(write_url(claimed)))
        assert "From an older page" in page
        assert "Older" in page
        assert "Newer</textarea>" in page

    @pytest.mark.parametrize("button", ["save", "check", "hand_back", "extend"])
    def test_none_of_its_buttons_touches_the_newer_one(self, browser, claimed, ada, unseen, button):
        answer = browser.post(write_url(claimed), data=unseen | {"body": "Older", "do": button})
        page = text_of(browser.get(answer.headers["Location"]))
        assert "There is a newer text of yours." in page
        assert kept(claimed, ada) == "Newer"
        assert question_row(claimed.id).status == "claimed"

    @pytest.mark.parametrize("claim", ["x", "-1", "9" * 30, "²", ""])
    def test_a_strange_number_is_an_older_page(self, browser, claimed, ada, unseen, claim):
        answer = browser.post(
            write_url(claimed, "/autosave"), data=unseen | {"body": "Odd", "claim": claim}
        )
        assert answer.status_code == 200
        assert kept(claimed, ada) == "Newer"


class TestTwoWindows:
    """Two windows of the same claim: whoever saves later from an older page overwrites nothing."""

    def test_what_the_older_one_saves_is_kept_beside(self, browser, claimed, ada):
        older = hidden_of(text_of(browser.get(write_url(claimed))))
        newer = hidden_of(text_of(browser.get(write_url(claimed))))
        browser.post(write_url(claimed), data=newer | {"body": "Mine", "do": "save"})
        answer = browser.post(write_url(claimed), data=older | {"body": "Other", "do": "save"})
        page = text_of(browser.get(answer.headers["Location"]))
        assert "There is a newer text of yours." in page
        assert "From an older page" in page
        assert "Other" in page
        assert kept(claimed, ada) == "Mine"

    def test_a_page_goes_on_saving_what_it_saved_itself(self, browser, claimed, ada):
        page = hidden_of(text_of(browser.get(write_url(claimed))))
        for body in ("One", "One two", "One two three"):
            browser.post(write_url(claimed, "/autosave"), data=page | {"body": body})
            assert kept(claimed, ada) == body


class TestSend:
    def check(self, browser, question, body=ANSWER):
        answer = post(browser, write_url(question), body=body, do="check")
        assert answer.headers["Location"] == write_url(question, "/check")
        return text_of(browser.get(answer.headers["Location"]))

    def send(self, browser, question, page):
        revision = re.search(r'name="revision" value="(\d+)"', page).group(1)
        return browser.post(
            write_url(question, "/send"),
            data={"csrf_token": csrf_of(page), "revision": revision},
        )

    def test_checked_then_sent(self, browser, claimed):
        page = self.check(browser, claimed, f"{ANSWER}\r\n\r\n1. One\r\n2. <b>Two</b>")
        assert "<li>&lt;b&gt;Two&lt;/b&gt;</li>" in page
        assert "Send the answer" in page
        assert "Go on writing" in page
        assert sent(claimed) is None
        answer = self.send(browser, claimed, page)
        assert sent(claimed) == f"{ANSWER}\n\n1. One\n2. <b>Two</b>"
        after = text_of(browser.get(answer.headers["Location"]))
        assert "Your answer is sent. Thank you." in after
        assert "You earn €10.20 when the answer is accepted." in after
        assert "It is accepted by itself on Wednesday 25 November." in after
        home = text_of(browser.get("/queue"))
        assert "This month you have sent 1 answer." in home
        assert browser.get(write_url(claimed)).headers["Location"] == (
            f"/queue/{claimed.public_id}"
        )

    def test_twice_is_once(self, browser, claimed):
        page = self.check(browser, claimed)
        assert self.send(browser, claimed, page).status_code == 303
        again = self.send(browser, claimed, page)
        assert "Your answer is sent." in text_of(browser.get(again.headers["Location"]))

    def test_only_what_was_seen(self, browser, claimed):
        page = self.check(browser, claimed)
        post(browser, write_url(claimed), body=f"{ANSWER} And one thing more.", do="save")
        answer = self.send(browser, claimed, page)
        assert answer.headers["Location"] == write_url(claimed, "/check")
        shown = text_of(browser.get(answer.headers["Location"]))
        assert "The text has changed since." in shown
        assert "And one thing more." in shown
        assert sent(claimed) is None

    def test_after_the_end_while_nobody_has_it(self, browser, claimed, ada):
        page = self.check(browser, claimed)
        give_back(claimed, ada)
        writing = text_of(browser.get(write_url(claimed)))
        assert "Nobody else has taken the question: you can still send your answer." in writing
        assert self.send(browser, claimed, page).headers["Location"].endswith("?sent=1")
        assert sent(claimed) == ANSWER

    def test_after_a_colleague_took_it(self, browser, claimed, ada, berta):
        page = self.check(browser, claimed)
        give_back(claimed, ada)
        take(claimed, berta)
        answer = self.send(browser, claimed, page)
        shown = text_of(browser.get(answer.headers["Location"]))
        assert "The answer could not be sent. What you wrote is kept." in shown
        assert ANSWER in shown
        assert sent(claimed) is None

    def test_refused_with_the_way_to_what_refuses_it(self, browser, claimed, ada):
        page = self.check(browser, claimed)
        give_back(claimed, ada)
        post(browser, "/limits", "/limits/paid-work", no_paid_work="yes")
        answer = self.send(browser, claimed, page)
        shown = text_of(browser.get(answer.headers["Location"]))
        assert "You take no paid questions at the moment." in shown
        assert '<a href="/limits">My limits</a></p>' in shown
        assert "you can still send" not in shown
        assert ANSWER in shown
        assert sent(claimed) is None

    def test_the_check_page_shows_nothing_unfit(self, browser, claimed):
        post(browser, write_url(claimed), body="Too short", do="save")
        assert browser.get(write_url(claimed, "/check")).headers["Location"] == (write_url(claimed))
        token = csrf_of(text_of(browser.get(write_url(claimed))))
        answer = browser.post(
            write_url(claimed, "/send"), data={"csrf_token": token, "revision": "1"}
        )
        assert answer.status_code == 422
        assert "Write a little more" in text_of(answer)
