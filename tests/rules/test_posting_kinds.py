"""The lines of the rarer events, in the numbers of the handbook, and what each of them refuses."""

from __future__ import annotations

import pytest

from upss.kernel.errors import BadAmount
from upss.kernel.money import MAX_MINOR, Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import BadEntry, Line
from upss.ledger.rules.posting import bank, disputes, kinds, manual, payouts, refunds, vouchers
from upss.ledger.rules.posting import questions as question

REASON = "Paid twice by phone, see case 4"
BALANCE, UNSETTLED = "Assets:Stripe:Balance", "Assets:Stripe:Unsettled"
HELD, PENDING = "Liabilities:Held:Questions", "Liabilities:Refunds:Pending"
PAYABLE, RESERVED = "Liabilities:Answerer:Payable:A0007", "Liabilities:Answerer:InPayout:A0007"
VOUCHERS, BANK = "Liabilities:Vouchers:Outstanding", "Assets:Bank:Main"


def eur(minor):
    return Money(minor, "EUR")


def item(event, lines=((1, 500), (2, 210)), **more):
    return event(item_key="po_2", answerer_id=7, currency="EUR", lines=list(lines), **more)


def goodwill(minor=250, **changes):
    lines = [Line(chart.GOODWILL, "EUR", minor, 1), Line(chart.payable(7), "EUR", -minor, 1)]
    terms = {"lines": lines, "reason": REASON, "author": "account:1", "approver": "account:2"}
    return manual.adjustment(adjustment_key="1", **{**terms, **changes})


def write_off(**changes):
    terms = {"reason": REASON, "author": "account:1", "approver": "account:2"}
    return manual.write_off(
        write_off_key="1", answerer_id=7, amount=eur(100), **{**terms, **changes}
    )


# kind -> (draft, key, external reference, lines)
ENTRIES = {
    "tip_paid": (
        question.tip_paid(question_id=1, answerer_id=7, amount=eur(200), session_id="cs_2"),
        "tip:cs_2", None, {(UNSETTLED, 1): 200, (PAYABLE, 1): -200},
    ),
    "rebate": (
        refunds.rebate(question_id=9, amount=eur(200)),
        "rb:9", None, {(HELD, 9): 200, (PENDING, 9): -200},
    ),
    "refund_by_organizer": (
        refunds.refund_by_organizer(question_id=1, amount=eur(1001), case_key="case_4"),
        "rbo:case_4", None, {("Expenses:Goodwill", 1): 1001, (PENDING, 1): -1001},
    ),
    "transfer_reversed": (
        item(payouts.transfer_reversed, balance_transaction_id="txn_10"),
        "bt:txn_10", "txn_10",
        {(BALANCE, 1): 500, (PAYABLE, 1): -500, (BALANCE, 2): 210, (PAYABLE, 2): -210},
    ),
    "bank_batch_submitted": (
        item(payouts.bank_batch_submitted),
        "pain:po_2", None,
        {
            (RESERVED, 1): 500, ("Assets:Bank:Outgoing", 1): -500,
            (RESERVED, 2): 210, ("Assets:Bank:Outgoing", 2): -210,
        },
    ),
    "bank_batch_booked": (
        payouts.bank_batch_booked(total=eur(710), fee_minor=150, statement_line="2026-11-A"),
        "camt:2026-11-A", "2026-11-A",
        {("Assets:Bank:Outgoing", None): 710, ("Expenses:Bank:Fees", None): 150, (BANK, None): -860},
    ),
    "payout_returned": (
        item(payouts.payout_returned, fee_minor=300),
        "ret:po_2", None,
        {
            (BANK, None): 410, ("Expenses:Bank:Fees", None): 300,
            (PAYABLE, 1): -500, (PAYABLE, 2): -210,
        },
    ),
    "dispute_opened": (
        disputes.dispute_opened(
            question_id=1, amount=eur(600), fee_minor=2000, balance_transaction_id="txn_11"
        ),
        "bt:txn_11", "txn_11",
        {
            ("Assets:Disputes:Held", 1): 600, ("Expenses:Stripe:DisputeFees", 1): 2000,
            (BALANCE, 1): -2600,
        },
    ),
    "dispute_won": (
        disputes.dispute_won(question_id=1, amount=eur(600), balance_transaction_id="txn_12"),
        "bt:txn_12", "txn_12", {(BALANCE, 1): 600, ("Assets:Disputes:Held", 1): -600},
    ),
    "dispute_fee_returned": (
        disputes.dispute_fee_returned(
            question_id=1, amount=eur(2000), balance_transaction_id="txn_14"
        ),
        "bt:txn_14", "txn_14", {(BALANCE, 1): 2000, ("Expenses:Stripe:DisputeFees", 1): -2000},
    ),
    "vouchers_sold": (
        vouchers.vouchers_sold(batch_key="1", face=eur(5000), operator_minor=2000),
        "vb:1", None,
        {
            ("Assets:Receivable:Telco", None): 3000, ("Expenses:Telco:Share", None): 2000,
            (VOUCHERS, None): -5000,
        },
    ),
    "voucher_redeemed": (
        vouchers.voucher_redeemed(question_id=1, face=eur(500), code_hash="c0de"),
        "vr:c0de", None, {(VOUCHERS, 1): 500, (HELD, 1): -500},
    ),
    "voucher_expired": (
        vouchers.voucher_expired(face=eur(500), code_hash="c0de"),
        "ve:c0de", None, {(VOUCHERS, None): 500, ("Income:Vouchers:Breakage", None): -500},
    ),
    "telco_remitted": (
        vouchers.telco_remitted(amount=eur(3000), remittance="2026-11"),
        "tr:2026-11", None, {(BANK, None): 3000, ("Assets:Receivable:Telco", None): -3000},
    ),
    "stripe_payout": (
        bank.stripe_payout(amount=eur(1000), balance_transaction_id="txn_13"),
        "bt:txn_13", "txn_13", {("Assets:Stripe:InTransit", None): 1000, (BALANCE, None): -1000},
    ),
    "stripe_payout_arrived": (
        bank.stripe_payout_arrived(amount=eur(1000), statement_line="line_88"),
        "camt:line_88", "line_88", {(BANK, None): 1000, ("Assets:Stripe:InTransit", None): -1000},
    ),
    "fund_paid_in": (
        bank.fund_paid_in(amount=eur(5000), payment_key="2026-1"),
        "fin:2026-1", None, {(BANK, None): 5000, ("Equity:GuaranteeFund", None): -5000},
    ),
    "fund_paid_out": (
        bank.fund_paid_out(amount=eur(5000), payment_key="2026-2"),
        "fout:2026-2", None, {("Equity:GuaranteeFund", None): 5000, (BANK, None): -5000},
    ),
    "movement_unexplained": (
        bank.movement_unexplained(amount=eur(-700), fee_minor=15, balance_transaction_id="txn_15"),
        "bt:txn_15", "txn_15",
        {
            (BALANCE, None): -715, ("Expenses:Stripe:Fees", None): 15,
            ("Equity:Suspense", None): 700,
        },
    ),
    "adjustment": (
        goodwill(), "adj:1", None, {("Expenses:Goodwill", 1): 250, (PAYABLE, 1): -250},
    ),
    "write_off": (
        write_off(), "wo:1", None,
        {("Expenses:WriteOff", None): 100, ("Assets:Receivable:Answerer:A0007", None): -100},
    ),
}  # fmt: skip

