"""How long each state may last before a timer moves the question on."""

from __future__ import annotations

from datetime import timedelta

OFFER = timedelta(minutes=60)  # an offer lives so long
GRACE = timedelta(hours=48)  # a question may be answered so long after its promise
REVIEW = timedelta(days=7)  # answered -> accepted by itself
REVIEW_REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=6))
TOLD_BEFORE = timedelta(days=1)  # a word that came later leaves no time to speak
CLOSE_FOR_GOOD = timedelta(days=30)  # after the answer
DRAFT_RETENTION = timedelta(days=90)
DRAFT_WARNING = timedelta(days=7)  # before the end of retention
OFFER_REMINDER = timedelta(days=1)  # after an offer ended unpaid
