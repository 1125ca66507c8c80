"""The statement pages: figures, file, print, languages, and who may open them."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from html import unescape

import pytest

from tests import factories
from upss.accounts.models import Account
from upss.forum.service import accepting
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger.rules.posting import payouts, questions
from upss.ledger.service import anchoring
from upss.ledger.service.posting import post
from upss.payouts import views_statement
from upss.web.paging import SIZE
from upss.web.ports import unit

SHARE = "€10.20"  # of 12.00


@pytest.fixture
def josep(app, client):
    """Somebody who answers, signed in."""
    account_id = factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",))
    factories.sign_in_as(app, client, account_id)
    return account_id


def earn(answerer_id):
    asker = factories.person()
    question_id = factories.answered(asker, answerer_id)
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=asker)
        uow.commit()
    return question_id


def pay(answerer_id, question_id, key="po_1"):
    item = {
        "item_key": key,
        "answerer_id": answerer_id,
        "currency": "EUR",
        "lines": [(question_id, 1020)],
    }
    with unit() as uow:
        post(uow, payouts.payout_reserved(**item))
        post(uow, payouts.transfer_created(**item, balance_transaction_id=f"txn_{key}"))
        uow.commit()


def anchor():
    with unit() as uow:
        made = anchoring.anchor(uow)
        uow.commit()
    return made


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def words(text):
    """What a reader sees."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def file_of(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_before_the_first_accepted_answer(client, josep):
    assert "No statement yet" in page(client, "/earnings/statements")
    text = page(client, "/earnings/statements/2026-11")
    assert "Nothing happened in this time" in text
    assert "no closed block yet" in text


def test_a_month_says_what_was_earned_paid_and_remains(client, josep):
    paid, waiting = earn(josep), earn(josep)
    pay(josep, paid)
    made = anchor()
    assert 'href="/earnings/statements"' in page(client, "/earnings")
    said = words(page(client, "/earnings/statements/2026-11"))
    assert "You earned €20.40 Paid to you €10.20 Remaining today €10.20" in said
    assert (
        "€0.00 remained from before. With €20.40 earned and €10.20 paid to you, €10.20 remains"
        in said
    )
    assert f"{paid} 18 Nov 2026 Answer accepted €12.00 €1.80 €10.20 ✓ Paid" in said
    assert f"{waiting} 18 Nov 2026 Answer accepted €12.00 €1.80 €10.20 Not paid yet" in said
    assert "18 Nov 2026 Sent to your account txn_po_1 €10.20" in said
    assert "Fees that you bear €0.00" in said
    assert f"closed up to block {made.seq}" in said
    assert made.hash in said


def test_what_is_newer_than_the_block_is_said(client, josep):
    earn(josep)
    anchor()
    assert "so new that" not in page(client, "/earnings/statements/2026-11")
    earn(josep)
    said = words(page(client, "/earnings/statements/2026-11"))
    assert "1 entry on this sheet is so new that it comes into the next block." in said


def test_a_month_that_is_too_long_keeps_its_sums_and_its_file(client, josep, monkeypatch):
    earn(josep)
    earn(josep)
    monkeypatch.setattr(views_statement, "_LISTED", 1)
    said = words(page(client, "/earnings/statements/2026-11"))
    assert "too long for one page" in said
    assert said.count("Answer accepted €12.00") == 1
    assert "You earned €20.40" in said
    assert len(file_of(client, "/earnings/statements/2026-11.csv")) == 5


def test_the_file_has_the_figures_of_the_page(client, josep):
    paid, waiting = earn(josep), earn(josep)
    pay(josep, paid)
    made = anchor()
    head, *lines = file_of(client, "/earnings/statements/2026-11.csv")
    rows = [dict(zip(head, line, strict=True)) for line in lines]
    assert [row["What"] for row in rows] == [
        "Remaining at the start", "Answer accepted", "Answer accepted", "Sent to your account",
        "Remaining at the end", "Newest block of the books",
    ]  # fmt: skip
    assert [row["Remaining"] for row in rows] == ["0.00", "10.20", "20.40", "10.20", "10.20", ""]
    assert [row["Question"] for row in rows[1:4]] == [str(paid), str(waiting), str(paid)]
    assert rows[1]["Price"], rows[1]["Commission"] == ("12.00", "1.80")
    assert (rows[3]["Paid to you"], rows[3]["Your share"]) == ("10.20", "")
    assert (rows[4]["Your share"], rows[4]["Paid to you"]) == ("20.40", "10.20")
    assert rows[5]["Reference"] == made.hash
    assert file_of(client, "/earnings/statements/2026.csv")[2:5] == lines[1:4]


def test_a_year_has_quarters_for_an_office(client, josep):
    earn(josep)
    said = words(page(client, "/earnings/statements/2026"))
    assert "For your tax office or benefit office" in said
    assert "July to September €0.00 0 €0.00 €0.00" in said
    assert "October to December €10.20 1 €1.80 €0.00" in said
    assert 'href="/earnings/statements/2026-11"' in page(client, "/earnings/statements/2026")


