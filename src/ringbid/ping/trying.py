"""A ping that is only tried: the same steps, answers and trace, but no place is held, nothing counts or is kept.

For the console's tester and the posting page's "try it". The flow runs as it is, with two of its ports exchanged: the
store decides without writing, and buyers are asked only where that is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from ringbid.buyers.protocol import Answer, Ask
from ringbid.catalog.snapshot import KeyView
from ringbid.ping.flow import run_ping
from ringbid.ping.ports import FlowTools, PingTools
from ringbid.ping.reply import PingReply
from ringbid.ping.request import Parameters, read_request_of
from ringbid.ping.turns import Turns
from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import (
    Decision,
    Duplicate,
    IdempotencyUse,
    Look,
    PingRecord,
    Settled,
    Settlement,
    StoredPing,
    Taken,
)
from ringbid.reservations.reservation import Reservation
from ringbid.values.clock import Clock
from ringbid.values.ids import KeyId, new_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


class Rehearsing(Protocol):
    """What is needed of the store: to look, and to decide without writing."""

    async def look(
        self,
        *,
        key_id: KeyId,
        duplicate_key: str | None,
        subjects: tuple[Subject, ...],
        idempotency: IdempotencyUse | None,
    ) -> Look:
        """As in `reservations.ports.Reservations`."""
        ...

    async def rehearse(self, settlement: Settlement) -> Settled:
        """How the ping would end now. No place is taken, and nothing is written."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """What the ping would have come to: its record, which `reports.explain` reads like any other, and the reply that
    its publisher would get."""

    ping: StoredPing
    reply: PingReply


class Trials:
    """Tries pings. `tools` are those of the real flow, `store` the real store."""

    def __init__(self, tools: PingTools, store: Rehearsing) -> None:
        self._tools = tools
        self._store = store

    async def try_ping(
        self,
        parameters: Parameters,
        view: KeyView,
        *,
        at: datetime | None = None,
        ask_buyers: bool = False,
        repeated: bool = False,
    ) -> Trial | Refused:
        """What a ping with `parameters` under the key of `view` would come to. Refused where it is no ping: the
        publisher is missing, a number cannot be read.

        `at`: as if it came then, for hours and filters; the caps count as they stand now. `ask_buyers`: their
        webhooks are really asked, and buyers may notice; without, a buyer that would be asked is out as
        `ask_left_out`. `repeated`: as if the same caller had pinged just before, under a place that is still held.
        """
        first = await self._run(parameters, view, at=at, ask_buyers=ask_buyers, before=None)
        held = first.ping.reservation if isinstance(first, Trial) else None
        if not repeated or held is None:
            return first
        return await self._run(parameters, view, at=at, ask_buyers=ask_buyers, before=held)

    async def _run(
        self,
        parameters: Parameters,
        view: KeyView,
        *,
        at: datetime | None,
        ask_buyers: bool,
        before: Reservation | None,
    ) -> Trial | Refused:
        clock = self._tools.clock
        received_at = at or clock.now()
        request = read_request_of(
            view,
            parameters,
            snapshot_version=self._tools.plans.snapshot.version,
            idempotency_key=None,
            ping_id=new_ping_id(received_at, self._tools.random_bytes),
            received_at=received_at,
            received_monotonic=clock.monotonic(),
        )
        if isinstance(request, Refused):
            return request
        stage = _Stage(self._store, at=at, before=before)
        tools = FlowTools(
            reservations=stage,
            outbound=self._tools.outbound if ask_buyers else _NobodyAsked(),
            plans=self._tools.plans,
            clock=clock if at is None else _StoppedClock(clock, at),
            random_bytes=self._tools.random_bytes,
            sip_domain=self._tools.sip_domain,
            start_task=self._tools.start_task,
            turns=Turns(),  # a real ping of the same caller does not wait for this one
        )
        reply = await run_ping(request, tools)
        if isinstance(reply, Refused):
            return reply
        assert stage.ended is not None, "a ping that is answered was settled"
        return Trial(stage.ended, reply)


class _Stage:
    """The store as the flow sees it, with nothing behind it that lasts. `before`: a place that the caller has."""

    def __init__(self, store: Rehearsing, *, at: datetime | None, before: Reservation | None) -> None:
        self._store = store
        self._at = at
        self._before = before
        self.ended: StoredPing | None = None

    async def look(
        self,
        *,
        key_id: KeyId,
        duplicate_key: str | None,
        subjects: tuple[Subject, ...],
        idempotency: IdempotencyUse | None,
    ) -> Look:
        look = await self._store.look(
            key_id=key_id, duplicate_key=duplicate_key, subjects=subjects, idempotency=idempotency
        )
        original = self._before or look.open_duplicate
        return replace(look, now=self._at or look.now, open_duplicate=original)

    async def settle(self, settlement: Settlement) -> Settled:
        record: list[PingRecord] = []
        watched = replace(settlement, finish=_watching(settlement.finish, record))
        settled: Settled
        if self._before is not None and settlement.duplicate_key is not None:
            settled = Duplicate(self._before, 1)
            watched.finish(settled)
        else:
            settled = await self._store.rehearse(watched)
        if record:
            assert isinstance(settled, Decision)
            self.ended = _stored(settlement, record[-1], settled)
        return settled


def _watching(finish: Callable[[Decision], PingRecord], record: list[PingRecord]) -> Callable[[Decision], PingRecord]:
    def watched(decision: Decision) -> PingRecord:
        record.append(finish(decision))
        return record[-1]

    return watched


def _stored(settlement: Settlement, record: PingRecord, decision: Decision) -> StoredPing:
    """The ping as the store would have kept it."""
    reservation = decision.reservation if isinstance(decision, Taken) else None
    return StoredPing(
        ping_id=settlement.ping_id,
        company_id=settlement.company_id,
        campaign_id=settlement.campaign_id,
        key_id=settlement.key_id,
        publisher_id=settlement.publisher_id,
        caller_number=settlement.caller_number,
        received_at=settlement.received_at,
        reason=record.reason,
        status=record.status,
        buyer_id=record.buyer_id,
        trace=record.trace,
        duplicate_of=decision.original.ping_id if isinstance(decision, Duplicate) else None,
        duplicate_order=decision.order if isinstance(decision, Duplicate) else None,
        reservation=reservation,
        now=reservation.reserved_at if reservation is not None else settlement.received_at,
    )


class _NobodyAsked:
    """An `Outbound` over which nothing leaves."""

    async def send(self, _ask: Ask, *, ends_at: float) -> Answer | Refused:  # noqa: ARG002 -- the port's own shape
        return Refused(Reason.ASK_LEFT_OUT, actual="not asked", expected="a test that asks buyers")


class _StoppedClock:
    """A wall clock that stands at `at`; monotonic time goes on, because deadlines are real."""

    def __init__(self, clock: Clock, at: datetime) -> None:
        self._clock = clock
        self._at = at

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._clock.monotonic()