# The common ones stand in test_posting.py; who bears these two depends on balances (test_bearing).
ELSEWHERE = {
    "question_paid", "payment_returned", "charge_settled", "answer_accepted", "refund_requested",
    "refund_settled", "refund_failed", "payout_reserved", "transfer_created", "transfer_failed",
    "rehold", "dispute_lost",
}  # fmt: skip


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_event_writes_the_entry_of_the_handbook(kind):
    draft, key, external_ref, lines = ENTRIES[kind]
    assert (draft.kind, draft.key, draft.external_ref) == (kind, key, external_ref)
    assert {(line.account, line.question_id): line.amount for line in draft.lines} == lines
    assert len(draft.lines) == len(lines)


def test_every_kind_has_its_example():
    assert set(ENTRIES) | ELSEWHERE == set(kinds.KEY_PREFIXES)
    assert not set(ENTRIES) & ELSEWHERE


def test_a_refund_in_kind_becomes_a_new_code():
    draft = refunds.refund_requested(
        question_id=1, amount=eur(500), refund_key="re_4", as_voucher=True
    )
    assert {line.account: line.amount for line in draft.lines} == {HELD: 500, VOUCHERS: -500}


def test_every_account_of_every_example_stands_in_the_chart():
    codes = {line.account for draft, *_ in ENTRIES.values() for line in draft.lines}
    assert {code for code in codes if not chart.is_known(code)} == set()
    assert not chart.is_known("Assets:Stripe")
    for odd in ("A0007x", "A", "A7", "A00007", "A\u0660\u0660\u0660\u0667", "A0007:A0007"):
        assert not chart.is_known(f"Liabilities:Answerer:Payable:{odd}"), odd
    assert chart.is_known(chart.payable(12_345))


