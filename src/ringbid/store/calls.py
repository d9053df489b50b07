"""The store's side of `call.ports`: each method is one transaction, or one read.

A call is locked by its provider's name for it, then its reservations and buyers are, then its money is booked: always
in this order, so that two transactions never wait for each other.
"""

from __future__ import annotations

import dataclasses
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any

from sqlalchemy import bindparam, select

from ringbid.call.event import Arrival, CallEvent
from ringbid.call.ports import (
    CallerOf,
    CallLook,
    CallQuery,
    Change,
    Draft,
    More,
    Opening,
    React,
    Reaction,
    StoredCall,
)
from ringbid.call.react import RECORD_SECONDS
from ringbid.call.state import CallState, Phase
from ringbid.call.trace import CallTrace
from ringbid.ledger.posting import Posting
from ringbid.reservations.calling import Claimed, NotOpen
from ringbid.reservations.reservation import State
from ringbid.store import call_finding, journeys_due, ledger, written_tags
from ringbid.store.audit import write_audit
from ringbid.store.batch import HEAD, decide_within
from ringbid.store.call_rows import (
    DUE,
    EVENT_ROW,
    EVENTS_OF,
    FIND,
    FIND_BY_PROVIDER,
    HANDLE_EVENT,
    INSERT_CALL,
    INSERT_EVENT,
    LATE_SECONDS,
    OPEN_CALLS,
    PINGS_OF_CALLER,
    UPDATE,
    call_changes,
    call_row,
    event_row,
    read_call,
    read_event,
)
from ringbid.store.call_schema import converted_caller, secret
from ringbid.store.ledger_reading import postings_of
from ringbid.store.outbox_writing import enqueue
from ringbid.store.reservations import find_ping
from ringbid.store.session import Query, Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CallId, PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

PARKED, TOLD_BEFORE = "parked", "told_before"

_CONVERTED = Statement(
    select(converted_caller.c.converted_at_ms).where(converted_caller.c.dedupe_key == bindparam("dedupe_key"))
)
_REMEMBER_CONVERTED = Insert(converted_caller, replace=True)
_SECRET = Statement(select(secret.c.value).where(secret.c.name == bindparam("name")))
_INSERT_SECRET = Insert(secret)


class CallReading:
    """What can be read of calls, also beside a running server."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def look(self, arrival: Arrival) -> CallLook:
        return await self._reading.alone(partial(_look, arrival))

    async def find(self, call_id: CallId) -> StoredCall | None:
        return await self._reading.alone(lambda session: _find(session, call_id))

    async def find_by_provider(self, provider: str, provider_call_id: str) -> StoredCall | None:
        return await self._reading.alone(lambda session: _find_by_provider(session, provider, provider_call_id))

    async def events_of(self, call: StoredCall) -> list[tuple[datetime, str | None, CallEvent]]:
        """Everything the provider told of a call: when it was stored, the row that handled it, and what it was."""
        return await self._reading.alone(partial(_events_of, call))

    async def calls_of_reservation(self, ping_id: PingId) -> list[StoredCall]:
        """The calls that came with this ping's reservation, in time or late, the oldest first."""
        return await self._reading.alone(partial(call_finding.calls_of_reservation, ping_id))

    async def read_now(self) -> datetime:
        """The store's clock, by which all calls are judged."""
        return await self._reading.alone(_now)

    async def open_calls(self, provider: str) -> list[StoredCall]:
        """All calls of this provider that have not ended, as far as is known, or lack the record of an answer."""
        return await self._reading.alone(lambda session: _open_calls(session, provider))

    async def due(self) -> list[CallId]:
        return await self._reading.alone(_due)

    async def find_by_uuid(self, uuid: PingId) -> StoredCall | None:
        return await self._reading.alone(partial(call_finding.find_by_uuid, uuid))

    async def find_of_caller(self, caller: CallerOf) -> list[StoredCall]:
        return await self._reading.alone(partial(call_finding.find_of_caller, caller))

    async def list_calls(self, query: CallQuery) -> list[StoredCall]:
        """The newest calls that fit, the newest first."""
        return await self._reading.alone(partial(call_finding.list_calls, query))

    async def written_tags(self, caller: CallerOf, *, since: datetime | None = None) -> Mapping[str, str]:
        return await self._reading.alone(lambda session: written_tags.read(session, caller, since))


