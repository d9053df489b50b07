"""Opening the store: the one place that knows which database the settings name.

`bootstrap` opens one Store for a server or a command that writes, a Reader for a command that reads beside a server.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ringbid.catalog.plan import Change
from ringbid.catalog.ports import KeyTaken, StoredDocument, StoredVersion
from ringbid.reservations.ports import StoredPing
from ringbid.settings import Settings
from ringbid.store import migrating, postgres, sqlite
from ringbid.store.accounts import StoredAccounts
from ringbid.store.audit import StoredAudit
from ringbid.store.calls import CallReading, StoredCalls
from ringbid.store.catalogs import Changes, ChangesAnywhere, ChangesHere, StoredCatalogs, read_heads
from ringbid.store.disputes import StoredDisputes
from ringbid.store.drafts import StoredDrafts
from ringbid.store.funnels import StoredFunnels
from ringbid.store.journeys import StoredJourneys
from ringbid.store.kept_answers import StoredAnswers
from ringbid.store.ledger import StoredLedger
from ringbid.store.ledger_reading import LedgerReading
from ringbid.store.listings import StoredListings
from ringbid.store.migrating import WrongSchema
from ringbid.store.outbox import OutboxReading, StoredOutbox
from ringbid.store.postgres import PostgresSession
from ringbid.store.posting_links import StoredPostingLinks
from ringbid.store.recent_asks import StoredAsks
from ringbid.store.reservations import StoredReservations, find_ping
from ringbid.store.session import Session
from ringbid.store.sqlite import SqliteSession, WriterBusy, WriterLock
from ringbid.store.threads import AnySession, Reading, SessionHere, SessionThread
from ringbid.store.tidying import Tidying
from ringbid.store.transactions import read_together, write_together
from ringbid.values.author import Author
from ringbid.values.clock import Clock, SystemClock
from ringbid.values.ids import CompanyId, KeyId, PingId

__all__ = [
    "Facts",
    "KeyTaken",
    "Reader",
    "Store",
    "StoreMissing",
    "WriterBusy",
    "WrongSchema",
    "open_reader",
    "open_store",
]

Purge = Callable[[], Awaitable[bool]]

_PURGE_TRIES = 20
_PURGE_PAUSE_SECONDS = 0.25


class StoreMissing(Exception):  # noqa: N818 -- a state of the store, named as what it is
    """There is no store where the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `ringbid doctor` tells about the store. `wal_reset_bug` is None on PostgreSQL; `now` (its server's clock)
    and `connections` (how many that lets us have) are None on SQLite, which has no server."""

    database: str  # sqlite | postgresql
    version: str
    place: str  # the file, or host, port and name: never a password
    size_bytes: int
    wal_reset_bug: bool | None
    now: datetime | None
    connections: int | None = None


class Store:
    """The open store. Its methods raise StoreOverloaded where too much waits, StoreUnavailable without a database."""

    def __init__(
        self,
        *,
        writer: SessionThread[Any],
        routing: SessionThread[Any] | None = None,
        folding: SessionThread[Any] | None = None,
        reading: Reading,
        browsing: Reading,
        changes: Changes,
        purge: Purge,
        facts: Callable[[], Facts],
        on_close: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._routing = routing or writer
        self._folding = folding or writer
        self._reading = reading
        self._browsing = browsing
        self._changes = changes
        self._facts = facts
        self._on_close = on_close
        self._catalogs = StoredCatalogs(writer=writer, reading=reading, changes=changes)
        self._tidying = Tidying(writer, purge=purge)
        self.reservations = StoredReservations(writer=writer, reading=reading)
        self.calls = StoredCalls(writer=writer, routing=self._routing, reading=reading)
        self.ledger = StoredLedger(writer=writer, reading=reading)
        self.outbox = StoredOutbox(writer=writer, reading=reading)
        self.accounts = StoredAccounts(writer=writer, reading=reading, changes=changes)
        self.listings = StoredListings(browsing)
        self.journeys = StoredJourneys(folding=self._folding, reading=browsing)
        self.disputes = StoredDisputes(writer=writer, reading=reading)
        self.asks = StoredAsks(browsing)
        self.funnels = StoredFunnels(browsing, self.journeys)
        self.audit = StoredAudit(writer=writer, reading=reading)
        self.drafts = StoredDrafts(writer=writer, reading=reading)
        self.answers = StoredAnswers(writer=writer)
        self.posting_links = StoredPostingLinks(writer=writer, reading=reading)

    async def catalog_heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        """The version of the newest catalog change (0: none yet), and each company's newest document."""
        return await self._catalogs.heads()

    async def catalog_version(self) -> int:
        """The version of the newest catalog change; 0: none yet."""
        return await self._catalogs.version()

    async def apply_catalog(
        self, company_id: CompanyId, document: str, *, applied_by: str, key_ids: Iterable[KeyId] = ()
    ) -> int:
        """Put `document` in force for the company; the version that has it. The same document again changes nothing.

        `key_ids` are all RTB keys of the company: from now on its own. Raises KeyTaken where one is another company's.
        """
        return await self._catalogs.apply(company_id, document, author=Author(name=applied_by), key_ids=key_ids)

    async def change_catalog(
        self,
        company_id: CompanyId,
        document: str,
        *,
        author: Author,
        key_ids: Iterable[KeyId],
        changes: tuple[Change, ...],
        base_version: int | None,
    ) -> int:
        """As `catalog.ports.CatalogStore.change_catalog`."""
        return await self._catalogs.apply(
            company_id, document, author=author, key_ids=key_ids, changes=changes, base_version=base_version
        )

    async def catalog_document(self, company_id: CompanyId, version: int | None = None) -> StoredDocument | None:
        """The company's document of this version, or its newest; None where there is none."""
        return await self._catalogs.document(company_id, version)

    async def catalog_versions(
        self, company_id: CompanyId, *, before: int | None = None, limit: int = 50
    ) -> tuple[StoredVersion, ...]:
        """The company's versions, the newest first; those `before` one, where it is given."""
        return await self._catalogs.versions(company_id, before=before, limit=limit)

    async def wait_for_catalog_change(self, timeout_seconds: float) -> None:
        """Return when the catalog may have changed, or after `timeout_seconds`."""
        await self._changes.wait(timeout_seconds)

    async def sweep(self) -> int:
        """Write down the end of some reservations that are over; how many there were. 0: nothing more to do now."""
        return await self._tidying.sweep()

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove, for good, every ping that arrived longer ago and has ended; how many there were."""
        return await self._tidying.flush(older_than=older_than)

    async def flush_calls(self, *, older_than: timedelta) -> int:
        """Remove, for good, every call that arrived longer ago and has ended; how many there were."""
        return await self._tidying.flush_calls(older_than=older_than)

    async def flush_outbox(self, *, delivered: timedelta, dead: timedelta) -> int:
        """Remove, for good, messages that were delivered, or given up, longer ago; how many there were."""
        flushed = await self.outbox.flush(delivered=delivered, dead=dead)
        if flushed:
            self._tidying.note_flushed()
        return flushed

    @property
    def purged(self) -> bool:
        """Are the bytes of everything that was flushed gone? Otherwise the next `flush` goes on with it."""
        return self._tidying.purged

    async def facts(self) -> Facts:
        """What `ringbid doctor` tells."""
        return await asyncio.to_thread(self._facts)

    async def close(self) -> None:
        """Finish what was accepted, then close everything."""
        await self._changes.close()
        self._reading.close()
        await asyncio.to_thread(self._browsing.close)
        await asyncio.to_thread(self._folding.close)
        await asyncio.to_thread(self._routing.close)
        await asyncio.to_thread(self._writer.close)
        self._on_close()


class Reader:
    """The store, read beside a running server by a command."""

    def __init__(self, session: Session, *, facts: Callable[[], Facts]) -> None:
        self._session = session
        self._facts = facts
        self.calls = CallReading(SessionHere(session))
        self.ledger = LedgerReading(SessionHere(session))
        self.outbox = OutboxReading(SessionHere(session))

    async def find(self, ping_id: PingId) -> StoredPing | None:
        """A ping's record with its reservation; None where there is none."""
        return find_ping(self._session, ping_id)

    async def catalog_heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        """As `Store.catalog_heads`."""
        return read_heads(self._session)

    async def facts(self) -> Facts:
        """What `ringbid doctor` tells."""
        return self._facts()

    async def close(self) -> None:
        self._session.close()


async def open_store(settings: Settings, clock: Clock, *, store_clock: Clock | None = None) -> Store:
    """Open the store for reading and writing, making or migrating its tables.

    The store's clock is `clock` on SQLite and the server's on PostgreSQL; tests give another as `store_clock`. Raises
    WriterBusy where another process has the SQLite store open, WrongSchema where a newer Ringbid made the database,
    StoreUnavailable where it cannot be reached.
    """
    if settings.database is None:
        return await asyncio.to_thread(_open_sqlite, settings, store_clock or clock)
    return await asyncio.to_thread(_open_postgres, settings, settings.database, store_clock)


def open_reader(settings: Settings, clock: Clock | None = None) -> Reader:
    """Open the store for reading only, without migrating it. Raises StoreMissing, WrongSchema, StoreUnavailable."""
    if settings.database is not None:
        migrating.check("postgresql", partial(postgres.connect, settings.database, read_only=True, autocommit=False))
        session = PostgresSession(settings.database, read_only=True)
        return Reader(session, facts=partial(_postgres_facts, settings.database))
    path = settings.data / sqlite.FILE_NAME
    if not path.exists():
        raise StoreMissing(f"there is no store in {settings.data}: run `ringbid serve` or `ringbid apply FILE` first")
    migrating.check("sqlite", partial(sqlite.connect, path, read_only=True))
    return Reader(SqliteSession(path, clock or SystemClock(), read_only=True), facts=partial(_sqlite_facts, path))


def _open_sqlite(settings: Settings, clock: Clock) -> Store:
    folder = settings.data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / sqlite.FILE_NAME
    lock = WriterLock(folder)
    try:
        migrating.migrate("sqlite", partial(sqlite.connect, path))
        writer = SessionThread(
            SqliteSession(path, clock),
            name="ringbid-writer",
            most_waiting=settings.limits.writes_waiting,
            together=write_together,
        )
    except BaseException:
        lock.release()
        raise
    return Store(
        writer=writer,
        reading=SessionHere(SqliteSession(path, clock, read_only=True)),
        browsing=_browser(SqliteSession(path, clock, read_only=True), settings),
        changes=ChangesHere(),
        purge=partial(_checkpoint, writer),
        facts=partial(_sqlite_facts, path),
        on_close=lock.release,
    )


def _open_postgres(settings: Settings, url: str, clock: Clock | None) -> Store:
    migrating.migrate("postgresql", partial(postgres.connect, url, autocommit=False))
    most_waiting = settings.limits.writes_waiting
    writing = PostgresSession(url, clock=clock)
    # A caller on the line does not wait behind the events of other calls, nor behind pings.
    routing = PostgresSession(url, clock=clock)
    folding = PostgresSession(url, clock=clock)
    reading = PostgresSession(url, clock=clock, read_only=True)
    browsing = PostgresSession(url, clock=clock, read_only=True)
    return Store(
        writer=SessionThread(writing, name="ringbid-writer", most_waiting=most_waiting, together=write_together),
        routing=SessionThread(routing, name="ringbid-routing", most_waiting=most_waiting, together=write_together),
        folding=SessionThread(folding, name="ringbid-folding", most_waiting=most_waiting, together=write_together),
        reading=SessionThread(reading, name="ringbid-reader", most_waiting=most_waiting, together=read_together),
        browsing=_browser(browsing, settings),
        changes=ChangesAnywhere(url),
        purge=partial(_vacuum, url),
        facts=partial(_postgres_facts, url),
        on_close=lambda: None,
    )


def _browser(session: AnySession, settings: Settings) -> SessionThread[AnySession]:
    """Where people's pages and lists are read: they may take a tenth of a second each, and no ping waits for them."""
    return SessionThread(
        session, name="ringbid-browser", most_waiting=settings.limits.writes_waiting, together=read_together
    )


async def _checkpoint(writer: SessionThread[SqliteSession]) -> bool:
    """Take the flushed rows out of the write-ahead log, too. A reader may be in the way for a moment."""
    for _ in range(_PURGE_TRIES):
        if await writer.alone(SqliteSession.checkpoint):
            return True
        await asyncio.sleep(_PURGE_PAUSE_SECONDS)
    return False


async def _vacuum(url: str) -> bool:
    await asyncio.to_thread(postgres.vacuum, url)
    return True


def _sqlite_facts(path: Path) -> Facts:
    files = (path, path.with_name(f"{path.name}-wal"))
    return Facts(
        database="sqlite",
        version=sqlite3.sqlite_version,
        place=str(path),
        size_bytes=sum(file.stat().st_size for file in files if file.exists()),
        wal_reset_bug=sqlite.has_wal_reset_bug(sqlite3.sqlite_version_info[:3]),
        now=None,
    )


def _postgres_facts(url: str) -> Facts:
    version, place, size_bytes, now, connections = postgres.read_facts(url)
    return Facts(
        database="postgresql",
        version=version,
        place=place,
        size_bytes=size_bytes,
        wal_reset_bug=None,
        now=now,
        connections=connections,
    )
