"""How long an offer lives, and how long after its promise a question may still be answered."""

from __future__ import annotations

from datetime import timedelta

OFFER = timedelta(minutes=60)
GRACE = timedelta(hours=48)
