"""The unit of work: one session, one clock, one commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from upss.db.base import db

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from upss.kernel.events import Event
    from upss.kernel.ports import Clock, JobQueue

Handler = Callable[["UnitOfWork", Any], None]
Handlers = Mapping[type["Event"], Sequence[Handler]]


class UnitOfWork:
    """Everything between its start and `commit()` happens together or not at all.

    Used as a context manager: leaving it without `commit()` undoes the work. Events that
    services `emit` are handled, in order, before the commit and inside the same transaction.
    `zone` is the IANA time zone in which the site is at home.
    """

    def __init__(
        self, clock: Clock, queue: JobQueue, handlers: Handlers, zone: str = "Etc/UTC"
    ) -> None:
        self.clock = clock
        self.zone = zone
        self._queue = queue
        self._handlers = handlers
        self._events: deque[Event] = deque()

    @property
    def session(self) -> Session:
        """The session of this unit's transaction."""
        return db.session()

    def emit(self, event: Event) -> None:
        """Note a fact; its handlers run before the commit."""
        self._events.append(event)

    def retract(self, kind: type[Event], **fields: object) -> None:
        """Forget noted facts of this kind with these fields: what came after made them untrue."""
        self._events = deque(
            event
            for event in self._events
            if type(event) is not kind
            or any(getattr(event, name) != value for name, value in fields.items())
        )

    @contextmanager
    def part(self) -> Iterator[None]:
        """Do a part of the work and all that follows from it, or nothing of that part alone.

        What it emits is handled at its end: an error in there undoes the part, and the unit goes on.
        """
        earlier, self._events = self._events, deque()
        try:
            with self.session.begin_nested():
                yield
                self.handle_events()
        finally:
            self._events = earlier

    def defer(
        self, name: str, *, key: str | None = None, lock: str | None = None, **ids: int | str
    ) -> None:
        """Add a background job to this transaction; arguments are ids only."""
        self._queue.defer(self.session, name, key=key, lock=lock, ids=ids)

    def commit(self) -> None:
        """Handle what was emitted, then commit; on any error nothing of the unit remains."""
        self.handle_events()
        self.session.commit()

    def handle_events(self) -> None:
        """Run the handlers of every noted event, including those that handlers emit."""
        while self._events:
            event = self._events.popleft()
            for handler in self._handlers.get(type(event), ()):
                handler(self, event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._events.clear()
        # Rolls back what was not committed. What was read stays readable, detached: an expired
        # object would quietly open a new transaction, perhaps during a call to the outside.
        self.session.close()


class OwnSession(UnitOfWork):
    """A unit of work on a session of its own, for commands that run without the application."""

    def __init__(self, session: Session, clock: Clock, queue: JobQueue) -> None:
        super().__init__(clock, queue, handlers={})
        self._session = session

    @property
    @override
    def session(self) -> Session:
        """The session that was given."""
        return self._session
