"""Reconciliation: what the desk knows of calls is brought in line with Kamailio's own records and its live calls.

Pushed events (`router`) make things fast; this makes them complete. A task of the server. Records come from the record
log, and from the tables where Kamailio has a database. A call that should be live and is not any more, because Kamailio
crashed and has forgotten it, is closed as long as it is proven to have lived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec
import structlog

from ringbid.call.desk import CallDesk
from ringbid.call.event import CallEvent
from ringbid.edge.telephony.sip import messages
from ringbid.edge.telephony.sip.commands import EngineCommands, EngineUnreachable
from ringbid.edge.telephony.sip.record_log import RecordLog, make_private
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
from ringbid.values.clock import Clock, format_utc, from_ms, to_ms
from ringbid.values.ids import PingId

RECORDS_PAUSE_SECONDS = 1.0
LIVE_PAUSE_SECONDS = 5.0
_ROWS_AT_ONCE = 500
_PROOFS_FILE = "alive.json"

# id, Call-ID, attempt, started, ended, who ended it, duration in seconds: `store.engine_tables.RecordRow`
RecordRow: TypeAlias = tuple[int, str, str, str, str, str, float]

_log = structlog.get_logger(__name__)


class RecordTable(Protocol):
    """`store.engine_tables.EngineTables`. It blocks, so that it is called in a thread."""

    def unnoted(self, limit: int) -> list[RecordRow]: ...

    def note(self, ids: list[int]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call of which the desk believes that it is under way, or that was answered and has no record. `attempt_id` and
    `answered_at` where a buyer answered; `ended_at` where its end was told."""

    provider_call_id: str
    since: datetime
    attempt_id: PingId | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class OpenCalls(Protocol):
    """What is needed of the store."""

    async def open_calls(self, provider: str) -> Sequence[OpenCall]:
        """All calls of this provider that have not ended, as far as is known, or lack the record of an answer."""
        ...


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """`folder`: Kamailio's (`config.sip_folder`). `table` is None without PostgreSQL. `patience_seconds`: how long a
    call may be unheard of before it is closed; longer than a question may wait."""

    desk: CallDesk
    calls: OpenCalls
    commands: EngineCommands
    folder: Path
    clock: Clock
    table: RecordTable | None = None
    patience_seconds: float = 20.0
    _log: RecordLog = field(init=False)
    _alive: dict[str, int] = field(init=False)  # Call-ID → when it was last seen live, in ms
    _missing_since: dict[str, datetime] = field(init=False, default_factory=dict)
    _looked_at: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self._log = RecordLog(self.folder)
        try:
            self._alive = msgspec.json.decode((self.folder / _PROOFS_FILE).read_bytes(), type=dict[str, int])
        except (FileNotFoundError, msgspec.DecodeError):
            self._alive = {}  # after a power cut it may be empty

    async def run(self) -> None:
        """Read records as they come, and compare the live calls now and then, until cancelled."""
        while True:
            try:
                await self.look()
            except (StoreUnavailable, StoreOverloaded, EngineUnreachable) as error:
                _log.warning("sip_reconciliation_waits", error=str(error))
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("sip_reconciliation_failed")
            await asyncio.sleep(RECORDS_PAUSE_SECONDS)

    async def look(self) -> None:
        """One round. Raises StoreUnavailable, StoreOverloaded, EngineUnreachable."""
        await self.read_records()
        if self.clock.monotonic() - self._looked_at >= LIVE_PAUSE_SECONDS:
            self._looked_at = self.clock.monotonic()
            await self.compare_live()

    async def read_records(self) -> None:
        """Report every record that was not reported yet. Raises StoreUnavailable, StoreOverloaded."""
        while True:
            read = await asyncio.to_thread(self._log.read)
            for line in read.records:
                await self._report_logged(line)
            if read.lost or read.unreadable:
                _log.error("sip_records_lost", lost=read.lost, unreadable=read.unreadable)
            await asyncio.to_thread(self._log.remember)
            if not read.records:
                break
        while self.table is not None:
            rows = await asyncio.to_thread(self.table.unnoted, _ROWS_AT_ONCE)
            for _, call_id, attempt, started, ended, by, duration in rows:
                record = messages.row_to_record(call_id, attempt, started, ended, by, duration)
                await self._report_record(record, goes_on=by == messages.SENT_BACK)
            if rows:
                await asyncio.to_thread(self.table.note, [row[0] for row in rows])
            if len(rows) < _ROWS_AT_ONCE:
                break

    async def compare_live(self) -> None:
        """Close the calls that Kamailio has forgotten. Raises StoreUnavailable, StoreOverloaded, EngineUnreachable."""
        open_calls = await self.calls.open_calls(messages.PROVIDER)
        known = await self.commands.dialogs()
        now = self.clock.now()
        self._alive = {call.provider_call_id: self._alive.get(call.provider_call_id, 0) for call in open_calls}
        live = {dialog.call_id for dialog in known}
        for call_id in live & self._alive.keys():
            self._alive[call_id] = to_ms(now)
        await asyncio.to_thread(self._keep_proofs)
        gone = [call for call in open_calls if call.provider_call_id not in live]
        self._missing_since = {
            call.provider_call_id: self._missing_since.get(call.provider_call_id, now) for call in gone
        }
        if not gone:
            return
        await self.read_records()  # they may have ended just now, and have a record
        for call in gone:
            if now - max(self._missing_since[call.provider_call_id], call.since) >= self._patience:
                await self._close(call, now)

    async def _close(self, call: OpenCall, now: datetime) -> None:
        call_id = call.provider_call_id
        _log.warning("sip_call_forgotten", call=call_id, since=format_utc(call.since))
        if call.answered_at is None:
            await self.desk.report(messages.unanswered_event(call_id, at=now))
            return
        ended_at = call.ended_at or max(call.answered_at, from_ms(self._alive.get(call_id, 0)))
        await self._report_record(
            messages.record_event(
                call_id, call.attempt_id, started_at=call.answered_at, ended_at=ended_at, ended_by="engine"
            )
        )

    async def _report_logged(self, line: messages.RecordLine) -> None:
        event = messages.logged_event(line)
        if event.kind == "record":
            await self._report_record(event, goes_on=line.by == messages.SENT_BACK)
        else:
            await self.desk.report(event)

    async def _report_record(self, record: CallEvent, *, goes_on: bool = False) -> None:
        """A record proves the end, too: `ended` may have been lost with the Kamailio that knew of it. `goes_on`: only
        its buyer's part has ended, and the caller is on the way back to us."""
        if not goes_on:
            await self.desk.report(messages.ended_event(record))
        await self.desk.report(record)

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self.patience_seconds)

    def _keep_proofs(self) -> None:
        path = self.folder / _PROOFS_FILE
        fresh = path.with_suffix(".new")
        make_private(self.folder)
        fresh.write_bytes(msgspec.json.encode(self._alive))
        fresh.replace(path)
