"""The books for who audits them: roles, filters, paging, past days, files, what cannot be read."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests import factories
from tests.kept import kept
from upss.db.base import db
from upss.forum.service import accepting, asking
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger.rules import chart
from upss.ledger.rules.posting import bank, kinds
from upss.ledger.service.posting import post
from upss.organizer import views_audit
from upss.organizer.queries import books
from upss.web import paging
from upss.web.ports import unit

PAGES = (
    "/organizer/books",
    "/organizer/books/accounts",
    "/organizer/books/journal",
    "/organizer/books/open-items",
    "/organizer/books/over-time",
    "/organizer/books/blocks",
    "/organizer/books/waiting",
    "/organizer/trial-balance",
)
FILES = ("/organizer/books/journal.csv", "/organizer/payouts.csv")
HELD = f"/organizer/books/accounts/{chart.HELD}"


@pytest.fixture
def begun(app, database, request):
    """The people, and an accepted answer where a test wants it: made once, put back for each."""
    if "question" in request.fixturenames:
        return kept("audit, with a question", database, lambda: begin(with_question=True))
    return kept("audit", database, lambda: begin(with_question=False))


def begin(*, with_question):
    found = {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "organizer": factories.person("aurora@example.org", role=Role.ORGANIZER),
        "auditor": factories.person("quercus@example.org", role=Role.AUDITOR),
    }
    return found, earn(found) if with_question else None


@pytest.fixture
def people(app, client, begun):
    """An asker, a person who answers, an organizer, an auditor who is signed in."""
    found = begun[0]
    factories.sign_in_as(app, client, found["auditor"], organizer=True)
    return found


@pytest.fixture
def question(begun, people):
    """The number of a question that was answered and accepted: three entries."""
    return begun[1]


@pytest.fixture
def wait(app, client, people, clock):
    """Let time pass; an auditor's session is short."""

    def pass_time(step):
        clock.advance(step)
        factories.sign_in_as(app, client, people["auditor"], organizer=True)

    return pass_time


def earn(people):
    question_id = factories.answered(people["asker"], people["answerer"])
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    return question_id


def book(draft, actor="system"):
    with unit() as uow:
        done = post(uow, draft.by(actor))
        uow.commit()
    return done.entry_id


def page(client, path, status=200):
    answer = client.get(path)
    html = answer.get_data(as_text=True)
    assert answer.status_code == status, html[-2000:]
    return html


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")))


def rows_of(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def entries_on(html):
    """The entries that a page lists, in its order."""
    return [int(found) for found in re.findall(r'href="/organizer/entries/(\d+)"', html)]


def next_page(html):
    return html.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")


def every_page(client, path):
    """All entries of a list, page by page."""
    html = page(client, path)
    found = entries_on(html)
    while 'rel="next"' in html:
        html = page(client, next_page(html))
        found += entries_on(html)
    return found


def test_every_page_opens_on_an_empty_ledger_in_every_language(client, people):
    for path in PAGES:
        for language in ("en", "es", "ca"):
            assert f'<html lang="{language}"' in page(client, f"{path}?lang={language}")
    assert "The books are empty" in page(client, "/organizer/books?lang=en")
    assert "Nothing is open" in page(client, "/organizer/books/open-items")
    assert "No entry fits this filter" in page(client, "/organizer/books/journal")
    for path in FILES:
        assert rows_of(client, path) == []


def test_an_auditor_reads_everything_and_has_nothing_to_press(app, client, question):
    more = (
        "/organizer",
        "/organizer/payouts",
        "/organizer/payouts/runs",
        "/organizer/questions",
        f"/organizer/questions/{question}",
        "/organizer/jobs",
        HELD,
        "/organizer/entries/1",
    )
    for path in (*PAGES, *more):
        html = page(client, path)
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', html)
        assert forms == ["/sign-out"], path
    token = factories.csrf_of(page(client, "/settings"))
    answer = client.post("/organizer/payouts/runs", data={"csrf_token": token})
    assert answer.status_code == 403


@pytest.mark.parametrize("who", ["asker", "answerer"])
def test_the_books_are_shut_for_others(app, people, who):
    browser = app.test_client()
    factories.sign_in_as(app, browser, people[who])
    for path in (*PAGES, *FILES, HELD, f"{HELD}/entries.csv", "/organizer/entries/1"):
        assert browser.get(path).status_code == 403, path


def test_an_organizer_opens_the_books_too(app, people):
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["organizer"], organizer=True)
    for path in PAGES:
        page(browser, path)


