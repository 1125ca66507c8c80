"""Every page in the states that the filled demo has: who looks, where it is, what is done first."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.e2e.stage import Stage
from upss.demo import mail_catcher

ORGANIZER, OTHER_ORGANIZER = "aurora.molinet@example.org", "abedul.marinero@example.org"
ANSWERER, WITHOUT_ACCOUNT = "salvia.roureda@example.org", "clover.quillfeather@example.org"
WITH_REMOVED_LIMIT = "teix.boixeda@example.org"
GOES_AWAY = "mirto.candil@example.org"
ASKER = "nube.prat@example.org"
AUDITOR = "quercus.ledgerly@example.org"

Found = tuple[str, str]  # who looks (an address, or "" for nobody), and the path


@dataclass(frozen=True)
class Visit:
    """One look at one page; `act` goes on from `find`'s page, in the language given."""

    name: str
    endpoint: str
    find: Callable[[Stage], Found]
    act: Callable[[Page, Stage, str], None] | None = None
    is_english_only: bool = False


def at(path: str, who: str = "") -> Callable[[Stage], Found]:
    """A page that is always there."""
    return lambda _stage: (who, path)


_ASKED = """
SELECT a.email, q.public_id FROM question q JOIN account a ON a.id = q.asker_id
WHERE q.status = :status ORDER BY q.id LIMIT 1
"""
_HELD = """
SELECT a.email, q.public_id FROM claim c JOIN question q ON q.id = c.question_id
JOIN account a ON a.id = c.answerer_id WHERE q.status = :status ORDER BY q.id LIMIT 1
"""
_OFFERED = """
SELECT a.email, q.public_id FROM question q JOIN topic_approval t ON t.topic = q.topic
JOIN account a ON a.id = t.account_id WHERE q.status = 'queued' ORDER BY q.id LIMIT 1
"""
_REFUNDED = """
SELECT a.email, q.public_id FROM refund r JOIN question q ON q.id = r.question_id
JOIN account a ON a.id = q.asker_id WHERE r.status = :status ORDER BY r.id LIMIT 1
"""
_EARNED = """
SELECT to_char(e.value_date, 'YYYY'), to_char(e.value_date, 'MM') FROM ledger.entry e
JOIN ledger.posting p ON p.entry_id = e.id JOIN ledger.account l ON l.id = p.account_id
JOIN account a ON l.code = 'Liabilities:Answerer:Payable:A' || to_char(a.id, 'FM0000')
WHERE a.email = :email ORDER BY e.id DESC LIMIT 1
"""
_LIMIT = """
SELECT r.public_id FROM cap_rule r JOIN account a ON a.id = r.account_id
WHERE a.email = :email ORDER BY r.id LIMIT 1
"""
_SPLIT = "SELECT id FROM ledger.entry WHERE kind = 'answer_accepted' ORDER BY id LIMIT 1"
_JOURNAL = "/organizer/books/journal"
_HELD_ACCOUNT = "/organizer/books/accounts/Liabilities:Held:Questions"
_BY_STATUS = "SELECT id FROM question WHERE status = :status ORDER BY id LIMIT 1"
_RUN = "SELECT public_id FROM payout_run WHERE status NOT IN ('prepared', 'cancelled') LIMIT 1"
_ITEM = "SELECT public_id FROM payout_item WHERE status = 'sent' ORDER BY id LIMIT 1"
_ADJUSTMENT = "SELECT public_id FROM adjustment WHERE status = :status ORDER BY id LIMIT 1"
_RECEIPT = "SELECT receipt_url FROM payment WHERE receipt_url IS NOT NULL ORDER BY id LIMIT 1"
_PAID = "SELECT checkout_url FROM payment WHERE status = 'paid' ORDER BY id LIMIT 1"


def asked(status: str, path: str) -> Callable[[Stage], Found]:
    """A page of somebody's question that is in this state."""

    def find(stage: Stage) -> Found:
        email, public_id = stage.rows(_ASKED, status=status)[0]
        return email, path.format(public_id)

    return find


def worked(statement: str, path: str, **values: str) -> Callable[[Stage], Found]:
    """A page of a question for one who answers, or of one with a refund."""

    def find(stage: Stage) -> Found:
        email, public_id = stage.rows(statement, **values)[0]
        return email, path.format(public_id)

    return find


