"""The outbox: messages that must leave, written in the transaction of their cause and kept until they have left.

Whoever writes a cause writes its messages (`outbox_writing`); `worker.outbox` takes turns (`outbox_turn`), the owner's
commands list, replay and enable, and `worker.retention` flushes what is old.
"""

from __future__ import annotations

import os
import secrets as randomness
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, delete, func, literal_column, select, update

from ringbid.buyers.protocol import Ask
from ringbid.buyers.webhook import redact
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import (
    Counts,
    DisabledEndpoint,
    Listed,
    ListedTry,
    Replayed,
    Shown,
    Tried,
    Turn,
    Wish,
)
from ringbid.outbox.signing import new_secret
from ringbid.store.call_schema import secret
from ringbid.store.outbox_schema import outbox, outbox_endpoint, outbox_try
from ringbid.store.outbox_turn import HEADS, LOCK, WAITING, Request, read_now_ms, read_secrets, secret_name, take_turn
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement, one_of
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import CallId, CompanyId

BATCH = 100
MOST_LISTED = 1000

_LEFT_BEHIND = Statement(
    update(outbox).where(WAITING, outbox.c.lease.is_not(None)).values(lease=None, next_at_ms=bindparam("now_ms"))
)
_of_message = outbox.c.message_id == bindparam("of_message")
_of_endpoint = (outbox.c.company_id == bindparam("of_company")) & (outbox.c.endpoint == bindparam("of_endpoint"))
_endpoint = (outbox_endpoint.c.company_id == bindparam("of_company")) & (
    outbox_endpoint.c.endpoint == bindparam("of_endpoint")
)
_AGAIN = {
    "state": MessageState.WAITING.value,
    "step": 0,
    "next_at_ms": bindparam("now_ms"),
    "lease": None,
    "ended_at_ms": None,
}
_unsendable = (outbox.c.state == MessageState.DEAD.value) & (outbox.c.tries == 0)  # `outbox_writing` keeps them so
_REPLAYABLE = Statement(
    select(outbox.c.lease, outbox_endpoint.c.disabled_at_ms, _unsendable)
    .select_from(
        outbox.outerjoin(
            outbox_endpoint,
            (outbox_endpoint.c.company_id == outbox.c.company_id) & (outbox_endpoint.c.endpoint == outbox.c.endpoint),
        )
    )
    .where(_of_message)
)
_REPLAY = Statement(update(outbox).where(_of_message).values(**_AGAIN))
_ended = outbox.c.ended_at_ms.is_not(None)  # said so that the index of ended messages serves
_REPLAY_ALL = Statement(
    update(outbox).where(_ended, outbox.c.state == bindparam("in_state"), ~_unsendable, _of_endpoint).values(**_AGAIN)
)
_ENABLE = Statement(delete(outbox_endpoint).where(_endpoint))
_REPLACE_SECRET = Insert(secret, replace=True)

LISTED = (
    outbox.c.id,
    outbox.c.message_id,
    outbox.c.company_id,
    outbox.c.call_id,
    outbox.c.kind,
    outbox.c.endpoint,
    outbox.c.created_at_ms,
    outbox.c.state,
    outbox.c.tries,
    outbox.c.next_at_ms,
    outbox.c.ended_at_ms,
    outbox.c.last_status,
    outbox.c.last_error,
)
_SHOW = Statement(select(outbox.c.request, *LISTED).where(_of_message))
_TRIES = Statement(
    select(outbox_try.c.number, outbox_try.c.at_ms, outbox_try.c.took_ms, outbox_try.c.status, outbox_try.c.error)
    .where(outbox_try.c.message_id == bindparam("of_message"))
    .order_by(outbox_try.c.number)
)


def _in_state(state: MessageState) -> ColumnElement[bool]:
    """Written out, so that the indexes of what waits and of what has ended serve. What was delivered is most of all: it
    is found faster without."""
    in_state = outbox.c.state == literal_column(f"'{state.value}'")
    return in_state & _ended if state in (MessageState.DEAD, MessageState.DISABLED) else in_state


def _count_of(state: MessageState) -> ScalarSelect[int]:
    return select(func.count()).select_from(outbox).where(_in_state(state)).scalar_subquery()