class StoredCalls(CallReading):
    """Keeps the promises of `call.ports.Calls`. Writes raise StoreOverloaded and StoreUnavailable.

    `routing` is the thread for calls that wait for their way: `writer` itself, or where several may write, another,
    which has no queue of events to be taken note of.
    """

    def __init__(self, *, writer: SessionThread[Any], routing: SessionThread[Any], reading: Reading) -> None:
        super().__init__(reading)
        self._writer = writer
        self._routing = routing

    async def open(self, opening: Opening) -> StoredCall | NotOpen:
        return await self._routing.transact(partial(_open, opening))

    async def take_more(self, more: More) -> StoredCall:
        return await self._routing.transact(partial(_take_more, more))

    async def report(self, event: CallEvent, react: React) -> str:
        return await self._writer.transact(partial(_report, event, react))

    async def change(self, call_id: CallId, change: Change) -> StoredCall | Refused:
        return await self._writer.transact(partial(_change, call_id, change))

    async def keep_tags(self, caller: CallerOf, tags: Mapping[str, str], *, written_by: str, keep_seconds: int) -> bool:
        return await self._writer.transact(
            lambda session: written_tags.keep(
                session, caller, tags, now=_now(session), written_by=written_by, keep_seconds=keep_seconds
            )
        )


class _Lookups:
    """What a reaction may ask while it is made. Under the call's lock; a dedupe key is locked when it is asked for."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self.now = now

    def last_converted_ms(self, dedupe_key: str) -> int | None:
        hashed = self.hash_of(dedupe_key)
        self._session.lock([f"converted {hashed}"])
        [rows] = self._session.fetch((_CONVERTED, {"dedupe_key": hashed}))
        return rows[0][0] if rows else None

    def postings_of(self, call: StoredCall) -> tuple[Posting, ...]:
        self._session.lock([_money_lock(call)])
        return postings_of(self._session, call.call_id, company_id=call.company_id)

    def hash_of(self, dedupe_key: str) -> str:
        """The caller's number must not be read from what is kept for years, so it is hashed under a secret of ours."""
        return blake2b(dedupe_key.encode(), key=self._secret, digest_size=16).hexdigest()

    @cached_property
    def _secret(self) -> bytes:
        [rows] = self._session.fetch((_SECRET, {"name": "dedupe"}))
        if rows:
            return bytes.fromhex(rows[0][0])
        self._session.lock(["secret dedupe"])
        [rows] = self._session.fetch((_SECRET, {"name": "dedupe"}))
        if rows:
            return bytes.fromhex(rows[0][0])
        made = randomness.token_hex(32)
        self._session.insert(_INSERT_SECRET, [("dedupe", made, to_ms(self.now))])
        return bytes.fromhex(made)


def _open(opening: Opening, session: Session) -> StoredCall | NotOpen:
    arrival = opening.arrival
    names = _names(arrival.provider, arrival.provider_call_id)
    session.lock([_lock_name(arrival.provider, arrival.provider_call_id)])
    now, (found, told) = _fetch_now(session, (FIND_BY_PROVIDER, names), (EVENTS_OF, names))
    if found:
        return read_call(found[0])
    claimed = Claimed((), ())
    if opening.take is not None:
        [decided] = decide_within(session, [opening.take])
        if isinstance(decided, NotOpen):
            return decided
        claimed = decided
    blank = StoredCall(
        call_id=opening.call_id,
        company_id=opening.company_id,
        campaign_id=opening.campaign_id,
        provider=arrival.provider,
        provider_call_id=arrival.provider_call_id,
        reservation_id=opening.reservation_id,
        publisher_id=opening.publisher_id,
        caller_number=arrival.caller_number,
        inbound_number=arrival.dialled,
        received_at=opening.received_at,
        state=CallState(phase=Phase.ROUTING, received_ms=to_ms(arrival.at), call_key=""),
        trace=CallTrace(match="", strategy="", seed=0, currency="", tags={}),
    )
    draft = opening.draft(blank, claimed, now)
    stored = dataclasses.replace(blank, state=draft.state, trace=draft.trace)
    session.insert(INSERT_CALL, [call_row(stored, draft.check_at_ms)])
    journeys_due.note(session, [stored.call_id])
    enqueue(session, draft.messages, to_ms(now))
    return _handle_parked(stored, told, opening.react, _Lookups(session, now), session)