def money_of(status: str) -> Callable[[Stage], Found]:
    """The trail of a question in this state."""
    return lambda stage: (
        ORGANIZER, f"/organizer/questions/{stage.value(_BY_STATUS, status=status)}",
    )  # fmt: skip


def adjusted(status: str, who: str, more: str) -> Callable[[Stage], Found]:
    """A page of an adjustment in this state."""
    return lambda stage: (
        who, f"/organizer/adjustments/{stage.value(_ADJUSTMENT, status=status)}{more}",
    )  # fmt: skip


def earned(email: str, path: str) -> Callable[[Stage], Found]:
    """A statement of the month, or the year, of this person's newest accepted answer."""
    return lambda stage: (email, path.format(*stage.rows(_EARNED, email=email)[0]))


def limited(email: str, more: str) -> Callable[[Stage], Found]:
    """A page of the first limit that this person has set."""
    return lambda stage: (email, f"/limits/{stage.value(_LIMIT, email=email)}{more}")


def statement_of(email: str, path: str) -> Callable[[Stage], Found]:
    """The same statement as who reads the books sees it."""

    def find(stage: Stage) -> Found:
        public_id = stage.value("SELECT public_id FROM account WHERE email = :e", e=email)
        month = path.format(*stage.rows(_EARNED, email=email)[0])
        return ORGANIZER, f"/organizer/statements/{public_id}{month}"

    return find


def press(selector: str) -> Callable[[Page, Stage, str], None]:
    """Press one thing on the page."""

    def act(page: Page, _stage: Stage, _language: str) -> None:
        with page.expect_navigation():
            page.locator(selector).first.click()

    return act


def _without_token(page: Page, _stage: Stage, language: str) -> None:
    page.fill("#body", "This was typed while the session ended, and must not be lost.")
    page.evaluate("document.querySelector('main [name=csrf_token]').value = 'stale'")
    press("button[value='continue']")(page, _stage, language)


def _asked_for_mail(page: Page, _stage: Stage, language: str) -> None:
    page.fill("#email", ASKER)
    press("main form button")(page, _stage, language)


def _wrong_code(page: Page, stage: Stage, language: str) -> None:
    _asked_for_mail(page, stage, language)
    page.fill("#code", "00000000")
    press("main form button")(page, stage, language)


def _mailed_link(page: Page, stage: Stage, language: str) -> None:
    """Follow the newest mailed link; the worker sends it within seconds."""
    page.fill("#email", f"link.{language}@example.org")
    press("main form button")(page, stage, language)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        for mail in mail_catcher.newest(stage.place.folder / "mail", before=None, limit=5):
            link = re.search(r"http\S+/sign-in/link/[\w-]+", mail.text)
            if link and f"link.{language}" in mail.to:
                page.goto(link.group())
                return
        page.wait_for_timeout(200)
    raise AssertionError("no sign-in mail came")


def _checked(page: Page, stage: Stage, language: str) -> None:
    page.check("input[name='topic'][value='home']")
    page.fill("#title", "How do I hang a picture on a brick wall?")
    page.fill("#body", "It is heavy, and I have no drill.")
    page.check("input[name='size'][value='small']")
    page.select_option("#language", "en")
    press("button[value='continue']")(page, stage, language)


def _not_promised(page: Page, stage: Stage, language: str) -> None:
    """Ask while the site thinks itself too slow for anything."""
    stage.turn(prior_per_hour=0.001)
    try:
        _checked(page, stage, language)
    finally:
        stage.turn(prior_per_hour=12.0)  # as the demo has it


def _not_agreed(page: Page, stage: Stage, language: str) -> None:
    _checked(page, stage, language)
    press("main form button.primary")(page, stage, language)


def _nameless(page: Page, stage: Stage, language: str) -> None:
    page.fill("#name", " ")
    press("main form[action='/settings'] button")(page, stage, language)


def _blank_answer(page: Page, stage: Stage, language: str) -> None:
    page.fill("#body", "")
    press("button[value='check']")(page, stage, language)


def _half_a_line(page: Page, stage: Stage, language: str) -> None:
    page.fill("#to-1", "")
    press("button.primary[value='save']")(page, stage, language)


def _hours_chosen(page: Page, stage: Stage, language: str) -> None:
    for name in ("#preset-mornings", "#preset-nights"):
        page.check(name)
    press("form[action='/hours/preset'] button")(page, stage, language)


