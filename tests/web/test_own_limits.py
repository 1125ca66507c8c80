"""My limits: setting, changing, removing and putting back, statements, and who may look."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest

from tests import factories
from upss.forum import queries_caps as queries
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import Action, Amount, Basis, CapRule, Metric
from upss.forum.service import accepting, answering, claiming, own_limits
from upss.kernel.roles import Role
from upss.web.ports import unit

LIST, NEW = "/limits", "/limits/new"
MONTH = timedelta(days=30)
WEEKS = timedelta(days=25)  # a session lasts longer
TYPED = {
    "metric": "money", "most": "300", "period": "month", "days": "", "anchor_month": "1",
    "anchor_day": "1", "basis": "accrual", "expenses": "0", "safety": "10", "action": "block",
    "note": "",
}  # fmt: skip


@pytest.fixture
def people(app, client):
    """An asker, two people who answer and an organizer; the first who answers is signed in."""
    found = {
        "asker": factories.person("asker@example.org"),
        "me": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "other": factories.person("other@example.org", role=Role.ANSWERER, topics=("home",)),
        "organizer": factories.person("first@example.org", role=Role.ORGANIZER),
    }
    factories.sign_in_as(app, client, found["me"])
    return found


@pytest.fixture
def me(people):
    return people["me"]


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def words_of(html):
    """The words of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def rules(account_id):
    with unit() as uow:
        return [it.row.rule for it in queries.in_force(uow.session, account_id).standings]


def ids(account_id):
    with unit() as uow:
        return [it.row.public_id for it in queries.in_force(uow.session, account_id).standings]


def set_one(client, **changes):
    answer = factories.post(client, NEW, **TYPED | changes)
    assert (answer.status_code, answer.location) == (303, LIST), answer.get_data(as_text=True)
    return answer


def earned(people, who="me"):
    question_id = factories.answered(people["asker"], people[who])
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    return question_id


# --- setting ------------------------------------------------------------------------------------


def test_nobody_has_a_limit_to_begin_with(client, me):
    said = words_of(page(client, LIST))
    assert "You have set no limit" in said
    assert "This is no legal advice" in said
    assert "An example, with invented figures" in said
    assert rules(me) == []  # and the example is none


def test_a_limit_is_set_and_shown_in_words(client, people, me):
    earned(people)
    set_one(client)
    assert rules(me) == [
        CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=30_000, currency="EUR")
    ]
    said = words_of(page(client, LIST))
    assert "Your limit holds from now." in said
    assert "€300.00 each month" in said
    assert "You have used €10.20 of €270.00: 3%." in said
    assert "1 Nov 2026 to 30 Nov 2026" in said
    assert "There is room" in said


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"most": "250,50 €"}, {"limit": 25_050}),
        ({"most": "EUR 12"}, {"limit": 1200}),
        ({"most": "1.000 EUR"}, {"limit": 100_000}),
        ({"most": "1\u202f000,5 €"}, {"limit": 100_050}),
        ({"most": "12,000.50"}, {"limit": 1_200_050}),
        ({"basis": "payment"}, {"basis": Basis.PAYMENT}),
        ({"expenses": "30 %"}, {"expenses_pct": 30, "amount": Amount.NET}),
        ({"safety": "0", "action": "warn"}, {"safety_pct": 0, "action": Action.WARN}),
        ({"period": "rolling_n_days", "days": "365"}, {"period": Period.ROLLING, "days": 365}),
        (
            {"period": "tax_year", "anchor_month": "4", "anchor_day": "6"},
            {"period": Period.TAX_YEAR, "anchor": (4, 6)},
        ),
        ({"note": "  mine \n alone "}, {"note": "mine alone"}),
        ({"days": "x", "anchor_day": "99"}, {}),  # not asked of a limit by month
    ],
)
def test_what_can_be_said_of_money(client, me, changes, rule):
    set_one(client, **changes)
    plain = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=30_000, currency="EUR")
    assert rules(me) == [replace(plain, **rule)]


