"""`python -m tests.e2e.fill everything|staff`: who lives in a demo, written by a process of its own.

The clock of a demo keeps a connection to the database for as long as its process lives.
"""

from __future__ import annotations

import os
import sys

from upss.accounts import service as accounts
from upss.app import create_app
from upss.config import Settings
from upss.demo import seed
from upss.forum.rules.policy import Mode
from upss.forum.service import dialing, hours
from upss.kernel.roles import Role
from upss.web.ports import unit

STAFF = (
    ("first", Role.ORGANIZER, ()),
    ("second", Role.ORGANIZER, ()),
    ("answerer", Role.ANSWERER, ("home",)),
)
LANGUAGES = frozenset({"en", "es", "ca"})


def everything(settings: Settings) -> None:
    """Live through the sample marketplace."""
    seed.fill(settings, progress=lambda _steps: None)


def staff(settings: Settings) -> None:
    """Invite two organizers and an answerer."""
    with create_app(settings).app_context(), unit() as uow:
        for name, role, topics in STAFF:
            account_id = accounts.invite(
                uow, email=f"{name}@example.org", name=name.title(), role=role, topics=topics,
                language="en",
            )  # fmt: skip
            accounts.confirm(uow, account_id=account_id)
            if role is Role.ANSWERER:
                whose = hours.Whose(account_id, settings.timezone)
                hours.set_work(uow, whose, languages=LANGUAGES, topics_off=frozenset())
        # tests run at busy hours too, and cannot wait for quieter ones
        dialing.turn(uow, organizer_id=None, mode=Mode.OPEN)
        uow.commit()


if __name__ == "__main__":
    {"everything": everything, "staff": staff}[sys.argv[1]](Settings.from_env(os.environ))