def _nothing_chosen(page: Page, stage: Stage, language: str) -> None:
    for box in page.locator("main input[type='checkbox']").all():
        box.uncheck()
    press("main form button.primary")(page, stage, language)


def _quiet_at_no_time(page: Page, stage: Stage, language: str) -> None:
    page.fill("#quiet_start", "late")
    press("main form button.primary")(page, stage, language)


def _paused(page: Page, stage: Stage, language: str) -> None:
    page.fill("#back_on", str(stage.value("SELECT (now() + interval '9 days')::date")))
    press("form[action='/hours/pause'] button")(page, stage, language)


def _hosted(*then: str, number: str = "") -> Callable[[Page, Stage, str], None]:
    """Go to the hosted page in the wanted language and press `then`, perhaps with a card."""

    def act(page: Page, stage: Stage, language: str) -> None:
        press("main form.post-button button")(page, stage, language)
        page.goto(page.url.split("?")[0] + "?lang=" + language)
        if number:
            card = {"email": ASKER, "number": number, "expiry": "12/40", "cvc": "123", "name": "A"}
            for field, value in card.items():
                page.fill("#" + field, value)
        for selector in then:
            press(selector)(page, stage, language)

    return act


def _elsewhere(statement: str) -> Callable[[Page, Stage, str], None]:
    """Open an address of the payment service that UPSS has kept."""

    def act(page: Page, stage: Stage, language: str) -> None:
        page.goto(stage.value(statement).split("?")[0] + "?lang=" + language)

    return act


def _standin(path: str) -> Callable[[Page, Stage, str], None]:
    def act(page: Page, stage: Stage, language: str) -> None:
        page.goto(f"{stage.place.standin_url}{path}?lang={language}")

    return act


def _newest_mail(suffix: str = "") -> Callable[[Page, Stage, str], None]:
    def act(page: Page, _stage: Stage, language: str) -> None:
        del language
        href = page.locator("main li a").first.get_attribute("href")
        page.goto(page.url.split("/demo/")[0] + str(href) + suffix)

    return act


def _prepared_run(page: Page, stage: Stage, language: str) -> None:
    """Prepare a payout where none waits yet; then look at it."""
    waits = "main a[href^='/organizer/payouts/runs/']:not(th a)"
    prepare = "form[action='/organizer/payouts/runs'] button"
    press(prepare if page.locator(prepare).count() else waits)(page, stage, language)


def _confirm(which: str) -> Callable[[Page, Stage, str], None]:
    def act(page: Page, stage: Stage, language: str) -> None:
        _prepared_run(page, stage, language)
        press(f"main a[href$='confirm={which}']")(page, stage, language)

    return act


def _adjusted(page: Page, stage: Stage, language: str) -> None:
    page.check("input[name='purpose'][value='correction']")
    page.select_option("#debit", "Expenses:Bank:Fees")
    page.select_option("#credit", "Assets:Bank:Main")
    page.fill("#amount", "1,80")
    page.fill("#reason", "Fees of the bank account in November.")
    press("button[value='check']")(page, stage, language)


def _no_paid_work(page: Page, stage: Stage, language: str) -> None:
    """Switch paid work off where it is on; then look at it."""
    switch = page.locator("form[action='/limits/paid-work']:has(input[value='yes']) button")
    if switch.count():
        press("form[action='/limits/paid-work'] button")(page, stage, language)


_check = press("button[value='check']")


def _strictly(page: Page, stage: Stage, language: str) -> None:
    page.check("input[name='mode'][value='strict']")
    _check(page, stage, language)


def _open_numbers(page: Page, _stage: Stage, _language: str) -> None:
    page.click("summary")


def _passed_over(page: Page, stage: Stage, language: str) -> None:
    """Ask for another question, and look at what the queue says; take back what was before."""
    question = page.url.rsplit("/", 1)[1].split("?")[0]
    page.goto(page.url.split("/queue/")[0] + "/queue")
    if page.locator("form[action='/queue/again'] button").count():
        press("form[action='/queue/again'] button")(page, stage, language)
    page.goto(page.url.split("/queue")[0] + f"/queue/{question}")
    page.click("summary")
    press("form[action$='/skip'] button")(page, stage, language)