def test_a_balance_of_a_past_day_is_that_of_its_entries(client, people, clock, wait):
    factories.at(clock, datetime(2026, 11, 3, 10, tzinfo=UTC))
    wait(timedelta())
    earn(people)
    before = words_of(page(client, "/organizer/trial-balance?on=2026-11-02"))
    assert "No entry until this day" in before
    factories.at(clock, datetime(2026, 11, 9, 10, tzinfo=UTC))
    wait(timedelta())
    factories.queued(people["asker"])
    first = words_of(page(client, "/organizer/trial-balance?on=2026-11-08"))
    assert "Trial balance, 8 Nov 2026" in first
    assert "Liabilities:Held:Questions €12.00 €12.00 €0.00" in first
    both = words_of(page(client, "/organizer/trial-balance?on=2026-11-09"))
    assert "Liabilities:Held:Questions €12.00 €24.00 -€12.00" in both
    assert "What we owe €12.00 €34.20 -€22.20" in both
    for said in (first, both):
        assert "All accounts add up to zero." in said
        total = said[said.index("Total ") :]
        assert re.match(r"Total (€[\d.]+) \1 €0\.00", total), total[:80]
    now = words_of(page(client, "/organizer/trial-balance"))
    assert now[now.index("Total ") :][:40] == both[both.index("Total ") :][:40]
    assert f"To pay to josep (A{people['answerer']:04d})" in now


@pytest.mark.parametrize("bad", ["yesterday", "2026-02-30", "2026-11-1", "20261101", "-1"])
def test_a_day_that_is_none_is_said_at_the_field(client, question, bad):
    html = page(client, f"/organizer/trial-balance?on={bad}", 422)
    assert "Write a day as year, month and day" in html
    assert f'value="{bad}"' in html
    assert "All accounts add up to zero" not in html
    for path in ("/organizer/books/journal", HELD):
        html = page(client, f"{path}?since={bad}", 422)
        assert 'id="since-error"' in html
        assert entries_on(html) == []
    assert client.get(f"/organizer/books/journal.csv?until={bad}").status_code == 422


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "9" * 30, "9223372036854775808"])
def test_a_question_that_is_no_number_is_said(client, people, bad):
    assert "Write the question&#39;s number" in page(
        client, f"/organizer/books/journal?question={bad}", 422
    )


@pytest.mark.parametrize(
    ("field", "bad"),
    [("kind", "answer_acepted"), ("kind", "%01"), ("actor", "%07"), ("actor", "%E2%80%AE")],
)
def test_a_kind_or_actor_that_cannot_be_is_said(client, question, field, bad):
    html = page(client, f"/organizer/books/journal?{field}={bad}", 422)
    assert f'id="{field}-error"' in html
    assert "No entry fits this filter" not in html
    assert entries_on(html) == []
    assert client.get(f"/organizer/books/journal.csv?{field}={bad}").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/books/%00",
        "/%00",
        "/questions/%00",
        "/static/%00",
        "/organizer/questions/%00",
        "/organizer/statements/%00",
        "/organizer/adjustments/%00",
        "/organizer/books/accounts/%00",
        "/organizer/books/accounts/%00/entries.csv",
        "/organizer/books/export/%00",
    ],
)
def test_nothing_stands_at_an_address_with_a_nul(client, people, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/?lang=%00",
        "/books?before=%00",
        "/sign-in?next=%00",
        "/organizer/trial-balance?on=%00",
        "/organizer/books/journal?kind=%00",
        "/organizer/books/journal?actor=1%00",
        "/organizer/books/journal?since=2026-11-01&%00=x",
        "/organizer/books/journal.csv?kind=%00",
        "/organizer/books/journal.csv?kind=adjustment&kind=%00",
        f"{HELD}/entries.csv?kind=%00",
    ],
)
def test_a_nul_in_a_query_cannot_be_read(client, people, path):
    answer = client.get(path)
    assert answer.status_code == 400
    assert "This page cannot read what it was sent" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/organizer/books/over-time?month=2999-12",
        "/organizer/trial-balance?on=9999-12-31",
        "/organizer/trial-balance?on=0001-01-01",
        "/organizer/books/journal?question=9223372036854775807&before=99999999999999999999999",
        "/organizer/books/journal?since=0001-01-01&until=9999-12-31",
        f"{HELD}?since=9999-12-31",
        "/organizer/entries/99999999999999999999",
        "/organizer/statements/x/20%D9%A26",
    ],
)
def test_nothing_in_an_address_breaks_a_page(client, question, path):
    answer = client.get(path)
    answer.get_data()
    assert answer.status_code < 500


