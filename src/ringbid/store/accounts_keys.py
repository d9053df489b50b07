"""API keys, in the store: known by their hash, good until they expire, their last use noted to the minute."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select, update

from ringbid.accounts.audit import AuditEntry, Author
from ringbid.accounts.keys import ApiKey, NewKey, Scope
from ringbid.accounts.sessions import SEEN_EVERY
from ringbid.reservations.ports import StoreOverloaded
from ringbid.store.accounts_schema import api_key
from ringbid.store.audit import write_audit
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CompanyId

_COLUMNS = (
    api_key.c.key_id,
    api_key.c.company_id,
    api_key.c.name,
    api_key.c.hint,
    api_key.c.scopes,
    api_key.c.created_by,
    api_key.c.created_at_ms,
    api_key.c.expires_at_ms,
    api_key.c.replaced_by,
    api_key.c.used_at_ms,
)
_good = or_(api_key.c.expires_at_ms.is_(None), api_key.c.expires_at_ms > bindparam("now_ms"))
_of_key = (api_key.c.company_id == bindparam("of_company")) & (api_key.c.key_id == bindparam("of_key"))
_INSERT = Insert(api_key)
_FIND = Statement(select(*_COLUMNS).where(api_key.c.key_hash == bindparam("of_hash"), _good))
_USED = Statement(update(api_key).where(api_key.c.key_id == bindparam("of_key")).values(used_at_ms=bindparam("now_ms")))
_ALL = Statement(
    select(*_COLUMNS)
    .where(api_key.c.company_id == bindparam("of_company"))
    .order_by(api_key.c.created_at_ms.desc(), api_key.c.key_id)
)
_GOOD_ONE = Statement(select(*_COLUMNS).where(_of_key, _good))
_REPLACED = Statement(
    update(api_key)
    .where(_of_key, _good, api_key.c.replaced_by.is_(None))
    .values(replaced_by=bindparam("by_key"), expires_at_ms=bindparam("ends_at_ms"))
)
_END = Statement(update(api_key).where(_of_key, _good).values(expires_at_ms=bindparam("now_ms")))


class StoredKeys:
    """Keeps the promises of `accounts.ports.ApiKeys`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def make_key(self, key: NewKey, *, author: Author) -> None:
        def work(session: Session) -> None:
            now_ms = read_now_ms(session)
            session.insert(_INSERT, [_row_of(key, now_ms)])
            after = _describe(key.scopes, _ends_at_ms(key, now_ms))
            write_audit(session, [_entry(key.company_id, key.name, key.hint, author, after=after)], now_ms)

        await self._writer.transact(work)

    async def find_key(self, key_hash: str) -> ApiKey | None:
        def work(session: Session) -> tuple[ApiKey | None, int]:
            now_ms = read_now_ms(session)
            [rows] = session.fetch((_FIND, {"of_hash": key_hash, "now_ms": now_ms}))
            return _read_key(rows[0]) if rows else None, now_ms

        key, now_ms = await self._reading.alone(work)
        if key is not None and (key.used_at is None or from_ms(now_ms) - key.used_at >= SEEN_EVERY):
            with suppress(StoreOverloaded):  # when it was last used is worth no refusal
                await self._writer.transact(lambda session: session.write(_USED, of_key=key.key_id, now_ms=now_ms))
        return key

    async def keys(self, company_id: CompanyId) -> tuple[ApiKey, ...]:
        [rows] = await self._reading.alone(lambda session: session.fetch((_ALL, {"of_company": company_id})))
        return tuple(map(_read_key, rows))

    async def rotate_key(
        self, company_id: CompanyId, key_id: str, *, token_hash: str, new_id: str, hint: str, overlap: timedelta,
        author: Author,
    ) -> bool:  # fmt: skip
        def work(session: Session) -> bool:
            now_ms = read_now_ms(session)
            [rows] = session.fetch((_GOOD_ONE, {"of_company": company_id, "of_key": key_id, "now_ms": now_ms}))
            if not rows:
                return False
            old = _read_key(rows[0])
            ends_at_ms = now_ms + overlap // timedelta(milliseconds=1)
            if old.expires_at is not None:
                ends_at_ms = min(ends_at_ms, to_ms(old.expires_at))
            replaced = {"of_company": company_id, "of_key": key_id, "now_ms": now_ms}
            replaced |= {"by_key": new_id, "ends_at_ms": ends_at_ms}
            if session.update_each(_REPLACED, [replaced]) == 0:
                return False
            new = NewKey(
                key_hash=token_hash,
                key_id=new_id,
                company_id=company_id,
                name=old.name,
                hint=hint,
                scopes=old.scopes,
                created_by=author.name,
                lifetime=None if old.expires_at is None else old.expires_at - old.created_at,
            )
            session.insert(_INSERT, [_row_of(new, now_ms)])
            before, now = _describe_key(old), _describe(old.scopes, ends_at_ms)
            entries = [
                _entry(company_id, old.name, old.hint, author, before=before, after=f"{now}, replaced by …{hint}"),
                _entry(company_id, old.name, hint, author, after=_describe(new.scopes, _ends_at_ms(new, now_ms))),
            ]
            write_audit(session, entries, now_ms)
            return True

        return await self._writer.transact(work)

    async def end_key(self, company_id: CompanyId, key_id: str, *, author: Author) -> bool:
        return await self._writer.transact(partial(_end, company_id, key_id, author))


