"""The peer's side: posts three-leg transactions with django-hordak, in an environment of its own.

Started by `bench.peer` with that environment's Python; it shares no code with UPSS. It makes its
tables, then answers each line `<clients> <seconds>` on its input with one JSON line.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import django
from django.conf import settings

WARM_UP = 20
_FORK = multiprocessing.get_context("fork")


def configure(socket: str, port: str, database: str, user: str) -> None:
    """Set up Django with hordak as its documentation says, on the server of the run."""
    address = {"HOST": socket, "PORT": port, "NAME": database, "USER": user}
    settings.configure(
        SECRET_KEY="only for this run",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **address}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        DEFAULT_CURRENCY="EUR",
        CURRENCIES=["EUR"],
    )
    django.setup()


def open_accounts() -> None:
    """Make the tables, and the three accounts of a settlement."""
    from django.core.management import call_command  # noqa: PLC0415 - needs the settings
    from hordak.models import Account, AccountType  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    kinds = {
        "Held": AccountType.liability,
        "Commission": AccountType.income,
        "Payable": AccountType.liability,
    }
    for number, (name, kind) in enumerate(kinds.items(), start=1):
        Account.objects.create(name=name, code=str(number), type=kind, currencies=["EUR"])


def client(seconds: float, start: Barrier, answer: Connection) -> None:
    """Post until the time is over, as hordak's own `transfer_to` does, and send the rate."""
    from django.db import connection, transaction  # noqa: PLC0415
    from hordak.models import Account, Leg, Transaction  # noqa: PLC0415
    from moneyed import EUR, Money  # noqa: PLC0415

    held, commission, payable = (
        Account.objects.get(name=name) for name in ("Held", "Commission", "Payable")
    )
    price, part, share = (Money(minor, EUR) / 100 for minor in (1001, 150, 851))

    def settle() -> None:
        with transaction.atomic():
            made = Transaction.objects.create(description="split", date=date(2026, 11, 1))
            Leg.objects.create(transaction=made, account=held, debit=price)
            Leg.objects.create(transaction=made, account=commission, credit=part)
            Leg.objects.create(transaction=made, account=payable, credit=share)

    for _ in range(WARM_UP):
        settle()
    start.wait()
    begun = time.perf_counter()
    end = begun + seconds
    done = 0
    while (now := time.perf_counter()) < end:
        settle()
        done += 1
    answer.send(done / (now - begun))
    connection.close()


def take_turn(clients: int, seconds: float) -> float:
    """Return the transactions per second of all clients together."""
    start = _FORK.Barrier(clients)
    receiver, sender = _FORK.Pipe(duplex=False)
    children = [_FORK.Process(target=client, args=(seconds, start, sender)) for _ in range(clients)]
    for child in children:
        child.start()
    rates: list[float] = [receiver.recv() for _ in children]
    for child in children:
        child.join()
    return sum(rates)


def main() -> None:
    """Make the tables, say so, and take a turn for each line."""
    configure(*sys.argv[1:5])
    open_accounts()
    # each child connects for itself
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        clients, seconds = line.split()
        print(json.dumps({"rate": take_turn(int(clients), float(seconds))}), flush=True)


if __name__ == "__main__":
    main()
