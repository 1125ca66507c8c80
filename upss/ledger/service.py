"""Writing the ledger: one `post`, and one function per event of a question's path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError

from upss.db.types import MinorUnits, UtcDateTime
from upss.kernel.errors import BadAmount, DomainError, IdempotencyConflict
from upss.ledger import models
from upss.ledger.rules import chart, posting
from upss.ledger.rules import split as split_rules

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from upss.db.work import UnitOfWork
    from upss.kernel.money import Money
    from upss.ledger.rules.entry import EntryDraft
    from upss.ledger.rules.posting import QuestionLines
    from upss.ledger.rules.split import Split


class Overdrawn(DomainError):
    """More was asked for than is held, payable or reserved for this question."""

    code = "overdrawn"


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry that stands for a key; `replayed` if it had been written before."""

    entry_id: int
    replayed: bool


# The accounts of an entry, opened by whoever needs them first.
_OPEN_ACCOUNTS = text("""
    INSERT INTO ledger.account (code, kind, currency, guarded)
    SELECT n.code, n.kind, n.currency, n.guarded
      FROM unnest(CAST(:codes AS text[]), CAST(:kinds AS text[]), CAST(:currencies AS text[]),
                  CAST(:guarded AS boolean[])) AS n (code, kind, currency, guarded)
     WHERE NOT EXISTS (SELECT 1 FROM ledger.account a WHERE a.code = n.code)
     ORDER BY n.code
    ON CONFLICT (code) DO NOTHING""")

# Entry, lines and seal in one statement. The lines go in by account, so that two entries
# take their guarded balances in the same order. The seal takes its numbers from the draft
# and its entry from the lines, so that it fails where a line was lost.
_WRITE = text("""
    WITH e AS (
      INSERT INTO ledger.entry (kind, idempotency_key, request_hash, external_ref, reverses_id,
                                booked_at, value_date, actor, reason, approver)
      VALUES (:kind, :key, :request_hash, :external_ref, :reverses_id,
              :booked_at, :value_date, :actor, :reason, :approver)
      RETURNING id
    ), p AS (
      INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount, question_id)
      SELECT e.id, l.line_no, a.id, l.currency, l.amount, l.question_id
        FROM e
       CROSS JOIN unnest(CAST(:codes AS text[]), CAST(:currencies AS text[]),
                         CAST(:amounts AS bigint[]), CAST(:questions AS bigint[]))
             WITH ORDINALITY AS l (code, currency, amount, question_id, line_no)
        JOIN ledger.account a ON a.code = l.code
       ORDER BY a.id, l.question_id
      RETURNING entry_id
    )
    INSERT INTO ledger.seal (entry_id, n_lines, debits, digest)
    SELECT DISTINCT entry_id, CAST(:n_lines AS int), CAST(:debits AS bigint), :digest FROM p
    RETURNING entry_id""").bindparams(
    bindparam("booked_at", type_=UtcDateTime()), bindparam("debits", type_=MinorUnits())
)


def post(uow: UnitOfWork, draft: EntryDraft) -> Posted:
    """Write the entry, or find it if this key has been written before.

    Raises `IdempotencyConflict` if the key, or the movement it refers to, stands for something
    else; `Overdrawn` if a guarded balance would change sides. The unit of work can go on.
    """
    found = _find(uow.session, draft)
    if found is not None:
        return found
    try:
        with uow.session.begin_nested():
            return Posted(_write(uow, draft), replayed=False)
    except IntegrityError as error:
        return _explain(uow.session, draft, error)


