"""Bugs that others have had, planted one by one: the walk over all events must find each.

A check follows every entry, so the number of entries until one is found is known; docs/ledger-tests.md
states it. What is not found within `PATIENCE` entries counts as missed.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from itertools import count
from random import Random

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tests.databases import clone
from tests.money import payable_lines
from tests.trust.money_walk import walk
from tests.trust.money_world import World
from upss.kernel.errors import UpssError
from upss.ledger.rules import bearing, chart, split
from upss.ledger.rules.posting import disputes, payouts, questions, refunds, vouchers
from upss.ledger.service import bearing as deciding
from upss.ledger.service import posting

SEED, PATIENCE = 4, 1000
fresh = count(1)


@pytest.fixture(scope="module")
def engine(server):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = create_engine(clone(server, f"bugs_{worker}").app_url)
    yield made
    made.dispose()


def until_found(engine, seed=SEED, entries=PATIENCE):
    """Return how many entries it took to see that something is wrong, and what was seen."""
    with Session(engine) as session:
        world = World(session, Random(seed))
        try:
            walk(world, world.random, entries=entries, every=1)
        except (AssertionError, pytest.fail.Exception, UpssError, SQLAlchemyError) as error:
            return world.entries, error
    return None, None


def changed(module, name, change):
    """Return a plant that wraps a function of ours: `change(real, *args, **kwargs)`."""

    def plant(monkeypatch):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **kwargs: change(real, *args, **kwargs))

    return plant


def rounded_up(real, amount, *, commission_bp, fund_bp):
    made = real(amount, commission_bp=commission_bp, fund_bp=fund_bp)
    more = 1 if amount * commission_bp % 10_000 and made.share_minor > 1 else 0
    return replace(
        made,
        share_minor=made.share_minor - more,
        commission_minor=made.commission_minor + more,
        organizer_minor=made.organizer_minor + more,
    )


def float_share(real, amount, *, commission_bp, fund_bp):
    made = real(amount, commission_bp=commission_bp, fund_bp=fund_bp)
    share = round(amount * (1 - commission_bp / 10_000))
    return replace(
        made,
        share_minor=share,
        commission_minor=amount - share,
        organizer_minor=amount - share - made.fund_minor,
    )


def largest_remainder(_real, total, weights):
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return tuple(shares)


def floor_then_first(_real, total, weights):
    shares = [total * weight // sum(weights) for weight in weights]
    shares[0] += total - sum(shares)
    return tuple(shares)


def another_key(name):
    """Return a change that makes a key of an event depend on the attempt."""

    def change(real, **asked):
        return real(**(asked | {name: f"{asked[name]}-{next(fresh)}"}))

    return change


def another_key_each_time(real, uow, draft):
    return real(uow, replace(draft, key=f"{draft.key}-{next(fresh)}"))


def no_release(real, uow, draft):
    if draft.kind == "transfer_failed":
        return posting.Posted(next(fresh) + 10**9, replayed=False)
    return real(uow, draft)


def without_fee(real, **asked):
    return real(**(asked | {"fee_minor": 0}))


def all_is_reclaimable(real, standing, minor, terms, **how):
    if standing.is_split:
        shares = split.parts_of(standing.remaining, terms).shares
        standing = replace(standing, reclaimable=shares)
    return real(standing, minor, terms, **how)


def gifts_too(real, session, question_id):
    found = real(session, question_id)
    more = Counter(found.reclaimable)
    for line in payable_lines(session):
        if line.question_id == question_id:
            more[line.answerer_id] = max(more[line.answerer_id], line.minor)
    return replace(found, reclaimable=more)


def excess_forgotten(real, standing, minor, terms, **how):
    lines = real(standing, minor, terms, **how)
    lines[chart.DISPUTES_HELD] += lines.pop(chart.CHARGEBACKS)
    return lines


def fund_without_end(_real, lines, rest, fund_minor, *, last):
    lines[chart.GUARANTEE_FUND] = lines.get(chart.GUARANTEE_FUND, 0) + rest


def first_round_only(real, **asked):
    return real(**(asked | {"round_no": 1}))


def paid_from_payable(real, **asked):
    draft = real(**asked)
    code = chart.in_payout(asked["answerer_id"])
    lines = [
        replace(line, account=chart.payable(asked["answerer_id"])) if line.account == code else line
        for line in draft.lines
    ]
    return replace(draft, lines=tuple(lines))


PLANTS = {
    "commission rounded up": changed(split, "split", rounded_up),
    "float share": changed(split, "split", float_share),
    "double refund": changed(refunds, "refund_requested", another_key("refund_key")),
    "fee forgotten": changed(questions, "charge_settled", without_fee),
    "reservation not released": changed(posting, "post", no_release),
    "claw-back of paid-out money": changed(bearing, "refund", all_is_reclaimable),
    "idempotency off": changed(posting, "post", another_key_each_time),
    "dispute fee missing": changed(disputes, "dispute_opened", without_fee),
    "voucher re-usable": changed(vouchers, "voucher_redeemed", another_key("code_hash")),
    "largest remainder": changed(split, "allocate", largest_remainder),
    "floor, then the first": changed(split, "allocate", floor_then_first),
    "gifts taken back": changed(deciding.queries, "standing", gifts_too),
    "excess of a dispute forgotten": changed(bearing, "lost_dispute", excess_forgotten),
    "fund without end": changed(bearing, "_bear", fund_without_end),
    "a redo takes the first round's key": changed(questions, "answer_accepted", first_round_only),
    "paid out beside the reservation": changed(payouts, "transfer_created", paid_from_payable),
    "return fee forgotten": changed(payouts, "payout_returned", without_fee),
}


def test_without_a_bug_nothing_is_found(engine):
    assert until_found(engine, entries=150) == (None, None)


# The two that only hundreds of entries show are left to the night.
SLOW = {"return fee forgotten", "a redo takes the first round's key"}
TRIED = [bug for bug in PLANTS if "UPSS_NIGHTLY" in os.environ or bug not in SLOW]


@pytest.mark.parametrize("bug", TRIED)
def test_a_planted_bug_is_found(engine, monkeypatch, bug, record_property):
    PLANTS[bug](monkeypatch)
    entries, seen = until_found(engine)
    record_property("entries", entries)
    assert seen is not None, "missed"
    print(f"{bug}: after {entries} entries: {type(seen).__name__}: {str(seen)[:150]}")