_COUNTS = Statement(
    select(
        _count_of(MessageState.WAITING),
        _count_of(MessageState.DEAD),
        _count_of(MessageState.DISABLED),
    )
)
_DISABLED = Statement(select(outbox_endpoint).order_by(outbox_endpoint.c.company_id, outbox_endpoint.c.endpoint))
_OLD = Statement(
    select(outbox.c.message_id)
    .where(outbox.c.state == bindparam("in_state"), outbox.c.ended_at_ms < bindparam("before_ms"))
    .limit(BATCH)
)
_FLUSH = [Statement(delete(table).where(one_of(table.c.message_id, "message_ids"))) for table in (outbox_try, outbox)]


class OutboxReading:
    """What can be read of the outbox, also beside a running server."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def listing(
        self,
        *,
        state: MessageState | None = None,
        company_id: CompanyId | None = None,
        call_id: CallId | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Listed]:
        """The newest messages that fit, at most MOST_LISTED; `before` the one with that `number`, where it is given."""
        given = {"of_company": company_id, "of_call": call_id, "before": before}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        statement = _list_statement(state, frozenset(values))
        values["most"] = min(limit, MOST_LISTED)
        [rows] = await self._reading.alone(lambda session: session.fetch((statement, values)))
        return [listed(row) for row in rows]

    async def show(self, message_id: str) -> Shown | None:
        """One message with its tries, its secrets masked; None where there is none."""
        return await self._reading.alone(partial(_show, message_id))

    async def counts(self) -> Counts:
        """How the outbox stands, for metrics and `ringbid doctor`. Delivered ones are not counted: they are many."""
        return await self._reading.alone(_counts)


class StoredOutbox(OutboxReading):
    """Keeps the promises of `outbox.ports`. Raises StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        super().__init__(reading)
        self._writer = writer
        self._name = randomness.token_hex(6)
        self._turns = 0

    async def adopt(self) -> int:
        """On SQLite, what is under way when a sender starts was left by one that was killed: there is no other."""
        return await self._writer.transact(_adopt)

    async def turn(self, tried: Sequence[Tried], wish: Wish) -> Turn:
        """Record how tries went, then claim messages that are due: in one transaction, durable on return."""
        self._turns += 1
        lease = f"{self._name}-{self._turns}"
        return await self._writer.transact(lambda session: take_turn(session, tried, wish, lease=lease))

    async def replay(self, message_id: str) -> Replayed:
        """Let a message wait again, whatever came of it, to be sent now under the same id."""
        return await self._writer.transact(partial(_replay, message_id))

    async def replay_dead(self, company_id: CompanyId, endpoint: str) -> int:
        """The same for all dead messages of an endpoint; how many."""
        return await self._writer.transact(partial(_replay_all, MessageState.DEAD, company_id, endpoint))

    async def enable(self, company_id: CompanyId, endpoint: str) -> int | None:
        """Take a disabled endpoint into use again, and let all that was kept from it wait again; how many messages.
        None: it was not disabled."""
        return await self._writer.transact(partial(_enable, company_id, endpoint))

    async def secrets(
        self, company_id: CompanyId, *, endpoint: str | None = None, rotate: bool = False, drop_old: bool = False
    ) -> tuple[str, ...]:
        """The company's signing secrets, or those of its event webhook at `endpoint`, newest first, made where there is
        none. `rotate` makes a new one and keeps the newest of the old ones beside it; `drop_old` keeps the newest
        only."""
        return await self._writer.transact(partial(_secrets, secret_name(company_id, endpoint), rotate, drop_old))

    async def flush(self, *, delivered: timedelta, dead: timedelta) -> int:
        """Remove messages that were delivered longer than `delivered` ago, or ended otherwise longer than `dead` ago,
        with their tries; how many. Their bytes are gone with the next purge."""
        flushed = 0
        for state in (MessageState.DELIVERED, MessageState.DEAD, MessageState.DISABLED):
            age = delivered if state is MessageState.DELIVERED else dead
            removed = BATCH
            while removed == BATCH:
                removed = await self._writer.transact(partial(_flush, state, age))
                flushed += removed
        return flushed


def _adopt(session: Session) -> int:
    if session.shared:  # others may be sending: their leases will run out
        return 0
    return session.update_each(_LEFT_BEHIND, [{"now_ms": read_now_ms(session)}])


def _replay(message_id: str, session: Session) -> Replayed:
    session.lock([LOCK])
    [rows] = session.fetch((_REPLAYABLE, {"of_message": message_id}))
    if not rows:
        return Replayed.UNKNOWN
    [(lease, disabled_at_ms, unsendable)] = rows
    if unsendable:
        return Replayed.UNSENDABLE
    if lease is not None:
        return Replayed.UNDER_WAY
    if disabled_at_ms is not None:
        return Replayed.ENDPOINT_DISABLED
    session.write(_REPLAY, of_message=message_id, now_ms=read_now_ms(session))
    return Replayed.WAITING


