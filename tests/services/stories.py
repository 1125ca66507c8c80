"""What happens in each story, with the figures of the handbook; test_stories.py books it."""

from __future__ import annotations

from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import bank, disputes, manual, payouts, questions, refunds, vouchers
from upss.ledger.rules.split import Terms
from upss.ledger.service import bearing

STORIES = {}
HOUSE = Terms(1500, 300, ((7, 1),))
REDO = Terms(1500, 300, ((8, 1),))
TWO = Terms(1500, 300, ((7, 2), (8, 1)))


def story(title):
    """Register a story under the name of its function."""

    def register(tell):
        STORIES[tell.__name__] = (title, tell)
        return tell

    return register


def eur(minor):
    return Money(minor, "EUR")


def of(minor=1001, question=1):
    return {"question_id": question, "amount": eur(minor)}


def txn(number):
    return {"balance_transaction_id": f"txn_{number}"}


def item(*lines, key="po_1", answerer=7):
    return {"item_key": key, "answerer_id": answerer, "currency": "EUR", "lines": lines}


def paid(book, minor=1001, fee=40, question=1):
    """A question is paid and the charge settles."""
    book("The asker pays by Checkout", questions.question_paid, **of(minor, question),
         session_id=f"cs_{question}")  # fmt: skip
    book("The provider settles the charge and keeps its fee", questions.charge_settled,
         question_id=question, gross=eur(minor), fee_minor=fee, **txn(f"charge_{question}"))  # fmt: skip


def accepted(book, minor=1001, terms=HOUSE, question=1, round_no=1):
    book("The answer is accepted: share, commission and fund", questions.answer_accepted,
         **of(minor, question), terms=terms, round_no=round_no)  # fmt: skip


def sent(book, minor, question=1):
    """The whole payable is reserved and transferred."""
    book("The share is reserved for a payout", payouts.payout_reserved, days=7,
         **item((question, minor)))  # fmt: skip
    book("The transfer leaves", payouts.transfer_created, **item((question, minor)), **txn("out"))


@story("A question paid, answered, accepted, paid out")
def paid_out(book):
    paid(book)
    accepted(book)
    sent(book, 851)


@story("A question withdrawn before an answer: the fee stays with the organizer")
def withdrawn(book):
    paid(book, 500, 33)
    book("The asker gets a part back", refunds.refund_requested, **of(200), refund_key="re_1")
    book("The provider pays the refund", refunds.refund_settled, **of(200), **txn(4))
    book("The asker withdraws: the rest goes back", refunds.refund_requested, **of(300), refund_key="re_2")  # fmt: skip
    book("The provider pays the refund", refunds.refund_settled, **of(300), **txn(5))
    book("The asker's bank refuses it: it is still owed", refunds.refund_failed, **of(300), **txn(6))  # fmt: skip
    book("The refund is paid by another route", refunds.refund_settled, **of(300), **txn(7))


@story("A rebate by the answerer before acceptance, then the split of what is left")
def rebate(book):
    paid(book)
    book("The answerer gives up 2.00", refunds.rebate, **of(200))
    book("The provider pays it back", refunds.refund_settled, **of(200), **txn(1))
    accepted(book, 801)


@story("A refund after the split, before the payout: everybody gives back their part")
def refund_before_payout(book):
    paid(book)
    accepted(book)
    book("4.01 go back", bearing.refund_after_split, **of(401), refund_key="re_3", terms=HOUSE)
    book("The provider pays the refund", refunds.refund_settled, **of(401), **txn(8))
    sent(book, 510)


@story("A refund after the payout: the answerer keeps it, the fund bears the share")
def refund_after_payout(book):
    book("The organizer adds to the guarantee fund", bank.fund_paid_in, amount=eur(5000), payment_key="in_1")  # fmt: skip
    paid(book)
    accepted(book)
    sent(book, 851)
    book("All goes back", bearing.refund_after_split, **of(), refund_key="re_1", terms=HOUSE)
    book("The provider pays the refund", refunds.refund_settled, **of(), **txn(2))


