"""The organizer's pages: audit, runs, trail, trial balance, failed jobs."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from tests import factories
from tests.counting import statements_of
from upss.accounts.models import Account
from upss.forum.service import accepting, asking
from upss.kernel.roles import Role
from upss.organizer.export import safe_cell
from upss.organizer.forms import money_filter, months_since
from upss.organizer.queries import desk
from upss.payouts import queries, tasks
from upss.payouts.rules.schedule import HOLD
from upss.web import paging
from upss.web.ports import unit

PAGES = (
    "/organizer",
    "/organizer/payouts",
    "/organizer/payouts/runs",
    "/organizer/questions",
    "/organizer/trial-balance",
    "/organizer/jobs",
)
ZONE = "Europe/Madrid"


@pytest.fixture
def people(app, client):
    """An asker, a person who answers, two organizers; the first organizer is signed in."""
    factories.control("fail-next", times=0)
    found = {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "first": factories.person("first@example.org", role=Role.ORGANIZER),
        "second": factories.person("second@example.org", role=Role.ORGANIZER),
    }
    factories.sign_in_as(app, client, found["first"], organizer=True)
    return found


@pytest.fixture
def other(app, people):
    """The browser of the second organizer."""
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["second"], organizer=True)
    return browser


@pytest.fixture
def wait(app, client, other, people, clock):
    """Let time pass; an organizer's session is short, so both sign in again."""

    def pass_time(step):
        clock.advance(step)
        factories.sign_in_as(app, client, people["first"], organizer=True)
        factories.sign_in_as(app, other, people["second"], organizer=True)

    return pass_time


def earn(people):
    question_id = factories.answered(people["asker"], people["answerer"], card=factories.AT_ONCE)
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    return question_id


def onboard(account_id):
    tasks.start_onboarding(
        account_id, return_url="http://localhost/a", refresh_url="http://localhost/b"
    )
    with unit() as uow:
        provider_id = queries.recipient_of(uow.session, account_id).provider_id
    factories.control(f"accounts/{provider_id}", status="active")
    tasks.refresh_recipient(account_id)
    return provider_id


