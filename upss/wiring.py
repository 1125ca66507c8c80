"""The composition root: adapters for the ports, chosen from the settings."""

from __future__ import annotations

from datetime import timedelta
from weakref import finalize

from sqlalchemy import create_engine, text

from upss.config import Mode, Settings
from upss.db.engine import app_url
from upss.db.queue import ProcrastinateQueue
from upss.kernel.clock import OffsetClock, SystemClock
from upss.kernel.ports import Clock
from upss.notices.smtp import SmtpMailer
from upss.payments.stripe_gateway import StripeGateway
from upss.web.ports import Ports

_OFFSET = text("SELECT seconds FROM clock_offset WHERE id = 1")


def clock_for(settings: Settings) -> Clock:
    """Return the machine's clock; in the demo alone, one that follows the stored offset."""
    return stored_clock(app_url(settings)) if settings.mode is Mode.DEMO else SystemClock()


def stored_clock(url: str) -> Clock:
    """Return a clock that follows the offset in the database at `url`: zero outside the demo."""
    # A page asks for the time again and again: to connect each time takes longer than the page.
    engine = create_engine(url, pool_size=1, pool_pre_ping=True, isolation_level="AUTOCOMMIT")

    def read_offset() -> timedelta:
        with engine.connect() as connection:
            return timedelta(seconds=connection.execute(_OFFSET).scalar_one())

    # Whoever makes an application for a moment leaves no connection behind.
    finalize(read_offset, engine.dispose)
    return OffsetClock(read_offset)


def ports_from(settings: Settings) -> Ports:
    """Return the adapters that `settings` asks for."""
    clock = clock_for(settings)
    return Ports(
        clock=clock,
        gateway=StripeGateway(
            api_key=settings.stripe_key,
            webhook_secret=settings.stripe_webhook_secret,
            api_base=settings.stripe_api_base,
        ),
        mailer=SmtpMailer(settings, clock),
        queue=ProcrastinateQueue(),
    )