@pytest.mark.parametrize(
    ("most", "minutes", "named"),
    [
        ("16", 960, "16 hours each week"),
        ("7,5 h", 450, "7 hours and 30 minutes each week"),
        ("1 000 h", 60_000, "1000 hours each week"),
        ("0:40", 40, "40 minutes each week"),
        ("1", 60, "1 hour each week"),
    ],
)
def test_what_can_be_said_of_time(client, me, most, minutes, named):
    # what belongs to money does not matter for time
    set_one(client, metric="minutes", most=most, period="week", basis="payment", expenses="20")
    assert rules(me) == [CapRule(metric=Metric.MINUTES, period=Period.WEEK, limit=minutes)]
    assert named in words_of(page(client, LIST))


FAULTS = [
    ({"metric": ""}, "metric", "Choose what you want to limit"),
    ({"most": " "}, "most", "Write how much"),
    ({"most": "0"}, "most", "Write a number above zero"),
    ({"most": "0,00 €"}, "most", "Write a number above zero"),
    ({"most": "three hundred"}, "most", "as a plain number"),
    ({"most": "-5"}, "most", "as a plain number"),
    ({"most": "1.0000 EUR"}, "most", "as a plain number"),
    ({"most": "0.500"}, "most", "as a plain number"),
    ({"most": "1.000.00"}, "most", "as a plain number"),
    ({"most": "1.000,000"}, "most", "as a plain number"),
    ({"most": "1.000 USD"}, "most", "Your answers are paid in EUR"),
    ({"most": "300 USD"}, "most", "Your answers are paid in EUR"),
    ({"most": "300 al mes"}, "most", "as a plain number"),
    ({"most": "GBP 300"}, "most", "Your answers are paid in EUR"),
    ({"most": "300 dólares"}, "most", "Your answers are paid in EUR"),
    ({"most": "$300"}, "most", "Your answers are paid in EUR"),
    ({"most": "999999999999999"}, "most", "plain number"),
    ({"metric": "minutes", "most": "300 €"}, "most", "as a plain number"),
    ({"metric": "minutes", "most": "0:00"}, "most", "Write a number above zero"),
    ({"period": "fortnight"}, "period", "Choose how often it begins anew"),
    ({"period": "rolling_n_days", "days": "many"}, "days", "from 1 to 731"),
    ({"period": "rolling_n_days", "days": "732"}, "days", "from 1 to 731"),
    (
        {"period": "tax_year", "anchor_month": "2", "anchor_day": "30"},
        "anchor_day",
        "a day that exists",
    ),
    ({"period": "tax_year", "anchor_day": "sixth"}, "anchor_day", "a day that exists"),
    ({"expenses": "100"}, "expenses", "from 0 to 99"),
    ({"expenses": "some"}, "expenses", "from 0 to 99"),
    ({"safety": "91"}, "safety", "from 0 to 90"),
    ({"note": "x" * 201}, "note", "Shorten the note to 200 characters"),
]


def test_a_fault_is_told_and_what_was_typed_is_kept(client, me):
    token = factories.csrf_of(page(client, NEW))
    for changes, field, words in FAULTS:
        sent = TYPED | {"note": "for me", "safety": "15"} | changes
        answer = client.post(NEW, data=sent | {"csrf_token": token})
        html = answer.get_data(as_text=True)
        assert answer.status_code == 422, changes
        assert f'<a href="#{field}">' in html, changes
        assert words in words_of(html), changes
        assert "<title>Error: " in html
        kept = sent["most"].strip(" ")
        assert f'value="{kept}"' in html or not kept
        assert f'value="{sent["note"]}"' in html
        assert f'value="{sent["safety"]}"' in html
    assert rules(me) == []


def test_every_fault_is_told_at_once(client, me):
    answer = factories.post(client, NEW, metric="", most="", period="")
    assert "There are 3 things to fix" in words_of(answer.get_data(as_text=True))


def test_more_limits_than_one_can_oversee(client, me):
    for _ in range(own_limits.MOST_RULES):
        set_one(client)
    answer = factories.post(client, NEW, **TYPED)
    assert answer.status_code == 422
    assert "Remove one before you set another" in words_of(answer.get_data(as_text=True))


# --- changing, removing -------------------------------------------------------------------------