@story("A refund after the payout, the fund too small: the organizer bears the rest")
def refund_after_payout_fund_small(book):
    book("The organizer adds to the guarantee fund", bank.fund_paid_in, amount=eur(300), payment_key="in_1")  # fmt: skip
    paid(book)
    accepted(book)
    sent(book, 851)
    book("All goes back", bearing.refund_after_split, **of(), refund_key="re_1", terms=HOUSE)
    book("The provider pays the refund", refunds.refund_settled, **of(), **txn(2))


def disputed(book, minor=600):
    book("The card's bank takes the money; the provider its fee", disputes.dispute_opened,
         **of(minor), fee_minor=2000, **txn(11))  # fmt: skip


@story("A dispute won: the money and the fee come back")
def dispute_won(book):
    paid(book)
    accepted(book)
    disputed(book, 1001)
    book("The dispute is won", disputes.dispute_won, **of(), **txn(12))
    book("The provider returns its fee", disputes.dispute_fee_returned, **of(2000), **txn(14))
    sent(book, 851)


@story("A dispute lost after the payout, the fund too small")
def dispute_lost_after_payout(book):
    book("The organizer adds to the guarantee fund", bank.fund_paid_in, amount=eur(300), payment_key="in_1")  # fmt: skip
    paid(book)
    accepted(book)
    book("4.01 go back", bearing.refund_after_split, **of(401), refund_key="re_3", terms=HOUSE)
    sent(book, 510)
    disputed(book)
    book("The dispute is lost: the fund, then the organizer", bearing.lose_dispute, **of(600),
         dispute_id="du_2", terms=HOUSE)  # fmt: skip


@story("A dispute lost before delivery, larger than what is held")
def dispute_lost_before_delivery(book):
    paid(book, 600)
    disputed(book, 650)
    book("The dispute is lost: what is held, then the organizer", bearing.lose_dispute, **of(650),
         dispute_id="du_4", terms=HOUSE)  # fmt: skip


@story("A redo by another answerer: the first split is undone from what is unpaid")
def redo(book):
    paid(book)
    accepted(book)
    book("Another answerer shall answer: it is held again", bearing.rehold, question_id=1,
         round_no=1, currency="EUR", terms=HOUSE)  # fmt: skip
    accepted(book, terms=REDO, round_no=2)
    sent_to_the_second = item((1, 851), answerer=8)
    book("The share is reserved for a payout", payouts.payout_reserved, **sent_to_the_second)
    book("The transfer leaves", payouts.transfer_created, **sent_to_the_second, **txn("out"))


@story("A late case: the answerer is paid, the organizer repays the asker")
def late_case(book):
    paid(book)
    accepted(book)
    book("The case is overdue: the organizer repays the asker", refunds.refund_by_organizer,
         **of(), case_key="case_4")  # fmt: skip
    book("The provider pays the refund", refunds.refund_settled, **of(), **txn(2))
    sent(book, 851)


@story("A second payment for one question is owed back at once")
def second_payment(book):
    paid(book)
    book("The asker pays a second time", questions.payment_returned, **of(), session_id="cs_9")
    book("The provider settles the charge and keeps its fee", questions.charge_settled,
         question_id=1, gross=eur(1001), fee_minor=40, **txn(3))  # fmt: skip
    book("The provider pays it back", refunds.refund_settled, **of(), **txn(4))


@story("A bank batch of two payments, one of them returned")
def bank_batch(book):
    for question in (1, 2):
        paid(book, question=question)
    accepted(book)
    accepted(book, question=2, terms=REDO)
    first, second = item((1, 851)), item((2, 851), key="po_2", answerer=8)
    for each in (first, second):
        book("The share is reserved for a payout", payouts.payout_reserved, **each)
        book(
            "The payment goes to the bank in a batch", payouts.bank_batch_submitted, days=0, **each
        )
    book("The bank books the batch and its fee", payouts.bank_batch_booked, total=eur(1702),
         fee_minor=150, statement_line="2026-11-A")  # fmt: skip
    book("The second payment comes back: payable again", payouts.payout_returned, **second,
         fee_minor=300)  # fmt: skip


