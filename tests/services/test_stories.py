"""Stories that an accountant can read: each is posted for real and compared with its page.

The pages stand in tests/stories. After a wanted change `UPSS_WRITE_STORIES=1 pytest
tests/services/test_stories.py` writes them anew; read the difference before it goes in.
"""

from __future__ import annotations

import difflib
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.databases import clone
from tests.services.stories import STORIES
from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession
from upss.ledger.service.posting import Posted, post

PAGES = Path(__file__).parents[1] / "stories"
HEAD = f"{'Date':11}{'Event':58}{'Account':37}{'Debit':>10}{'Credit':>10}"

_LINES = text("""
    SELECT a.code, p.amount, p.question_id
      FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id
     WHERE p.entry_id = :entry ORDER BY p.amount < 0, a.code, p.question_id""")


class Book:
    """The books of one story: writes its events and keeps the page."""

    def __init__(self, session, clock, asks_of):
        self.session, self.clock = session, clock
        self.uow = OwnSession(session, clock, ProcrastinateQueue())
        self.asks_of = asks_of
        self.page = [HEAD, "-" * len(HEAD)]
        self.balances = Counter()

    def __call__(self, words, make, *, days=1, **asked):
        """Write an event; `make` drafts it or decides it in the ledger."""
        self.clock.advance(timedelta(days=days))
        made = make(self.uow, **asked) if make in self.asks_of else post(self.uow, make(**asked))
        assert isinstance(made, Posted)
        assert not made.replayed
        self.tell(words, self.session.execute(_LINES, {"entry": made.entry_id}).all())
        return made.entry_id

    def tell(self, words, lines):
        several = len({question for *_, question in lines if question}) > 1
        first = f"{self.clock.now():%Y-%m-%d} {words:58}"
        assert len(words) < 58, words
        for code, minor, question in lines:
            of = f" (q{question})" if several and question else ""
            sides = f"{euros(minor)}" if minor > 0 else f"{'':10}{euros(-minor)}"
            self.page.append(f"{first:69}{code + of:37}{sides}")
            self.balances[code] += minor
            first = ""

    def text(self, title):
        """Return the page: the journal, then what every account holds at the end."""
        ends = ["", "Balances at the end"]
        for code, minor in sorted(self.balances.items()):
            sides = euros(minor) if minor >= 0 else f"{'':10}{euros(-minor)}"
            ends.append(f"{'':69}{code:37}{sides}" if minor else f"{'':69}{code:37}{'-':>10}")
        return "\n".join([title, "", *self.page, *ends, ""])


def euros(minor):
    return f"{minor // 100}.{minor % 100:02}".rjust(10)


@pytest.fixture(scope="module")
def engine(server):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = create_engine(clone(server, f"stories_{worker}").app_url)
    yield made
    made.dispose()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_booked_as_its_page_says(engine, clock, name):
    from upss.ledger.service import bearing

    asks_of = {bearing.refund_after_split, bearing.lose_dispute, bearing.rehold}
    title, tell = STORIES[name]
    with Session(engine) as session:
        book = Book(session, clock, asks_of)
        tell(book)
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert sum(book.balances.values()) == 0
    page, told = PAGES / f"{name}.txt", book.text(title)
    if os.environ.get("UPSS_WRITE_STORIES"):
        page.write_text(told, encoding="utf-8")
    known = page.read_text(encoding="utf-8") if page.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(
            known.splitlines(), told.splitlines(), "the page", "booked", "", "", 2, ""
        )
    )
    assert known == told, f"{title}\n{difference}"


def test_every_page_has_its_story():
    assert {page.stem for page in PAGES.iterdir()} == set(STORIES)
