"""Tidying: what has expired gets its end written down, what is old is flushed for good.

`worker.sweep` and `worker.retention` call this at their own pace, in small batches. No promise of the store depends on
it: an expired reservation is expired, and its place free, whatever its row says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, literal_column, select, tuple_, update

from ringbid.reservations.reservation import State
from ringbid.store import schema
from ringbid.store.batch import HEAD
from ringbid.store.call_tidying import flush_calls, flush_own_reservations, flush_written
from ringbid.store.event_telling import tell_expired
from ringbid.store.kept_answers import forget_answers
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement, one_of
from ringbid.store.threads import SessionThread
from ringbid.values.clock import to_ms

BATCH = 100
_UNFINISHED = {state.value for state in (State.HELD, State.CONFIRMED, State.LIVE)}
_OLD_WINDOWS = timedelta(days=62)  # longer than any month: no window that began before is open
_OLD_WRITERS = timedelta(days=1)

_ping, _held, _place = schema.ping, schema.reservation, schema.place
_caller, _move, _reply, _usage = schema.open_caller, schema.reservation_move, schema.idempotency, schema.usage

# Written out, not bound: a partial index serves only a query that says its condition in so many words.
_waiting = _held.c.state.in_([literal_column(f"'{state.value}'") for state in State if state.open])
_live = _held.c.state == literal_column("'live'")

# Reservations that wait although their time is over, and calls that last longer than they can.
_now: BindParameter[int] = bindparam("now_ms")
_EXPIRED = Statement(select(_held.c.ping_id).where(_waiting, _held.c.expires_at_ms <= _now).limit(BATCH))
_LOST = Statement(select(_held.c.ping_id).where(_live, _held.c.live_until_ms <= _now).limit(BATCH))
# How reservations stand that we have locked.
_RESERVATIONS = Statement(
    select(_held.c.ping_id, _held.c.state, _held.c.expires_at_ms, _held.c.live_until_ms, _held.c.duplicate_key).where(
        one_of(_held.c.ping_id, "ping_ids")
    )
)
_EXPIRE = Statement(
    update(_held)
    .where(one_of(_held.c.ping_id, "ping_ids"))
    .values(state=State.EXPIRED.value, counted=0, ended_at_ms=_held.c.expires_at_ms)
)
_END_LOST = Statement(
    update(_held)
    .where(one_of(_held.c.ping_id, "ping_ids"))
    .values(state=State.DONE.value, counted=0, ended_at_ms=_held.c.live_until_ms)
)
_INSERT_MOVE = Insert(_move)
_DELETE_PLACES = Statement(delete(_place).where(one_of(_place.c.ping_id, "ping_ids")))
_DELETE_CALLERS = Statement(
    delete(_caller).where(one_of(_caller.c.duplicate_key, "duplicate_keys"), one_of(_caller.c.ping_id, "ping_ids"))
)

# The pings after one, oldest first.
_NEXT_PINGS = Statement(
    select(_ping.c.id, _ping.c.uuid, _ping.c.received_at_ms)
    .where(_ping.c.id > bindparam("after"))
    .order_by(_ping.c.id)
    .limit(BATCH)
)
_FLUSH = [
    Statement(delete(table).where(one_of(column, "ping_ids")))
    for table, column in (
        (_ping, _ping.c.uuid),
        (_held, _held.c.ping_id),
        (_place, _place.c.ping_id),
        (_move, _move.c.ping_id),
    )
]
_old_replies = select(_reply.c.key_id, _reply.c.idem_key).where(_reply.c.created_at_ms < bindparam("before_ms"))
_FLUSH_REPLIES = Statement(delete(_reply).where(tuple_(_reply.c.key_id, _reply.c.idem_key).in_(_old_replies)))
_FORGET_WINDOWS = Statement(
    delete(_usage).where(_usage.c.kind != "total", _usage.c.window_start_ms < bindparam("before_ms"))
)
_FORGET_WRITERS = Statement(delete(schema.writer).where(schema.writer.c.at_ms < bindparam("before_ms")))


class Tidying:
    """`purge` makes the database give up the bytes of deleted rows; False where it must be asked again later."""

    def __init__(self, writer: SessionThread[Any], *, purge: Callable[[], Awaitable[bool]]) -> None:
        self._writer = writer
        self._purge = purge
        self._purged = True

    async def sweep(self) -> int:
        """Write down the end of some reservations that are over, at most BATCH of each kind; how many there were."""
        return await self._writer.transact(_sweep)

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove every ping that arrived longer ago, with its reservation, and the replies kept for Idempotency-Keys.

        What is open or live stays until it has ended. How many pings were removed; `purged`: are their bytes gone too?
        """
        while await self.sweep():  # whoever wants to know of an end is told before it is gone
            pass
        flushed = 0
        last_id: int | None = 0
        while last_id is not None:
            removed, last_id = await self._writer.transact(partial(_flush_after, last_id, older_than))
            flushed += removed
        forgotten = await self._writer.transact(partial(_forget, older_than))
        while own := await self._writer.transact(partial(_flush_own, older_than)):
            forgotten += own
        self._purged = self._purged and not (flushed or forgotten)
        if not self._purged:
            self._purged = await self._purge()
        return flushed

    async def flush_calls(self, *, older_than: timedelta) -> int:
        """Remove every call that arrived longer ago and has ended; how many there were."""
        flushed = 0
        while removed := await self._writer.transact(partial(_flush_calls, older_than)):
            flushed += removed
        if flushed:
            self.note_flushed()
        return flushed

    def note_flushed(self) -> None:
        """Something was removed elsewhere: the next `flush` sees to its bytes."""
        self._purged = False

    @property
    def purged(self) -> bool:
        """Are the bytes of everything that was flushed gone?"""
        return self._purged


