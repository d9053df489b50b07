"""PostgreSQL: for more than one process or machine. Advisory locks keep writers apart; statements go in pipelines.

A batch takes three round trips: BEGIN, lock and first reads; the other reads; writes and COMMIT. Opened by `opening`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import BigInteger, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from ringbid.reservations.ports import StoreUnavailable
from ringbid.store import schema
from ringbid.store.pipeline import Answer, Pipeline
from ringbid.store.session import ConnectionLost, Query, RunAgain
from ringbid.store.statements import DialectName, Insert, Row, Statement, Value, database_now_ms
from ringbid.values.clock import Clock

CONNECT_SECONDS = 3
CATALOG_CHANNEL = "ringbid_catalog"
_SETTINGS = b"""
SET synchronous_commit = on;
SET timezone = 'UTC';
-- A lock that is not given within this time is a stuck process elsewhere: callers are told, rather than kept waiting.
SET lock_timeout = '5s';
-- Every statement finds its rows by an index. A plan made while a table was empty would read all of it later.
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan;
"""

_keys = func.unnest(cast(bindparam("keys"), ARRAY(BigInteger))).column_valued("key")
_FACTS = b"""
SELECT pg_database_size(current_database()), clock_timestamp(), current_setting('max_connections')::int - (
    SELECT sum(setting::int) FROM pg_settings WHERE name IN ('superuser_reserved_connections', 'reserved_connections')
)
"""
_LOCK = Statement(select(func.count(func.pg_advisory_xact_lock(_keys))))
_mark = insert(schema.writer).values(id=bindparam("id"), batch=bindparam("batch"), at_ms=database_now_ms())
_MARK = Statement(
    _mark.on_conflict_do_update(
        index_elements=["id"], set_={"batch": _mark.excluded.batch, "at_ms": _mark.excluded.at_ms}
    )
)
# Writes, so that it waits where the COMMIT in question is still under way on a connection that we lost.
_MARKED = Statement(
    _mark.on_conflict_do_update(index_elements=["id"], set_={"at_ms": _mark.excluded.at_ms}).returning(
        schema.writer.c.batch
    )
)


class _UntypedInt(Int8Dumper):
    """An integer whose type PostgreSQL takes from the column. The driver's own choice varies with the value, and each
    variation would be a statement to prepare anew."""

    oid = 0


class PostgresSession:
    """One connection. `clock` replaces the server's, for tests."""

    dialect: DialectName = "postgresql"
    shared = True

    def __init__(self, url: str, *, clock: Clock | None = None, read_only: bool = False) -> None:
        self.clock = clock
        self._url = url
        self._read_only = read_only
        self._waiting: list[tuple[str, list[Any]]] = []
        self._writer_id = secrets.token_hex(8)
        self._batch = 0
        self._connection = connect(url, read_only=read_only)
        self._pipeline = Pipeline(self._connection)

    def begin(self) -> None:
        self._batch += 1
        self._waiting = [("BEGIN", [])]

    def lock(self, names: Iterable[str]) -> None:
        keys = sorted({_key_of(name) for name in names})
        if keys:
            self.write(_LOCK, keys=f"{{{','.join(map(str, keys))}}}")

    def fetch(self, *queries: Query) -> list[list[Row]]:
        asked = [statement.prepare("postgresql", values) for statement, values in queries]
        return [answer.rows for answer in self._send(asked)]

    def write(self, statement: Statement, /, **values: Value) -> None:
        self._waiting.append(statement.prepare("postgresql", values))

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None:
        self._waiting.extend(insert.chunks("postgresql", rows))

    def update_each(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> int:
        updates = [statement.prepare("postgresql", values) for values in rows]
        return sum(answer.changed for answer in self._send(updates))

    def commit(self) -> None:
        """Raises ConnectionLost where the answer was lost: `reopen`, then `committed` tells."""
        self.write(_MARK, id=self._writer_id, batch=self._batch)
        self._send([("COMMIT", [])])

    def mark(self) -> None:
        """Never asked: each piece of work has a transaction of its own here."""

    def back_to_mark(self) -> None:
        """Never asked, as `mark`."""

    def rollback(self) -> None:
        self._waiting = []
        with suppress(psycopg.Error):
            if self._connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")

    def reopen(self) -> None:
        self._waiting = []
        self._connection.close()
        self._connection = connect(self._url, read_only=self._read_only)
        self._pipeline = Pipeline(self._connection)

    def committed(self) -> bool:
        [[(batch,)]] = self.fetch((_MARKED, {"id": self._writer_id, "batch": 0}))
        return bool(batch == self._batch)

    def close(self) -> None:
        self._connection.close()

    def _send(self, asked: list[tuple[str, list[Any]]]) -> list[Answer]:
        """What waits and what is asked, in one round trip; the answers to what is asked."""
        waiting, self._waiting = self._waiting, []
        try:
            answers = self._pipeline.run([*waiting, *asked])
        except psycopg.Error as error:
            raise _told(error, self._connection) from error
        return answers[len(waiting) :]


def connect(url: str, *, read_only: bool = False, autocommit: bool = True) -> psycopg.Connection[Row]:
    """A connection to a server that takes writes (any server, with `read_only`).

    Raises StoreUnavailable where none can be made, and ConnectionLost where it broke at once: another may do better.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name="ringbid",
            connect_timeout=CONNECT_SECONDS,
            target_session_attrs="any" if read_only else "read-write",
            tcp_user_timeout=5000,
        )
    except psycopg.Error as error:
        raise StoreUnavailable(f"PostgreSQL: {error}") from error
    connection.adapters.register_dumper(int, _UntypedInt)
    try:
        connection.execute(_SETTINGS)
        if read_only:
            connection.execute("SET default_transaction_read_only = on")
        connection.autocommit = autocommit
    except psycopg.Error as error:
        connection.close()
        raise ConnectionLost(f"PostgreSQL: {error}") from error
    return connection


def vacuum(url: str) -> None:
    """Let the server overwrite the rows that were deleted; on a connection of its own, so that no write waits."""
    with connect(url) as connection:
        for table in schema.PERSONAL:
            connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table.name)))


def read_facts(url: str) -> tuple[str, str, int, datetime, int]:
    """The server's version, where it is (host:port/name), the size of the database in bytes, the server's time, and how
    many connections it lets others than its superusers have."""
    with connect(url, read_only=True) as connection:
        row = connection.execute(_FACTS).fetchone()
        assert row is not None, "a SELECT without FROM has a row"
        info = connection.info
        version = f"{info.server_version // 10000}.{info.server_version % 10000}"
        return version, f"{info.host}:{info.port}/{info.dbname}", row[0], row[1], row[2]


def _told(error: psycopg.Error, connection: psycopg.Connection[Row]) -> Exception:
    """What a driver's exception means to the store: by its type and SQLSTATE, never by its text."""
    state = error.sqlstate or ""
    unsaid = isinstance(error, psycopg.OperationalError) and not state  # the server said nothing: it is not there
    told_goodbye = isinstance(error, errors.AdminShutdown | errors.CrashShutdown | errors.CannotConnectNow)
    if connection.closed or unsaid or told_goodbye:
        return ConnectionLost(f"PostgreSQL: {error}")
    if isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
        return RunAgain(str(error))
    if isinstance(error, errors.OutOfMemory):  # too many locks for one transaction: fewer at once will do
        return error
    if state[:2] in {"53", "57"} or isinstance(error, errors.LockNotAvailable | errors.ReadOnlySqlTransaction):
        return StoreUnavailable(f"PostgreSQL: {error}")
    return error


def _key_of(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
