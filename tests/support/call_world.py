"""The call flow over a real store, with a catalog in force, a clock that jumps and webhooks by script.

Playbooks and properties of calls use it: a ping, its call, what the phone network tells, and what was booked.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ringbid.bootstrap import apply_to, build_application
from ringbid.call.event import Arrival, CallEvent, Cause, EndedBy, EventKind
from ringbid.call.flow import Desk
from ringbid.call.instruction import Connect, Dial, Routing
from ringbid.call.ports import CallTools, StoredCall
from ringbid.edge import tasks
from ringbid.edge.api.app import Application
from ringbid.store.opening import Store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId, PingId
from ringbid.values.phone import PhoneNumber
from ringbid.worker.snapshot import Catalogs
from support.asgi import call as http_call
from support.clocks import JumpingClock
from support.fake_buyers import ScriptedOutbound
from support.scenario import KEY, catalog_text
from support.stores import StorePlace

NUMBER = "+18444021146"
CALLER = PhoneNumber("+12125550123")


@dataclass(slots=True)
class CallWorld:
    """One exchange that takes pings and calls."""

    clock: JumpingClock
    outbound: ScriptedOutbound
    store: Store
    catalogs: Catalogs
    app: Application
    desk: Desk
    tools: CallTools
    told: list[CallEvent] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def apply(self, **scenario: Any) -> None:
        """Put another catalog in force."""
        applied = await apply_to(self.store, catalog_text(scenario), plan_only=False, applied_by="test")
        assert not applied.problems, applied.problems
        await self.catalogs.refresh()

    async def ping(self, *, caller: str = CALLER, publisher: str = "4321ABCD", **tags: str) -> dict[str, Any]:
        """The answer to one ping."""
        query = {"key": KEY, "publisher_id": publisher, "caller_number": caller, **tags}
        reply: dict[str, Any] = (await http_call(self.app, "POST", "/rtbs.json", query=query)).json
        return reply

    async def arrive(
        self,
        call: str = "call-1",
        *,
        caller: str | None = CALLER,
        dialled: str = NUMBER,
        uuid: str | None = None,
        most_steps: int = 1,
        tags: Mapping[str, str] | None = None,
    ) -> Routing:
        """A call comes in."""
        arrival = arrival_of(self, call, caller=caller, dialled=dialled, uuid=uuid)
        return await self.desk.arrive(replace(arrival, most_steps=most_steps, tags=dict(tags or {})))

    async def tell(
        self,
        kind: EventKind,
        call: str = "call-1",
        *,
        attempt: Dial | PingId | None = None,
        cause: Cause | None = None,
        seconds: float | None = None,
        ended_by: EndedBy | None = None,
        recording_url: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """The phone network tells something; a record is of a talk that ended just now."""
        duration = timedelta(seconds=seconds) if seconds is not None else None
        attempt_id = attempt.attempt_id if isinstance(attempt, Dial) else attempt
        event = CallEvent(
            provider="sip",
            event_id=event_id or f"{call}:{kind}:{attempt_id}",
            provider_call_id=call,
            kind=kind,
            at=self.clock.now(),
            attempt_id=attempt_id,
            cause=cause,
            started_at=self.clock.now() - duration if duration is not None else None,
            duration_ms=int(duration / timedelta(milliseconds=1)) if duration is not None else None,
            ended_by=ended_by,
            recording_url=recording_url,
        )
        self.told.append(event)
        await self.desk.report(event)

    async def talk(self, dial: Dial, seconds: float, call: str = "call-1", *, ended_by: EndedBy = "caller") -> None:
        """The buyer answers, they talk, somebody hangs up."""
        await self.tell("answered", call, attempt=dial)
        self.clock.advance(seconds)
        await self.tell("ended", call)
        await self.tell("record", call, attempt=dial, seconds=seconds, ended_by=ended_by)

    async def stored(self, call: str = "call-1") -> StoredCall:
        """The call as it is kept."""
        found = await self.store.calls.find_by_provider("sip", call)
        assert found is not None, f"there is no call {call}"
        return found

    async def balances(self) -> dict[str, str]:
        """What is on each account, in words."""
        return {one.account: str(one.amount) for one in await self.store.ledger.balances(CompanyId("acme"))}


def arrival_of(
    world: CallWorld, call: str, *, caller: str | None = CALLER, dialled: str = NUMBER, uuid: str | None = None
) -> Arrival:
    """A call as the network tells of it, now."""
    return Arrival(
        provider="sip",
        provider_call_id=call,
        caller_number=PhoneNumber(caller) if caller is not None else None,
        dialled=uuid or dialled,
        reservation_id=PingId(uuid) if uuid is not None else None,
        at=world.clock.now(),
    )


@asynccontextmanager
async def call_world(
    place: StorePlace, *, first_number: int = 1, real_time: bool = False, **scenario: Any
) -> AsyncIterator[CallWorld]:
    """An exchange with the acme catalog (or another), changed as `change` says. `first_number`: of those that its uuids
    are made of, where several worlds share a database."""
    outbound = ScriptedOutbound()
    clock: Any = SystemClock() if real_time else place.clock
    async with place.open(real_time=real_time) as store:
        catalogs = Catalogs(store)
        applied = await apply_to(store, catalog_text(scenario), plan_only=False, applied_by="test")
        assert not applied.problems, applied.problems
        await catalogs.refresh()
        counter = itertools.count(first_number)

        def numbered(size: int) -> bytes:
            return (next(counter) % (1 << 8 * size)).to_bytes(size, "big")

        app = build_application(
            store.reservations, catalogs, outbound, settings=place.settings, clock=clock, random_bytes=numbered
        )
        tools = CallTools(
            calls=store.calls,
            reservations=store.reservations,
            outbound=outbound,
            plans=catalogs,
            clock=clock,
            random_bytes=numbered,
            start_task=tasks.start_awaited,
            on_message=lambda: None,
        )
        yield CallWorld(clock, outbound, store, catalogs, app, Desk(tools), tools)


def dials(answer: Routing) -> list[Dial]:
    """The buyers of an answer in order."""
    assert isinstance(answer, Connect), answer
    return [dial for step in answer.steps for dial in step]
