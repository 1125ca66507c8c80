"""What the races share."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url)
    yield made
    made.dispose()