def test_days_in_the_wrong_order_are_said(client, people):
    html = page(client, "/organizer/books/journal?since=2026-11-02&until=2026-11-01", 422)
    assert "This day is before the first one" in html


@pytest.mark.parametrize("key", ["0", "4711", "x", "9" * 40, "9223372036854775807"])
def test_an_unknown_entry_or_account_is_not_found(client, people, key):
    assert client.get(f"/organizer/entries/{key}").status_code == 404
    assert client.get(f"/organizer/books/accounts/{key}").status_code == 404
    assert client.get(f"/organizer/books/accounts/{key}/entries.csv").status_code == 404
    assert client.get(f"/organizer/books/journal?before={key}").status_code == 200


def test_the_journal_pages_through_all_entries_once(client, people, monkeypatch):
    monkeypatch.setattr(views_audit, "_ENTRIES", 4)
    for _ in range(3):
        earn(people)
    with unit() as uow:
        ids = uow.session.execute(text("SELECT id FROM ledger.entry ORDER BY id DESC")).scalars()
        expected = list(ids)
    assert len(expected) == 9
    assert every_page(client, "/organizer/books/journal") == expected
    lines = rows_of(client, "/organizer/books/journal.csv")
    assert list(dict.fromkeys(int(row["entry"]) for row in lines)) == expected
    debits = sum(Decimal(row["debit"] or 0) for row in lines)
    assert debits == sum(Decimal(row["credit"] or 0) for row in lines) > 0


def test_the_journals_filters_and_its_file_agree(client, people, clock, wait):
    first = earn(people)
    wait(timedelta(days=1))
    second = earn(people)
    on_second_day = clock.now().date().isoformat()
    found = {
        "kind=answer_accepted": 2,
        f"question={first}": 3,
        f"question=%23{second}": 3,
        f"since={on_second_day}": 3,
        f"until={on_second_day}": 6,
        f"since={on_second_day}&until={on_second_day}&kind=question_paid": 1,
        f"actor={people['asker']}": 2,
        "actor=system": 4,
        "actor=nobody": 0,
        "kind=adjustment": 0,
    }
    for query, count in found.items():
        shown = entries_on(page(client, f"/organizer/books/journal?{query}"))
        lines = rows_of(client, f"/organizer/books/journal.csv?{query}")
        assert len(shown) == count, query
        assert list(dict.fromkeys(int(row["entry"]) for row in lines)) == shown, query


def test_an_accounts_page_shows_balances_that_add_up(client, people, clock, wait, monkeypatch):
    monkeypatch.setattr(paging, "SIZE", 5)
    monkeypatch.setitem(paging.page.__kwdefaults__, "size", 5)
    for _ in range(3):
        earn(people)
    wait(timedelta(days=1))
    factories.queued(people["asker"])
    rows = rows_of(client, f"{HELD}/entries.csv")
    assert [int(row["entry"]) for row in rows] == every_page(client, HELD)
    assert len(rows) == 7
    balance = Decimal(0)
    for row in reversed(rows):
        balance += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
        assert Decimal(row["balance"]) == balance
    assert balance == Decimal("-12.00")
    said = words_of(page(client, HELD))
    assert "Balance -€12.00 Entries, newest first" in said
    said = words_of(page(client, f"{HELD}?since=2026-01-01"))
    assert "Balance before €0.00 Entries 7 Added by them -€12.00 Balance after -€12.00" in said
    # the second page goes on with the balance where the first one ends
    second = words_of(page(client, next_page(page(client, HELD))))
    assert f"{rows[5]['entry']} 18 Nov 2026" in second
    assert rows[5]["balance"].replace("-", "-€") in second[second.index("Credit Balance") :]
    today = clock.now().date().isoformat()
    late = words_of(page(client, f"{HELD}?since={today}"))
    assert "Balance before €0.00 Entries 1 Added by them -€12.00" in late