PUBLIC = (
    Visit("home", "pages.home", at("/")),
    Visit("how-money-works", "pages.how_money_works", at("/how-money-works")),
    Visit("rights", "pages.rights", at("/rights")),
    Visit("accessibility", "pages.accessibility", at("/accessibility")),
    Visit("books", "books.index", at("/books")),
    Visit("home-signed-in", "pages.home", at("/", ASKER)),
    Visit("not-found", "error", at("/nothing-here")),
    Visit("forbidden", "error", at("/organizer", ASKER)),
    Visit("not-allowed", "error", at("/sign-out")),
    Visit("session-ended", "error", at("/ask?new=1"), _without_token),
)

ACCOUNTS = (
    Visit("sign-in", "accounts.sign_in", at("/sign-in")),
    Visit("sign-in-errors", "accounts.sign_in", at("/sign-in"), press("main form button")),
    Visit("sign-in-sent", "accounts.sign_in_sent", at("/sign-in"), _asked_for_mail),
    Visit("sign-in-wrong-code", "accounts.sign_in_code", at("/sign-in"), _wrong_code),
    Visit("sign-in-link", "accounts.link", at("/sign-in"), _mailed_link),
    Visit("sign-in-link-ended", "accounts.link", at("/sign-in/link/of-long-ago")),
    Visit("settings", "accounts.settings", at("/settings", ASKER)),
    Visit("settings-errors", "accounts.settings", at("/settings", ASKER), _nameless),
)

ASKING = (
    Visit("ask", "forum.write", at("/ask")),
    Visit("ask-errors", "forum.write", at("/ask?new=1"), press("button[value='continue']")),
    Visit("ask-saved", "forum.write", at("/ask?new=1"), press("button[value='save']")),
    Visit("ask-draft", "forum.write", asked("draft", "/ask/{}")),
    Visit("check", "forum.check", asked("draft", "/ask/{}/check")),
    Visit("check-anonymous", "forum.check", at("/ask?new=1"), _checked),
    Visit("no-promise", "forum.no_promise", at("/ask?new=1"), _not_promised),
    Visit("check-errors", "forum.check", at("/ask?new=1"), _not_agreed),
    Visit("discard", "forum.discard", asked("draft", "/ask/{}/discard")),
    Visit("mine-empty", "forum.mine", at("/my-questions")),
    Visit("mine", "forum.mine", asked("accepted", "/my-questions")),
    Visit("withdraw", "forum.withdraw", asked("queued", "/questions/{}/withdraw")),
    Visit("accept", "forum.accept", asked("answered", "/questions/{}/accept")),
    *(
        Visit(f"question-{status}", "forum.question", asked(status, "/questions/{}"))
        for status in (
            "draft", "awaiting_payment", "queued", "claimed", "answered", "accepted", "final",
            "withdrawn", "expired",
        )
    ),
    *(
        Visit(f"receipt-{status}", "forum.receipt", asked(status, "/questions/{}/receipt"))
        for status in ("awaiting_payment", "queued", "accepted")
    ),
    *(
        Visit(
            f"receipt-refund-{status}", "forum.receipt",
            worked(_REFUNDED, "/questions/{}/receipt", status=status),
        )
        for status in ("settled", "failed")
    ),
)  # fmt: skip

