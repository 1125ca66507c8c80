"""Which lines each event writes, and that a draft says one thing only."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.kernel.errors import BadAmount
from upss.kernel.money import EXPONENTS, Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import BadEntry, EntryDraft, Line, canonical_json, merge
from upss.ledger.rules.posting import kinds, payouts, questions, refunds
from upss.ledger.rules.split import BadRate, Terms

BOOKED = datetime(2026, 11, 1, 10, 30, tzinfo=UTC)


def eur(minor):
    return Money(minor, "EUR")


def transfer(event, lines=((1, 500), (2, 210)), **more):
    return event(item_key="po_1", answerer_id=7, currency="EUR", lines=list(lines), **more)


# The entries of the handbook, in its numbers: kind -> (draft, key, external reference, lines).
ENTRIES = {
    "question_paid": (
        questions.question_paid(question_id=1, amount=eur(1001), session_id="cs_1"),
        "cs:cs_1",
        None,
        {("Assets:Stripe:Unsettled", 1): 1001, ("Liabilities:Held:Questions", 1): -1001},
    ),
    "charge_settled": (
        questions.charge_settled(
            question_id=1, gross=eur(1001), fee_minor=40, balance_transaction_id="txn_1"
        ),
        "bt:txn_1",
        "txn_1",
        {
            ("Assets:Stripe:Balance", 1): 961,
            ("Expenses:Stripe:Fees", 1): 40,
            ("Assets:Stripe:Unsettled", 1): -1001,
        },
    ),
    "answer_accepted": (
        questions.answer_accepted(
            question_id=1, amount=eur(1001), terms=Terms(1500, 300, ((7, 1),))
        ),
        "split:1:1",
        None,
        {
            ("Liabilities:Held:Questions", 1): 1001,
            ("Income:Commission:Questions", 1): -120,
            ("Equity:GuaranteeFund", 1): -30,
            ("Liabilities:Answerer:Payable:A0007", 1): -851,
        },
    ),
    "refund_requested": (
        refunds.refund_requested(question_id=1, amount=eur(200), refund_key="re_1"),
        "ref:re_1",
        None,
        {("Liabilities:Held:Questions", 1): 200, ("Liabilities:Refunds:Pending", 1): -200},
    ),
    "refund_settled": (
        refunds.refund_settled(question_id=1, amount=eur(200), balance_transaction_id="txn_4"),
        "bt:txn_4",
        "txn_4",
        {("Liabilities:Refunds:Pending", 1): 200, ("Assets:Stripe:Balance", 1): -200},
    ),
    "refund_failed": (
        refunds.refund_failed(question_id=1, amount=eur(300), balance_transaction_id="txn_6"),
        "bt:txn_6",
        "txn_6",
        {("Assets:Stripe:Balance", 1): 300, ("Liabilities:Refunds:Pending", 1): -300},
    ),
    "payment_returned": (
        questions.payment_returned(question_id=1, amount=eur(1001), session_id="cs_9"),
        "cs:cs_9",
        None,
        {("Assets:Stripe:Unsettled", 1): 1001, ("Liabilities:Refunds:Pending", 1): -1001},
    ),
    "payout_reserved": (
        transfer(payouts.payout_reserved),
        "rsv:po_1",
        None,
        {
            ("Liabilities:Answerer:Payable:A0007", 1): 500,
            ("Liabilities:Answerer:Payable:A0007", 2): 210,
            ("Liabilities:Answerer:InPayout:A0007", 1): -500,
            ("Liabilities:Answerer:InPayout:A0007", 2): -210,
        },
    ),
    "transfer_created": (
        transfer(payouts.transfer_created, balance_transaction_id="txn_9"),
        "bt:txn_9",
        "txn_9",
        {
            ("Liabilities:Answerer:InPayout:A0007", 1): 500,
            ("Liabilities:Answerer:InPayout:A0007", 2): 210,
            ("Assets:Stripe:Balance", 1): -500,
            ("Assets:Stripe:Balance", 2): -210,
        },
    ),
    "transfer_failed": (
        transfer(payouts.transfer_failed),
        "tf:po_1",
        None,
        {
            ("Liabilities:Answerer:InPayout:A0007", 1): 500,
            ("Liabilities:Answerer:InPayout:A0007", 2): 210,
            ("Liabilities:Answerer:Payable:A0007", 1): -500,
            ("Liabilities:Answerer:Payable:A0007", 2): -210,
        },
    ),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_event_writes_the_entry_of_the_handbook(kind):
    draft, key, external_ref, lines = ENTRIES[kind]
    assert (draft.kind, draft.key, draft.external_ref) == (kind, key, external_ref)
    assert {(line.account, line.question_id): line.amount for line in draft.lines} == lines
    assert len(draft.lines) == len(lines)
    assert sum(line.amount for line in draft.lines) == 0
    assert draft.debits_minor == sum(amount for amount in lines.values() if amount > 0)


@pytest.mark.parametrize(("kind", "prefix"), kinds.KEY_PREFIXES.items())
def test_the_accountants_page_names_every_kind_with_its_key(kind, prefix):
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
    assert f"| `{kind}` | `{prefix}`" in page


def test_a_charge_without_fee_has_no_fee_line():
    draft = questions.charge_settled(
        question_id=1, gross=eur(600), fee_minor=0, balance_transaction_id="txn_1"
    )
    assert [line.account for line in draft.lines] == [chart.STRIPE_BALANCE, chart.STRIPE_UNSETTLED]


def test_a_fee_above_the_price_takes_from_the_balance():
    draft = questions.charge_settled(
        question_id=1, gross=eur(10), fee_minor=25, balance_transaction_id="txn_1"
    )
    assert [line.amount for line in draft.lines] == [-15, -10, 25]


@pytest.mark.parametrize("fee", [25, -25])
def test_a_fee_of_a_refund_is_a_line_of_its_own_and_what_is_owed_moves_in_full(fee):
    terms = {"question_id": 1, "amount": eur(200), "fee_minor": fee}
    out = refunds.refund_settled(**terms, balance_transaction_id="txn_4")
    assert {line.account: line.amount for line in out.lines} == {
        "Liabilities:Refunds:Pending": 200, "Expenses:Stripe:Fees": fee,
        "Assets:Stripe:Balance": -200 - fee,
    }  # fmt: skip
    back = refunds.refund_failed(**terms, balance_transaction_id="txn_5")
    assert {line.account: line.amount for line in back.lines} == {
        "Liabilities:Refunds:Pending": -200, "Expenses:Stripe:Fees": fee,
        "Assets:Stripe:Balance": 200 - fee,
    }  # fmt: skip


def test_what_one_transfer_takes_twice_from_a_question_is_one_line():
    draft = transfer(payouts.payout_reserved, [(1, 300), (1, 200)])
    assert [line.amount for line in draft.lines] == [-500, 500]


@pytest.mark.parametrize("minor", [0, -1])
def test_an_amount_that_is_not_above_zero_is_refused(minor):
    with pytest.raises(BadAmount):
        questions.question_paid(question_id=1, amount=eur(minor), session_id="cs_1")
    with pytest.raises(BadAmount):
        transfer(payouts.payout_reserved, [(1, 500), (2, minor)])
    with pytest.raises(BadAmount):
        questions.charge_settled(
            question_id=1, gross=eur(minor), fee_minor=0, balance_transaction_id="txn_1"
        )


@pytest.mark.parametrize("fee", [-1, 1.5])
def test_a_fee_below_zero_or_not_exact_is_refused(fee):
    with pytest.raises(BadAmount):
        questions.charge_settled(
            question_id=1, gross=eur(600), fee_minor=fee, balance_transaction_id="txn_1"
        )


def test_a_float_is_no_amount_of_a_payout_line():
    with pytest.raises(BadAmount):
        transfer(payouts.payout_reserved, [(1, 10.5)])


def test_a_payout_of_nothing_is_refused():
    with pytest.raises(BadEntry):
        transfer(payouts.payout_reserved, [])


def test_a_commission_above_the_ceiling_is_never_drafted():
    with pytest.raises(BadRate):
        questions.answer_accepted(question_id=1, amount=eur(1000), terms=Terms(2501, 0, ((7, 1),)))


@pytest.mark.parametrize("question_id", [None, 0, -1, 1.0, True, "1"])
def test_a_guarded_line_names_its_question(question_id):
    with pytest.raises(BadEntry):
        Line(chart.HELD, "EUR", -100, question_id)


def test_an_unguarded_line_may_stand_without_a_question_but_not_with_a_wrong_one():
    assert Line(chart.STRIPE_BALANCE, "EUR", 100, None).question_id is None
    with pytest.raises(BadEntry):
        Line(chart.STRIPE_BALANCE, "EUR", 100, 0)


def draft_of(*lines, **more):
    terms = {"kind": "question_paid", "key": "cs:x", "facts": {"question": 1}} | more
    return EntryDraft(lines=lines, **terms)


def test_an_entry_that_does_not_balance_cannot_be_made():
    with pytest.raises(BadEntry):
        draft_of(Line(chart.STRIPE_UNSETTLED, "EUR", 100, 1), Line(chart.HELD, "EUR", -99, 1))


def test_each_currency_balances_by_itself(monkeypatch):
    monkeypatch.setitem(EXPONENTS, "CHF", 2)
    with pytest.raises(BadEntry):
        draft_of(Line(chart.STRIPE_UNSETTLED, "EUR", 100, 1), Line(chart.HELD, "CHF", -100, 1))


def test_an_entry_whose_lines_cancel_cannot_be_made():
    with pytest.raises(BadEntry):
        draft_of(Line(chart.HELD, "EUR", 100, 1), Line(chart.HELD, "EUR", -100, 1))


LINES = st.lists(
    st.builds(
        Line,
        account=st.sampled_from([chart.HELD, chart.payable(7), chart.payable(12_345)]),
        currency=st.just("EUR"),
        amount=st.integers(-1000, 1000),
        question_id=st.integers(1, 4),
    ),
    max_size=12,
)


@given(LINES, st.randoms())
def test_merging_forgets_the_order_and_keeps_the_sums(lines, random):
    shuffled = lines[:]
    random.shuffle(shuffled)
    merged = merge(lines)
    assert merge(shuffled) == merged
    assert merge(merged) == merged
    assert all(line.amount for line in merged)
    places = [(line.account, line.question_id) for line in merged]
    assert len(set(places)) == len(places)
    for place in {(line.account, line.question_id) for line in lines}:
        both = [
            sum(x.amount for x in some if (x.account, x.question_id) == place)
            for some in (lines, merged)
        ]
        assert both[0] == both[1]


def test_the_digest_is_the_published_one():
    """Computed here from the documented form alone: whoever changes the form breaks old seals."""
    record = ENTRIES["question_paid"][0].by("asker:5").record(BOOKED)
    request = (
        '{"external_ref":null,"facts":{"amount":1001,"currency":"EUR","question":1},'
        '"key":"cs:cs_1","kind":"question_paid"}'
    )
    request_hash = hashlib.sha256(b"upss-request-v1\0" + request.encode()).hexdigest()
    document = (
        '{"actor":"asker:5","approver":null,"booked_at":"2026-11-01T10:30:00.000000+00:00",'
        '"external_ref":null,"key":"cs:cs_1","kind":"question_paid",'
        '"lines":[["Assets:Stripe:Unsettled","EUR",1001,1],'
        '["Liabilities:Held:Questions","EUR",-1001,1]],'
        f'"reason":null,"request":"{request_hash}","reverses":null,"value_date":"2026-11-01"}}'
    )
    assert record.request_hash == request_hash
    assert canonical_json(record.document()).decode() == document
    assert record.digest == hashlib.sha256(b"upss-entry-v1\0" + document.encode()).hexdigest()


def test_the_digest_does_not_depend_on_the_zone_of_the_clock():
    draft = ENTRIES["question_paid"][0]
    elsewhere = BOOKED.astimezone(timezone(timedelta(hours=14)))
    assert draft.record(elsewhere).digest == draft.record(BOOKED).digest
    assert draft.record(elsewhere).value_date == date(2026, 11, 1)


CHANGES = {
    "kind": "payment_returned",
    "key": "cs:y",
    "external_ref": "txn",
    "reverses_id": 3,
    "value_date": date(2026, 10, 31),
    "actor": "organizer:1",
    "reason": "ünusual",
    "approver": "organizer:2",
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_is_in_the_digest(name):
    lines = [Line(chart.STRIPE_UNSETTLED, "EUR", 100, 1), Line(chart.HELD, "EUR", -100, 1)]
    changed = draft_of(*lines, **{name: CHANGES[name]})
    assert changed.record(BOOKED).digest != draft_of(*lines).record(BOOKED).digest
    assert canonical_json(changed.record(BOOKED).document()).isascii()


def test_the_request_is_what_was_asked_not_who_or_when():
    draft = ENTRIES["answer_accepted"][0]
    assert draft.by("job").request_hash == draft.request_hash
    again = {"lines": draft.lines, "external_ref": draft.external_ref, "kind": draft.kind}
    other = EntryDraft(key=draft.key, facts={**draft.facts, "amount": 1002}, **again)
    assert other.request_hash != draft.request_hash


def test_drafting_twice_gives_the_same_draft():
    first, second = transfer(payouts.payout_reserved), transfer(payouts.payout_reserved)
    assert first == second
    assert first.request_hash == second.request_hash
    turned = transfer(payouts.payout_reserved, [(2, 210), (1, 500)])
    assert turned.request_hash == first.request_hash


def test_canonical_json_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"amount": float("nan")})
    assert json.loads(canonical_json({"b": 1, "a": "é"})) == {"a": "é", "b": 1}


def test_the_chart_follows_from_the_code():
    assert chart.payable(7) == "Liabilities:Answerer:Payable:A0007"
    assert chart.in_payout(123_456) == "Liabilities:Answerer:InPayout:A123456"
    assert chart.answerer_of(chart.in_payout(123_456)) == 123_456
    assert [chart.kind_of(code) for code in (chart.HELD, chart.COMMISSION)] == [
        "liability",
        "income",
    ]
    guarded = {chart.HELD, chart.payable(1), chart.in_payout(1)}
    free = {chart.STRIPE_BALANCE, chart.REFUNDS_PENDING, chart.GUARANTEE_FUND, chart.STRIPE_FEES}
    assert {code for code in guarded | free if chart.is_guarded(code)} == guarded
    with pytest.raises(KeyError):
        chart.kind_of("Nonsense:Account")