def test_an_account_begins_with_the_balance_before_its_first_day(client, people, clock, wait):
    factories.queued(people["asker"])
    day = clock.now().date()
    wait(timedelta(days=2))
    second = factories.queued(people["asker"])
    since = (day + timedelta(days=1)).isoformat()
    said = words_of(page(client, f"{HELD}?since={since}"))
    assert "Balance before -€12.00 Entries 1 Added by them -€12.00 Balance after -€24.00" in said
    (row,) = rows_of(client, f"{HELD}/entries.csv?since={since}")
    assert (row["balance"], row["questions"]) == ("-24.00", str(second))
    (row,) = rows_of(client, f"{HELD}/entries.csv?question={second}")
    assert row["balance"] == "-12.00"
    assert "No entry fits this filter" in page(client, f"{HELD}?kind=adjustment")
    past = words_of(page(client, f"{HELD}?until={day}"))
    assert "Entries 1 Added by them -€12.00 Balance after -€12.00" in past


def test_accounts_are_listed_with_their_holders(client, people, question):
    said = words_of(page(client, "/organizer/books/accounts"))
    number = f"A{people['answerer']:04d}"
    assert (
        f"To pay to josep ({number}) Liabilities:Answerer:Payable:{number} What we owe -€10.20"
        in said
    )
    assert "Held for questions Liabilities:Held:Questions What we owe €0.00" in said


def test_an_entry_shows_all_that_the_ledger_holds(client, question):
    last = entries_on(page(client, "/organizer/books/journal"))[0]
    said = words_of(page(client, f"/organizer/entries/{last}"))
    with unit() as uow:
        digest = uow.session.execute(
            text("SELECT digest FROM ledger.seal WHERE entry_id = :id"), {"id": last}
        ).scalar_one()
    for words in (
        "The answer was accepted and the price was shared",
        f"split:{question}:1",
        digest,
        "In no block yet",
        "Done by Asker",
        "Guarantee fund",
    ):
        assert words in said, words


def test_names_stand_for_numbers(client, people):
    actor = f"account:{people['organizer']}"
    draft = bank.fund_paid_in(amount=Money(5000, "EUR"), payment_key="gift-1")
    entry_id = book(draft, actor)
    said = words_of(page(client, f"/organizer/entries/{entry_id}"))
    assert "Done by aurora" in said
    assert actor not in said
    (shown,) = entries_on(page(client, f"/organizer/books/journal?actor={people['organizer']}"))
    assert shown == entry_id


def test_open_items_tell_their_age_and_what_is_late(client, people, clock, wait):
    question_id = factories.queued(people["asker"])
    assert "Nothing is open" in page(client, "/organizer/books/open-items")
    with unit() as uow:
        asking.withdraw(uow, question_id=question_id)
        uow.commit()
    wait(timedelta(days=9))
    said = words_of(page(client, "/organizer/books/open-items"))
    assert "Nothing is late." in said
    assert f"{question_id} Owed back to askers" in said
    assert "9 days -€12.00" in said
    wait(timedelta(days=2))
    said = words_of(page(client, "/organizer/books/open-items"))
    assert "1 item is late." in said
    assert "Late: 11 days" in said


def test_an_item_is_open_since_its_balance_last_left_zero(client, people, clock, wait):
    """A charge that was settled and came in a second time is as old as its second time."""
    first = bank.stripe_payout(amount=Money(700, "EUR"), balance_transaction_id="txn_a")
    book(first)
    book(bank.stripe_payout_arrived(amount=Money(700, "EUR"), statement_line="line_1"))
    wait(timedelta(days=20))
    book(bank.stripe_payout(amount=Money(300, "EUR"), balance_transaction_id="txn_b"))
    wait(timedelta(days=3))
    said = words_of(page(client, "/organizer/books/open-items"))
    assert "Nothing is late." in said
    assert "3 days €3.00" in said


