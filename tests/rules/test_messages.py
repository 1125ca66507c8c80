"""The table of mails: each template once, each with words, each fact told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from string import Formatter

from upss.notices.rules.messages import MESSAGES, PAGES, subject_of
from upss.paths import TEMPLATES

EVERY = [message for group in MESSAGES.values() for message in group]
FIELDS = {
    field: 7
    for message in EVERY
    for _text, field, _spec, _conversion in Formatter().parse(message.fact)
    if field
}


def test_every_message_has_a_template_and_every_template_a_message():
    written = {path.stem for path in (TEMPLATES / "email").glob("*.txt")} - {"layout"}
    assert written == set(PAGES)
    assert len(EVERY) == len(PAGES)


def test_a_fact_names_what_it_is_about_and_fits_its_column():
    moment = datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC)
    for message in EVERY:
        fact = message.fact_of({**FIELDS, "at": moment, "offer": moment, "touched": moment})
        kind, number, rest = subject_of(fact)
        assert number == 7
        assert kind in {
            "sign_in",
            "account",
            "payment",
            "refund",
            "question",
            "payout",
            "self_check",
            "adjustment",
            "books",
            "hours",
            "cap",
            "capacity",
            "waiting",
            "invitation",
        }
        assert len(fact.replace("7", str(2**62))) <= 80 or rest
        assert len(fact) <= 80


def test_what_may_happen_again_is_told_again():
    again = {"offer_ended": "offer", "claim_lapsed": "at", "acceptance_due": "day"}
    for handler, field in again.items():
        (message,) = MESSAGES[handler]
        assert message.fact_of({**FIELDS, field: 1}) != message.fact_of({**FIELDS, field: 2})