def _handle_parked(
    call: StoredCall, told: Sequence[Row], react: React, lookups: _Lookups, session: Session
) -> StoredCall:
    """Events that were told before the call itself was: their turn has come."""
    for event_id, _, row, document in told:
        if row is None:
            reaction = react(call, read_event(document), lookups)
            call = _apply(call, reaction, lookups, session)
            session.write(HANDLE_EVENT, provider_name=call.provider, event=event_id, new_row=reaction.row)
    return call


def _take_more(more: More, session: Session) -> StoredCall:
    call = _find_locked(session, more.call_id)
    assert call is not None, f"there is no call {more.call_id}"
    if call.state.phase is not Phase.RINGING or call.state.open_attempts:
        return call  # somebody else has asked the same, or the call has ended meanwhile
    [claimed] = decide_within(session, [more.take])
    assert isinstance(claimed, Claimed), "a call claims its reservation when it arrives, and never again"
    now = _now(session)
    draft = more.draft(call, claimed, now)
    _write(session, call, draft)
    enqueue(session, draft.messages, to_ms(now))
    return dataclasses.replace(call, state=draft.state, trace=draft.trace)


def _report(event: CallEvent, react: React, session: Session) -> str:
    session.lock([_lock_name(event.provider, event.provider_call_id)])
    now, (told, found) = _fetch_now(
        session,
        (EVENT_ROW, {"provider_name": event.provider, "event": event.event_id}),
        (FIND_BY_PROVIDER, _names(event.provider, event.provider_call_id)),
    )
    if told:
        return TOLD_BEFORE
    if not found:
        session.insert(INSERT_EVENT, [event_row(event, stored_at_ms=to_ms(now), row=None)])
        return PARKED
    call, lookups = read_call(found[0]), _Lookups(session, now)
    reaction = react(call, event, lookups)
    _apply(call, reaction, lookups, session)
    session.insert(INSERT_EVENT, [event_row(event, stored_at_ms=to_ms(now), row=reaction.row)])
    return reaction.row


def _change(call_id: CallId, change: Change, session: Session) -> StoredCall | Refused:
    call = _find_locked(session, call_id)
    if call is None:
        return Refused(Reason.CALL_UNKNOWN)
    lookups = _Lookups(session, _now(session))
    reaction = change(call, lookups)
    return reaction if isinstance(reaction, Refused) else _apply(call, reaction, lookups, session)


def _apply(call: StoredCall, reaction: Reaction, lookups: _Lookups, session: Session) -> StoredCall:
    """Write all of a reaction: places, converted callers, the call itself, messages, audit entries, last the money."""
    if reaction.requests:
        decide_within(session, reaction.requests)
    now_ms = to_ms(lookups.now)
    session.insert(_REMEMBER_CONVERTED, [(lookups.hash_of(key), now_ms, call.call_id) for key in reaction.converted])
    trace = reaction.trace or call.trace
    draft = Draft(state=reaction.state, trace=trace, check_at_ms=reaction.check_at_ms)
    _write(session, call, draft)
    enqueue(session, reaction.messages, now_ms)
    write_audit(session, reaction.audit, now_ms)
    if reaction.postings:
        session.lock([_money_lock(call)])
        ledger.post_all(session, reaction.postings, now_ms)
    return dataclasses.replace(call, state=reaction.state, trace=trace)


def _write(session: Session, call: StoredCall, draft: Draft) -> None:
    session.write(UPDATE, **call_changes(call, draft.state, draft.trace, draft.check_at_ms))
    journeys_due.note(session, [call.call_id])