def test_a_change_shows_what_holds_and_ends_it(client, people, me):
    earned(people)
    set_one(client, most="250,50", note="mine", period="tax_year", anchor_day="6", anchor_month="4")
    (old,) = ids(me)
    spanish = page(client, f"/limits/{old}/change?lang=es")
    assert 'value="250,50"' in spanish
    html = page(client, f"/limits/{old}/change?lang=en")
    assert 'value="250.50"' in html
    assert 'value="mine"' in html
    assert "each year that begins on 6 April" in html
    assert re.search(r'<option value="4" selected>', html)
    answer = factories.post(client, f"/limits/{old}/change", **TYPED | {"most": "20"})
    assert answer.status_code == 303
    said = words_of(page(client, LIST))
    assert "Your limit is changed." in said
    assert "You have used €10.20 of €18.00: 56%." in said
    assert ids(me) != [old]
    assert "Removed limits" not in said  # a changed one is not a removed one
    page(client, f"/limits/{old}/change", 404)


def test_time_is_shown_as_it_is_typed(client, me):
    set_one(client, metric="minutes", most="7,5")
    assert 'value="7:30"' in page(client, f"/limits/{ids(me)[0]}/change")


def test_a_fault_in_a_change_leaves_the_limit(client, me):
    set_one(client)
    (old,) = ids(me)
    answer = factories.post(client, f"/limits/{old}/change", **TYPED | {"most": "0"})
    assert answer.status_code == 422
    assert 'value="0"' in answer.get_data(as_text=True)
    assert ids(me) == [old]


def test_a_removed_limit_is_put_back(client, me):
    set_one(client)
    (old,) = ids(me)
    assert factories.post(client, LIST, f"/limits/{old}/remove").status_code == 303
    said = words_of(page(client, LIST))
    assert "The limit is removed. You can put it back below." in said
    assert "Removed on Wednesday 18 November 2026." in said
    assert rules(me) == []
    assert factories.post(client, LIST, f"/limits/{old}/restore").status_code == 303
    said = words_of(page(client, LIST))
    assert "The limit holds again." in said
    assert "Removed limits" not in said
    assert len(rules(me)) == 1


def test_putting_back_one_too_many(client, me):
    set_one(client)
    (old,) = ids(me)
    factories.post(client, LIST, f"/limits/{old}/remove")
    for _ in range(own_limits.MOST_RULES):
        set_one(client)
    factories.post(client, LIST, f"/limits/{old}/restore")
    assert "Remove one before you set another" in words_of(page(client, LIST))


# --- what it does -------------------------------------------------------------------------------


def test_a_question_that_does_not_fit_says_only_whose_limits(client, people, me):
    set_one(client, most="10")
    public_id = factories.question_row(factories.queued(people["asker"])).public_id
    answer = factories.post(client, f"/queue/{public_id}", f"/queue/{public_id}/claim")
    assert answer.location == "/queue?refused=own_limits"
    html = page(client, answer.location)
    assert "Your own limits leave no room for this question" in words_of(html)
    assert "Your own limits leave no room for what waits now" in words_of(html)
    assert html.count('<a href="/limits">') == 2


def test_no_paid_work(client, people, me):
    public_id = factories.question_row(factories.queued(people["asker"])).public_id
    factories.post(client, LIST, "/limits/paid-work", no_paid_work="yes")
    assert "You take no paid questions" in words_of(page(client, LIST))
    words = words_of(page(client, "/queue"))
    assert "You take no paid questions at the moment" in words
    assert "I will answer this" not in words
    answer = factories.post(client, "/queue/" + public_id, f"/queue/{public_id}/claim")
    assert answer.location == "/queue?refused=no_paid_work"
    factories.post(client, LIST, "/limits/paid-work", no_paid_work="no")
    assert "You can take paid questions again." in words_of(page(client, LIST))
    answer = factories.post(client, f"/queue/{public_id}", f"/queue/{public_id}/claim")
    assert answer.location.startswith("/answering/")


@pytest.mark.parametrize(
    ("most", "words"),
    [
        ("23", "There is room"),
        ("14", "70% or more is used"),
        ("11", "90% or more is used"),
        ("10", "Over the limit"),
    ],
)
def test_warnings_in_words(client, people, most, words):
    earned(people)
    set_one(client, most=most, safety="0")
    assert words in words_of(page(client, LIST))


# --- statements ---------------------------------------------------------------------------------