ANSWERING = (
    Visit("queue", "answering.queue", at("/queue", ANSWERER)),
    Visit("queue-promised", "answering.queue", worked(_HELD, "/queue", status="claimed")),
    Visit("queue-given-back", "answering.queue", worked(_OFFERED, "/queue?given_back={}")),
    Visit("read", "answering.read", worked(_OFFERED, "/queue/{}")),
    Visit("read-another", "answering.read", worked(_OFFERED, "/queue/{}"), _open_numbers),
    Visit("queue-passed-over", "answering.queue", worked(_OFFERED, "/queue/{}"), _passed_over),
    Visit("read-sent", "answering.read", worked(_HELD, "/queue/{}?sent=1", status="answered")),
    Visit("read-accepted", "answering.read", worked(_HELD, "/queue/{}", status="accepted")),
    Visit("write", "answering.write", worked(_HELD, "/answering/{}", status="claimed")),
    Visit("answer-check", "answering.check", worked(_HELD, "/answering/{}/check", status="claimed")),
    Visit("limits", "limits.mine", at("/limits", ANSWERER)),
    Visit("limits-none", "limits.mine", at("/limits", WITHOUT_ACCOUNT)),
    Visit("limits-removed", "limits.mine", at("/limits", WITH_REMOVED_LIMIT)),
    Visit("limits-no-paid-work", "limits.mine", at("/limits", WITHOUT_ACCOUNT), _no_paid_work),
    Visit("limit-new", "limits.new", at("/limits/new", ANSWERER)),
    Visit("limit-errors", "limits.new", at("/limits/new", ANSWERER), press("main form button")),
    Visit("limit-change", "limits.change", limited(ANSWERER, "/change")),
    Visit("limit-statement", "limits.statement", limited(ANSWERER, "")),
    Visit("limit-statement-end", "limits.statement", limited(ANSWERER, "?before=9")),
    Visit("limit-statement-time", "limits.statement", limited(WITH_REMOVED_LIMIT, "")),
    Visit("earnings", "payouts.earnings", at("/earnings", ANSWERER)),
    Visit("earnings-waiting", "payouts.earnings", at("/earnings", WITHOUT_ACCOUNT)),
    Visit("statements", "statements.my_overview", at("/earnings/statements", ANSWERER)),
    Visit("statement-month", "statements.my_period", earned(ANSWERER, "/earnings/statements/{}-{}")),
    Visit("statement-year", "statements.my_period", earned(ANSWERER, "/earnings/statements/{}")),
    Visit("how-paid", "payouts.how_paid", at("/how-you-are-paid", ANSWERER)),
    Visit("how-paid-none", "payouts.how_paid", at("/how-you-are-paid", WITHOUT_ACCOUNT)),
    Visit(
        "write-errors", "answering.write", worked(_HELD, "/answering/{}", status="claimed"),
        _blank_answer,
    ),
)  # fmt: skip

HOURS = (
    Visit("hours-assumed", "hours.overview", at("/hours", WITHOUT_ACCOUNT)),
    Visit("hours", "hours.overview", at("/hours", ANSWERER)),
    Visit("hours-week", "hours.week", at("/hours/week", ANSWERER)),
    Visit("hours-week-errors", "hours.week", at("/hours/week", ANSWERER), _half_a_line),
    Visit(
        "hours-week-added", "hours.week", at("/hours/week", ANSWERER), press("button[value='add']")
    ),
    Visit("hours-day", "hours.day", at("/hours/day", ANSWERER)),
    Visit("hours-day-errors", "hours.day", at("/hours/day", ANSWERER), _quiet_at_no_time),
    Visit("hours-work", "hours.work", at("/hours/work", ANSWERER)),
    Visit("hours-work-errors", "hours.work", at("/hours/work", ANSWERER), _nothing_chosen),
    Visit("hours-away-none", "hours.away", at("/hours/away", ANSWERER)),
    Visit("hours-away", "hours.away", at("/hours/away", GOES_AWAY)),
    Visit(
        "hours-away-errors", "hours.away", at("/hours/away", GOES_AWAY),
        press("form[action='/hours/absence'] button"),
    ),
    Visit("hours-saved", "hours.overview", at("/hours", GOES_AWAY), _hours_chosen),
    Visit("hours-paused", "hours.overview", at("/hours/away", GOES_AWAY), _paused),
    Visit(
        "hours-preset-errors", "hours.overview", at("/hours", WITHOUT_ACCOUNT), _nothing_chosen
    ),
)  # fmt: skip

WEEK = (
    Visit("week", "week.overview", at("/organizer/week", ORGANIZER)),
    Visit("week-numbers", "week.overview", at("/organizer/week", AUDITOR), _open_numbers),
    Visit("week-changes", "week.changes", at("/organizer/week/changes", AUDITOR)),
    Visit("week-changes-none", "week.changes", at("/organizer/week/changes?before=1", AUDITOR)),
    *(
        Visit(f"week-{what}", f"week.{what}", at(f"/organizer/week/{what}", ORGANIZER))
        for what in ("dials", "peaks", "closed")
    ),
    Visit("week-positions", "week.positions", at("/organizer/week/positions", AUDITOR)),
    Visit("week-dials-errors", "week.dials", at("/organizer/week/dials", ORGANIZER), _check),
    Visit("week-dials-check", "week.dials", at("/organizer/week/dials", ORGANIZER), _strictly),
    Visit("week-peaks-check", "week.peaks", at("/organizer/week/peaks", ORGANIZER), _check),
    Visit("week-closed-errors", "week.closed", at("/organizer/week/closed", ORGANIZER), _check),
)  # fmt: skip

