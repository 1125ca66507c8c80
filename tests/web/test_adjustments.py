"""The organizers' pages of adjustments: proposing, checking, deciding, and who may look."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests import factories
from tests.counting import statements_of
from tests.kept import kept
from upss.adjustments import service
from upss.forum.service import accepting
from upss.kernel.ids import new_public_id
from upss.kernel.roles import Role
from upss.ledger.rules import chart
from upss.notices import tasks
from upss.web.paging import SIZE
from upss.web.ports import unit

LIST, NEW = "/organizer/adjustments", "/organizer/adjustments/new"
REASON = "The answer helped twice, once more by telephone."


@pytest.fixture
def begun(app, database):
    """The people, and an accepted answer: 10.20 is owed for it."""
    return kept("adjustments of pages", database, begin)


def begin():
    made = {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "first": factories.person("first@example.org", role=Role.ORGANIZER),
        "second": factories.person("second@example.org", role=Role.ORGANIZER),
        "auditor": factories.person("auditor@example.org", role=Role.AUDITOR),
    }
    question_id = factories.answered(made["asker"], made["answerer"])
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=made["asker"])
        uow.commit()
    return made, question_id


@pytest.fixture
def people(app, client, begun):
    """An asker, a person who answers, two organizers and an auditor; the first is signed in."""
    found = begun[0]
    factories.sign_in_as(app, client, found["first"], organizer=True)
    return found


@pytest.fixture
def other(app, people):
    """The browser of the second organizer."""
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["second"], organizer=True)
    return browser


@pytest.fixture
def question(begun, people):
    """The number of the question that was answered and accepted."""
    return begun[1]


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def words_of(html):
    """The words of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")))


def fields(number, /, **changes):
    made = {
        "purpose": "goodwill", "question": str(number), "debit": "", "credit": "",
        "amount": "2,50", "reason": REASON,
    }  # fmt: skip
    return made | changes


def proposed(client, **typed):
    """Fill in the form, check it and propose it; returns the address of the proposal."""
    checked = factories.post(client, NEW, step="check", **typed)
    assert checked.status_code == 200, checked.get_data(as_text=True)[:3000]
    unseen = factories.hidden_of(checked.get_data(as_text=True))
    answer = client.post(NEW, data={**unseen, "step": "propose"})
    assert answer.status_code == 303
    return answer.headers["Location"]


def entries():
    with unit() as uow:
        return uow.session.execute(
            text("SELECT id FROM ledger.entry WHERE kind = 'adjustment' ORDER BY id")
        ).scalars().all()  # fmt: skip


def test_the_empty_list_opens_in_every_language(client, people):
    for language in ("en", "es", "ca"):
        assert f'<html lang="{language}"' in page(client, f"{LIST}?lang={language}")
        assert f'<html lang="{language}"' in page(client, f"{NEW}?lang={language}")
    assert "Nothing was adjusted so far" in page(client, f"{LIST}?lang=en")
    assert "No adjustment is in this state" in page(client, f"{LIST}?state=refused")


def test_goodwill_from_the_form_to_the_books(client, other, people, question):
    checked = factories.post(client, NEW, step="check", **fields(question))
    said = words_of(checked.get_data(as_text=True))
    assert "Check the adjustment" in said
    assert "Amount €2.50" in said
    assert "Expenses:Goodwill" in said
    assert "€10.20 credit €12.70 credit" in said
    assert REASON in said
    assert entries() == []
    address = proposed(client, **fields(question))
    mine = page(client, address)
    assert "Another organizer must look at it" in mine
    assert "Approve and book it" not in mine
    assert "1 adjustment waits for approval" in page(other, "/organizer")
    theirs = page(other, address)
    assert "€10.20 credit €12.70 credit" in words_of(theirs)
    factories.post(other, address, decision="approve")
    (entry_id,) = entries()
    done = words_of(page(other, address))
    assert f"Approved and booked as entry {entry_id}" in done
    assert "Decided by second" in done
    assert "Proposed by first" in done
    assert f"Entry {entry_id}" in words_of(page(client, LIST))
    assert "waits for approval" not in words_of(page(client, "/organizer"))
    trail = words_of(page(client, f"/organizer/questions/{question}"))
    assert "put something right by hand" in trail
    assert REASON in trail
    assert "Added by tips, goodwill or the organizer: €2.50" in trail
    assert "The accounts balance." in words_of(page(client, "/organizer/payouts"))


def test_a_correction_of_two_accounts(client, other, people, question):
    typed = fields("", purpose="correction", debit=chart.BANK_FEES, credit=chart.SUSPENSE)
    address = proposed(client, **typed)
    factories.post(other, address, decision="approve")
    said = words_of(page(other, address))
    assert "Bank fees Expenses:Bank:Fees €2.50" in said
    assert "Not explained yet Equity:Suspense €2.50" in said
    (entry_id,) = entries()
    link = f"/organizer/entries/{entry_id}"
    assert link in page(other, address)
    assert REASON in page(other, link)


