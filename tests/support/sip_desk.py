"""A desk for the tests of the SIP adapter: it says what it was told to say, and keeps what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ringbid.call.event import Arrival, CallEvent, EventKind
from ringbid.call.instruction import Connect, Dial, Refuse, Routing
from ringbid.values.clock import SystemClock
from ringbid.values.ids import BuyerId, CallId, new_ping_id
from ringbid.values.reason import Reason

WAIT_SECONDS = 30.0  # the longest that anything may take, on a slow machine
NOBODY = Refuse(call_id=None, reason=Reason.NO_BUYER_AVAILABLE, code=480)

Decision = Callable[[Arrival], Awaitable[Routing]]


def dial(to: str, *, ring_seconds: int = 5, longest_seconds: int = 60, recover_below_seconds: int = 0) -> Dial:
    """A new attempt at one buyer."""
    return Dial(
        attempt_id=new_ping_id(SystemClock().now()),
        buyer_id=BuyerId("acme"),
        to=to,
        ring_seconds=ring_seconds,
        max_duration_seconds=longest_seconds,
        recover_below_seconds=recover_below_seconds,
        call_uuid=CallId("0190a0b0-0000-7000-8000-000000000001"),
        call_key="k3y",
    )


def connect(*steps: tuple[Dial, ...]) -> Connect:
    """Ring these, a step after the other."""
    return Connect(call_id=CallId("0190a0b0-0000-7000-8000-000000000001"), steps=steps)


@dataclass
class FakeDesk:
    """`first` is the answer to every arrival, and the `later` ones, in turn, to every question after it."""

    first: Routing = NOBODY
    later: list[Routing] = field(default_factory=list)
    decide: Decision | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    asked_again: list[str] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    known_when_asked_again: list[set[str]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def arrive(self, arrival: Arrival) -> Routing:
        self.arrivals.append(arrival)
        await self._change()
        return self.first if self.decide is None else await self.decide(arrival)

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        self.asked_again.append(provider_call_id)
        self.known_when_asked_again.append({event.event_id for event in self.events})
        await self._change()
        return self.later.pop(0) if self.later else NOBODY

    async def report(self, event: CallEvent) -> None:
        self.events.append(event)
        await self._change()

    def told(self, kind: EventKind) -> list[CallEvent]:
        """What was told of this kind, in order."""
        return [event for event in self.events if event.kind == kind]

    async def wait_for(self, kind: EventKind, count: int = 1, *, seconds: float = WAIT_SECONDS) -> list[CallEvent]:
        """Until `count` of this kind were told."""
        return await self._until(lambda: self.told(kind), count, f"{count} × {kind}", seconds)

    async def wait_for_arrivals(self, count: int = 1, *, seconds: float = WAIT_SECONDS) -> list[Arrival]:
        """Until `count` calls have arrived."""
        return await self._until(lambda: self.arrivals, count, f"{count} arrivals", seconds)

    async def _until(self, look: Callable[[], list[Any]], count: int, what: str, seconds: float) -> list[Any]:
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: len(look()) >= count)
        except TimeoutError:
            raise AssertionError(f"waited for {what}, and have {self.arrivals} and {self.events}") from None
        return look()

    async def _change(self) -> None:
        async with self._changed:
            self._changed.notify_all()