ORGANIZING = (
    Visit("organizer", "organizer.home", at("/organizer", ORGANIZER)),
    Visit("jobs", "organizer.jobs", at("/organizer/jobs", ORGANIZER)),
    Visit("payouts", "organizer.payouts", at("/organizer/payouts", ORGANIZER)),
    Visit("payouts-all", "organizer.payouts", at("/organizer/payouts?month=all", ORGANIZER)),
    Visit("payouts-none", "organizer.payouts", at("/organizer/payouts?month=2001-01", ORGANIZER)),
    Visit("runs", "organizer.runs", at("/organizer/payouts/runs", ORGANIZER)),
    Visit(
        "run-sent", "organizer.run",
        lambda stage: (ORGANIZER, f"/organizer/payouts/runs/{stage.value(_RUN)}"),
    ),
    Visit(
        "item-sent", "organizer.item",
        lambda stage: (ORGANIZER, f"/organizer/payouts/items/{stage.value(_ITEM)}"),
    ),
    Visit("find", "organizer.find", at("/organizer/questions", ORGANIZER)),
    Visit("find-errors", "organizer.find", at("/organizer/questions?number=1", ORGANIZER)),
    *(
        Visit(f"trail-{status}", "organizer.trail", money_of(status))
        for status in ("draft", "queued", "withdrawn", "accepted")
    ),
    Visit("statements-people", "statements.people", at("/organizer/statements", ORGANIZER)),
    Visit("statements-theirs", "statements.their_overview", statement_of(ANSWERER, "")),
    Visit("statement-theirs", "statements.their_period", statement_of(ANSWERER, "/{}-{}")),
    Visit("run-prepared", "organizer.run", at("/organizer/payouts/runs", ORGANIZER), _prepared_run),
    Visit("runs-open", "organizer.runs", at("/organizer/payouts/runs", ORGANIZER)),
    *(
        Visit(
            f"run-{which}", "organizer.run", at("/organizer/payouts/runs", OTHER_ORGANIZER),
            _confirm(which),
        )
        for which in ("approve", "cancel")
    ),
    Visit("self-checks", "doctor.self_checks", at("/organizer/self-checks", ORGANIZER)),
    *WEEK,
    Visit("organizer-run-waits", "organizer.home", at("/organizer", OTHER_ORGANIZER)),
)  # fmt: skip

ADJUSTING = (
    Visit("adjustments", "adjustments.adjustments", at("/organizer/adjustments", ORGANIZER)),
    Visit(
        "adjustments-none", "adjustments.adjustments",
        at("/organizer/adjustments?state=refused", ORGANIZER),
    ),
    Visit("adjustment-new", "adjustments.new", at("/organizer/adjustments/new", ORGANIZER)),
    Visit(
        "adjustment-errors", "adjustments.write", at("/organizer/adjustments/new", ORGANIZER),
        press("button[value='check']"),
    ),
    Visit(
        "adjustment-check", "adjustments.write", at("/organizer/adjustments/new", ORGANIZER),
        _adjusted,
    ),
    *(
        Visit(f"adjustment-{name}", "adjustments.adjustment", adjusted(status, who, more))
        for name, status, who, more in (
            ("mine", "proposed", OTHER_ORGANIZER, ""),
            ("decide", "proposed", ORGANIZER, ""),
            ("refuse", "proposed", ORGANIZER, "?confirm=refuse"),
            ("approved", "approved", ORGANIZER, ""),
        )
    ),
    Visit("adjustment-reverse", "adjustments.reverse", adjusted("approved", ORGANIZER, "/reverse")),
)  # fmt: skip

