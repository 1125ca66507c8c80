"""What makes UPSS different, walked through: hours, a question that waits, claims, a limit, a promise missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.e2e.path import GOOD, Path
from upss.forum.rules.policy import Mode

PEAK = timedelta(hours=3)  # from the hour on in which a walk begins
LIMIT = "15"  # one answer of 12 euros fits, not two
_STEPS_AT_MOST = 12  # days until any promise is over


class QuietPath(Path):
    """Two questions come at a busy hour: one is answered late at ease, the other never."""

    def walk(self) -> None:
        """Take every step, from the answerer's hours to the money that goes back."""
        self.arrive()
        self.declare_hours()
        self.set_a_limit()
        self._begin_a_peak()
        answered, missed = self._ask_and_pay(1), self._ask_and_pay(2)
        self.wait_for_a_quieter_hour(answered)
        self.claim_and_extend(answered)
        self.reach_the_limit(missed)
        self.lapse_and_come_back(answered)
        self.answer_after_all(answered)
        self.miss_a_promise(missed)
        self.take_the_money_back(missed)
        self.remove_the_limit()

    def declare_hours(self) -> None:
        """Choose two presets, then a line for every day; take the last change back and make it again."""
        answerer = self.answerer
        answerer.press("nav a[href='/hours']")
        self._seen("hours-assumed-or-not", answerer)
        for preset in ("mornings", "evenings"):
            answerer.choose(f"input[name='preset'][value='{preset}']")
        answerer.press("form[action='/hours/preset'] button")
        self._seen("hours-saved", answerer)
        answerer.press("main a[href='/hours/week']")
        self._seen("week", answerer)
        answerer.press("button[value='remove-2']")
        answerer.write("#from-1", "0:00")
        answerer.write("#to-1", "25:00")
        answerer.press("button[value='save'].primary")
        assert answerer.page.input_value("#to-1") == "25:00"  # refused, and still there
        self._seen("week-errors", answerer)
        answerer.write("#to-1", "0:00")
        answerer.press("button[value='save'].primary")
        self._seen("week-saved", answerer)
        answerer.press("form[action='/hours/undo'] button")
        self._seen("week-undone", answerer)
        answerer.press("form[action='/hours/undo'] button")
        assert answerer.page.locator("main .notice.ok").count() == 1

    def set_a_limit(self) -> None:
        """Limit what is earned in a day; a figure in another currency is refused first."""
        answerer = self.answerer
        answerer.page.goto(f"{self._base}/limits")
        self._seen("limits-none", answerer)
        answerer.press("main a[href='/limits/new']")
        self._seen("limit", answerer)
        answerer.choose("input[name='metric'][value='money']")
        answerer.write("#most", f"${LIMIT}")
        answerer.press("main form button.primary")
        assert answerer.page.input_value("#most") == f"${LIMIT}"
        self._seen("limit-errors", answerer)
        answerer.write("#most", LIMIT)
        answerer.page.locator("#period").select_option("day")
        answerer.write("#safety", "0")
        answerer.press("main form button.primary")
        assert answerer.page.locator("main .card[id^='limit-']").count() == 1
        self._seen("limits", answerer)

    def wait_for_a_quieter_hour(self, question: str) -> None:
        """A busy hour: nothing is offered, and both sides read from when on; then the peak is over."""
        self.asker.page.goto(f"{self._base}/questions/{question}")
        self._seen("question-waits", self.asker)
        self.answerer.press("nav a[href='/queue']")
        assert self.answerer.page.locator("form[action$='/claim']").count() == 0
        self._seen("queue-held-back", self.answerer)
        self._let_pass("hour", 3)
        self.answerer.press("nav a[href='/queue']")
        self._seen("queue-released", self.answerer)

    def claim_and_extend(self, question: str) -> None:
        """Take it, write a little, keep it longer in both ways."""
        answerer = self.answerer
        answerer.press(f"form[action$='{question}/claim'] button")
        answerer.write("#body", self._words.answer)
        for kept in ("extend", "keep"):
            answerer.press(f"button[value='{kept}']")
            assert answerer.page.input_value("#body") == self._words.answer
        self._seen("claim-kept", answerer)

    def reach_the_limit(self, other: str) -> None:
        """A second question would be too much: it is refused, and the reason is the person's own."""
        answerer = self.answerer
        answerer.page.goto(f"{self._base}/queue/{other}")
        answerer.press(f"form[action$='{other}/claim'] button")
        assert answerer.page.locator(".flash, .notice.warn").count() >= 1
        assert self._claims(other) == 0
        self._seen("limit-reached", answerer)

    def lapse_and_come_back(self, question: str) -> None:
        """Nothing is saved for a long time: the question is free again, and what was written is kept."""
        answerer = self.answerer
        while self._status(question) == "claimed":
            self._let_pass("hour", 3)
        answerer.page.goto(f"{self._base}/answering/{question}")
        assert answerer.page.input_value("#body") == self._words.answer
        self._seen("claim-lapsed", answerer)
        answerer.press(f"form[action$='{question}/claim'] button")
        assert answerer.page.input_value("#body") == self._words.answer

    def answer_after_all(self, question: str) -> None:
        """Send it; the asker accepts."""
        self.answerer.press("button[value='check']")
        self.answerer.press(f"form[action$='{question}/send'] button")
        self.asker.page.goto(f"{self._base}/questions/{question}/accept")
        self.asker.press(f"form[action$='{question}/accept'] button")
        assert self._status(question) == "accepted"

    def miss_a_promise(self, question: str) -> None:
        """Nobody takes the other one until its promise is over: an apology and a choice."""
        for _day in range(_STEPS_AT_MOST):
            self.asker.page.goto(f"{self._base}/questions/{question}")
            if self._is_late(question):
                break
            self._let_pass("day", 1)
        self._seen("question-late", self.asker)
        told = "SELECT count(*) FROM notice WHERE template = 'promise_missed' AND question_id = :q"
        assert self._stage.value(told, q=self._number(question)) == 1

    def take_the_money_back(self, question: str) -> None:
        """Choose the money; the receipt follows it, and so do the books."""
        asker, first = self.asker, self.first
        asker.press(f"main a[href$='{question}/withdraw']")
        self._seen("withdraw-late", asker)
        asker.press(f"form[action$='{question}/withdraw'] button")
        self._seen("question-given-back", asker)
        asker.press(f"main a[href$='{question}/receipt']")
        settled = "SELECT count(*) FROM refund r JOIN question q ON q.id = r.question_id WHERE q.public_id = :p AND r.status = 'settled'"
        while self._stage.value(settled, p=question) == 0:
            asker.page.wait_for_timeout(300)
        asker.page.reload()
        self._seen("receipt-given-back", asker)
        first.page.goto(f"{self._base}/organizer/questions/{self._number(question)}")
        self._seen("trail-given-back", first)

    def remove_the_limit(self) -> None:
        """Remove it again; it stays in sight, to be put back."""
        answerer = self.answerer
        answerer.page.goto(f"{self._base}/limits")
        answerer.press("form[action$='/remove'] button")
        assert answerer.page.locator("main .card[id^='limit-']").count() == 0
        assert answerer.page.locator("form[action$='/restore']").count() >= 1
        self._seen("limit-removed", answerer)

    def _ask_and_pay(self, number: int) -> str:
        """Ask with the words of this walk and a number, pay at once; return the question's address."""
        asker, words = self.asker, replace(self._words, title=f"{self._words.title} ({number})")
        asker.page.goto(f"{self._base}/ask?lang={words.language}")
        question = asker.page.url.rsplit("/", 1)[1].split("?")[0]
        asker.choose("input[name='topic'][value='home']")
        asker.write("#title", words.title)
        asker.write("#body", words.body)
        asker.choose("input[name='size'][value='medium']")
        asker.press("button[value='continue']")
        if asker.page.locator("#email").count():
            asker.write("#email", "asker@example.org")
        asker.choose("#agree")
        asker.press("main form button.primary")
        card = {
            "#email": "asker@example.org",
            "#expiry": "12/40",
            "#cvc": "123",
            "#name": "A. A.",
            "#number": GOOD,
        }
        for field, value in card.items():
            asker.write(field, value)
        asker.press("main form button")
        self._until(asker, f"main a[href$='{question}/withdraw']")
        return question

    def _begin_a_peak(self) -> None:
        """Let the organizer's peak begin with this hour; urgency comes late."""
        local = self._now().astimezone(ZoneInfo(self._stage.place.settings.timezone))
        begin = local.weekday() * 24 + local.hour
        cells = sorted((begin + each) % 168 for each in range(int(PEAK / timedelta(hours=1))))
        self._stage.turn(mode=Mode.DEFERRED, urgency=0.1, peak_source="fixed", fixed_cells=cells)

    def _let_pass(self, step: str, times: int) -> None:
        """Press the demo's clock; what falls due happens."""
        self.first.page.goto(f"{self._base}/demo/clock")
        for _time in range(times):
            self.first.press(f"form:has(input[value='{step}']) button")

    def _now(self) -> datetime:
        ahead = timedelta(seconds=self._stage.value("SELECT seconds FROM clock_offset"))
        return datetime.now(UTC) + ahead

    def _status(self, question: str) -> str:
        return str(
            self._stage.value("SELECT status FROM question WHERE public_id = :p", p=question)
        )

    def _number(self, question: str) -> int:
        return int(self._stage.value("SELECT id FROM question WHERE public_id = :p", p=question))

    def _claims(self, question: str) -> int:
        return int(
            self._stage.value(
                "SELECT count(*) FROM claim WHERE question_id = :q", q=self._number(question)
            )
        )

    def _is_late(self, question: str) -> bool:
        due = self._stage.value("SELECT promise_at FROM question WHERE public_id = :p", p=question)
        return bool(due < self._now())
