"""The whole path of one question, step by step, for any hands and in any language."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.hands import Hands
from tests.e2e.stage import Stage

PATIENCE_SECONDS = 40.0
DECLINED, GOOD = "4000 0000 0000 0002", "4242 4242 4242 4242"


@dataclass(frozen=True)
class Words:
    """What is typed in one language."""

    language: str
    title: str
    body: str
    answer: str


WORDS = {
    "en": Words(
        "en",
        "How do I stop a door from squeaking?",
        "It is the kitchen door. It squeaks when it opens slowly.",
        "1. Put a drop of oil on each hinge.\n2. Open and close the door ten times.",
    ),
    "es": Words(
        "es",
        "¿Cómo evito que chirríe una puerta?",
        "Es la puerta de la cocina. Chirría cuando se abre despacio.",
        "1. Ponga una gota de aceite en cada bisagra.\n2. Abra y cierre la puerta diez veces.",
    ),
    "ca": Words(
        "ca",
        "Com evito que grinyoli una porta?",
        "És la porta de la cuina. Grinyola quan s'obre a poc a poc.",
        "1. Poseu una gota d'oli a cada frontissa.\n2. Obriu i tanqueu la porta deu vegades.",
    ),
}


class Path:
    """One question's way; `seen` is called at every page that is worth a look."""

    def __init__(
        self,
        stage: Stage,
        words: Words,
        hands: Callable[[], Hands],
        seen: Callable[[str, Hands], None],
    ) -> None:
        self._stage, self._words, self._seen = stage, words, seen
        self._base = stage.place.base_url
        self._hands = hands
        self.asker, self.answerer, self.first, self.second = (hands() for _person in range(4))
        self.question = ""

    def walk(self) -> None:
        """Take every step from the first page to the audit."""
        self.arrive()
        self.ask()
        self.check()
        self.pay()
        self.claim()
        self.answer()
        self.accept()
        self.prepare_payout()
        self.approve_payout()
        self.audit()

    def arrive(self) -> None:
        """The staff enters; the answerer says how to be paid, unless that is done."""
        for hands, name in (
            (self.first, "first"), (self.second, "second"), (self.answerer, "answerer"),
        ):  # fmt: skip
            hands.page.goto(self._stage.door(f"{name}@example.org"))
            self._speak(hands)
        self._seen("queue-empty", self.answerer)
        self.answerer.press("nav a[href='/earnings']")
        self._seen("earnings-empty", self.answerer)
        self.answerer.press("main a[href='/how-you-are-paid']")
        self._seen("how-you-are-paid", self.answerer)
        if self.answerer.page.locator(".notice.ok").count() == 0:
            self.answerer.press("form[action='/how-you-are-paid'] button")
            self._seen("onboarding", self.answerer)
            self.answerer.press("button[value='finish']")
            self._seen("how-you-are-paid-ready", self.answerer)
        assert self.answerer.page.locator(".notice.ok").count() == 1

    def ask(self) -> None:
        """Write a question without an account: first with a fault, then well."""
        words, asker = self._words, self.asker
        asker.page.goto(self._base)
        self._speak(asker)
        self._seen("home", asker)
        asker.press("main a[href='/ask']")
        self.question = asker.page.url.rsplit("/", 1)[1].split("?")[0]
        self._seen("ask", asker)
        asker.write("#title", words.title)
        asker.press("button[value='continue']")
        assert asker.page.locator(".error-summary li").count() >= 2
        assert asker.page.input_value("#title") == words.title
        self._seen("ask-errors", asker)
        asker.choose("input[name='topic'][value='home']")
        asker.write("#body", words.body)
        asker.choose("input[name='size'][value='medium']")
        asker.press("button[value='save']")
        assert asker.page.input_value("#body") == words.body
        self._seen("ask-saved", asker)
        asker.press("button[value='continue']")

    def check(self) -> None:
        """Look at price and promise; agreeing is asked for."""
        asker = self.asker
        assert "12" in asker.page.locator(".money tfoot .amount").inner_text()
        self._seen("check", asker)
        asker.write("#email", "asker@example.org")
        asker.press("main form button.primary")
        assert asker.page.input_value("#email") == "asker@example.org"
        self._seen("check-errors", asker)
        asker.choose("#agree")
        asker.press("main form button.primary")

    def pay(self) -> None:
        """Pay on the hosted page, after a declined card; then wait for the confirmation."""
        asker = self.asker
        assert asker.page.url.startswith(self._stage.place.standin_url)
        self._seen("pay", asker)
        card = {"#email": "asker@example.org", "#expiry": "12/40", "#cvc": "123", "#name": "A. A."}
        for field, value in card.items():
            asker.write(field, value)
        asker.write("#number", DECLINED)
        asker.press("main form button")
        self._seen("pay-declined", asker)
        asker.write("#number", GOOD)
        asker.press("main form button")
        self._until(asker, f"main a[href$='{self.question}/withdraw']")
        self._seen("question-queued", asker)

    def claim(self) -> None:
        """See what comes next in the queue; read this question, as an invitation links to it; take it."""
        answerer = self.answerer
        answerer.press("nav a[href='/queue']")
        self._seen("queue", answerer)
        answerer.page.goto(f"{self._base}/queue/{self.question}")
        self._seen("read", answerer)
        answerer.press(f"form[action$='{self.question}/claim'] button")
        self._seen("answering", answerer)
        self.asker.page.reload()
        self._seen("question-claimed", self.asker)

    def answer(self) -> None:
        """Write: an empty answer is refused, a saved one is kept; look once more and send."""
        answerer = self.answerer
        answerer.press("button[value='check']")
        assert answerer.page.locator(".error-summary").count() == 1
        self._seen("answering-errors", answerer)
        answerer.write("#body", self._words.answer)
        answerer.press("button[value='save']")
        assert answerer.page.input_value("#body") == self._words.answer
        answerer.press("button[value='check']")
        self._seen("answering-check", answerer)
        answerer.press(f"form[action$='{self.question}/send'] button")
        self._seen("answer-sent", answerer)

    def accept(self) -> None:
        """Read the answer and accept it."""
        asker = self.asker
        asker.page.reload()
        self._seen("question-answered", asker)
        asker.press(f"main a[href$='{self.question}/accept']")
        self._seen("accept", asker)
        asker.press(f"form[action$='{self.question}/accept'] button")
        self._seen("question-accepted", asker)
        asker.press(f"main a[href$='{self.question}/receipt']")
        self._seen("receipt", asker)
        asker.page.goto(self._base + "/my-questions")
        self._seen("my-questions", asker)

    def prepare_payout(self) -> None:
        """Let eight days pass in the demo; one organizer prepares a payout."""
        first = self.first
        first.press("a[href='/demo/clock']")
        self._seen("clock", first)
        for step in ("week", "day"):
            first.press(f"form:has(input[value='{step}']) button")
        first.press("nav a[href='/organizer']")
        self._seen("organizer", first)
        first.press("main a[href='/organizer/payouts/runs']")
        self._seen("runs", first)
        first.press("form[action='/organizer/payouts/runs'] button")
        self._seen("run-prepared", first)

    def approve_payout(self) -> None:
        """Another organizer looks at it and approves; the money leaves."""
        second = self.second
        second.page.goto(self.first.page.url)
        second.press("main a[href$='confirm=approve']")
        self._seen("run-confirm", second)
        second.press("form:has(input[value='approve']) button")
        self._until(second, "main td .chip.ok")
        self._seen("run-sent", second)
        self.answerer.press("nav a[href='/earnings']")
        assert self.answerer.page.locator("main td .chip.ok").count() >= 1
        self._seen("earnings", self.answerer)

    def audit(self) -> None:
        """Follow the money: table, one question's trail, trial balance."""
        second = self.second
        second.press("nav a[href='/organizer']")
        second.press("main a[href='/organizer/payouts']")
        second.page.goto(self._base + "/organizer/payouts?month=all")  # the clock has moved on
        self._seen("payouts", second)
        number = self._stage.value("SELECT id FROM question WHERE public_id = :p", p=self.question)
        second.press(f"main a[href='/organizer/questions/{number}']")
        assert second.page.locator("main table.stack").count() == 6  # its payout, and five entries
        self._seen("trail", second)
        second.press("nav a[href='/organizer']")
        second.press("main a[href='/organizer/trial-balance']")
        assert second.page.locator("main .notice.ok").count() == 1
        self._seen("trial-balance", second)

    def _speak(self, hands: Hands) -> None:
        """Switch the page to the language of this walk."""
        hands.press(f".languages a[hreflang='{self._words.language}']")

    def _until(self, hands: Hands, selector: str) -> None:
        """Open the page again until it shows `selector`: the worker needs a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while hands.page.locator(selector).count() == 0:
            assert time.monotonic() < deadline, f"never saw {selector} on {hands.page.url}"
            hands.page.wait_for_timeout(300)
            hands.page.reload()
