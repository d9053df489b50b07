"""Catalogs as they were applied: one row for each change, a company's newest is in force.

Written by `ringbid apply` (through the server, where one runs); read by `worker.snapshot`, which compiles them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from sqlalchemy import BigInteger, bindparam, delete, func, insert, select

from ringbid.accounts.audit import AuditEntry
from ringbid.catalog.plan import Change
from ringbid.catalog.ports import CatalogMoved, KeyTaken, StoredDocument, StoredVersion
from ringbid.store import schema
from ringbid.store.audit import write_audit
from ringbid.store.batch import HEAD
from ringbid.store.postgres import CATALOG_CHANNEL, CONNECT_SECONDS
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement, one_of
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.author import Author
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CompanyId, KeyId

_change, _key = schema.catalog_change, schema.rtb_key

# The newest change of each company.
_newest = select(func.max(_change.c.id)).group_by(_change.c.company_id)
_HEADS = Statement(
    select(_change.c.id, _change.c.company_id, _change.c.document)
    .where(_change.c.id.in_(_newest))
    .order_by(_change.c.company_id)
)
# The document that is in force for one company, with its version.
_HEAD_OF = Statement(
    select(_change.c.id, _change.c.document)
    .where(_change.c.company_id == bindparam("company_id"))
    .order_by(_change.c.id.desc())
    .limit(1)
)
# A document that was in force for one company.
_VERSION_OF = Statement(
    select(_change.c.id, _change.c.document).where(
        _change.c.company_id == bindparam("company_id"), _change.c.id == bindparam("version")
    )
)
# The versions that a company's catalog has had, the newest first.
_VERSIONS = Statement(
    select(_change.c.id, _change.c.applied_at_ms, _change.c.applied_by)
    .where(_change.c.company_id == bindparam("company_id"), _change.c.id < bindparam("before", type_=BigInteger()))
    .order_by(_change.c.id.desc())
    .limit(bindparam("most"))
)
_END_OF_VERSIONS = 2**62
_APPLY = Statement(
    insert(_change).values(
        company_id=bindparam("company_id"),
        document=bindparam("document"),
        applied_at_ms=bindparam("applied_at_ms"),
        applied_by=bindparam("applied_by"),
    )
)
# Those of these keys that are another company's.
_TAKEN_KEYS = Statement(
    select(_key.c.key_id).where(one_of(_key.c.key_id, "key_ids"), _key.c.company_id != bindparam("company_id"))
)
_FORGET_KEYS = Statement(delete(_key).where(_key.c.company_id == bindparam("company_id")))
_INSERT_KEY = Insert(_key)
_NOTIFY = Statement(select(func.pg_notify(CATALOG_CHANNEL, "")))


class Changes(Protocol):
    """Word of catalog changes."""

    def tell(self) -> None:
        """A change was applied by this process."""
        ...

    async def wait(self, timeout_seconds: float) -> None:
        """Return when there may have been a change, or after `timeout_seconds`."""
        ...

    async def close(self) -> None: ...


class StoredCatalogs:
    """Applying and reading. Writes raise StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading, changes: Changes) -> None:
        self._writer = writer
        self._reading = reading
        self.changes = changes

    async def apply(
        self,
        company_id: CompanyId,
        document: str,
        *,
        author: Author,
        key_ids: Iterable[KeyId] = (),
        changes: tuple[Change, ...] = (),
        base_version: int | None = None,
    ) -> int:
        """Put `document` in force for the company; the version that has it. The same document again changes nothing.

        `key_ids` are all keys of the company: from now on its own. Raises KeyTaken where one is another company's, and
        CatalogMoved where the company's version is not `base_version` (0: it has none; None: whichever it is).
        """
        applying = _Applying(company_id, document, author, list(key_ids), changes, base_version)
        version = await self._writer.transact(lambda session: _apply(session, applying))
        self.changes.tell()
        return version

    async def document(self, company_id: CompanyId, version: int | None = None) -> StoredDocument | None:
        """The company's document of this version, or its newest; None where there is none."""
        query = (
            (_HEAD_OF, {"company_id": company_id})
            if version is None
            else (_VERSION_OF, {"company_id": company_id, "version": version})
        )
        [rows] = await self._reading.alone(lambda session: session.fetch(query))
        return StoredDocument(int(rows[0][0]), rows[0][1]) if rows else None

    async def versions(
        self, company_id: CompanyId, *, before: int | None = None, limit: int = 50
    ) -> tuple[StoredVersion, ...]:
        """The company's versions, the newest first; those `before` one, where it is given."""
        values = {"company_id": company_id, "before": before or _END_OF_VERSIONS, "most": limit}
        [rows] = await self._reading.alone(lambda session: session.fetch((_VERSIONS, values)))
        return tuple(StoredVersion(int(version), from_ms(at_ms), by) for version, at_ms, by in rows)

    async def heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        """The version of the newest change (0: none yet), and each company's newest document."""
        return await self._reading.alone(read_heads)

    async def version(self) -> int:
        """The version of the newest change; 0: none yet."""
        [[(version, _)]] = await self._reading.alone(lambda session: session.fetch((HEAD, {})))
        return int(version)