def send_all():
    with unit() as uow:
        rows = uow.session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = 'payouts.send_item'")
        ).all()
    for row in rows:
        tasks.send_item(row.args["item_id"])


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def words_of(html):
    """The words of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")))


def rows_of(answer):
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_every_page_opens_on_an_empty_site_in_every_language(client, people):
    for path in PAGES:
        for language in ("en", "es", "ca"):
            assert f'<html lang="{language}"' in page(client, f"{path}?lang={language}")


def test_only_organizers_come_in(app, people):
    browser = app.test_client()
    assert browser.get("/organizer").status_code == 303
    factories.sign_in_as(app, browser, people["answerer"])
    for path in (*PAGES, "/organizer/payouts.csv", "/organizer/questions/1001"):
        assert browser.get(path).status_code == 403, path


def test_the_audit_shows_every_state_and_its_totals_balance(client, people, wait):
    paid_out = earn(people)
    onboard(people["answerer"])
    wait(HOLD)
    prepare_and_approve(people)
    send_all()
    on_hold = earn(people)
    reserved = factories.queued(people["asker"])
    back = factories.queued(people["asker"])
    with unit() as uow:
        asking.withdraw(uow, question_id=back)
        uow.commit()
    html = page(client, "/organizer/payouts")
    said = words_of(html)
    assert "Payouts in November 2026" in said
    assert "The accounts balance." in said
    assert "Paid by askers €48.00" in said
    assert "For the people who answer €20.40" in said
    assert "Commission: organizer €2.88" in said
    assert "Commission: guarantee fund €0.72" in said
    assert "Refunds €12.00" in said
    assert "Still reserved €12.00" in said
    states = {
        row["question"]: row["state"] for row in rows_of(client.get("/organizer/payouts.csv"))
    }
    assert states == {
        str(paid_out): "paid_out",
        str(on_hold): "on_hold",
        str(reserved): "reserved",
        str(back): "going_back",
    }
    only = words_of(page(client, "/organizer/payouts?state=paid_out"))
    assert "Paid by askers €12.00" in only
    assert f'/organizer/questions/{on_hold}"' not in page(
        client, "/organizer/payouts?state=paid_out"
    )


def prepare_and_approve(people):
    from upss.payouts import service, tasks

    run_id = tasks.prepare_run(people["first"])
    with unit() as uow:
        service.approve_run(uow, run_id=run_id, organizer_id=people["second"])
        uow.commit()


def test_a_month_begins_at_midnight_of_the_site(client, people, clock, wait):
    factories.at(clock, datetime(2026, 10, 31, 22, 30, tzinfo=UTC))  # 23:30 in Madrid
    factories.queued(people["asker"])
    wait(timedelta(hours=1))  # 00:30 of 1 November
    factories.queued(people["asker"])
    assert "Paid by askers €12.00" in words_of(page(client, "/organizer/payouts?month=2026-10"))
    assert "Paid by askers €12.00" in words_of(page(client, "/organizer/payouts?month=2026-11"))
    every = page(client, "/organizer/payouts?month=all")
    assert "Paid by askers €24.00" in words_of(every)
    assert every.count('class="part fee"') == 2


@pytest.mark.parametrize(
    ("bad", "is_said"),
    [
        ("month=2026-13", True), ("month=x&state=to_pay", True), ("month=1999-12", True),
        ("month=all&state=x", True), ("state=paid", True),
        ("before=x", False), ("before=" + "9" * 30, False), ("month=&state=", False),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_said(client, people, bad, is_said):
    shown = page(client, f"/organizer/payouts?{bad}")
    assert ("that we do not know" in shown) is is_said
    assert ("Payouts in November 2026" if "all" not in bad else "All payouts") in shown
    answer = client.get(f"/organizer/payouts.csv?{bad}")
    assert answer.status_code == (303 if is_said else 200)


def test_money_over_time_knows_months_alone(client, people):
    path = "/organizer/books/over-time"
    assert "that we do not know" in page(client, f"{path}?month=2026-13")
    assert "that we do not know" not in page(client, f"{path}?month=2026-11&state=x")


@pytest.mark.parametrize("path", ["/organizer/payouts", "/organizer/books/over-time"])
def test_the_month_that_is_shown_is_the_month_that_is_chosen(client, people, path):
    shown = page(client, f"{path}?month=2031-01")
    assert "January 2031</h1>" in shown
    assert '<option value="2031-01" selected' in shown


@pytest.mark.parametrize("month", ["2026-01", "2031-01"])
def test_a_month_without_money_is_not_called_an_empty_ledger(client, people, month):
    path = f"/organizer/books/over-time?month={month}"
    assert "The books are empty" in page(client, path)
    factories.queued(people["asker"])
    shown = page(client, path)
    assert "The books are empty" not in shown
    assert "Nothing to show for this month" in shown
    assert '<option value="2026-11"' in shown


def test_the_page_says_what_its_file_could_not_read(client, people):
    shown = client.get("/organizer/payouts.csv?month=x&state=to_pay", follow_redirects=True)
    assert "that we do not know" in shown.get_data(as_text=True)
    assert '<option value="to_pay" selected' in shown.get_data(as_text=True)


def test_the_months_run_from_the_first_entry_to_now(clock):
    begins = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)  # January in Madrid
    found = months_since(begins, now=datetime(2026, 3, 1, tzinfo=UTC), zone=ZONE)
    assert [f"{month:%Y-%m}" for month in found] == ["2026-03", "2026-02", "2026-01"]
    december = money_filter({"month": "2026-12"}, now=clock.now(), zone=ZONE)
    assert december.until.isoformat() == "2027-01-01T00:00:00+01:00"


def test_pages_need_three_statements_whatever_the_number_of_rows(client, people, monkeypatch):
    monkeypatch.setattr(paging, "SIZE", 3)
    monkeypatch.setitem(paging.page.__kwdefaults__, "size", 3)
    few = {path: len(statements_of(client, path)) for path in PAGES}
    for _ in range(4):
        earn(people)
    many = {path: len(statements_of(client, path)) for path in PAGES}
    assert few == many
    assert max(many.values()) <= 3, many
    first = page(client, "/organizer/payouts")
    assert first.count("On hold</span>") == 3
    address = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert page(client, address).count("On hold</span>") == 1
    assert len(rows_of(client.get("/organizer/payouts.csv"))) == 4


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\t=x", " =x", "\r=1"])
def test_no_name_becomes_a_formula(name):
    assert safe_cell(name) == f"'{name}"
    assert safe_cell("Remei S.") == "Remei S."


def test_the_file_has_safe_names_and_exact_amounts(client, people):
    with unit() as uow:
        uow.session.execute(
            update(Account).where(Account.id == people["answerer"]).values(name="=1+1")
        )
        uow.commit()
    earn(people)
    answer = client.get("/organizer/payouts.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="payouts-2026-11.csv"'
    (row,) = rows_of(answer)
    assert (row["answerer"], row["paid"], row["share"], row["organizer"], row["fund"]) == (
        "'=1+1", "12.00", "10.20", "1.44", "0.36",
    )  # fmt: skip


def test_a_run_is_prepared_approved_by_another_and_followed(client, other, people, wait):
    earn(people)
    assert "no account that can receive it yet" not in page(client, "/organizer/payouts/runs")
    wait(HOLD)
    assert "no account that can receive it yet" in page(client, "/organizer/payouts/runs")
    onboard(people["answerer"])
    answer = factories.post(client, "/organizer/payouts/runs")
    address = answer.headers["Location"]
    mine = page(client, address)
    assert "Another organizer must look at it" in mine
    assert "confirm=approve" not in mine
    assert "Your payout waits for another organizer" in page(client, "/organizer")
    assert "A payout waits for your approval" in page(other, "/organizer")

    # who prepared it cannot approve it, whatever is sent
    cancel = f"{address}?confirm=cancel"
    assert factories.post(client, cancel, address, decision="approve").status_code == 303
    assert "Another organizer must approve" in page(client, address)

    asked = page(other, f"{address}?confirm=approve")
    assert "Send €10.20 to 1 person?" in asked
    factories.post(other, f"{address}?confirm=approve", address, decision="approve")
    assert "0 of 1" in page(other, address)
    assert len(statements_of(other, address)) <= 3
    send_all()
    done = page(other, address)
    assert "1 of 1" in done
    assert "All sent" in done

    # from a question to the payout that paid it, and back
    with unit() as uow:
        question = uow.session.execute(text("SELECT question_id FROM payout_line")).scalar_one()
    trail = page(other, f"/organizer/questions/{question}")
    item = re.search(r'href="(/organizer/payouts/items/\w+)"', trail).group(1)
    assert f'href="{item}"' in done
    assert f'href="{address}"' in trail
    payment = page(other, item)
    assert f'href="/organizer/questions/{question}"' in payment
    assert f'href="{address}"' in payment
    assert "€10.20" in payment
    assert len(statements_of(other, item)) <= 3


def test_a_run_can_be_cancelled_once(client, other, people, wait):
    earn(people)
    onboard(people["answerer"])
    wait(HOLD)
    address = factories.post(client, "/organizer/payouts/runs").headers["Location"]
    late = factories.csrf_of(page(other, f"{address}?confirm=approve"))
    factories.post(client, f"{address}?confirm=cancel", address, decision="cancel")
    assert "Cancelled" in page(client, address)
    other.post(address, data={"csrf_token": late, "decision": "approve"})
    assert "Somebody decided on this payout before" in page(other, address)


def test_nothing_to_pay_and_an_open_run_are_said(client, other, people, wait):
    earn(people)
    onboard(people["answerer"])
    wait(HOLD)
    token = factories.csrf_of(page(client, "/organizer/payouts/runs"))
    token_of_other = factories.csrf_of(page(other, "/organizer/payouts/runs"))
    address = client.post("/organizer/payouts/runs", data={"csrf_token": token}).headers["Location"]
    again = other.post("/organizer/payouts/runs", data={"csrf_token": token_of_other})
    assert again.headers["Location"] == address
    factories.post(client, f"{address}?confirm=cancel", address, decision="cancel")
    with unit() as uow:
        uow.session.execute(text("UPDATE recipient SET transfers = 'pending'"))
        uow.commit()
    client.post("/organizer/payouts/runs", data={"csrf_token": token})
    assert "Nothing is ready to be paid out now" in page(client, "/organizer/payouts/runs")


def test_unknown_runs_questions_and_jobs_are_not_found(client, people):
    assert client.get("/organizer/payouts/runs/nosuchrun").status_code == 404
    assert client.get("/organizer/payouts/items/nosuchitem").status_code == 404
    assert client.get("/organizer/questions/4711").status_code == 404
    assert client.get("/organizer/questions/" + "9" * 40).status_code == 404
    token = factories.csrf_of(page(client, "/organizer"))
    sent = {"csrf_token": token, "decision": "approve"}
    assert client.post("/organizer/payouts/runs/nosuchrun", data=sent).status_code == 404
    assert client.post("/organizer/jobs/4711", data=sent).status_code == 404


def test_a_questions_money_is_followed_to_the_transfer(client, people, wait):
    question_id = earn(people)
    provider_id = onboard(people["answerer"])
    wait(HOLD)
    prepare_and_approve(people)
    send_all()
    found = client.get(f"/organizer/questions?number=%23{question_id}")
    assert found.headers["Location"] == f"/organizer/questions/{question_id}"
    said = words_of(page(client, f"/organizer/questions/{question_id}"))
    steps = (
        "The asker paid; the money is held",
        "The charge reached our balance",
        "The answer was accepted and the price was shared",
        "The share was set aside for a payout",
        "The share was sent to the person who answers",
    )
    places = [said.index(step) for step in steps]
    assert places == sorted(places)
    assert "Paid out to the person who answers €10.20" in said
    assert "txn_" in said
    assert provider_id not in said
    assert len(statements_of(client, f"/organizer/questions/{question_id}")) <= 5


def test_a_number_that_nobody_has_is_said_at_the_field(client, people):
    answer = client.get("/organizer/questions?number=99<b>")
    assert answer.status_code == 404
    html = answer.get_data(as_text=True)
    assert "There is no question with this number" in html
    assert 'value="99&lt;b&gt;"' in html


def test_a_question_without_money_says_so(client, people):
    question_id = factories.draft(people["asker"])
    assert "No money has moved yet" in page(client, f"/organizer/questions/{question_id}")


def test_the_trial_balance_adds_up(client, people):
    earn(people)
    said = words_of(page(client, "/organizer/trial-balance"))
    assert "All accounts add up to zero." in said
    assert "Liabilities:Answerer:Payable:A" in said
    total = said[said.index("Total ") :]
    assert re.match(r"Total (€[\d.]+) \1 €0\.00", total), total[:80]


def fail_job(name="payouts.send_item", lock=None):
    with unit() as uow:
        job_id = uow.session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock)"
                " VALUES ('default', :name, '{\"item_id\": 7}', 'failed', :lock) RETURNING id"
            ),
            {"name": name, "lock": lock},
        ).scalar_one()
        uow.commit()
    return job_id


def job_status(job_id):
    with unit() as uow:
        return uow.session.execute(
            text("SELECT status FROM procrastinate_jobs WHERE id = :id"), {"id": job_id}
        ).scalar_one()


def test_a_failed_job_is_shown_and_tried_again(client, people):
    job_id = fail_job()
    assert "1 job gave up" in page(client, "/organizer")
    assert "item_id 7" in page(client, "/organizer/jobs")
    factories.post(client, "/organizer/jobs", f"/organizer/jobs/{job_id}")
    assert job_status(job_id) == "todo"
    assert "item_id 7" not in page(client, "/organizer/jobs")


def test_a_failed_job_whose_work_waits_already_is_put_aside(client, people):
    job_id = fail_job(lock="send-item:7")
    with unit() as uow:
        uow.defer("payouts.send_item", key="send-item:7", item_id=7)
        uow.commit()
    factories.post(client, "/organizer/jobs", f"/organizer/jobs/{job_id}")
    assert job_status(job_id) == "cancelled"


def test_failed_refunds_unsent_mails_and_missed_promises_wait_on_the_first_page(
    client, people, wait
):
    question_id = factories.queued(people["asker"])
    refunded = factories.queued(people["asker"])
    with unit() as uow:
        asking.withdraw(uow, question_id=refunded)
        uow.commit()
    with unit() as uow:
        uow.session.execute(
            text("UPDATE refund SET status = 'failed', failure_reason = 'lost_card'")
        )
        uow.session.execute(text("UPDATE notice SET sent_at = NULL"))
        uow.commit()
    wait(timedelta(days=4))
    home = page(client, "/organizer")
    assert "1 question waits longer than promised" in home
    waiting = page(client, "/organizer/payouts?month=all&state=reserved")
    assert f"/organizer/questions/{question_id}" in waiting
    assert "1 refund failed" in home
    jobs = page(client, "/organizer/jobs")
    assert "lost_card" in jobs
    assert f"/organizer/questions/{refunded}" in jobs
    assert "Mails that were not sent" in jobs


def test_mails_about_limits_have_no_name_and_those_that_came_too_late_are_no_fault(
    client, people, wait
):
    factories.queued(people["asker"])
    with unit() as uow:
        uow.session.execute(text("UPDATE notice SET sent_at = NULL, template = 'cap_near'"))
        uow.commit()
    wait(timedelta(days=1))
    jobs = page(client, "/organizer/jobs")
    assert "to_an_answerer" in jobs
    assert "cap_near" not in jobs
    with unit() as uow:
        uow.session.execute(text("UPDATE notice SET send_until = created_at"))
        uow.commit()
    assert "Mails that were not sent" not in page(client, "/organizer/jobs")
    with unit() as uow:
        assert desk.waiting(uow.session, now=uow.clock.now()).mails == 0


def test_a_failed_refund_is_sent_again(client, people):
    refunded = factories.queued(people["asker"])
    with unit() as uow:
        asking.withdraw(uow, question_id=refunded)
        uow.commit()
    with unit() as uow:
        uow.session.execute(text("UPDATE refund SET status = 'failed'"))
        uow.session.execute(text("DELETE FROM procrastinate_jobs"))
        refund_id = uow.session.execute(text("SELECT id FROM refund")).scalar_one()
        uow.commit()
    target = f"/organizer/refunds/{refund_id}"
    jobs = page(client, "/organizer/jobs")
    assert target in jobs
    sent = {"csrf_token": factories.csrf_of(jobs)}
    answer = client.post(target, data=sent)
    assert answer.headers["Location"] == "/organizer/jobs"
    with unit() as uow:
        found = uow.session.execute(text("SELECT status, attempt FROM refund")).one()
        deferred = uow.session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = 'payments.send_refund'")
        ).scalars()
        assert (tuple(found), list(deferred)) == (("requested", 2), [{"refund_id": refund_id}])
    after = page(client, "/organizer/jobs")
    assert "The refund is sent again now." in after
    assert target not in after
    client.post(target, data=sent)
    assert "on its way already" in page(client, "/organizer/jobs")
    assert client.post("/organizer/refunds/4711", data=sent).status_code == 404