def test_a_month_that_is_over_says_at_the_end(client, josep, clock):
    earn(josep)
    factories.at(clock, datetime(2026, 12, 1, 12, tzinfo=UTC))
    said = words(page(client, "/earnings/statements/2026-11"))
    assert "Remaining at the end" in said
    assert "This time is not over" not in said
    assert "This time is not over" in words(page(client, "/earnings/statements/2026-12"))


@pytest.mark.parametrize(
    "period",
    ["2026-12", "2027", "2026-13", "nonsense", "2026-11-18", "20261", "2026-11.pdf", "%00"],
)
def test_nonsense_and_the_future_are_not_found(client, josep, period):
    for path in (f"/earnings/statements/{period}", f"/earnings/statements/{period}.csv"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing at this address" in answer.get_data(as_text=True)


def test_two_who_answer_do_not_see_each_other(app, client, josep):
    remei = factories.person("remei@example.org", role=Role.ANSWERER, topics=("home",))
    earn(remei)
    anchor()
    assert "No statement yet" in page(client, "/earnings/statements")
    assert SHARE not in page(client, "/earnings/statements/2026-11")
    assert len(client.get("/earnings/proof.jsonl").get_data(as_text=True).splitlines()) == 1
    with unit() as uow:
        hers = uow.session.get_one(Account, remei).public_id
    assert client.get(f"/earnings/statements/{hers}").status_code == 404
    for path in ("", f"/{hers}", f"/{hers}/2026-11", f"/{hers}/2026-11.csv"):
        assert client.get(f"/organizer/statements{path}").status_code == 403


def test_who_reads_the_books_sees_the_same_statement_with_the_name(app, client, josep):
    earn(josep)
    own = words(page(client, "/earnings/statements/2026-11"))
    for role in (Role.ORGANIZER, Role.AUDITOR):
        reader = app.test_client()
        factories.sign_in_as(app, reader, factories.person(role=role), organizer=True)
        listed = page(reader, "/organizer/statements")
        (address,) = re.findall(r'href="(/organizer/statements/\w+)"', listed)
        assert "josep" in listed
        assert f"{address}/2026-11" in page(reader, address)
        said = words(page(reader, f"{address}/2026-11"))
        assert "josep" in said
        for figure in ("You earned €10.20 Paid to you €0.00 Remaining today €10.20",):
            assert figure in said
            assert figure in own
        assert len(file_of(reader, f"{address}/2026-11.csv")) == 4
        assert client.get("/organizer/statements").status_code == 403
        assert reader.get("/organizer/statements/unknown0/2026-11").status_code == 404
        assert reader.get("/organizer/statements/unknown0/2026-11.csv").status_code == 404


def test_nobody_has_earned_anything_yet(app):
    reader = app.test_client()
    factories.sign_in_as(app, reader, factories.person(role=Role.AUDITOR), organizer=True)
    assert "Nobody has earned anything yet" in page(reader, "/organizer/statements")


def test_the_overview_is_paged(app, client, josep, clock):
    for number in range(SIZE):
        year, month = 2026 + (number + 11) // 12, (number + 11) % 12 + 1
        factories.at(clock, datetime(year, month, 2, 12, tzinfo=UTC))
        with unit() as uow:
            tip = {"question_id": 1, "answerer_id": josep, "amount": Money(100, "EUR")}
            post(uow, questions.tip_paid(**tip, session_id=f"cs_{number}"))
            uow.commit()
    factories.sign_in_as(app, client, josep)
    first = page(client, "/earnings/statements")
    address = unescape(first.split('rel="next" href="')[1].split('"')[0])
    second = page(client, address)
    names = [re.findall(r'href="/earnings/statements/([\d-]+)"', text) for text in (first, second)]
    assert [len(found) for found in names] == [SIZE, 3]
    assert len({*names[0], *names[1]}) == SIZE + 3
    assert 'rel="prev"' in second
    assert "€20.00" in first  # what remains at last is all of it


def test_the_proof_is_a_file_of_ones_own(client, josep):
    earn(josep)
    anchor()
    answer = client.get("/earnings/proof.jsonl")
    assert "attachment" in answer.headers["Content-Disposition"]
    head, *rows = (json.loads(line) for line in answer.get_data(as_text=True).splitlines())
    assert head == {"format": "upss-proof", "version": 1, "not_anchored": 0}
    assert ["entry" in row for row in rows] == [True, False]
    assert "josep" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("language", ["es", "ca"])
def test_the_pages_and_the_file_speak_every_language(client, josep, language):
    question_id = earn(josep)
    pay(josep, question_id)
    for path in ("", "/2026-11", "/2026"):
        assert f'<html lang="{language}"' in page(
            client, f"/earnings/statements{path}?lang={language}"
        )
    english = page(client, "/earnings/statements/2026-11?lang=en")
    for text in ("You earned", "Answer accepted", "Sent to your account"):
        assert text in english
        assert text not in page(client, f"/earnings/statements/2026-11?lang={language}")
    rows = file_of(client, f"/earnings/statements/2026-11.csv?lang={language}")
    assert rows[0][0] == {"es": "Día", "ca": "Dia"}[language]