def test_the_oldest_open_items_are_listed_and_all_are_counted(client, people, monkeypatch):
    monkeypatch.setattr(books, "OPEN_ITEMS", 2)
    for _ in range(3):
        with unit() as uow:
            asking.withdraw(uow, question_id=factories.queued(people["asker"]))
            uow.commit()
    book(bank.stripe_payout(amount=Money(700, "EUR"), balance_transaction_id="txn_a"))
    html = page(client, "/organizer/books/open-items")
    said = words_of(html)
    assert "The oldest 2 of 4 items are shown." in said
    assert re.search(r"Owed back to askers 3 .{0,60}-€36\.00", said)
    assert f"/organizer/books/accounts/{chart.STRIPE_IN_TRANSIT}" in html
    assert html.count("/organizer/questions/") == 2


def test_the_index_says_whether_the_books_are_in_order(client, question):
    said = words_of(page(client, "/organizer/books"))
    assert "The books are in order." in said
    assert "To pay €10.20" in said
    assert "Commission: organizer €1.44" in said
    assert "Guarantee fund €0.36" in said
    assert "3, the oldest from" in said
    book(bank.stripe_payout(amount=Money(700, "EUR"), balance_transaction_id="txn_unknown"))
    said = words_of(page(client, "/organizer/books"))
    assert "is not the sum of its movements. Difference: -€7.00" in said


def test_the_whole_ledger_can_be_taken_along(client, question):
    answer = client.get("/organizer/books/export/jsonl")
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="ledger-2026-11-18.jsonl"'
    )
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    assert lines[0]["format"] == "upss-ledger"
    assert lines[-1]["entries"] == 3
    assert lines[-1]["balances"][chart.GUARANTEE_FUND] == -36
    for form, begins in (("beancount", "option"), ("hledger", ""), ("csv", "")):
        found = client.get(f"/organizer/books/export/{form}")
        assert found.status_code == 200
        said = found.get_data(as_text=True)
        assert said.startswith(begins)
        assert chart.COMMISSION in said, form
    assert client.get("/organizer/books/export/xlsx").status_code == 404


@pytest.mark.parametrize(
    "path",
    [f"/organizer/books/export/{form}" for form in ("jsonl", "beancount", "hledger", "csv")]
    + [*FILES, f"{HELD}/entries.csv"],
)
def test_who_reads_a_file_slowly_holds_no_connection(client, question, path):
    used = db.engine.pool.checkedout()
    answer = client.get(path, buffered=False)  # what a client has who reads nothing yet
    assert db.engine.pool.checkedout() == used
    assert answer.content_length == len(answer.get_data()) > 0


def test_money_over_time_ends_with_the_balances_of_now(client, people, clock, wait):
    factories.at(clock, datetime(2026, 10, 12, 10, tzinfo=UTC))
    wait(timedelta())
    factories.queued(people["asker"])
    factories.at(clock, datetime(2026, 11, 18, 10, tzinfo=UTC))
    wait(timedelta())
    earn(people)
    month = words_of(page(client, "/organizer/books/over-time"))
    weeks = ["1 Nov 2026", "2 Nov 2026", "9 Nov 2026", "16 Nov 2026"]
    rows = [f"{week} €12.00 €{'10.20' if week == weeks[-1] else '0.00'} €0.00" for week in weeks]
    for row in rows:
        assert row in month, row
    every = words_of(page(client, "/organizer/books/over-time?month=all"))
    assert "October 2026 €12.00 €0.00 €0.00" in every
    assert "November 2026 €12.00 €10.20 €0.00" in every


def test_every_kind_and_account_of_the_ledger_has_words(app, client, people):
    from flask import render_template_string

    source = """{% import "organizer/_words.html" as words with context %}
        {{ words.ENTRIES.keys()|join(" ") }}|{{ words.ACCOUNTS.keys()|join(" ") }}"""
    with app.test_request_context("/"):
        known_kinds, known_accounts = render_template_string(source).split("|")
    assert set(known_kinds.split()) == set(kinds.KEY_PREFIXES)
    assert set(known_accounts.split()) == set(chart.SYSTEM_ACCOUNTS)


def test_today_is_the_day_of_value_dates(client, people, clock, wait):
    """Half past midnight where the site is, but money that moves now still has the old day."""
    factories.at(clock, datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    wait(timedelta())
    factories.queued(people["asker"])
    assert 'value="2026-11-30"' in page(client, "/organizer/trial-balance")
    said = words_of(page(client, "/organizer/books/over-time"))
    assert "Money in November 2026" in said
    assert "30 Nov 2026 €12.00" in said
