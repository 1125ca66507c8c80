"""The declarative base of all models, and the one Flask-SQLAlchemy object."""

from __future__ import annotations

from datetime import datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, registry

from upss.db.types import UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Plain `Mapped[]` models; Flask-SQLAlchemy takes this class as its model class."""

    # Flask-SQLAlchemy derives a class from this one; the map has to sit on the shared registry.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime()},
    )


# Only UnitOfWork touches db.session. Objects stay readable after a commit, so that a task can
# commit its first unit and call the gateway with what it read, no transaction being open.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