def _find(session: Session, draft: EntryDraft) -> Posted | None:
    entry = models.entry.c
    row = session.execute(
        select(entry.id, entry.request_hash).where(entry.idempotency_key == draft.key)
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != draft.request_hash:
        raise IdempotencyConflict(key=draft.key)
    return Posted(row.id, replayed=True)


def _write(uow: UnitOfWork, draft: EntryDraft) -> int:
    lines = draft.lines
    opened = sorted({(line.account, line.currency) for line in lines})
    uow.session.execute(
        _OPEN_ACCOUNTS,
        {
            "codes": [code for code, _ in opened],
            "kinds": [chart.kind_of(code) for code, _ in opened],
            "currencies": [currency for _, currency in opened],
            "guarded": [chart.is_guarded(code) for code, _ in opened],
        },
    )
    record = draft.record(uow.clock.now())
    written = uow.session.execute(
        _WRITE,
        {
            "kind": record.kind,
            "key": record.key,
            "request_hash": record.request_hash,
            "external_ref": record.external_ref,
            "reverses_id": record.reverses_id,
            "booked_at": record.booked_at,
            "value_date": record.value_date,
            "actor": record.actor,
            "reason": record.reason,
            "approver": record.approver,
            "codes": [line.account for line in lines],
            "currencies": [line.currency for line in lines],
            "amounts": [line.amount for line in lines],
            "questions": [line.question_id for line in lines],
            "n_lines": len(lines),
            "debits": draft.debits_minor,
            "digest": record.digest,
        },
    )
    return int(written.scalar_one())


def _explain(session: Session, draft: EntryDraft, error: IntegrityError) -> Posted:
    """Return the entry of another session that was faster, or say what PostgreSQL refused."""
    cause = error.orig
    if isinstance(cause, errors.UniqueViolation):
        found = _find(session, draft)
        if found is not None:
            return found
        raise IdempotencyConflict(key=draft.key, external_ref=draft.external_ref) from error
    constraint = cause.diag.constraint_name if isinstance(cause, errors.IntegrityError) else None
    if constraint == "overdrawn":
        raise Overdrawn(key=draft.key) from error
    if constraint == "one_currency":
        raise BadAmount(key=draft.key) from error
    raise error


def book_question_paid(
    uow: UnitOfWork, *, question_id: int, amount: Money, session_id: str, actor: str = "system"
) -> Posted:
    """Hold the asker's payment for the question."""
    draft = posting.question_paid(question_id=question_id, amount=amount, session_id=session_id)
    return post(uow, draft.by(actor))


def book_payment_returned(
    uow: UnitOfWork, *, question_id: int, amount: Money, session_id: str, actor: str = "system"
) -> Posted:
    """Owe back a second or late payment; it is never held."""
    draft = posting.payment_returned(question_id=question_id, amount=amount, session_id=session_id)
    return post(uow, draft.by(actor))


def book_charge_settled(
    uow: UnitOfWork,
    *,
    question_id: int,
    gross: Money,
    fee_minor: int,
    balance_transaction_id: str,
    actor: str = "system",
) -> Posted:
    """Book the charge's balance transaction: net to the balance, the fee (minor units) spent."""
    draft = posting.charge_settled(
        question_id=question_id,
        gross=gross,
        fee_minor=fee_minor,
        balance_transaction_id=balance_transaction_id,
    )
    return post(uow, draft.by(actor))


def book_refund_requested(
    uow: UnitOfWork, *, question_id: int, amount: Money, refund_key: str, actor: str = "system"
) -> Posted:
    """Owe held money back, under the id of our refund; raises `Overdrawn` if less is held."""
    draft = posting.refund_requested(question_id=question_id, amount=amount, refund_key=refund_key)
    return post(uow, draft.by(actor))


def book_refund_settled(
    uow: UnitOfWork,
    *,
    question_id: int,
    amount: Money,
    balance_transaction_id: str,
    fee_minor: int = 0,
    actor: str = "system",
) -> Posted:
    """Book a refund that left the provider's balance; `amount` is positive."""
    draft = posting.refund_settled(
        question_id=question_id,
        amount=amount,
        balance_transaction_id=balance_transaction_id,
        fee_minor=fee_minor,
    )
    return post(uow, draft.by(actor))


def book_refund_failed(
    uow: UnitOfWork,
    *,
    question_id: int,
    amount: Money,
    balance_transaction_id: str,
    fee_minor: int = 0,
    actor: str = "system",
) -> Posted:
    """Book a refund that came back from the bank: still owed; `amount` is positive."""
    draft = posting.refund_failed(
        question_id=question_id,
        amount=amount,
        balance_transaction_id=balance_transaction_id,
        fee_minor=fee_minor,
    )
    return post(uow, draft.by(actor))


def split(  # noqa: PLR0913 - the terms of one acceptance, all of them named
    uow: UnitOfWork,
    *,
    question_id: int,
    answerer_id: int,
    amount: Money,
    commission_bp: int,
    fund_bp: int,
    round_no: int = 1,
    actor: str = "system",
) -> Split:
    """Turn what is held for an accepted answer into share, commission and fund; return the parts.

    Raises `Overdrawn` if less than `amount` is held, `BadRate` above the ceiling.
    """
    draft = posting.answer_accepted(
        question_id=question_id,
        answerer_id=answerer_id,
        amount=amount,
        commission_bp=commission_bp,
        fund_bp=fund_bp,
        round_no=round_no,
    )
    post(uow, draft.by(actor))
    return split_rules.split(amount.minor, commission_bp=commission_bp, fund_bp=fund_bp)


def reserve_payout(
    uow: UnitOfWork,
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    actor: str = "system",
) -> Posted:
    """Set payable money aside for one transfer; lines are (question id, minor units).

    Raises `Overdrawn` if any of it is already reserved or paid.
    """
    draft = posting.payout_reserved(
        item_key=item_key, answerer_id=answerer_id, currency=currency, lines=lines
    )
    return post(uow, draft.by(actor))


def book_transfer_created(
    uow: UnitOfWork,
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    balance_transaction_id: str,
    actor: str = "system",
) -> Posted:
    """Book a transfer: the reserved money went to the answerer's account."""
    draft = posting.transfer_created(
        item_key=item_key,
        answerer_id=answerer_id,
        currency=currency,
        lines=lines,
        balance_transaction_id=balance_transaction_id,
    )
    return post(uow, draft.by(actor))


def book_transfer_failed(
    uow: UnitOfWork,
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    actor: str = "system",
) -> Posted:
    """Make a reservation payable again: the provider refused the transfer for good."""
    draft = posting.transfer_failed(
        item_key=item_key, answerer_id=answerer_id, currency=currency, lines=lines
    )
    return post(uow, draft.by(actor))