def test_the_side_of_an_account_follows_from_its_code():
    assert [chart.side_of(code) for code in (HELD, PAYABLE, RESERVED, PENDING, VOUCHERS)] == [
        -1
    ] * 5
    assert chart.side_of(chart.receivable(7)) == chart.side_of(UNSETTLED) == 1
    assert chart.side_of("Assets:Bank:Outgoing") == -1
    assert chart.side_of(BALANCE) == chart.side_of("Equity:GuaranteeFund") == 0


@pytest.mark.parametrize("minor", [0, -1, 1.0, True, "1", MAX_MINOR + 1, None])
@pytest.mark.parametrize(
    "event",
    [
        lambda minor: question.tip_paid(
            question_id=1, answerer_id=7, amount=Money(minor, "EUR"), session_id="cs"
        ),
        lambda minor: refunds.rebate(question_id=1, amount=Money(minor, "EUR")),
        lambda minor: disputes.dispute_opened(
            question_id=1, amount=Money(minor, "EUR"), fee_minor=0, balance_transaction_id="t"
        ),
        lambda minor: payouts.bank_batch_booked(
            total=Money(minor, "EUR"), fee_minor=0, statement_line="l"
        ),
        lambda minor: item(payouts.payout_returned, [(1, minor)], fee_minor=0),
        lambda minor: vouchers.vouchers_sold(
            batch_key="1", face=Money(minor, "EUR"), operator_minor=0
        ),
        lambda minor: bank.fund_paid_out(amount=Money(minor, "EUR"), payment_key="k"),
    ],
)
def test_what_is_no_positive_whole_amount_is_never_drafted(event, minor):
    with pytest.raises(BadAmount):
        event(minor)


@pytest.mark.parametrize("fee", [-1, 1.5, True])
def test_a_fee_is_a_whole_amount_of_zero_or_more(fee):
    with pytest.raises(BadAmount):
        payouts.bank_batch_booked(total=eur(710), fee_minor=fee, statement_line="l")
    with pytest.raises(BadAmount):
        item(payouts.payout_returned, fee_minor=fee)
    with pytest.raises(BadAmount):
        disputes.dispute_opened(
            question_id=1, amount=eur(600), fee_minor=fee, balance_transaction_id="t"
        )
    with pytest.raises(BadAmount):
        vouchers.vouchers_sold(batch_key="1", face=eur(5000), operator_minor=fee)


def test_the_operator_keeps_at_most_what_was_paid():
    assert len(vouchers.vouchers_sold(batch_key="1", face=eur(5), operator_minor=5).lines) == 2
    with pytest.raises(BadAmount):
        vouchers.vouchers_sold(batch_key="1", face=eur(5), operator_minor=6)


def test_a_fee_larger_than_the_returned_payment_takes_from_the_bank():
    draft = item(payouts.payout_returned, [(1, 100)], fee_minor=300)
    assert {line.account: line.amount for line in draft.lines} == {
        BANK: -200, "Expenses:Bank:Fees": 300, PAYABLE: -100,
    }  # fmt: skip


@pytest.mark.parametrize("make", [goodwill, write_off])
def test_an_entry_by_hand_has_a_reason_and_two_people(make):
    draft = make()
    assert (draft.reason, draft.actor, draft.approver) == (REASON, "account:1", "account:2")
    assert make(reason=" exactly 10 ".replace(" 10", "-10")).reason == "exactly-10"
    for reason in ("", "too short", "   spaces  ", "\n\n\n\n\n\n\n\n\n\n\n"):
        with pytest.raises(manual.ReasonTooShort) as short:
            make(reason=reason)
        assert short.value.code == "reason_too_short"
    with pytest.raises(manual.SamePerson) as same:
        make(approver="account:1")
    assert same.value.code == "same_person"


def test_an_adjustment_uses_the_chart_and_balances():
    with pytest.raises(chart.UnknownAccount) as unknown:
        goodwill(lines=[Line("Assets:Cash", "EUR", 5, 1), Line(chart.GOODWILL, "EUR", -5, 1)])
    assert (unknown.value.code, unknown.value.facts) == (
        "unknown_account",
        {"account": "Assets:Cash"},
    )
    with pytest.raises(BadEntry):
        goodwill(lines=[Line(chart.GOODWILL, "EUR", 5, 1), Line(BALANCE, "EUR", -4, 1)])
    with pytest.raises(BadAmount):
        goodwill(minor=2.5)


def test_adjustments_are_told_apart_by_lines_and_by_what_they_reverse():
    first, other, back = goodwill(), goodwill(251), goodwill(reverses_id=4)
    assert len({first.request_hash, other.request_hash, back.request_hash}) == 3
    assert back.reverses_id == 4
    assert goodwill(reason="Another wording of it").request_hash == first.request_hash
