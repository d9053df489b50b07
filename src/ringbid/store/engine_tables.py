"""The tables in which Kamailio keeps live calls and their records on PostgreSQL: made here, written by Kamailio alone.

`bootstrap` makes them before Kamailio starts; `edge.telephony.sip.records` reads the records. They are no part of the
store's own schema: Kamailio decides their columns. On SQLite there are none, and the records are in Kamailio's log.
"""

from __future__ import annotations

from typing import TypeAlias

import psycopg
from psycopg import sql

from ringbid.reservations.ports import StoreUnavailable

# id, the call's name (its first Call-ID), attempt, started, ended (both seconds.micros as text), who ended it, duration
# in seconds
RecordRow: TypeAlias = tuple[int, str, str, str, str, str, float]

_CONNECT_SECONDS = 3
_KEPT_DAYS = 30
_LOCK = 0x72696E6762696422  # processes that start together take turns
_REVISION = 2  # of what is made here; one more with each change of it

_TABLES = b"""
CREATE TABLE IF NOT EXISTS sip_version (
    id serial PRIMARY KEY, table_name varchar(32) NOT NULL UNIQUE, table_version integer NOT NULL DEFAULT 0
);
INSERT INTO sip_version (table_name, table_version) VALUES ('sip_dialog', 7), ('sip_dialog_vars', 1), ('sip_record', 2)
    ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS sip_dialog (
    id serial PRIMARY KEY,
    hash_entry integer NOT NULL,
    hash_id integer NOT NULL,
    callid varchar(255) NOT NULL,
    from_uri varchar(255) NOT NULL,
    from_tag varchar(128) NOT NULL,
    to_uri varchar(255) NOT NULL,
    to_tag varchar(128) NOT NULL,
    caller_cseq varchar(20) NOT NULL,
    callee_cseq varchar(20) NOT NULL,
    caller_route_set varchar(512),
    callee_route_set varchar(512),
    caller_contact varchar(255) NOT NULL,
    callee_contact varchar(255) NOT NULL,
    caller_sock varchar(64) NOT NULL,
    callee_sock varchar(64) NOT NULL,
    state integer NOT NULL,
    start_time integer NOT NULL,
    timeout integer NOT NULL DEFAULT 0,
    sflags integer NOT NULL DEFAULT 0,
    iflags integer NOT NULL DEFAULT 0,
    toroute_name varchar(32),
    req_uri varchar(255) NOT NULL,
    xdata varchar(512)
);
CREATE INDEX IF NOT EXISTS sip_dialog_hash ON sip_dialog (hash_entry, hash_id);
CREATE INDEX IF NOT EXISTS sip_dialog_callid ON sip_dialog (callid);
CREATE TABLE IF NOT EXISTS sip_dialog_vars (
    id serial PRIMARY KEY,
    hash_entry integer NOT NULL,
    hash_id integer NOT NULL,
    dialog_key varchar(128) NOT NULL,
    dialog_value varchar(512) NOT NULL
);
CREATE INDEX IF NOT EXISTS sip_dialog_vars_hash ON sip_dialog_vars (hash_entry, hash_id);
-- One row for each answered call: it cannot have a second, longer one.
CREATE TABLE IF NOT EXISTS sip_record (
    id serial PRIMARY KEY,
    start_time timestamp NOT NULL DEFAULT '2000-01-01',
    end_time timestamp NOT NULL DEFAULT '2000-01-01',
    duration double precision NOT NULL DEFAULT 0,
    callid varchar(255) NOT NULL UNIQUE,
    attempt varchar(64) NOT NULL DEFAULT '',
    started varchar(32) NOT NULL DEFAULT '',
    ended varchar(32) NOT NULL DEFAULT '',
    ended_by varchar(16) NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL DEFAULT now(),
    noted boolean NOT NULL DEFAULT false
);
ALTER TABLE sip_record ADD COLUMN IF NOT EXISTS name varchar(255) NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS sip_record_new ON sip_record (id) WHERE NOT noted;
-- Kamailio keeps the row of a dialog for five seconds after its end. If it were killed meanwhile, the call would come
-- back as a living one, and be ended once more a minute later.
CREATE OR REPLACE FUNCTION sip_forget_dialog() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM sip_dialog_vars USING sip_dialog AS ended WHERE ended.callid = NEW.callid
        AND sip_dialog_vars.hash_entry = ended.hash_entry AND sip_dialog_vars.hash_id = ended.hash_id;
    DELETE FROM sip_dialog WHERE callid = NEW.callid;
    RETURN NULL;
END $$;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'sip_record_ends_dialog') THEN
        CREATE TRIGGER sip_record_ends_dialog AFTER INSERT ON sip_record
            FOR EACH ROW EXECUTE FUNCTION sip_forget_dialog();
    END IF;
END $$;
"""
_SET_REVISION = b"""
INSERT INTO sip_version (table_name, table_version) VALUES ('ringbid', %s)
    ON CONFLICT (table_name) DO UPDATE SET table_version = excluded.table_version
"""
_UNNOTED = b"""
SELECT id, coalesce(nullif(name, ''), callid), attempt, started, ended, ended_by, duration FROM sip_record
    WHERE NOT noted ORDER BY id LIMIT %s
"""
_NOTE = b"UPDATE sip_record SET noted = true WHERE id = ANY(%s)"
_TIDY = b"DELETE FROM sip_record WHERE noted AND written_at < now() - make_interval(days => %s)"


def create_engine_tables(url: str) -> None:
    """Make what is missing. Kamailio's connections then do not wait for the disk: it writes several rows for each call,
    and its log has the records of the last moment, should the database crash. Raises StoreUnavailable.

    Where all is there, nothing is touched: even an index that need not be made locks its table, and a server that is
    started again would stand in the way of a Kamailio that writes, or die of a deadlock with it.
    """
    with _connect(url) as connection, connection.transaction():
        connection.execute(b"SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if _read_revision(connection) == _REVISION:
            return
        connection.execute(_TABLES)
        connection.execute(_SET_REVISION, [_REVISION])
        # The store's own connections set it to `on` themselves (`store.postgres`), so that this is for Kamailio alone.
        name = connection.info.dbname
        connection.execute(
            sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
        )


class EngineTables:
    """The records, for one reader at a time. Raises StoreUnavailable."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def unnoted(self, limit: int) -> list[RecordRow]:
        """The oldest records that nobody has taken note of."""
        return self._run(_UNNOTED, [limit])  # type: ignore[return-value]  # -- the statement's columns, in its order

    def note(self, ids: list[int]) -> None:
        """These are durable elsewhere."""
        self._run(_NOTE, [ids])
        self._run(_TIDY, [_KEPT_DAYS])

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, statement: bytes, values: list[object]) -> list[tuple[object, ...]]:
        if self._connection is None:
            self._connection = _connect(self._url)
        try:
            cursor = self._connection.execute(statement, values)
            return cursor.fetchall() if cursor.description is not None else []
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailable(f"PostgreSQL: {error}") from error


def _read_revision(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    """What was made last; None: nothing yet."""
    if connection.execute(b"SELECT to_regclass('sip_version')").fetchone() == (None,):
        return None
    row = connection.execute(b"SELECT table_version FROM sip_version WHERE table_name = 'ringbid'").fetchone()
    return row[0] if row is not None else None


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(
            url, autocommit=True, application_name="ringbid-records", connect_timeout=_CONNECT_SECONDS
        )
    except psycopg.Error as error:
        raise StoreUnavailable(f"PostgreSQL: {error}") from error
