"""Walks the whole path over HTTP as people would: ask, pay, claim, answer, accept, pay out, audit."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import unescape

import click
import requests
from sqlalchemy import create_engine, text

from upss.accounts import service as accounts
from upss.app import create_app
from upss.db.engine import app_url
from upss.demo import mail_catcher
from upss.demo.place import Place
from upss.forum.rules.policy import Mode
from upss.forum.service import dialing
from upss.kernel.errors import UpssError
from upss.kernel.roles import Role
from upss.ledger.verify import verify
from upss.web.ports import unit

_PATIENCE_SECONDS = 60.0
_DECLINED = 402  # the payment page says so when a card is refused
_ANSWER = "1. Take photographs of the dent today.\n2. Write to the shop and ask for a repair."
_CARD = {
    "email": "asker@example.org",
    "number": "4242 4242 4242 4242",
    "expiry": "12/40",
    "cvc": "123",
    "name": "A. Asker",
}


class StepFailed(UpssError):
    """A step of the walk did not go as it must; the fact `why` says what was seen."""

    code = "step_failed"


class Browser:
    """A visitor without JavaScript: keeps cookies, fills the forms that pages hold."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._session = requests.Session()
        self.url = base
        self.page = ""

    def open(self, address: str) -> str:
        """Follow an address (or a path of the site) and return the page."""
        return self._take(self._session.get(self._full(address), timeout=30))

    def send(self, action: str, **fields: str) -> str:
        """Send a form of the present page to `action`, with all that the page carries unseen."""
        unseen = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.page)
        data = {name: unescape(value) for name, value in unseen} | fields
        headers = {"Referer": self.url}
        return self._take(
            self._session.post(self._full(action), data=data, headers=headers, timeout=30)
        )

    def link(self, pattern: str) -> str:
        """Return the first address on the page that matches `pattern`."""
        for found in re.findall(r'(?:href|action)="([^"]+)"', self.page):
            if re.search(pattern, unescape(found)):
                return unescape(str(found))
        raise StepFailed(why=f"no link like {pattern} on {self.url}")

    def _full(self, address: str) -> str:
        return address if address.startswith("http") else self._base + address

    def _take(self, answer: requests.Response) -> str:
        if answer.status_code >= 400 and answer.status_code != _DECLINED:
            raise StepFailed(why=f"{answer.status_code} from {answer.url}")
        self.url, self.page = answer.url, answer.text
        return self.page


