"""The question's table of moves against the design, its money in random walks, and a payment's states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.lifecycle import ENDS, TRANSITIONS, MoveRefused, Status, move
from upss.kernel.ports import CheckoutState
from upss.ledger.rules.split import split
from upss.payments.rules.lifecycle import (
    SETTLED,
    PaymentFacts,
    PaymentMismatch,
    PaymentStatus,
    is_of_another_amount,
    next_status,
)

# The table as the design words it: row, from, event, to, who, money. A star: not built yet.
DESIGN = """
Q1   draft            submit                  awaiting_payment asker     none
Q2   draft            discard                 abandoned        asker     none
Q3   draft            draft_retention         abandoned        timer     none
Q4   awaiting_payment payment_confirmed       queued           system    hold
Q5   awaiting_payment edit_again              draft            asker     none
Q6   awaiting_payment offer_ends              draft            timer     none
Q7   draft            late_payment_honoured   queued           system    hold
Q8   any              payment_returned        same             system    return
Q9*  queued           flag_for_review         under_review     organizer none
Q10* under_review     clear                   queued           organizer none
Q11* under_review     remove                  removed          organizer refund_full
Q12* under_review     review_overdue          removed          timer     refund_full
Q13  queued           claim                   claimed          answerer  none
Q14  queued           withdraw                withdrawn        asker     refund_full
Q15  queued           promise_grace_ends      expired          timer     refund_full
Q16* queued           close_unanswerable      refunded         organizer refund_full
Q17  claimed          post_answer             answered         answerer  none
Q18  claimed          hand_back               queued           answerer  none
Q19  claimed          lease_ends              queued           timer     none
Q20* claimed          reassign                queued           organizer none
Q21* claimed          ask_clarification       clarifying       answerer  none
Q22* claimed          withdraw_request_lapses withdrawn        timer     refund_full
Q23* clarifying       reply                   claimed          asker     none
Q24* clarifying       clarification_silence   claimed          timer     none
Q25* clarifying       hand_back               queued           answerer  none
Q26* clarifying       withdraw                withdrawn        asker     refund_full
Q27  answered         accept                  accepted         asker     split
Q28  answered         auto_accept             accepted         timer     split
Q29* answered         ask_revision            claimed          asker     none
Q30* answered         complain                in_complaint     asker     none
Q31* answered         rebate                  answered         answerer  rebate
Q32* accepted         late_complaint          in_complaint     asker     none
Q33* accepted         tip                     accepted         asker     tip
Q34  accepted         close_for_good          final            timer     none
Q35* in_complaint     decide_no_fault         accepted         organizer split_if_held
Q36* in_complaint     decide_redo             queued           organizer rehold
Q37* in_complaint     decide_partial          settled          organizer partial
Q38* in_complaint     decide_full             refunded         organizer refund_full
Q39* in_complaint     take_back               accepted         asker     split_if_held
Q40* in_complaint     decision_overdue        refunded         timer     refund_by_organizer
D1*  any              card_dispute_opened     same             system    none
D2*  any              dispute_won             same             system    none
D3*  any              dispute_lost            charged_back     system    none
"""


def as_designed(row):
    name = row.row + ("" if row.built else "*")
    source = "any" if row.source is None else str(row.source)
    target = "same" if row.target is None else str(row.target)
    return [name, source, row.event, target, row.actor, row.money]


def test_the_table_is_the_one_that_was_designed():
    assert [as_designed(row) for row in TRANSITIONS] == [
        line.split() for line in DESIGN.strip().splitlines()
    ]
    assert len(TRANSITIONS) == 43
    assert len(Status) == 17


def test_a_move_is_named_once():
    assert len({(row.source, row.event) for row in TRANSITIONS}) == len(TRANSITIONS)


def test_nothing_waits_for_ever():
    for status in set(Status) - ENDS:
        timers = [row for row in TRANSITIONS if row.source is status and row.actor == "timer"]
        assert timers, f"{status} has no timer"
        assert all(row.target is not status for row in timers)


def reachable_from(start, rows):
    found = {start}
    while True:
        more = {r.target for r in rows if r.target and (r.source in found or r.source is None)}
        if more <= found:
            return found
        found |= more


def test_every_state_is_reached_and_every_life_ends():
    assert reachable_from(Status.DRAFT, TRANSITIONS) == set(Status)
    named = [row for row in TRANSITIONS if row.source is not None]
    for status in Status:
        assert reachable_from(status, named) & ENDS, f"no end from {status}"
    assert not [row for row in named if row.source in ENDS], "an end is left"


def test_what_is_built_ends_without_what_is_not():
    built = [row for row in TRANSITIONS if row.built and row.source is not None]
    for status in reachable_from(Status.DRAFT, built):
        assert reachable_from(status, built) & ENDS
    timed = {row.source for row in built if row.actor == "timer"}
    assert reachable_from(Status.DRAFT, built) - ENDS <= timed


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: row.row)
def test_a_row_is_taken_if_it_is_built(row):
    for status in Status if row.source is None else (row.source,):
        if row.built:
            assert move(status, row.event) is row
            assert move(str(status), row.event) is row
        else:
            with pytest.raises(MoveRefused, match=row.event):
                move(status, row.event)


def test_every_other_move_is_refused():
    known = {(row.source, row.event) for row in TRANSITIONS}
    events = {row.event for row in TRANSITIONS} | {"fly"}
    for status in Status:
        for event in events:
            if {(status, event), (None, event)} & known:
                continue
            with pytest.raises(MoveRefused) as refused:
                move(status, event)
            assert refused.value.facts == {"status": str(status), "event": event}


class Purse:
    """Where one question's money is; what leaves one place arrives in another."""

    def __init__(self, price):
        self.price = price
        self.at = dict.fromkeys(("asker", "held", "answerer", "organizer"), 0)
        self.is_split = False

    def give(self, source, target, amount):
        self.at[source] -= amount
        self.at[target] += amount

    def feel(self, effect, draw):
        getattr(self, "on_" + effect)(draw)
        assert sum(self.at.values()) == 0
        assert min(self.at["held"], self.at["answerer"]) >= 0

    def on_none(self, _draw):
        pass

    on_return = on_tip = on_none  # in and out again, or apart from the price

    def on_hold(self, _draw):
        assert self.at["held"] == 0, "held twice"
        self.give("asker", "held", self.price)

    def on_refund_full(self, _draw):
        if self.is_split:
            self.on_rehold(_draw)
        self.give("held", "asker", self.at["held"])

    def on_split(self, _draw):
        assert self.at["held"] > 0, "nothing to share"
        parts = split(self.at["held"], commission_bp=1500, fund_bp=300)
        self.give("held", "answerer", parts.share_minor)
        self.give("held", "organizer", self.at["held"])
        self.is_split = True

    def on_split_if_held(self, draw):
        if self.at["held"]:
            self.on_split(draw)

    def on_rehold(self, _draw):
        for place in ("answerer", "organizer"):
            self.give(place, "held", self.at[place])
        self.is_split = False

    def on_partial(self, draw):
        self.on_rehold(draw)
        self.give("held", "asker", self.at["held"] * draw(st.sampled_from((25, 50, 75))) // 100)
        self.on_split(draw)

    def on_rebate(self, draw):
        self.give("held", "asker", draw(st.integers(0, self.at["held"] - 1)))

    def on_refund_by_organizer(self, draw):
        back = self.at["held"] + self.at["answerer"] + self.at["organizer"]
        self.on_split_if_held(draw)  # the answerer is paid all the same
        self.give("organizer", "asker", back)


@given(st.data(), st.integers(50, 9_999), st.booleans())
def test_money_balances_on_every_walk(data, price, only_built):
    purse, status = Purse(price), Status.DRAFT
    rows = [row for row in TRANSITIONS if row.row.startswith("Q") and (row.built or not only_built)]
    for _ in range(60):
        ways = [row for row in rows if row.source is status or row.source is None]
        row = data.draw(st.sampled_from(ways))
        if only_built:
            assert move(status, row.event) is row
        purse.feel(row.money, data.draw)
        status = row.target or status
        if status in ENDS:
            assert purse.at["held"] == 0, f"money stays held at {status}"
            break
    unpaid = (Status.DRAFT, Status.AWAITING_PAYMENT, Status.ABANDONED)
    if status in unpaid:
        assert not any(purse.at.values())


# A payment

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


def seen(status, payment_status="unpaid", **changes):
    values = {
        "id": "cs_1",
        "url": None,
        "status": status,
        "payment_status": payment_status,
        "amount_minor": 1200,
        "currency": "EUR",
        "expires_at": NOW,
        "upss_id": "ours",
        "payment_intent_id": None,
        "charge_id": None,
        "receipt_url": None,
        "balance_transaction": None,
    }
    return CheckoutState(**(values | changes))


def ours(status="open", **changes):
    values = {
        "public_id": "ours",
        "status": status,
        "amount_minor": 1200,
        "currency": "EUR",
        "honour_until": NOW,
        "is_closed": False,
        "question_is_paid": False,
    }
    return PaymentFacts(**(values | changes))


OPEN, UNPAID = seen("open"), seen("complete")
GONE, PAID = seen("expired"), seen("complete", "paid")


@pytest.mark.parametrize(
    ("before", "state", "after"),
    [
        ("new", OPEN, "open"),
        ("open", OPEN, "open"),
        ("open", GONE, "expired"),
        ("new", GONE, "expired"),
        ("open", UNPAID, "checking"),
        ("open", PAID, "paid"),
        ("new", PAID, "paid"),
        ("checking", PAID, "paid"),
        ("expired", PAID, "paid"),
        ("checking", UNPAID, "checking"),
        # read before, told later: never back
        ("checking", OPEN, "checking"),
        ("expired", OPEN, "expired"),
        ("paid", OPEN, "paid"),
        ("paid", GONE, "paid"),
        ("paid", PAID, "paid"),
        ("returned", PAID, "returned"),
        ("returned", UNPAID, "returned"),
    ],
)
def test_a_payment_moves_only_forwards(before, state, after):
    assert next_status(ours(before), state, now=NOW) == after


def test_a_payment_is_honoured_up_to_the_last_moment():
    late = NOW + timedelta(microseconds=1)
    assert next_status(ours(), PAID, now=NOW) is PaymentStatus.PAID
    assert next_status(ours(), PAID, now=late) is PaymentStatus.RETURNED


@pytest.mark.parametrize("reason", ["is_closed", "question_is_paid"])
def test_a_payment_for_nothing_goes_back(reason):
    assert next_status(ours(**{reason: True}), PAID, now=NOW) is PaymentStatus.RETURNED


@pytest.mark.parametrize(
    "difference",
    [
        {"amount_minor": 1199},
        {"amount_minor": 120_000},
        {"currency": "USD"},
        {"upss_id": "theirs"},
        {"upss_id": None},
    ],
)
@pytest.mark.parametrize("before", list(PaymentStatus))
def test_another_amount_currency_or_reference_is_refused(before, difference):
    with pytest.raises(PaymentMismatch):
        next_status(ours(before), seen("complete", "paid", **difference), now=NOW)


@pytest.mark.parametrize("difference", [{"amount_minor": 1199}, {"currency": "USD"}])
@pytest.mark.parametrize("words", [("complete", "paid"), ("complete", "unpaid"), ("open", "paid")])
def test_money_of_another_amount_is_known_as_such(words, difference):
    assert is_of_another_amount(ours(), seen(*words, **difference))


@pytest.mark.parametrize(
    ("before", "words", "difference"),
    [
        ("open", ("complete", "paid"), {}),
        ("open", ("open", "unpaid"), {"amount_minor": 1199}),
        ("open", ("complete", "paid"), {"amount_minor": 1199, "upss_id": "theirs"}),
        ("paid", ("complete", "paid"), {"amount_minor": 1199}),
        ("returned", ("complete", "paid"), {"amount_minor": 1199}),
    ],
)
def test_what_is_not_money_of_another_amount(before, words, difference):
    assert not is_of_another_amount(ours(PaymentStatus(before)), seen(*words, **difference))


@given(st.lists(st.sampled_from([OPEN, UNPAID, GONE, PAID]), max_size=8), st.booleans())
def test_whatever_is_told_in_whatever_order(told, is_closed):
    status, after = PaymentStatus.NEW, []
    for state in told:
        status = next_status(ours(status, is_closed=is_closed), state, now=NOW)
        after.append(status)
    settled = [each for each in after if each in SETTLED]
    assert bool(settled) == (PAID in told)
    assert len(set(settled)) <= 1
    assert after[len(after) - len(settled) :] == settled  # settled once is settled for good
    if PaymentStatus.EXPIRED in after:
        assert PaymentStatus.OPEN not in after[after.index(PaymentStatus.EXPIRED) :]