def _replay_all(state: MessageState, company_id: CompanyId, endpoint: str, session: Session) -> int:
    session.lock([LOCK])
    values = {"in_state": state.value, "of_company": company_id, "of_endpoint": endpoint}
    return session.update_each(_REPLAY_ALL, [{**values, "now_ms": read_now_ms(session)}])


def _enable(company_id: CompanyId, endpoint: str, session: Session) -> int | None:
    session.lock([LOCK])
    if not session.update_each(_ENABLE, [{"of_company": company_id, "of_endpoint": endpoint}]):
        return None
    return _replay_all(MessageState.DISABLED, company_id, endpoint, session)


def _secrets(name: str, rotate: bool, drop_old: bool, session: Session) -> tuple[str, ...]:
    session.lock([LOCK])
    now_ms = read_now_ms(session)
    found = read_secrets(session, [name], now_ms)[name]
    kept = (new_secret(os.urandom), *found)[:2] if rotate else found
    kept = kept[:1] if drop_old else kept
    if kept != found:
        session.insert(_REPLACE_SECRET, [(name, " ".join(kept), now_ms)])
    return kept


def _flush(state: MessageState, age: timedelta, session: Session) -> int:
    session.lock([LOCK])
    before_ms = read_now_ms(session) - age // timedelta(milliseconds=1)
    [rows] = session.fetch((_OLD, {"in_state": state.value, "before_ms": before_ms}))
    if rows:
        for statement in _FLUSH:
            session.write(statement, message_ids=[message_id for (message_id,) in rows])
    return len(rows)


@cache
def _list_statement(state: MessageState | None, filters: frozenset[str]) -> Statement:
    conditions = {
        "of_company": outbox.c.company_id == bindparam("of_company"),
        "of_call": outbox.c.call_id == bindparam("of_call"),
        "before": outbox.c.id < bindparam("before"),
    }
    chosen = [conditions[name] for name in sorted(filters)]
    if state is not None:
        chosen.append(_in_state(state))
    return Statement(select(*LISTED).where(*chosen).order_by(outbox.c.id.desc()).limit(bindparam("most")))


def listed(row: Row) -> Listed:
    """From LISTED."""
    number, message_id, company_id, call_id, kind, endpoint, created_at_ms, state, tries, *rest = row
    next_at_ms, ended_at_ms, last_status, last_error = rest
    return Listed(
        number=number,
        message_id=message_id,
        company_id=CompanyId(company_id),
        call_id=None if call_id is None else CallId(call_id),
        kind=kind,
        endpoint=endpoint,
        created_at=from_ms(created_at_ms),
        state=MessageState(state),
        tries=tries,
        next_at=_at(next_at_ms),
        ended_at=_at(ended_at_ms),
        last_status=last_status,
        last_error=last_error,
    )


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)


def _show(message_id: str, session: Session) -> Shown | None:
    rows, tries = session.fetch((_SHOW, {"of_message": message_id}), (_TRIES, {"of_message": message_id}))
    if not rows:
        return None
    document, *row = rows[0]
    shown = listed(tuple(row))
    request = msgspec.json.decode(document, type=Request)
    ask = Ask(
        webhook_name=shown.endpoint,
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=request.body,
    )
    made = tuple(
        ListedTry(number=number, at=from_ms(at_ms), took_ms=took_ms, status=status, error=error)
        for number, at_ms, took_ms, status, error in tries
    )
    return Shown(listed=shown, request=redact(ask), tries=made)


def _counts(session: Session) -> Counts:
    [(waiting, dead, disabled)], heads, endpoints = session.fetch((_COUNTS, {}), (HEADS, {}), (_DISABLED, {}))
    now_ms = read_now_ms(session)
    late_ms = max((now_ms - next_at_ms for _, next_at_ms in heads if next_at_ms < now_ms), default=0)
    return Counts(
        waiting=waiting,
        dead=dead,
        disabled=disabled,
        late_ms=late_ms,
        disabled_endpoints=tuple(
            DisabledEndpoint(
                company_id=CompanyId(company_id), endpoint=endpoint, disabled_at=from_ms(disabled_at_ms), why=why
            )
            for company_id, endpoint, disabled_at_ms, why in endpoints
        ),
    )