@story("A transfer refused, sent again, reversed: each time payable as before")
def transfer_reversed(book):
    paid(book)
    accepted(book)
    first, second = item((1, 851)), item((1, 851), key="po_2")
    book("The share is reserved for a payout", payouts.payout_reserved, **first)
    book("The provider refuses the transfer", payouts.transfer_failed, **first)
    book("The share is reserved anew", payouts.payout_reserved, **second)
    book("The transfer leaves", payouts.transfer_created, **second, **txn(9))
    book("The transfer is reversed", payouts.transfer_reversed, **second, **txn(10))


@story("Vouchers sold by phone: redeemed, refunded as a new code, expired")
def vouchers_sold(book):
    book("Ten codes of 5.00 are sold; the operator keeps 40 %", vouchers.vouchers_sold,
         batch_key="1", face=eur(5000), operator_minor=2000)  # fmt: skip
    book("A code pays a question", vouchers.voucher_redeemed, question_id=1, face=eur(500), code_hash="a")  # fmt: skip
    book("It is withdrawn: a new code, never cash", refunds.refund_requested, **of(500),
         refund_key="re_4", as_voucher=True)  # fmt: skip
    book("Another code pays a question", vouchers.voucher_redeemed, question_id=2, face=eur(500), code_hash="b")  # fmt: skip
    accepted(book, 500, question=2)
    book("A code expires", vouchers.voucher_expired, face=eur(500), code_hash="c", days=365)
    book("The operator pays", vouchers.telco_remitted, amount=eur(3000), remittance="2026-11")


@story("A tip: all of it is the answerer's and stays so after a refund")
def tip(book):
    paid(book)
    accepted(book)
    book("The asker adds a tip", questions.tip_paid, **of(200), answerer_id=7, session_id="cs_2")
    book("The provider settles the charge and keeps its fee", questions.charge_settled,
         question_id=1, gross=eur(200), fee_minor=28, **txn(2))  # fmt: skip
    book("All of the price goes back", bearing.refund_after_split, **of(), refund_key="re_1", terms=HOUSE)  # fmt: skip


@story("Two answerers with weights 2 and 1, three partial refunds")
def two_answerers(book):
    paid(book)
    accepted(book, terms=TWO)
    for number, minor in enumerate((100, 1, 300), 1):
        book(f"{minor / 100:.2f} go back", bearing.refund_after_split, **of(minor),
             refund_key=f"re_{number}", terms=TWO)  # fmt: skip


@story("The provider pays out to the organizer's bank")
def stripe_payout(book):
    paid(book, 2000, 60)
    book("The provider sends what is there to the bank", bank.stripe_payout, amount=eur(1000), **txn(13))  # fmt: skip
    book("It arrives", bank.stripe_payout_arrived, amount=eur(1000), statement_line="line_88")
    book("Money nobody knows comes in", bank.movement_unexplained, amount=eur(700), fee_minor=12, **txn(15))  # fmt: skip


@story("By hand: goodwill for an answerer, its reversal, a claim after fraud written off")
def adjustments(book):
    paid(book)
    accepted(book)
    people = {"author": "organizer:1", "approver": "organizer:2"}
    gift = [Line(chart.GOODWILL, "EUR", 250, 1), Line(chart.payable(7), "EUR", -250, 1)]
    back = [Line(chart.GOODWILL, "EUR", -250, 1), Line(chart.payable(7), "EUR", 250, 1)]
    claim = [Line(chart.receivable(7), "EUR", 100, None), Line(chart.GOODWILL, "EUR", -100, None)]
    given = book("Goodwill for a long wait", manual.adjustment, adjustment_key="1", lines=gift,
                 reason="Waited three weeks", **people)  # fmt: skip
    book("The goodwill was given by mistake", manual.adjustment, adjustment_key="2", lines=back,
         reason="Wrong question chosen", reverses_id=given, **people)  # fmt: skip
    book("Two people judge a fraud: 1.00 is claimed", manual.adjustment, adjustment_key="3",
         lines=claim, reason="Copied from a book", **people)  # fmt: skip
    book("It cannot be got back", manual.write_off, write_off_key="1", answerer_id=7,
         amount=eur(100), reason="Not to be found", **people)  # fmt: skip