class Walk:
    """One question's path; every public method is a step and says what it saw."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._app = create_app(place.settings)
        self._asker = Browser(place.base_url)
        self._answerer = Browser(place.base_url)
        self._first = Browser(place.base_url)
        self._second = Browser(place.base_url)
        self._question = ""

    def invite(self) -> str:
        """Invite two organizers and an answerer; each signs in by the mailed link."""
        with self._app.app_context(), unit() as uow:
            for name, role, topics in (
                ("first", Role.ORGANIZER, ()),
                ("second", Role.ORGANIZER, ()),
                ("answerer", Role.ANSWERER, ("home",)),
            ):
                accounts.invite(
                    uow, email=f"{name}@example.org", name=name, role=role, topics=topics,
                    language="en",
                )  # fmt: skip
            # somebody may walk at a busy hour, and has no time to wait for a quieter one
            dialing.turn(uow, organizer_id=None, mode=Mode.OPEN)
            uow.commit()
        for browser, name in (
            (self._first, "first"),
            (self._second, "second"),
            (self._answerer, "answerer"),
        ):
            self._sign_in(browser, f"{name}@example.org")
        return "two organizers and an answerer signed in by a mailed link"

    def onboard(self) -> str:
        """Open an account for the answerer at the stand-in's onboarding page."""
        self._answerer.open("/how-you-are-paid")
        self._answerer.send("/how-you-are-paid")
        _expect(self._answerer.url.startswith(self._place.standin_url), "no onboarding page")
        self._answerer.send(self._answerer.url, answer="finish")
        return f"back at {self._answerer.url}"

    def ask(self) -> str:
        """Write a question as an anonymous visitor and check it."""
        self._asker.open("/ask")
        self._question = self._asker.url.rsplit("/", 1)[1].split("?")[0]
        self._asker.send(
            f"/ask/{self._question}", do="continue", topic="home", size="medium", language="en",
            title="Can I return a fridge that arrived damaged?", body="It has a dent in the door.",
        )  # fmt: skip
        _expect("€12.00" in self._asker.page, "the check page shows no price")
        return "the check page shows price, shares and promise"

    def pay(self) -> str:
        """Pay on the hosted page; the question is in the queue once the provider confirms."""
        self._asker.send(f"/ask/{self._question}/check", email="asker@example.org", agree="yes")
        _expect(self._asker.url.startswith(self._place.standin_url), "no payment page")
        self._asker.send(self._asker.url, **(_CARD | {"number": "4000 0000 0000 0002"}))
        _expect(self._asker.url.startswith(self._place.standin_url), "a declined card went through")
        self._asker.send(self._asker.url, **_CARD)
        self._until("waits for an answer", self._asker, f"/questions/{self._question}")
        return "a declined card, then a good one: the question waits in the queue"

    def claim(self) -> str:
        """See that the question comes next in the answerer's queue, and take it."""
        page = self._answerer.open("/queue")
        _expect(f"/queue/{self._question}/claim" in page, "the queue does not offer the question")
        self._answerer.send(f"/queue/{self._question}/claim")
        return f"claimed, now at {self._answerer.url}"

    def answer(self) -> str:
        """Write, save, check and send the answer."""
        self._answerer.open(f"/answering/{self._question}")
        self._answerer.send(f"/answering/{self._question}", body=_ANSWER, do="check")
        self._answerer.send(f"/answering/{self._question}/send")
        self._until("Take photographs", self._asker, f"/questions/{self._question}")
        return "the asker reads the answer"

    def accept(self) -> str:
        """Accept as the asker: the price is split."""
        self._asker.open(f"/questions/{self._question}/accept")
        self._asker.send(f"/questions/{self._question}/accept")
        _expect("Accepted" in self._asker.page, "the answer is not accepted")
        return "accepted, the price is shared"

    def pay_out(self) -> str:
        """Eight days later one organizer prepares a payout, another approves, the job sends it."""
        self._first.open("/demo/clock")
        self._first.send("/demo/clock", step="week")
        self._first.send("/demo/clock", step="day")
        self._first.open("/organizer/payouts/runs")
        self._first.send("/organizer/payouts/runs")
        run = self._first.url
        self._second.open(run)
        self._second.send(run, decision="approve")
        self._until("Sent", self._second, run)
        return "prepared by one, approved by another, transferred"

    def audit(self) -> str:
        """See that money trail, trial balance and verification agree."""
        with self._app.app_context():
            number = self._number()
            for path in (f"/organizer/questions/{number}", "/organizer/trial-balance"):
                self._first.open(path)
            # Of every month: the clock has moved on by a week and more.
            found = self._first.open("/organizer/payouts?month=all")
            _expect("€10.20" in found, "no share on the audit page")
            with unit() as uow:
                report = verify(uow.session)
        _expect(not report.differences, f"the ledger differs: {report.differences}")
        return f"{report.entries} entries verified"

    def _number(self) -> int:
        engine = create_engine(app_url(self._place.settings))
        with engine.connect() as connection:
            found = connection.execute(
                text("SELECT id FROM question WHERE public_id = :p"), {"p": self._question}
            ).scalar_one()
        engine.dispose()
        return int(found)

    def _sign_in(self, browser: Browser, address: str) -> None:
        browser.open("/sign-in")
        browser.send("/sign-in", email=address)
        link = self._wait(lambda: self._mailed_link(address), f"no sign-in mail for {address}")
        browser.open(link)
        browser.send(link)
        _expect("/sign-out" in browser.page, f"{address} is not signed in")

    def _mailed_link(self, address: str) -> str | None:
        for mail in mail_catcher.newest(self._place.folder / "mail", before=None, limit=50):
            found = re.search(r"http\S+/sign-in/link/\S+", mail.text)
            if found and address in mail.to:
                return found.group().rstrip(".,)>")
        return None

    def _until(self, words: str, browser: Browser, path: str) -> None:
        self._wait(
            lambda: words if words in browser.open(path) else None, f"never saw “{words}” at {path}"
        )

    @staticmethod
    def _wait(look: Callable[[], str | None], why: str) -> str:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(0.3)
        raise StepFailed(why=why)


def _expect(holds: bool, why: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise StepFailed(why=why)


def walk(place: Place) -> int:
    """Take every step, print a line for each; 0 if all went well, 1 at the first that did not."""
    path = Walk(place)
    steps = (
        path.invite, path.onboard, path.ask, path.pay, path.claim, path.answer, path.accept,
        path.pay_out, path.audit,
    )  # fmt: skip
    for number, step in enumerate(steps, start=1):
        name = step.__name__.replace("_", " ")
        try:
            seen = step()
        except (UpssError, requests.RequestException) as error:
            click.echo(f"{number}/{len(steps)} FAILED {name}: {error}", err=True)
            return 1
        click.echo(f"{number}/{len(steps)} ok {name}: {seen}")
    return 0