def _end(company_id: CompanyId, key_id: str, author: Author, session: Session) -> bool:
    now_ms = read_now_ms(session)
    which = {"of_company": company_id, "of_key": key_id, "now_ms": now_ms}
    [rows] = session.fetch((_GOOD_ONE, which))
    if not rows or session.update_each(_END, [which]) == 0:
        return False
    key = _read_key(rows[0])
    write_audit(session, [_entry(company_id, key.name, key.hint, author, before=_describe_key(key))], now_ms)
    return True


def _entry(
    company_id: CompanyId, name: str, hint: str, author: Author, *, before: str | None = None, after: str | None = None
) -> AuditEntry:
    path = f"api_keys[{name} …{hint}]"
    return AuditEntry(company_id=company_id, author=author, path=path, before=before, after=after)


def _describe(scopes: frozenset[Scope], ends_at_ms: int | None) -> str:
    """`pings, read, until 2026-04-03 15:00 UTC`: as the audit log says it; without a time it is good for ever."""
    text = ", ".join(sorted(scope.value for scope in scopes))
    return text if ends_at_ms is None else f"{text}, until {from_ms(ends_at_ms):%Y-%m-%d %H:%M} UTC"


def _describe_key(key: ApiKey) -> str:
    return _describe(key.scopes, None if key.expires_at is None else to_ms(key.expires_at))


def _ends_at_ms(key: NewKey, now_ms: int) -> int | None:
    return None if key.lifetime is None else now_ms + key.lifetime // timedelta(milliseconds=1)


def _row_of(key: NewKey, now_ms: int) -> Row:
    return (
        key.key_hash,
        key.key_id,
        key.company_id,
        key.name,
        key.hint,
        msgspec.json.encode(sorted(scope.value for scope in key.scopes)).decode(),
        key.created_by,
        now_ms,
        _ends_at_ms(key, now_ms),
        None,
        None,
    )


def _read_key(row: Row) -> ApiKey:
    key_id, company_id, name, hint, scopes, created_by, created_at_ms, expires_at_ms, replaced_by, used_at_ms = row
    return ApiKey(
        key_id=key_id,
        company_id=CompanyId(company_id),
        name=name,
        hint=hint,
        scopes=frozenset(map(Scope, msgspec.json.decode(scopes, type=list[str]))),
        created_by=created_by,
        created_at=from_ms(created_at_ms),
        expires_at=None if expires_at_ms is None else from_ms(expires_at_ms),
        replaced_by=replaced_by,
        used_at=None if used_at_ms is None else from_ms(used_at_ms),
    )
