"""SIGKILL of web and worker around every provider call and commit: nothing lost, nothing paid twice."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from tests.databases import clone
from tests.factories import person
from tests.trust.crash_stage import Life, open_stage
from upss import jobs
from upss.kernel.roles import Role
from upss.ledger.rules.chart import HELD, STRIPE_BALANCE
from upss.ledger.verify import verify
from upss.web.ports import unit

SEED = 20_261_118
SAMPLED = 12
PATHS = ("payout", "withdrawal")


@pytest.fixture(scope="module")
def stage(server, tmp_path_factory):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = tmp_path_factory.mktemp("crashes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "STALLED_AFTER_SECONDS", 2)  # as in the processes: no half minutes
        with open_stage(clone(server, f"crash_{worker}"), folder) as opened:
            yield opened


@pytest.fixture(scope="module")
def organizers(stage):
    ids = [person(role=Role.ORGANIZER) for _ in range(2)]
    return [stage.visitor(each, organizer=True) for each in ids]


def live(stage, organizers, kind, kill_at=None):
    """Live one path, perhaps with a killing; return the points that were passed."""
    trace = stage.order(kill_at)
    path = Life(stage)
    path.pay()
    if kind == "withdrawal":
        path.withdraw()
    else:
        account = path.onboard()
        path.answer()
        path.pay_out(account, *organizers)
    stage.quiet()
    return path, trace.read_text("utf-8").split("\n")[:-1]


def wrong(stage, path, kind):
    """Yield everything that is not as it must be after a path was lived to its end."""
    with unit() as uow:
        yield from verify(uow.session).differences
    number = path.row["id"]
    yield from wrong_entries(stage, number, kind)
    held = stage.rows(
        "SELECT coalesce(sum(amount), 0) AS minor FROM ledger.posting JOIN ledger.account a"
        " ON a.id = account_id WHERE a.code = %s",
        HELD,
    )
    if held[0]["minor"]:
        yield f"{held[0]['minor']} stay held"
    ours = stage.rows(
        "SELECT coalesce(sum(amount), 0) AS minor FROM ledger.posting JOIN ledger.account a"
        " ON a.id = account_id WHERE a.code = %s",
        STRIPE_BALANCE,
    )[0]["minor"]
    theirs = sum(each["net"] for each in stage.world.store.find("balance_transaction"))
    if ours != theirs:
        yield f"we say {ours}, the provider {theirs}"
    events = stage.rows("SELECT id FROM provider_event WHERE handled_at IS NULL")
    if events:
        yield f"unhandled events: {events}"
    failed = stage.rows("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'failed'")
    if failed:
        yield f"dead letters: {failed}"


EXPECTED = {
    "payout": {
        "question_paid": 1, "charge_settled": 1, "answer_accepted": 1, "payout_reserved": 1,
        "transfer_created": 1,
    },
    "withdrawal": {
        "question_paid": 1, "charge_settled": 1, "refund_requested": 1, "refund_settled": 1,
    },
}  # fmt: skip


def wrong_entries(stage, number, kind):
    kinds = Counter(
        row["kind"]
        for row in stage.rows(
            "SELECT DISTINCT e.id, e.kind FROM ledger.entry e JOIN ledger.posting p"
            " ON p.entry_id = e.id WHERE p.question_id = %s",
            number,
        )
    )
    if kinds != EXPECTED[kind]:
        yield f"entries: {dict(kinds)}"
    store = stage.world.store
    intents = stage.rows("SELECT payment_intent_id FROM payment WHERE question_id = %s", number)
    for intent in {row["payment_intent_id"] for row in intents} - {None}:
        charges = store.find("charge", payment_intent=intent, paid=True)
        refunds = store.find("refund", payment_intent=intent)
        if len(charges) != 1 or len(refunds) != (kind == "withdrawal"):
            yield f"{len(charges)} charges, {len(refunds)} refunds of {intent}"
    transfers = Counter(each["metadata"]["upss_id"] for each in store.find("transfer"))
    items = stage.rows("SELECT public_id FROM payout_item WHERE status = 'sent'")
    if transfers != {row["public_id"]: 1 for row in items}:
        yield f"transfers: {dict(transfers)}"


def kind_of(point):
    """Return who dies, at a call or a commit, and on which side of it."""
    role, first, *_rest = point.split()
    return role, "commit" if first == "commit" else "call", " before" in point


def chosen(points):
    """Choose all points by night; else a few, at least one of every kind."""
    if os.environ.get("UPSS_NIGHTLY"):
        return points
    luck = random.Random(SEED)
    shuffled = luck.sample(sorted(points), len(points))
    first_of_kind = {kind_of(point[1]): point for point in reversed(shuffled)}
    picked = list(first_of_kind.values())
    return picked + [point for point in shuffled if point not in picked][: SAMPLED - len(picked)]


@pytest.mark.slow
def test_killed_anywhere_nothing_is_lost_and_nothing_paid_twice(stage, organizers):
    points, failures = [], []
    for kind in PATHS:
        path, passed = live(stage, organizers, kind)
        assert list(wrong(stage, path, kind)) == [], "even without a killing"
        known = {point for _kind, point in points}
        points += [(kind, point) for point in dict.fromkeys(passed) if point not in known]
    assert {kind_of(point) for _kind, point in points} == {
        (role, what, side)
        for role in ("web", "worker")
        for what in ("call", "commit")
        for side in (True, False)
    }
    missed = []
    for kind, point in chosen(points):
        path, _passed = live(stage, organizers, kind, kill_at=point)
        if not stage.was_killed():
            missed.append(point)
        failures += [f"{point}: {what}" for what in wrong(stage, path, kind)]
    print(f"{len(points)} points, killed at {len(chosen(points)) - len(missed)}; missed {missed}")
    assert failures == []
    assert len(missed) <= len(chosen(points)) // 4, f"never reached: {missed}"