def read_heads(session: Session) -> tuple[int, list[tuple[CompanyId, str]]]:
    """As `StoredCatalogs.heads`, from one query: version and documents belong together."""
    [rows] = session.fetch((_HEADS, {}))
    return max((version for version, _, _ in rows), default=0), [(company_id, text) for _, company_id, text in rows]


@dataclass(frozen=True, slots=True)
class _Applying:
    company_id: CompanyId
    document: str
    author: Author
    key_ids: list[KeyId]
    changes: tuple[Change, ...]
    base_version: int | None


def _apply(session: Session, applying: _Applying) -> int:
    company_id = applying.company_id
    session.lock(["catalog"])
    [(version, server_now_ms)], in_force, taken = session.fetch(
        (HEAD, {}),
        (_HEAD_OF, {"company_id": company_id}),
        (_TAKEN_KEYS, {"key_ids": applying.key_ids, "company_id": company_id}),
    )
    own_version, own_document = in_force[0] if in_force else (0, None)
    if applying.base_version not in (None, own_version):
        raise CatalogMoved(f"{company_id} is at {own_version}, not {applying.base_version}")
    if taken:
        raise KeyTaken(f"{len(taken)} of the RTB keys of {company_id} belong to another company")
    if own_document == applying.document:
        return int(version)
    now_ms = server_now_ms if session.clock is None else to_ms(session.clock.now())
    session.write(_FORGET_KEYS, company_id=company_id)
    session.insert(_INSERT_KEY, [(key_id, company_id) for key_id in applying.key_ids])
    session.write(
        _APPLY,
        company_id=company_id,
        document=applying.document,
        applied_at_ms=now_ms,
        applied_by=applying.author.name,
    )  # fmt: skip
    write_audit(session, [_entry(applying, change) for change in applying.changes], now_ms)
    [[(version, _)]] = session.fetch((HEAD, {}))
    if session.shared:
        session.write(_NOTIFY)
    return int(version)


def create_company(session: Session, company_id: CompanyId, document: str, *, applied_by: str) -> bool:
    """Put the first document of a company in force, in the transaction that `session` is in; False where it has one."""
    session.lock(["catalog"])
    [in_force] = session.fetch((_HEAD_OF, {"company_id": company_id}))
    if in_force:
        return False
    _apply(session, _Applying(company_id, document, Author(name=applied_by), [], (), 0))
    return True


def _entry(applying: _Applying, change: Change) -> AuditEntry:
    return AuditEntry(
        company_id=applying.company_id,
        author=applying.author,
        path=change.path,
        before=_storable(change.before),
        after=_storable(change.after),
    )


def _storable(text: str | None) -> str | None:
    """PostgreSQL has no texts with this character."""
    return None if text is None else text.replace("\x00", "\\x00")


class ChangesHere:
    """On SQLite: whoever applies a catalog is this process."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def tell(self) -> None:
        for event in self._waiting:
            event.set()

    async def wait(self, timeout_seconds: float) -> None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await event.wait()
        finally:
            self._waiting.discard(event)

    async def close(self) -> None:
        self.tell()


class ChangesAnywhere:
    """On PostgreSQL: any process may apply a catalog, and notifies the others when it is committed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    def tell(self) -> None:
        """PostgreSQL tells, this process too."""

    async def wait(self, timeout_seconds: float) -> None:
        try:
            connection = await self._listening()
            async for _ in connection.notifies(timeout=timeout_seconds, stop_after=1):
                pass
        except psycopg.Error:  # the caller polls anyway; the next wait connects again
            await self.close()
            await asyncio.sleep(timeout_seconds)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _listening(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, application_name="ringbid", connect_timeout=CONNECT_SECONDS
            )
            await self._connection.execute(f"LISTEN {CATALOG_CHANNEL}")
        return self._connection