def test_the_statement_of_money(client, people, me, clock):
    clock.advance(-MONTH)
    earned(people)
    clock.advance(MONTH)
    question_id = factories.answered(people["asker"], me)
    set_one(client)
    (public_id,) = ids(me)
    said = words_of(page(client, f"/limits/{public_id}"))
    assert "1 Nov 2026 to 30 Nov 2026" in said
    assert "1 Oct 2026 to 31 Oct 2026" in said
    answer = client.get(f"/limits/{public_id}.csv")
    assert answer.headers["Content-Disposition"].endswith(f'filename="limit-{public_id}.csv"')
    rows = list(csv.reader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert rows == [
        ["First day", "Last day", "Earned with accepted answers", "Paid to you",
         "Counted in this limit", "Set aside", "Still free", "Unit"],
        ["2026-11-01", "2026-11-30", "0.00", "0.00", "0.00", "10.20", "259.80", "EUR"],
        ["2026-10-01", "2026-10-31", "10.20", "0.00", "10.20", "0.00", "259.80", "EUR"],
    ]  # fmt: skip
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    text = client.get(f"/limits/{public_id}.csv").get_data(as_text=True)
    assert "2026-11-01,2026-11-30,10.20,0.00,10.20,0.00,259.80,EUR" in text


def test_the_statement_of_time(client, people, me):
    question_id = factories.queued(people["asker"])
    with unit() as uow:
        claiming.claim(uow, question_id=question_id, answerer_id=me)
        answering.send_answer(uow, question_id=question_id, answerer_id=me, body=factories.ANSWER)
        uow.commit()
    set_one(client, metric="minutes", most="1", safety="0")
    (public_id,) = ids(me)
    said = words_of(page(client, f"/limits/{public_id}"))
    assert "20 minutes" in said
    assert "Paid to you" not in said
    text = client.get(f"/limits/{public_id}.csv").get_data(as_text=True)
    assert "2026-11-01,2026-11-30,,,20,0,40,minutes" in text


def test_a_long_statement_has_pages(client, people, me, clock):
    earned(people)
    set_one(client, period="day")
    (public_id,) = ids(me)
    clock.advance(WEEKS)
    html = page(client, f"/limits/{public_id}")
    (older,) = re.findall(rf'href="(/limits/{public_id}\?before=\d+)"', html)
    said = words_of(page(client, older))
    assert "18 Nov 2026" in said
    assert "8 Dec 2026" not in said
    for before in ("0", "1", "9", "9" * 5000):
        page(client, f"/limits/{public_id}?before={before}")
    assert "Nothing more to show" in words_of(page(client, f"/limits/{public_id}?before=9"))
    assert "8 Dec 2026" in words_of(page(client, f"/limits/{public_id}?before=99999999"))


def test_the_statement_of_a_removed_limit(client, people, me, clock):
    set_one(client)
    (public_id,) = ids(me)
    factories.post(client, LIST, f"/limits/{public_id}/remove")
    clock.advance(WEEKS)
    said = words_of(page(client, f"/limits/{public_id}"))
    assert "This limit ended on Wednesday 18 November 2026." in said


# --- whose they are -----------------------------------------------------------------------------


def test_nobody_else_sees_or_touches_them(app, client, people, me):
    set_one(client, note="a secret of mine")
    (public_id,) = ids(me)
    for who in ("other", "organizer"):
        browser = app.test_client()
        factories.sign_in_as(app, browser, people[who], organizer=who == "organizer")
        refused = 404 if who == "other" else 403
        for path in ("", ".csv", "/change"):
            assert browser.get(f"/limits/{public_id}{path}").status_code == refused
        token = factories.csrf_of(browser.get("/settings").get_data(as_text=True))
        for path in ("/remove", "/restore"):
            answer = browser.post(f"/limits/{public_id}{path}", data={"csrf_token": token})
            assert answer.status_code == refused
    assert len(rules(me)) == 1


def test_no_page_of_an_organizer_shows_them(app, client, people, me):
    set_one(client, most="77", note="a secret of mine")
    question_id = earned(people)
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["organizer"], organizer=True)
    for path in (
        "/organizer", f"/organizer/questions/{question_id}", "/organizer/payouts",
        "/organizer/statements", "/organizer/books", "/organizer/jobs",
    ):  # fmt: skip
        html = page(browser, path)
        assert "a secret of mine" not in html
        assert "77.00" not in html
