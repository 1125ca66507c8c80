"""A whole demo for browser tests: its processes, and where to find people and questions in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import create_engine, text

from upss.app import create_app
from upss.db.base import db
from upss.db.engine import app_url
from upss.demo import place as places
from upss.demo import processes
from upss.demo.place import Place
from upss.forum.service import dialing
from upss.web.ports import unit

# Far apart from each other and from the usual ports: demos may start at the same time.
PORTS = {"everything": 18400, "staff": 18500}
_APART = 1000  # between the workers of one run
_TRACING = "COVERAGE_PROCESS_CONFIG"
_HOW = os.environ.get(_TRACING)  # read before any test takes it away
ROOT = Path(__file__).resolve().parents[2]


class Stage:
    """A demo that runs, and questions to its database."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = create_engine(app_url(place.settings))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def rows(self, statement: str, **values: object) -> list[Any]:
        """Return what a SELECT finds; at least one row, or the stage is not set."""
        with self._engine.connect() as connection:
            found = connection.execute(text(statement), values).all()
        assert found, f"the demo has nothing for: {statement} {values}"
        return list(found)

    def value(self, statement: str, **values: object) -> Any:
        """Return the first value that a SELECT finds."""
        return self.rows(statement, **values)[0][0]

    def forget_limits(self) -> None:
        """Begin the counts of the rate limits anew: hundreds of visits come from one address."""
        with self._engine.begin() as connection:
            connection.execute(text("DELETE FROM rate_count"))

    def turn(self, **dials: object) -> None:
        """Turn dials of the off-peak engine, as an organizer would."""
        with create_app(self.place.settings).app_context():
            with unit() as uow:
                dialing.turn(uow, organizer_id=None, **dials)
                uow.commit()
            db.engine.dispose()

    def door(self, address: str) -> str:
        """Return the demo's link to enter as the person with this address."""
        public_id = self.value("SELECT public_id FROM account WHERE email = :e", e=address)
        return f"{self.place.base_url}/demo/be/{public_id}"

    def titles(self) -> Mapping[str, str]:
        """Return the language of every question by its title."""
        return {
            row.title: row.language for row in self.rows("SELECT title, language FROM question")
        }


@contextmanager
def stage(folder: Path, filled_with: Literal["everything", "staff"]) -> Iterator[Stage]:
    """Bring up a demo of `folder`, and stop all of it afterwards."""
    port = PORTS[filled_with] + _APART * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    place = places.prepare(folder, web_port=port, standin_port=port + 30, smtp_port=port + 60)
    # Of all its processes only the filling is traced for coverage, which takes its time: other tests
    # go through the rest.
    place.environ.pop(_TRACING, None)
    environ = place.environ | ({_TRACING: _HOW} if _HOW else {})
    with processes.foundation(place) as running:
        subprocess.run(
            [sys.executable, "-m", "tests.e2e.fill", filled_with],
            cwd=ROOT, env=environ, check=True, timeout=300,
        )  # fmt: skip
        running.start_rest()
        made = Stage(place)
        yield made
        made.close()