def _look(arrival: Arrival, session: Session) -> CallLook:
    # All that can be asked at once is: a caller waits meanwhile.
    by_number = arrival.reservation_id is None and arrival.caller_number is not None
    since_ms = to_ms(session.clock.now()) - LATE_SECONDS * 1000 if session.clock is not None else None
    of_caller = {"caller": arrival.caller_number, "dialled": arrival.dialled, "since_ms": since_ms}
    now, (found, *pings) = _fetch_now(
        session,
        (FIND_BY_PROVIDER, _names(arrival.provider, arrival.provider_call_id)),
        *([(PINGS_OF_CALLER, of_caller)] if by_number else []),
    )
    if found:
        return CallLook(now=now, existing=read_call(found[0]), ping=None)
    ping_id = _choose_ping(pings[0], now) if by_number else arrival.reservation_id
    ping = find_ping(session, ping_id) if ping_id is not None else None
    return CallLook(now=now, existing=None, ping=ping)


def _choose_ping(rows: Sequence[Row], now: datetime) -> PingId | None:
    """Of the pings that a call may belong to: the newest whose reservation is open, else the newest that has expired
    within the hour."""
    waiting = {state.value for state in State if state.open}
    still_open = [row[0] for row in rows if row[1] in waiting and row[2] > to_ms(now)]
    expired = [row[0] for row in rows if row[1] in {*waiting, State.EXPIRED.value}]
    found = (*still_open, *expired)
    return PingId(found[0]) if found else None


def _find(session: Session, call_id: CallId) -> StoredCall | None:
    [rows] = session.fetch((FIND, {"call_id": call_id}))
    return read_call(rows[0]) if rows else None


def _find_locked(session: Session, call_id: CallId) -> StoredCall | None:
    """The call, as it is once it is locked."""
    call = _find(session, call_id)
    if call is None or not session.shared:
        return call
    session.lock([_lock_name(call.provider, call.provider_call_id)])
    return _find(session, call_id)


def _find_by_provider(session: Session, provider: str, provider_call_id: str) -> StoredCall | None:
    [rows] = session.fetch((FIND_BY_PROVIDER, _names(provider, provider_call_id)))
    return read_call(rows[0]) if rows else None


def _events_of(call: StoredCall, session: Session) -> list[tuple[datetime, str | None, CallEvent]]:
    [rows] = session.fetch((EVENTS_OF, _names(call.provider, call.provider_call_id)))
    return [(from_ms(stored_at_ms), row, read_event(document)) for _, stored_at_ms, row, document in rows]


def _open_calls(session: Session, provider: str) -> list[StoredCall]:
    ended_after_ms = to_ms(_now(session)) - RECORD_SECONDS * 1000
    [rows] = session.fetch((OPEN_CALLS, {"provider_name": provider, "ended_after_ms": ended_after_ms}))
    calls = [read_call(row) for row in rows]
    return [call for call in calls if call.state.phase is not Phase.ENDED or call.state.unrecorded is not None]


def _due(session: Session) -> list[CallId]:
    [rows] = session.fetch((DUE, {"now_ms": to_ms(_now(session))}))
    return [CallId(row[0]) for row in rows]


def _names(provider: str, provider_call_id: str) -> dict[str, Any]:
    return {"provider_name": provider, "provider_call": provider_call_id}


def _lock_name(provider: str, provider_call_id: str) -> str:
    return f"call {provider} {provider_call_id}"


def _money_lock(call: StoredCall) -> str:
    """The name that corrections of the call's money lock."""
    return f"call {call.call_id}"


def _now(session: Session) -> datetime:
    now, _ = _fetch_now(session)
    return now


def _fetch_now(session: Session, *queries: Query) -> tuple[datetime, list[list[Row]]]:
    """The store's time and the rows of each query, together: PostgreSQL tells both in one round trip."""
    if session.clock is not None:
        return session.clock.now(), session.fetch(*queries)
    *found, [(_, server_now_ms)] = session.fetch(*queries, (HEAD, {}))
    return from_ms(server_now_ms), found
