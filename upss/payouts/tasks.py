"""What takes more than one unit of work: preparing a run, and whatever talks to the provider.

A call to the provider stands between two units, with no transaction open.
"""

from __future__ import annotations

from upss.kernel.errors import GatewayRefused, GatewayUnavailable, UpssError
from upss.kernel.ids import AccountId, PayoutItemId, PayoutRunId
from upss.kernel.ports import TransferState
from upss.ledger import tasks as ledger
from upss.payouts import queries, queries_items, service
from upss.web.ports import clock, gateway, settings, unit


class TransferDiffers(UpssError):
    """The provider holds a transfer of ours with another amount or destination: a person decides."""

    code = "transfer_differs"


def prepare_run(organizer_id: AccountId) -> PayoutRunId:
    """Anchor what waits, so that nothing leaves that no block holds, then prepare a run.

    Raises what `service.prepare_run` does.
    """
    ledger.anchor()
    with unit() as uow:
        run_id = service.prepare_run(uow, organizer_id=organizer_id)
        uow.commit()
    return run_id


def send_item(item_id: PayoutItemId) -> None:
    """Send one reserved item, exactly once however often and wherever this is run.

    Raises `GatewayUnavailable` when the outcome is unknown; the next run looks before it sends.
    """
    with unit() as uow:
        sending = service.begin_sending(uow, item_id)
        uow.commit()
    if sending is None:
        return
    transfer = _sent_before(sending) if sending.is_repeat else None
    try:
        transfer = transfer or _create(sending)
    except GatewayRefused as refusal:
        with unit() as uow:
            reason = str(refusal.facts.get("reason", "refused"))
            service.record_refused(uow, item_id=item_id, reason=reason)
            uow.commit()
        return
    _check(sending, transfer)
    with unit() as uow:
        service.record_sent(uow, item_id=item_id, transfer=transfer)
        uow.commit()


def _sent_before(sending: service.Sending) -> TransferState | None:
    """Look for what an earlier attempt may have sent: keys are forgotten after a day.

    A look that is refused proves nothing about the transfer, so that nothing may follow of it.
    """
    order = sending.order
    try:
        return gateway().find_transfer(transfer_group=order.transfer_group, upss_id=order.upss_id)
    except GatewayRefused as refusal:
        raise GatewayUnavailable(**refusal.facts) from refusal


def _create(sending: service.Sending) -> TransferState:
    # What we know of the account decides only before the first request. Later one may still be
    # on its way, unseen by a look: then the provider's own no, under the same key, is the proof.
    if not sending.may_receive and not sending.is_repeat:
        raise GatewayRefused(reason="recipient_not_active")
    return gateway().create_transfer(sending.order, idempotency_key=sending.idempotency_key)


def _check(sending: service.Sending, transfer: TransferState) -> None:
    order = sending.order
    ours = (order.amount.minor, order.amount.currency, order.destination)
    if (transfer.amount_minor, transfer.currency, transfer.destination) != ours:
        raise TransferDiffers(item=order.upss_id, transfer=transfer.id)
    if transfer.balance_transaction is None:  # known a moment later; the repeat finds it
        raise GatewayUnavailable(reason="movement_unknown", transfer=transfer.id)


def resume() -> int:
    """Start a job for every reserved item that has none any more; return how many."""
    with unit() as uow:
        forgotten = queries_items.forgotten_items(uow.session, service.SEND_ITEM)
        for item_id in forgotten:
            service.defer_item(uow, item_id)
        uow.commit()
    return len(forgotten)


def start_onboarding(account_id: AccountId, *, return_url: str, refresh_url: str) -> str:
    """Return a one-use address of the provider's page, opening the account there at first.

    Raises the gateway's errors: the same call may then be repeated.
    """
    with unit() as uow:
        recipient = service.open_recipient(uow, account_id)
        uow.commit()
    provider_id = recipient.provider_id
    if provider_id is None:
        read_at = clock().now()
        state = gateway().create_recipient(
            upss_id=recipient.public_id,
            email=recipient.email,
            country=settings().country,
            idempotency_key=f"rc-{recipient.public_id}-a1",
        )
        with unit() as uow:
            service.record_recipient(uow, account_id=account_id, state=state, read_at=read_at)
            provider_id = service.open_recipient(uow, account_id).provider_id or state.id
            uow.commit()
    return gateway().onboarding_link(provider_id, return_url=return_url, refresh_url=refresh_url)


def refresh_recipient(account_id: AccountId) -> str:
    """Read again whether an answerer can receive transfers; return the state."""
    with unit() as uow:
        recipient = queries.recipient_of(uow.session, account_id)
        uow.commit()
    if recipient is None or recipient.provider_id is None:
        return "none"
    read_at = clock().now()
    state = gateway().read_recipient(recipient.provider_id)
    with unit() as uow:
        service.record_recipient(uow, account_id=account_id, state=state, read_at=read_at)
        uow.commit()
    return state.transfers