AUDITING = (
    Visit("organizer-auditor", "organizer.home", at("/organizer", AUDITOR)),
    Visit("runs-auditor", "organizer.runs", at("/organizer/payouts/runs", AUDITOR)),
    Visit("jobs-auditor", "organizer.jobs", at("/organizer/jobs", AUDITOR)),
    Visit("books", "accounting.index", at("/organizer/books", AUDITOR)),
    Visit("trial-balance", "audit.trial_balance", at("/organizer/trial-balance", AUDITOR)),
    *(
        Visit(
            f"trial-balance-{name}", "audit.trial_balance",
            at(f"/organizer/trial-balance?on={day}", AUDITOR),
        )
        for name, day in (("none", "2001-01-01"), ("errors", "yesterday"))
    ),
    Visit("accounts", "audit.all_accounts", at("/organizer/books/accounts", AUDITOR)),
    Visit("account", "audit.account", at(f"{_HELD_ACCOUNT}?since=2026-01-01", AUDITOR)),
    Visit("account-none", "audit.account", at(f"{_HELD_ACCOUNT}?kind=write_off", AUDITOR)),
    Visit("account-errors", "audit.account", at(f"{_HELD_ACCOUNT}?since=x&question=y", AUDITOR)),
    Visit("journal", "audit.journal", at("/organizer/books/journal", AUDITOR)),
    Visit("journal-accepted", "audit.journal", at(f"{_JOURNAL}?kind=answer_accepted", AUDITOR)),
    Visit("journal-none", "audit.journal", at(f"{_JOURNAL}?until=2001-01-01", AUDITOR)),
    Visit("journal-errors", "audit.journal", at(f"{_JOURNAL}?until=2001-02-30", AUDITOR)),
    Visit(
        "entry", "audit.entry",
        lambda stage: (AUDITOR, f"/organizer/entries/{stage.value(_SPLIT)}"),
    ),
    Visit("open-items", "accounting.open_items", at("/organizer/books/open-items", AUDITOR)),
    Visit("over-time", "accounting.over_time", at("/organizer/books/over-time", AUDITOR)),
    Visit(
        "over-time-all", "accounting.over_time", at("/organizer/books/over-time?month=all", AUDITOR)
    ),
    Visit("blocks-of-the-books", "accounting.blocks", at("/organizer/books/blocks", AUDITOR)),
    Visit("waiting", "accounting.waiting", at("/organizer/books/waiting", AUDITOR)),
)  # fmt: skip

DEMO = (
    Visit("people", "demo.people", at("/demo/")),
    Visit("clock", "demo.clock_page", at("/demo/clock")),
    Visit("mails", "demo.mails", at("/demo/mail")),
    Visit("mail", "demo.mail", at("/demo/mail"), _newest_mail()),
    Visit("mail-html", "demo.mail_html", at("/demo/mail"), _newest_mail("/html")),
)

_UNPAID = asked("awaiting_payment", "/questions/{}")
_PAY = "main form button"
HOSTED = (
    Visit("pay", "pages.pay", _UNPAID, _hosted()),
    Visit("pay-errors", "pages.pay", _UNPAID, _hosted(_PAY)),
    Visit("pay-declined", "pages.pay", _UNPAID, _hosted(_PAY, number="4000000000000002")),
    Visit("pay-bank", "pages.bank", _UNPAID, _hosted(_PAY, number="4000002760003184")),
    Visit("pay-done", "pages.pay", at("/"), _elsewhere(_PAID)),
    Visit("pay-unknown", "pages.pay", at("/"), _standin("/pay/nothing")),
    Visit("card-receipt", "pages.receipt", at("/"), _elsewhere(_RECEIPT)),
    Visit("onboarding", "pages.onboarding", at("/how-you-are-paid", WITHOUT_ACCOUNT), _hosted()),
    Visit("controls", "controls.page", at("/"), _standin("/_standin"), is_english_only=True),
)

VISITS = (
    *PUBLIC,
    *ACCOUNTS,
    *ASKING,
    *ANSWERING,
    *HOURS,
    *ORGANIZING,
    *AUDITING,
    *ADJUSTING,
    *DEMO,
    *HOSTED,
)

# Routes that one can open but that are no pages, and why.
NO_PAGES = {
    "static": "files",
    "health.healthz": "for machines",
    "organizer.payouts_csv": "a file",
    "audit.account_csv": "a file",
    "audit.journal_csv": "a file",
    "accounting.export": "a file",
    "books.verify_ledger": "a file",
    "books.verify_proof": "a file",
    "books.published_format": "a file",
    "statements.my_file": "a file",
    "limits.file": "a file",
    "statements.my_proof": "a file",
    "statements.their_file": "a file",
    "forum.ask": "leads to the draft",
    "forum.back": "leads from the payment to the question",
    "payouts.back": "leads from the payment service to “How you are paid”",
    "demo.be": "leads into the demo",
    "home": "leads to the controls",
    "controls.state": "for machines",
    "controls.objects": "for machines",
}