def _sweep(session: Session) -> int:
    session.lock(["tidying"])
    now_ms = _now_ms(session)
    expired, lost = session.fetch((_EXPIRED, {"now_ms": now_ms}), (_LOST, {"now_ms": now_ms}))
    candidates = [row[0] for row in (*expired, *lost)]
    if not candidates:
        return 0
    rows = [row for row in _read_locked(session, candidates) if _is_overdue(row, now_ms)]
    waiting = [row for row in rows if row[1] != State.LIVE.value]
    live = [row for row in rows if row[1] == State.LIVE.value]
    tell_expired(session, [row[0] for row in waiting], now_ms)
    session.write(_EXPIRE, ping_ids=[row[0] for row in waiting])
    session.write(_END_LOST, ping_ids=[row[0] for row in live])
    moves = [(ping_id, State.EXPIRED.value, state, expires_ms, "sweep") for ping_id, state, expires_ms, _, _ in waiting]
    moves += [(ping_id, State.DONE.value, state, until_ms, "sweep") for ping_id, state, _, until_ms, _ in live]
    session.insert(_INSERT_MOVE, moves)
    session.write(_DELETE_PLACES, ping_ids=[row[0] for row in rows])
    session.write(_DELETE_CALLERS, **_callers_of(rows))
    return len(rows)


def _flush_after(last_id: int, older_than: timedelta, session: Session) -> tuple[int, int | None]:
    """Flush what is old among the BATCH pings after `last_id`: how many; after which to go on, or None."""
    session.lock(["tidying"])
    now_ms = _now_ms(session)
    before_ms = now_ms - older_than // timedelta(milliseconds=1)
    [page] = session.fetch((_NEXT_PINGS, {"after": last_id}))
    old = [uuid for _, uuid, received_at_ms in page if received_at_ms < before_ms]
    if not old:
        return 0, None
    rows = _read_locked(session, old)
    kept = {row[0] for row in rows if row[1] in _UNFINISHED and not _is_overdue(row, now_ms)}
    flushed = [ping_id for ping_id in old if ping_id not in kept]
    for statement in _FLUSH:
        session.write(statement, ping_ids=flushed)
    session.write(_DELETE_CALLERS, **_callers_of([row for row in rows if row[0] not in kept]))
    return len(flushed), page[-1][0] if len(page) == BATCH else None


def _flush_own(older_than: timedelta, session: Session) -> int:
    session.lock(["tidying"])
    return flush_own_reservations(session, before_ms=_now_ms(session) - older_than // timedelta(milliseconds=1))


def _flush_calls(older_than: timedelta, session: Session) -> int:
    session.lock(["tidying"])
    return flush_calls(session, before_ms=_now_ms(session) - older_than // timedelta(milliseconds=1))


def _forget(older_than: timedelta, session: Session) -> int:
    """Remove old replies, windows that no cap looks at any more, and writers that are long gone; how many replies."""
    session.lock(["tidying"])
    now_ms = _now_ms(session)
    forget_answers(session, now_ms)
    session.write(_FORGET_WINDOWS, before_ms=now_ms - _OLD_WINDOWS // timedelta(milliseconds=1))
    flush_written(session, now_ms=now_ms)
    session.write(_FORGET_WRITERS, before_ms=now_ms - _OLD_WRITERS // timedelta(milliseconds=1))
    return session.update_each(_FLUSH_REPLIES, [{"before_ms": now_ms - older_than // timedelta(milliseconds=1)}])


def _read_locked(session: Session, ping_ids: list[str]) -> list[Row]:
    """How the reservations of these pings stand, once they and their callers are locked against the batches."""
    [rows] = session.fetch((_RESERVATIONS, {"ping_ids": ping_ids}))
    names = {f"ping {ping_id}" for ping_id in ping_ids}
    session.lock(names | {f"caller {duplicate_key}" for *_, duplicate_key in rows})
    [rows] = session.fetch((_RESERVATIONS, {"ping_ids": ping_ids}))
    return rows


def _now_ms(session: Session) -> int:
    [[(_, server_now_ms)]] = session.fetch((HEAD, {}))
    return int(server_now_ms) if session.clock is None else to_ms(session.clock.now())


def _is_overdue(row: Row, now_ms: int) -> bool:
    """Does a row of _RESERVATIONS wait, or last, longer than it can?"""
    _, state, expires_at_ms, live_until_ms, _ = row
    return bool((live_until_ms if state == State.LIVE.value else expires_at_ms) <= now_ms and state in _UNFINISHED)


def _callers_of(rows: list[Row]) -> dict[str, list[str]]:
    """The values for _DELETE_CALLERS: a caller goes only with the reservation that made it one."""
    return {"ping_ids": [row[0] for row in rows], "duplicate_keys": [row[4] for row in rows if row[4] is not None]}