MISTAKES = [
    ({"purpose": ""}, "purpose", "Choose what the adjustment is for"),
    ({"question": ""}, "question", "Write the number of the question"),
    ({"question": "7<b>"}, "question", "There is no question with this number"),
    ({"amount": ""}, "amount", "Write the amount"),
    ({"amount": "2.505<i>"}, "amount", "two decimals at most"),
    ({"reason": "too short"}, "reason", "Write the reason in 10 characters or more"),
    ({"reason": "x" * 301}, "reason", "Shorten the reason to 300 characters"),
    ({"reason": "Call pep@example.org <b>"}, "reason", "Take the e-mail address"),
    ({"purpose": "correction"}, "debit", "Choose the account to debit"),
    ({"purpose": "correction", "debit": chart.GOODWILL}, "credit", "Choose the account to credit"),
    ({"purpose": "correction", "debit": chart.GOODWILL, "credit": chart.GOODWILL}, "credit",
     "Choose two different accounts"),
    ({"purpose": "correction", "debit": chart.HELD, "credit": chart.GOODWILL}, "debit",
     "This account follows payments by itself"),
    ({"purpose": "correction", "debit": chart.GOODWILL, "credit": chart.REFUNDS_PENDING}, "credit",
     "This account follows payments by itself"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "message"), MISTAKES)
def test_every_mistake_is_said_at_its_field_and_keeps_what_was_typed(
    client, question, change, field, message
):
    typed = fields(question, **change)
    for step in ("check", "propose"):
        answer = factories.post(client, NEW, step=step, **typed)
        html = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "<title>Error: Propose an adjustment" in html
        assert f'<a href="#{field}">' in html
        at_field = html.split(f'id="{field}-error"')[1].split("</p>")[0]
        assert message in at_field
        for name in ("question", "amount"):
            kept = typed[name].replace("<", "&lt;").replace(">", "&gt;")
            assert f'name="{name}" value="{kept}"' in html
        assert typed["reason"].replace("<", "&lt;").replace(">", "&gt;") in html
        assert html.count(" checked") == bool(typed["purpose"])
        assert "<b>" not in html
    assert client.get(LIST).get_data(as_text=True).count("adjustments/new") == 1
    assert "Nothing was adjusted so far" in page(client, LIST)


def test_changing_something_keeps_what_was_typed(client, question):
    checked = factories.post(client, NEW, step="check", **fields(question, amount=" 2.5 €"))
    unseen = factories.hidden_of(checked.get_data(as_text=True))
    html = client.post(NEW, data={**unseen, "step": "change"}).get_data(as_text=True)
    assert 'value=" 2.5 €"' in html
    assert REASON in html
    assert "error-summary" not in html


def test_a_form_sent_twice_proposes_once(client, question):
    checked = factories.post(client, NEW, step="check", **fields(question))
    unseen = factories.hidden_of(checked.get_data(as_text=True)) | {"step": "propose"}
    first, again = (client.post(NEW, data=unseen).headers["Location"] for _ in range(2))
    assert first == again
    assert page(client, LIST).count("Waits for approval</span>") == 1


def test_a_form_sent_again_with_something_else_proposes_nothing(client, question):
    checked = factories.post(client, NEW, step="check", **fields(question))
    unseen = factories.hidden_of(checked.get_data(as_text=True)) | {"step": "propose"}
    client.post(NEW, data=unseen)
    address = client.post(NEW, data=unseen | {"amount": "99"}).headers["Location"]
    said = words_of(page(client, address))
    assert "Nothing was proposed: this form proposed something else before" in said
    assert "€2.50" in said
    assert "€99" not in said


def test_only_accounts_that_may_be_moved_by_hand_are_offered(client, people):
    html = page(client, NEW)
    assert f'value="{chart.SUSPENSE}"' in html
    assert "Owed to us by the person who answered the question" in html
    for code in (chart.HELD, chart.STRIPE_BALANCE, chart.REFUNDS_PENDING, chart.VOUCHERS):
        assert code not in html


def test_who_proposed_cannot_approve_whatever_is_sent(client, other, question):
    address = proposed(client, **fields(question))
    for decision in ("approve", "refuse"):
        assert factories.post(client, address, decision=decision).status_code == 303
        assert "Another organizer must decide on what you proposed" in page(client, address)
    assert entries() == []
    factories.post(other, address, decision="withdraw")
    assert "Only who proposed an adjustment can withdraw it" in page(other, address)
    assert page(client, LIST).count("Waits for approval</span>") == 1


