"""How long the queue page reads, by how many questions wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.race import spread
from bench.waiting import NOW, ZONE, Site
from upss.forum import queries_desk as queries
from upss.kernel.ids import AccountId

# A round's figure is the median of the pages, or of those that were read in the time.
SECONDS = 4.0


@dataclass(frozen=True)
class Page:
    """The queue page of one site: its milliseconds in each round."""

    site: Site
    ms: list[float] = field(default_factory=list)

    def measure(self, pages: int) -> None:
        """Read the page of so many people; the first one fills the caches."""
        engine = create_engine(self.site.url)
        took: list[float] = []
        with Session(engine) as session:
            end = time.perf_counter() + SECONDS
            for person in range(1, pages + 2):
                took.append(_read(session, person))
                if time.perf_counter() > end:
                    break
        engine.dispose()
        self.ms.append(median(took[1:] or took))

    def summary(self) -> Mapping[str, object]:
        """Return the raw figures with medians and spread."""
        return {"waiting": self.site.waiting, "ms": spread(self.ms)}


def measure(sites: list[Site], rounds: int, number: int) -> list[Page]:
    """Read so many pages of each site in turn, round by round."""
    pages = [Page(site) for site in sites]
    for _ in range(rounds):
        for page in pages:
            page.measure(number)
    return pages


def _read(session: Session, person: int) -> float:
    """Read what the page shows, in a transaction of its own; return the milliseconds."""
    begun = time.perf_counter()
    desk = queries.desk(
        session,
        answerer_id=AccountId(person),
        now=NOW,
        month_start=NOW - timedelta(days=21),
        site_zone=ZONE,
    )
    found = queries.queue(
        session, desk=desk, now=NOW, is_peak=desk.dials.peak_map(ZONE).is_peak(NOW)
    )
    session.rollback()
    took = (time.perf_counter() - begun) * 1000
    if found.offer is None:
        raise RuntimeError(f"the page of person {person} offers no question")
    return took
