"""Payout runs: one organizer prepares, another approves, each item is sent or refused.

Nothing here talks to the provider; tasks.py does, between two units of work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from upss.accounts.models import Account
from upss.forum.service import caps
from upss.kernel.errors import DomainError, Forbidden, NotFound
from upss.kernel.ids import AccountId, PayoutItemId, PayoutRunId, new_public_id
from upss.kernel.money import Money
from upss.kernel.ports import TransferOrder
from upss.ledger.rules.posting import payouts
from upss.ledger.service.posting import Overdrawn, post
from upss.payments.service.movements import record_movement
from upss.payouts import queries, queries_items
from upss.payouts import queries_payables as payables
from upss.payouts.events import PayoutRefused, PayoutSent
from upss.payouts.models import PayoutItem, PayoutLine, PayoutRun, Recipient
from upss.payouts.rules import schedule

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.kernel.ports import RecipientState, TransferState
    from upss.payments.events import ProviderNotified

SEND_ITEM = "payouts.send_item"
REFRESH_RECIPIENT = "payouts.refresh_recipient"
_REASON_LENGTH = 200


class NothingToPay(DomainError):
    """No money is ready for anybody who can receive it."""

    code = "nothing_to_pay"


class RunOpen(DomainError):
    """A prepared run waits already; fact `run` is its public id."""

    code = "run_open"


class RunClosed(DomainError):
    """The run was approved or cancelled before."""

    code = "run_closed"


class RunOutdated(DomainError):
    """Some of the money of this run is no longer payable: cancel it and prepare another."""

    code = "run_outdated"


class SamePerson(Forbidden):
    """Who prepared a run cannot approve it."""

    code = "same_person"


@dataclass(frozen=True, slots=True)
class Sending:
    """An item on its way: what to order, under which key, and what is known of it."""

    order: TransferOrder
    idempotency_key: str
    is_repeat: bool  # an earlier request may have reached the provider: look first
    may_receive: bool


def prepare_run(uow: UnitOfWork, *, organizer_id: AccountId) -> PayoutRunId:
    """Write down what is ready and anchored, for all who can receive it; no money moves.

    Raises `RunOpen` while another prepared run waits, `NothingToPay` if nothing is ready.
    """
    waiting = queries.open_run(uow.session)
    if waiting is not None:
        raise RunOpen(run=waiting)
    gathered = schedule.gather(payables.payables(uow.session), uow.clock.now())
    if not gathered:
        raise NothingToPay
    # A run has one currency; what was earned in another waits for the next run.
    currency = gathered[0].currency
    chosen = [item for item in gathered if item.currency == currency]
    run = PayoutRun(
        public_id=new_public_id(),
        status="prepared",
        currency=currency,
        total_minor=sum(item.minor for item in chosen),
        prepared_by=organizer_id,
        prepared_at=uow.clock.now(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(run)
    except IntegrityError as error:  # two organizers pressed at once: the index let one through
        raise RunOpen(run=queries.open_run(uow.session)) from error
    _write_items(uow, run, chosen)
    return PayoutRunId(run.id)


def _write_items(uow: UnitOfWork, run: PayoutRun, chosen: list[schedule.Gathered]) -> None:
    destinations = queries.destinations(uow.session, [item.answerer_id for item in chosen])
    for gathered in chosen:
        public_id = new_public_id()
        item = PayoutItem(
            public_id=public_id,
            run_id=run.id,
            answerer_id=gathered.answerer_id,
            status="prepared",
            amount_minor=gathered.minor,
            currency=gathered.currency,
            idempotency_key=f"po-{public_id}-a1",
            destination=destinations[gathered.answerer_id],
        )
        uow.session.add(item)
        uow.session.flush()
        uow.session.execute(
            insert(PayoutLine),
            [
                {"item_id": item.id, "question_id": question_id, "amount_minor": minor}
                for question_id, minor in gathered.lines
            ],
        )


def cancel_run(uow: UnitOfWork, *, run_id: PayoutRunId) -> None:
    """Give up a prepared run; raises `RunClosed` if it was approved or cancelled before."""
    run = _lock_prepared(uow, run_id)
    run.status = "cancelled"
    run.finished_at = uow.clock.now()
    uow.session.execute(
        update(PayoutItem).where(PayoutItem.run_id == run_id).values(status="cancelled")
    )


def approve_run(uow: UnitOfWork, *, run_id: PayoutRunId, organizer_id: AccountId) -> None:
    """Reserve every item in the ledger and start its job, all or nothing.

    Raises `SamePerson` for the one who prepared it, `RunClosed` if it is not open any more,
    `RunOutdated` if the ledger does not hold all of it as payable and anchored, or if the payout
    of one of its questions was stopped since it was prepared.
    """
    run = _lock_prepared(uow, run_id)
    if run.prepared_by == organizer_id:
        raise SamePerson
    stopped = payables.stopped_in_run(uow.session, run_id, uow.clock.now())
    if stopped:
        raise RunOutdated(questions=stopped)
    run.status = "approved"
    run.approved_by = organizer_id
    run.approved_at = uow.clock.now()
    items = select(PayoutItem).where(PayoutItem.run_id == run_id).order_by(PayoutItem.answerer_id)
    for item in uow.session.scalars(items).all():
        _reserve(uow, item, actor=f"organizer:{organizer_id}")


def _lock_prepared(uow: UnitOfWork, run_id: PayoutRunId) -> PayoutRun:
    locked = select(PayoutRun).where(PayoutRun.id == run_id).with_for_update()
    run = uow.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if run is None:
        raise NotFound
    if run.status != "prepared":
        raise RunClosed(status=run.status)
    return run


def _reserve(uow: UnitOfWork, item: PayoutItem, *, actor: str) -> None:
    # What is reserved is what stands in the run, and the ledger refuses any cent beyond its
    # balance: nothing is derived from payments a second time.
    try:
        draft = payouts.payout_reserved(
            item_key=item.public_id,
            answerer_id=item.answerer_id,
            currency=item.currency,
            lines=queries_items.lines_of(uow.session, item.id),
        )
        post(uow, draft.by(actor))
    except Overdrawn as error:
        raise RunOutdated(item=item.public_id) from error
    if payables.not_anchored(uow.session, item.id, item.answerer_id):
        raise RunOutdated(item=item.public_id)
    item.status = "reserved"
    defer_item(uow, item.id)


def defer_item(uow: UnitOfWork, item_id: int) -> None:
    """Start the job that sends an item; one that waits already is enough."""
    uow.defer(SEND_ITEM, key=f"send-item:{item_id}", lock=f"payout-item:{item_id}", item_id=item_id)


def begin_sending(uow: UnitOfWork, item_id: PayoutItemId) -> Sending | None:
    """Note that an item is about to be sent; None if it is not, or no longer, reserved."""
    item = _lock_reserved(uow, item_id)
    if item is None or item.destination is None:
        return None
    recipient = queries.recipient_of(uow.session, item.answerer_id)
    may_receive = recipient is not None and (
        recipient.transfers == "active" and recipient.provider_id == item.destination
    )
    now = uow.clock.system_now()  # the provider's keys grow old by the machine's time
    is_repeat = item.first_sent_at is not None
    if item.first_sent_at is not None and now - item.first_sent_at > schedule.KEY_TRUSTED:
        item.idempotency_key = schedule.next_key(item.idempotency_key)
        item.first_sent_at = None
    item.first_sent_at = item.first_sent_at or now
    order = TransferOrder(
        upss_id=item.public_id,
        amount=Money(item.amount_minor, item.currency),
        destination=item.destination,
        transfer_group=f"payout-{item.public_id}",
    )
    return Sending(order, item.idempotency_key, is_repeat, may_receive)


def record_sent(uow: UnitOfWork, *, item_id: PayoutItemId, transfer: TransferState) -> None:
    """Book a transfer that exists at the provider; a second call changes nothing."""
    item = _lock_reserved(uow, item_id)
    movement = transfer.balance_transaction
    if item is None or movement is None:
        return
    record_movement(uow, kind="transfer", movement=movement)
    lines = queries_items.lines_of(uow.session, item.id)
    draft = payouts.transfer_created(
        item_key=item.public_id,
        answerer_id=item.answerer_id,
        currency=item.currency,
        lines=lines,
        balance_transaction_id=movement.id,
    )
    post(uow, draft)
    caps.paid(uow, answerer_id=item.answerer_id, lines=lines)
    item.status = "sent"
    item.provider_id = transfer.id
    item.balance_transaction_id = movement.id
    item.sent_at = uow.clock.now()
    sent = PayoutSent(at=item.sent_at, item_id=item_id, answerer_id=AccountId(item.answerer_id))
    uow.emit(sent)
    _finish_run(uow, item.run_id)


def record_refused(uow: UnitOfWork, *, item_id: PayoutItemId, reason: str) -> None:
    """Release the reservation of an item that the provider refused for good.

    The money is payable again; a later run pays it as a new item under a new key.
    """
    item = _lock_reserved(uow, item_id)
    if item is None:
        return
    draft = payouts.transfer_failed(
        item_key=item.public_id,
        answerer_id=item.answerer_id,
        currency=item.currency,
        lines=queries_items.lines_of(uow.session, item.id),
    )
    post(uow, draft)
    item.status = "refused"
    item.failure_reason = reason[:_REASON_LENGTH]
    answerer = AccountId(item.answerer_id)
    uow.emit(PayoutRefused(at=uow.clock.now(), item_id=item_id, answerer_id=answerer))
    _finish_run(uow, item.run_id)


def _lock_reserved(uow: UnitOfWork, item_id: PayoutItemId) -> PayoutItem | None:
    locked = select(PayoutItem).where(PayoutItem.id == item_id).with_for_update()
    item = uow.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    return item if item is not None and item.status == "reserved" else None


def _finish_run(uow: UnitOfWork, run_id: int) -> None:
    """Close the run with its last item; the lock lets the second of two last items see the first."""
    run = uow.session.scalars(
        select(PayoutRun).where(PayoutRun.id == run_id).with_for_update()
    ).one()
    uow.session.flush()
    left = select(PayoutItem.id).where(PayoutItem.run_id == run_id, PayoutItem.status == "reserved")
    if uow.session.execute(left.limit(1)).first() is None:
        run.status = "done"
        run.finished_at = uow.clock.now()


def open_recipient(uow: UnitOfWork, account_id: AccountId) -> Row[str, str | None, str]:
    """Return public_id, provider_id (None at first) and the person's email; make the row first."""
    row = {
        "account_id": account_id,
        "public_id": new_public_id(),
        "transfers": "none",
        "updated_at": uow.clock.now(),
    }
    uow.session.execute(insert(Recipient).values(row).on_conflict_do_nothing())
    statement = select(Recipient.public_id, Recipient.provider_id, Account.email)
    joined = statement.join(Account, Account.id == Recipient.account_id)
    return uow.session.execute(joined.where(Recipient.account_id == account_id)).one()


def record_recipient(
    uow: UnitOfWork, *, account_id: AccountId, state: RecipientState, read_at: datetime
) -> None:
    """Store what the provider said at `read_at`, unless something newer is stored.

    The account that was stored first stays for ever: a second one, which a repeat may open after
    the provider has forgotten its key, is an empty shell that nobody is sent to or paid by.
    """
    newest = and_(Recipient.account_id == account_id, Recipient.updated_at <= read_at)
    same = or_(Recipient.provider_id.is_(None), Recipient.provider_id == state.id)
    changed = update(Recipient).where(newest, same)
    uow.session.execute(
        changed.values(provider_id=state.id, transfers=state.transfers, updated_at=read_at)
    )


def follow_provider(uow: UnitOfWork, event: ProviderNotified) -> None:
    """Have an account read again when the provider says that it changed."""
    if not event.type.startswith("v2.core.account"):
        return
    account_id = queries.recipient_by_provider_id(uow.session, event.object_id)
    if account_id is not None:
        key = f"recipient:{account_id}"
        uow.defer(REFRESH_RECIPIENT, key=key, lock=key, account_id=account_id)