def test_refusing_asks_first_and_withdrawing_is_the_authors(client, other, question):
    address = proposed(client, **fields(question))
    asked = page(other, f"{address}?confirm=refuse")
    assert "Refuse this adjustment?" in asked
    factories.post(other, f"{address}?confirm=refuse", address, decision="refuse")
    assert "Refused. Nothing was booked." in page(other, address)
    second = proposed(client, **fields(question))
    token = factories.csrf_of(page(other, second))
    factories.post(client, second, decision="withdraw")
    assert "Withdrawn. Nothing was booked." in page(client, second)
    other.post(second, data={"csrf_token": token, "decision": "approve"})
    assert "Somebody decided on this adjustment before" in page(other, second)
    assert entries() == []


def test_what_is_not_there_is_said_and_the_proposal_stays(client, other, question):
    typed = fields(
        question, purpose="correction", debit="payable", credit=chart.COMMISSION, amount="10.21"
    )
    address = proposed(client, **typed)
    shown = words_of(page(other, address))
    assert "It cannot be booked as long as this is so" in shown
    factories.post(other, address, decision="approve")
    said = page(other, address)
    assert "an account holds less than this takes from it" in said
    assert "Approve and book it" in said
    assert entries() == []


def test_a_wrong_adjustment_is_reversed_by_another(client, other, people, question):
    wrong = proposed(client, **fields(question))
    factories.post(other, wrong, decision="approve")
    undo = f"{wrong}/reverse"
    assert undo in page(client, wrong)
    bad = factories.post(client, undo, reason="oops<b>")
    assert bad.status_code == 422
    html = bad.get_data(as_text=True)
    assert "Write the reason in 10 characters or more" in html
    assert "oops&lt;b&gt;" in html
    back = factories.post(client, undo, reason="It was meant for another question.").location
    assert undo not in page(client, wrong)
    assert "nothing to reverse here" in page(client, client.get(undo).location)
    factories.post(other, back, decision="approve")
    assert len(entries()) == 2
    assert "Reversed" in page(client, wrong)
    assert wrong in page(client, back)


def test_a_proposal_needs_four_statements(client, question):
    assert len(statements_of(client, proposed(client, **fields(question)))) <= 4


def test_the_list_is_filtered_and_goes_on_page_by_page(client, people, question):
    with unit() as uow:
        for number in range(SIZE + 1):
            typed = service.Typed(
                purpose="goodwill", question=str(question), amount=str(number + 1), reason=REASON
            )
            proposal = service.understand(uow, typed)
            service.propose(uow, proposal, public_id=new_public_id(), organizer_id=people["first"])
        uow.commit()
    first = page(client, f"{LIST}?state=proposed")
    assert first.count("Waits for approval</span>") == SIZE
    assert "€1.00" not in first
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    assert "state=proposed" in older
    last = page(client, older)
    assert last.count("Waits for approval</span>") == 1
    assert "€1.00" in last
    assert "No adjustment is in this state" in page(client, f"{LIST}?state=approved")
    assert page(client, f"{LIST}?state=x").count("Waits for approval</span>") == SIZE


def test_auditors_read_and_change_nothing(app, client, people, question):
    address = proposed(client, **fields(question))
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["auditor"], organizer=True)
    assert "Propose an adjustment" not in page(browser, LIST)
    seen = page(browser, f"{address}?confirm=refuse")
    assert REASON in seen
    assert 'name="decision"' not in seen
    for path in (NEW, f"{address}/reverse"):
        assert browser.get(path).status_code == 403
    token = factories.csrf_of(seen)
    for path in (NEW, address, f"{address}/reverse"):
        sent = {"csrf_token": token, "decision": "approve"}
        assert browser.post(path, data=sent).status_code == 403
    assert entries() == []


def test_nobody_else_comes_in(app, client, people, question):
    address = proposed(client, **fields(question))
    for who in ("asker", "answerer"):
        browser = app.test_client()
        factories.sign_in_as(app, browser, people[who])
        for path in (LIST, NEW, address, f"{address}/reverse"):
            assert browser.get(path).status_code == 403, path


def test_unknown_proposals_and_decisions_are_not_found(client, other, question):
    address = proposed(client, **fields(question))
    token = factories.csrf_of(page(other, address))
    assert other.post(address, data={"csrf_token": token, "decision": "x"}).status_code == 404
    for path in (f"{LIST}/nosuchproposal00", f"{LIST}/nosuchproposal00/reverse"):
        assert other.get(path).status_code == 404
        assert other.post(path, data={"csrf_token": token, "reason": REASON}).status_code == 404


def test_the_mail_leads_the_other_organizer_to_the_proposal(client, people, question, post_office):
    address = proposed(client, **fields(question))
    with unit() as uow:
        (notice_id,) = uow.session.execute(
            text("SELECT id FROM notice WHERE template = 'adjustment_waits'")
        ).scalars()
    tasks.send(notice_id)
    message = post_office.messages[-1]
    assert message["To"] == "second@example.org"
    assert message["Subject"] == "An adjustment of €2.50 waits for approval"
    told = message.get_body(("plain",)).get_content()
    assert f"http://localhost{address}" in told
    assert REASON not in told
