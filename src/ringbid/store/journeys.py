"""Folds pings and calls into journeys, and keeps their hourly sums: each round is one transaction.

What a ping says never changes, so it is read and its trace decoded before, where no ping waits for it. What may change
(its reservation, its call, the money) is read under a lock, so that of several processes one folds at a time. A round
that was killed left nothing, and is done again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, delete, select

from ringbid.call.ports import StoredCall
from ringbid.reports.homes import Homes
from ringbid.reports.journey import (
    NOTHING_BOOKED,
    AskOutcome,
    Beginning,
    Step,
    ask_outcomes,
    begin_call,
    begin_ping,
    fold,
    target_of,
)
from ringbid.reservations.trace import decode
from ringbid.store import journey_rows as rows
from ringbid.store.call_rows import read_call
from ringbid.store.report_schema import journey, rollup
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CallId, CompanyId, PingId

HOUR_MS = 3_600_000
QUARTER_MS = 900_000
CERTAIN_MS = 60_000  # no transaction takes so long: what it numbered is visible by then, or never
_FLUSHED = 500  # journeys in one transaction

_old = select(journey.c.uuid).where(journey.c.start_ms < bindparam("before_ms")).limit(_FLUSHED)
_FLUSH = Statement(delete(journey).where(journey.c.uuid.in_(_old)))
_FLUSH_SUMS = Statement(delete(rollup).where(rollup.c.start_ms < bindparam("before_ms")))


@dataclass(frozen=True, slots=True)
class _New:
    """A ping that was not folded before."""

    beginning: Beginning
    asks: list[AskOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """What one round is about."""

    at: datetime
    new: dict[PingId, _New]
    newest_id: int | None
    due: list[tuple[int, CallId]]
    due_left: bool
    to_check: list[PingId]

    @property
    def empty(self) -> bool:
        return not (self.new or self.due or self.to_check)

    @property
    def last(self) -> bool:
        """Was nothing left behind?"""
        return not self.due_left and max(len(self.new), len(self.to_check)) < rows.CHUNK


@dataclass(slots=True)
class _Facts:
    """What is known of the journeys of a round, by uuid."""

    before: dict[str, Row] = field(default_factory=dict)
    calls: dict[str, StoredCall] = field(default_factory=dict)
    held: dict[str, Row] = field(default_factory=dict)
    booked: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


class StoredJourneys:
    """Folds with `folding`, and looks for work where `reading` leads: never on the way of a ping."""

    def __init__(self, *, folding: SessionThread[Any], reading: Reading) -> None:
        self._folding = folding
        self._reading = reading
        self.folded_at: datetime | None = None  # reports tell everything that happened before

    async def fold(self, homes: Homes) -> bool:
        """Fold some of what is new or has changed; is more left?"""
        work = await self._reading.alone(partial(_look, homes))
        if not work.empty:
            await self._folding.transact(partial(_fold, work, homes))
        if work.last:
            self.folded_at = work.at
        return not work.last

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove the journeys of hours that ended longer ago, with their sums; how many there were."""
        flushed = 0
        while removed := await self._folding.transact(partial(_flush, older_than)):
            flushed += removed
        return flushed


def start_of(at_ms: int, zone: str) -> int:
    """When the hour began whose sums a moment belongs to; the quarter where the zone's hours begin in between ours."""
    offset = from_ms(at_ms).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    length_ms = HOUR_MS if not offset % timedelta(hours=1) else QUARTER_MS
    return at_ms // length_ms * length_ms


def _look(homes: Homes, session: Session) -> _Round:
    now_ms = to_ms(session.clock.now()) if session.clock is not None else None
    [(server_now_ms,)], new, due, to_check = session.fetch(
        (rows.NOW, {}), (rows.NEW_PINGS, {}), (rows.DUE, {}), (rows.TO_CHECK, {"now_ms": now_ms})
    )
    made = [_begin(row[1:], homes) for row in new]
    calls = set(list(dict.fromkeys(call_id for _, call_id in due))[: rows.CHUNK])
    chosen = [(number, CallId(call_id)) for number, call_id in due if call_id in calls]
    return _Round(
        at=from_ms(now_ms if now_ms is not None else server_now_ms),
        new={one.beginning.uuid: one for one in made},
        newest_id=new[-1][0] if new else None,
        due=chosen,
        due_left=len(due) == rows.DUE_CHUNK or len(chosen) < len(due),
        to_check=[PingId(uuid) for (uuid,) in to_check],
    )


def _begin(row: Row, homes: Homes) -> _New:
    """From PING_COLUMNS. A trace that cannot be read leaves the ping in the reports, with what its columns say."""
    facts: dict[str, Any] = {"uuid": row[0], "company_id": row[1], "campaign_id": row[2], "publisher_id": row[4]}
    facts |= {"at_ms": row[6]}
    try:
        trace = decode(row[13])
    except msgspec.MsgspecError:
        nothing: dict[str, Any] = {"direct": False, "caller_state": "", "tags": {}, "step": Step.PING}
        return _New(Beginning(**facts, **nothing, ending=row[7]), [])
    kept = homes(CompanyId(row[1])).tags
    return _New(begin_ping(**facts, reason=row[7], trace=trace, kept_tags=kept), ask_outcomes(trace))


