"""Every self-check, as plain data: codes, severities and SQL."""

from __future__ import annotations

from upss.doctor.rules import accounts, chain, entries, guards, money_in, payouts, questions

# The deep part, which is no statement: every digest and every block is computed anew.
DEEP = "I1_verify"

CHECKS = (
    *entries.CHECKS,
    *accounts.CHECKS,
    *money_in.CHECKS,
    *questions.CHECKS,
    *payouts.CHECKS,
    *chain.CHECKS,
    *guards.CHECKS,
)
