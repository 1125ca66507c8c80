"""Who appears in the demo, and what one of its stories is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeVar

Language = Literal["en", "es", "ca"]
Size = Literal["small", "medium", "large"]
Topic = Literal["bills", "paperwork", "home", "garden", "daily"]

# An offer lives 60 minutes: what awaits payment must have been asked within that time.
OFFER_STILL_OPEN = timedelta(minutes=15)
# Nothing is asked in the future, even if the demo starts early in the morning.
LATEST_ASKED = timedelta(minutes=45)


class Plot(StrEnum):
    """In which state of the path a story ends."""

    DRAFT = "draft"
    AWAITING_PAYMENT = "awaiting_payment"
    QUEUED = "queued"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    PAID_OUT = "paid_out"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUND_FAILED = "refund_failed"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody invented; `key` is also the local part of the address."""

    key: str
    name: str
    language: Language

    @property
    def address(self) -> str:
        """Return the e-mail address, at a domain that nobody can own."""
        return f"{self.key}@example.org"


@dataclass(frozen=True, slots=True)
class Answerer(Person):
    """Somebody who answers; `experience` is one line in the person's own language.

    `hours` are presets of the page "My hours"; who has none has not declared anything yet.
    """

    languages: tuple[Language, ...]
    topics: tuple[Topic, ...]
    experience: str
    hours: tuple[str, ...] = ()
    zone: str = "Europe/Madrid"


@dataclass(frozen=True, slots=True)
class Story:
    """A question, its answer, and how far the two got.

    `asker` and `answerer` are keys of `ASKERS` and `ANSWERERS`. A claimed story's answer is
    half written. Where the plot ends before an answer, the text is there for whoever goes on.
    """

    topic: Topic
    language: Language
    size: Size
    title: str
    body: str
    answer: str
    asker: str
    answerer: str
    plot: Plot
    day: int
    hour: int

    def asked_at(self, now: datetime) -> datetime:
        """Return when it was asked: `day` days before `now` at `hour` o'clock, never in the future."""
        if self.plot is Plot.AWAITING_PAYMENT:
            return now - OFFER_STILL_OPEN
        o_clock = now.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return min(o_clock - timedelta(days=self.day), now - LATEST_ASKED)


SomePerson = TypeVar("SomePerson", bound=Person)


def _by_key(*people: SomePerson) -> dict[str, SomePerson]:
    return {person.key: person for person in people}


ASKERS = _by_key(
    Person("nube.prat", "Nube Prat", "ca"),
    Person("fulla.tarongina", "Fulla Tarongina", "ca"),
    Person("grevol.aigualada", "Grèvol Aigualada", "ca"),
    Person("marinada.pineda", "Marinada Pineda", "ca"),
    Person("olmo.rivera", "Olmo Rivera", "es"),
    Person("brisa.manzanilla", "Brisa Manzanilla", "es"),
    Person("lucero.tomillar", "Lucero Tomillar", "es"),
    Person("rocio.espliego", "Rocío Espliego", "es"),
    Person("fern.lanternby", "Fern Lanternby", "en"),
    Person("rowan.puddlewick", "Rowan Puddlewick", "en"),
    Person("wren.kettlewood", "Wren Kettlewood", "en"),
    Person("juniper.mossbank", "Juniper Mossbank", "en"),
)

ANSWERERS = _by_key(
    Answerer(
        "salvia.roureda",
        "Sàlvia Roureda",
        "ca",
        ("ca", "es"),
        ("garden", "home", "daily"),
        "Trenta anys cuidant l'hort i el jardí d'una escola, i arreglant el que s'hi trencava.",
        ("mornings", "evenings"),
    ),
    Answerer(
        "teix.boixeda",
        "Teix Boixeda",
        "ca",
        ("ca", "es"),
        ("bills", "paperwork"),
        "Vint-i-vuit anys al taulell d'una oficina d'atenció ciutadana.",
        ("mornings", "afternoons"),
    ),
    Answerer(
        "laurel.trigales",
        "Laurel Trigales",
        "es",
        ("es",),
        ("bills", "paperwork"),
        "Veinticinco años de administrativa en una gestoría de barrio.",
        ("afternoons", "weekends"),
    ),
    Answerer(
        "mirto.candil",
        "Mirto Candil",
        "es",
        ("es",),
        ("home", "daily"),
        "Toda la vida de fontanero, y cocinero de los domingos para diez en la mesa.",
        ("evenings", "weekends"),
    ),
    Answerer(
        "bracken.tallowmere",
        "Bracken Tallowmere",
        "en",
        ("en",),
        ("bills", "paperwork", "home"),
        "Thirty years in a housing office, reading bills and looking at walls with tenants.",
        ("mornings", "nights"),
        "Europe/London",
    ),
    Answerer(
        "clover.quillfeather",
        "Clover Quillfeather",
        "en",
        ("en",),
        ("garden", "daily", "home"),
        "Ran a small guest house and its garden for twenty-two years.",
    ),
)

ORGANIZERS = _by_key(
    Person("aurora.molinet", "Aurora Molinet", "ca"),
    Person("abedul.marinero", "Abedul Marinero", "es"),
)

AUDITORS = _by_key(Person("quercus.ledgerly", "Quercus Ledgerly", "en"))