def _fold(work: _Round, homes: Homes, session: Session) -> None:
    session.lock(["journeys"])
    facts, marks = _read_facts(work, homes, session)
    now_ms = to_ms(work.at)
    sums, written = rows.Sums(), []
    for uuid in sorted({*work.new, *work.to_check, *facts.calls}):
        before, call = facts.before.get(uuid), facts.calls.get(uuid)
        new = work.new.get(PingId(uuid))
        if before is not None:
            beginning, start_ms = rows.read_beginning(before), before[4]
        elif new is not None or call is not None:
            beginning = new.beginning if new is not None else _begin_with_call(call, homes)
            start_ms = start_of(beginning.at_ms, homes(beginning.company_id).zone)
            sums.add_asks(beginning, new.asks if new is not None else [], start_ms)
        else:
            continue  # it was flushed meanwhile
        booked = rows.read_booked(facts.booked[call.call_id]) if call is not None else NOTHING_BOOKED
        held = rows.read_held(facts.held[uuid]) if uuid in facts.held else None
        after = fold(beginning, held, call, booked, now_ms)
        row = rows.journey_row(after, start_ms)
        if row == before:
            continue
        if before is not None:
            sums.add(rows.read_journey(before), start_ms, less=True)
        sums.add(after, start_ms)
        written.append(row)
    session.insert(rows.WRITE, written)
    session.insert(rows.ADD_COUNTS, sums.rows())
    session.write(rows.FORGET_DUE, due_ids=[number for number, _ in work.due])
    if work.newest_id is not None:
        certain_ms = CERTAIN_MS if session.shared else 0
        session.insert(rows.WRITE_MARK, rows.mark_rows(marks, work.newest_id, now_ms, certain_ms=certain_ms))


def _read_facts(work: _Round, homes: Homes, session: Session) -> tuple[_Facts, dict[str, tuple[int, int]]]:
    due = {call_id for _, call_id in work.due}
    [changed] = session.fetch((rows.CALLS, rows.values_of(due)))
    found = [read_call(row) for row in changed]
    uuids = {*work.new, *work.to_check, *map(target_of, found)}
    named = rows.values_of(uuids)
    before, held, own, claiming, marked = session.fetch(
        (rows.FIND, named),
        (rows.RESERVATIONS, named),
        (rows.CALLS, named),
        (rows.CALLS_OF_PINGS, named),
        (rows.MARKS, {}),
    )
    facts = _Facts(before={row[0]: tuple(row) for row in before}, held={row[0]: row for row in held})
    for call in [*found, *(read_call(row) for row in (*own, *claiming))]:
        uuid = target_of(call)
        other = facts.calls.get(uuid)
        # One reservation, one call: of those that came with it, the one that got the buyer.
        if uuid in uuids and (other is None or len(call.state.attempts) > len(other.state.attempts)):
            facts.calls[uuid] = call
    _begin_from_pings(work, facts, homes, session)
    [booked] = session.fetch((rows.BOOKED, {"call_ids": sorted(call.call_id for call in facts.calls.values())}))
    for row in booked:
        facts.booked[row[0]].append(row)
    return facts, {name: (ping_id, at_ms) for name, ping_id, at_ms in marked}


def _begin_from_pings(work: _Round, facts: _Facts, homes: Homes, session: Session) -> None:
    """A call may be seen before its ping's turn has come: then the ping begins its journey now."""
    missing = [uuid for uuid, call in facts.calls.items() if uuid not in facts.before and uuid != call.call_id]
    missing = [uuid for uuid in missing if PingId(uuid) not in work.new]
    if missing:
        [found] = session.fetch((rows.PINGS, rows.values_of(missing)))
        for row in found:
            work.new[PingId(row[0])] = _begin(row, homes)


def _begin_with_call(call: StoredCall | None, homes: Homes) -> Beginning:
    assert call is not None, "a journey begins with a ping or with a call"
    return begin_call(call, to_ms(call.received_at), homes(call.company_id).tags)


def _flush(older_than: timedelta, session: Session) -> int:
    session.lock(["journeys"])
    [[(server_now_ms,)]] = session.fetch((rows.NOW, {}))
    now_ms = to_ms(session.clock.now()) if session.clock is not None else server_now_ms
    # Whole hours: their sums go with them.
    before_ms = (now_ms - older_than // timedelta(milliseconds=1)) // HOUR_MS * HOUR_MS
    session.write(_FLUSH_SUMS, before_ms=before_ms)
    return session.update_each(_FLUSH, [{"before_ms": before_ms}])
