"""Bringing a database to this code's schema: the migrations that it lacks, or a refusal where it is newer.

`opening` calls it before anything else touches the database. Alembic is loaded only where there is work for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ringbid.reservations.ports import StoreUnavailable
from ringbid.store.statements import DialectName

HEAD = "0013"  # the newest migration; a test compares it with the files
_LOCK = 0x72696E6762696421  # of the migrations on PostgreSQL: processes that start together take turns
_DRIVERS: dict[DialectName, str] = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


class WrongSchema(Exception):  # noqa: N818 -- a state of the store, named as what it is
    """The database was made by a newer Ringbid, or must be migrated before it can be read."""


def migrate(dialect: DialectName, connect: Callable[[], Any]) -> None:
    """Bring the database that `connect` leads to to HEAD, in one transaction. Raises WrongSchema where it is newer."""
    if _read_revision(dialect, connect) == HEAD:
        return
    with engine_of(dialect, connect).begin() as connection:
        if dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        upgrade(connection)


def check(dialect: DialectName, connect: Callable[[], Any]) -> None:
    """Raises WrongSchema where the database is not at HEAD, StoreUnavailable where what is there is no database."""
    revision = _read_revision(dialect, connect)
    if revision != HEAD:
        raise WrongSchema(
            f"the database is at schema {revision or 'none'}, this Ringbid reads {HEAD}: start `ringbid serve` of this "
            "version, which migrates it"
        )


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction that `connection` is in."""
    from alembic import command, config, script  # noqa: PLC0415 -- 0.2 s that only a migration needs to pay

    settings = config.Config()
    folder = Path(__file__).parent / "migrations"
    settings.set_main_option("script_location", str(folder).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    known = {revision.revision for revision in script.ScriptDirectory.from_config(settings).walk_revisions()}
    revision = _revision(connection)
    if revision is not None and revision not in known:
        raise WrongSchema(f"the database is at schema {revision}, made by a newer Ringbid; this one knows up to {HEAD}")
    command.upgrade(settings, "head")


def engine_of(dialect: DialectName, connect: Callable[[], Any]) -> Engine:
    """An engine for schema work: one connection at a time, each transaction begun in so many words on SQLite."""
    engine = create_engine(_DRIVERS[dialect], creator=connect, poolclass=NullPool)
    if dialect == "sqlite":  # the driver would begin none before DDL, and a migration killed half-way would stay half
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _read_revision(dialect: DialectName, connect: Callable[[], Any]) -> str | None:
    try:
        with engine_of(dialect, connect).connect() as connection:
            return _revision(connection)
    except DBAPIError as error:
        raise StoreUnavailable(str(error.orig)) from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
