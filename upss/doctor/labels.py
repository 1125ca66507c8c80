"""The checks in plain words: their names, in the catalogues under these words, and reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from upss.web.i18n import N_, gettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upss.doctor.queries.examination import Result

TITLES = {
    "I1_lines": N_("The lines of every entry add up to zero"),
    "I1_sealed": N_("Every entry has its seal, and the seal fits its lines"),
    "I1_dates": N_("Every entry counts for the day on which it was written"),
    "I11_keys": N_("One cause has one entry"),
    "two_people": N_("Two people stand behind adjustments and payouts"),
    "adjustments_booked": N_("Every approved adjustment has its entry"),
    "I2_trial_balance": N_("All accounts together come to zero"),
    "I3_sides": N_("No account stands on the wrong side"),
    "I3_guarded": N_("No question is overdrawn"),
    "I3_currency": N_("Every line has an account and a question of its currency"),
    "I3_chart": N_("Every account is of the kind that its name says"),
    "I12_balances": N_("The kept balances are the sums of their lines"),
    "suspense": N_("No money is unexplained"),
    "fund_below_zero": N_("The guarantee fund is not below zero"),
    "clearing_age": N_("Nothing waits too long between two accounts"),
    "I4_stripe_balance": N_("Our balance at the payment service is the sum of its movements"),
    "I4b_movements": N_("Every movement at the payment service is booked once, to the cent"),
    "I5_unsettled": N_("What is not settled is what was charged without a movement so far"),
    "payments_booked": N_("Every payment has its entry, and every such entry its payment"),
    "I9_refunds": N_("What is owed back is the sum of the refunds that did not leave yet"),
    "refunds_booked": N_("Every refund has its entries, and every such entry its refund"),
    "I6_held": N_("An open question holds its price, a closed one nothing"),
    "question_paid": N_("Every paid question has one payment of its price"),
    "I7_split": N_("Every price was shared by its frozen rule, to the cent"),
    "surcharge_back": N_("What a quicker answer cost more went back once where it came late"),
    "I7_accepted": N_("Every accepted answer was shared once, to the person who answered"),
    "I8_in_payout": N_("What is set aside is what waits in payouts"),
    "payouts_booked": N_("Every payout has its entries, and every such entry its payout"),
    "payout_lines": N_("Every payout is the sum of its questions"),
    "payout_runs": N_("Every payout run is the sum of its payouts"),
    "payout_age": N_("No payout and no refund is on its way for too long"),
    "payouts_anchored": N_("Only money whose entry was in a block went into a payout"),
    "I15_statements": N_("What each person earned less what was paid is what we still owe"),
    "chain_pending": N_("The list of entries that wait for a block is right"),
    "chain_waiting": N_("No entry waits for a block for more than half an hour"),
    "chain_blocks": N_("The chain of blocks has no gap"),
    "I12_checkpoints": N_("The totals kept with each block are those of its lines"),
    "guards_triggers": N_("The database's guards of the ledger are in place"),
    "guards_rights": N_("The program has no right to change the ledger"),
    "I1_verify": N_("Every digest and every block, computed again, is the same"),
}


def title_of(code: str) -> str:
    """Return a check's name in the reader's language."""
    return gettext(TITLES[code])


def lines_of(results: Sequence[Result]) -> Iterator[str]:
    """Yield what a terminal shows: each check in English, and below it what differs."""
    for result in results:
        word = "ok" if result.is_ok else result.check.severity.upper()
        word = "ERROR" if result.problem is not None else word
        yield f"{word:8} {result.check.code:20} {TITLES[result.check.code]}"
        if result.problem is not None:
            yield f"{'':9}could not be run: {result.problem}"
        for finding in result.findings:
            yield f"{'':9}{finding}"
        if not result.is_whole and result.problem is None:
            yield f"{'':9}and perhaps more"


def document_of(results: Sequence[Result]) -> dict[str, object]:
    """Return what a program reads: every check, and the numbers of those that are not content."""
    return {
        "checks": [
            {
                "code": result.check.code,
                "title": TITLES[result.check.code],
                "severity": result.check.severity,
                "ok": result.is_ok,
                "problem": result.problem,
                "findings": [asdict(finding) for finding in result.findings],
            }
            for result in results
        ],
        "errors": sum(result.is_error for result in results),
        "warnings": sum(not (result.is_ok or result.is_error) for result in results),
    }
