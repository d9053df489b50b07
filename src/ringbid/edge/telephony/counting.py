"""The desk, counted: what every call is told and what networks tell, for `/metrics`.

Stands between the adapters and `call.flow`; put there by `bootstrap`.
"""

from __future__ import annotations

from ringbid.call.desk import CallDesk
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Connect, Refuse, Routing
from ringbid.edge.observe import Metrics
from ringbid.values.clock import Clock


class CountingDesk:
    """Implements `call.desk.CallDesk` by another one."""

    def __init__(self, desk: CallDesk, *, metrics: Metrics, clock: Clock) -> None:
        self._desk = desk
        self._metrics = metrics
        self._clock = clock

    async def arrive(self, arrival: Arrival) -> Routing:
        started_at = self._clock.monotonic()
        routing = await self._desk.arrive(arrival)
        self._metrics.call(arrival.provider, _told(routing), self._clock.monotonic() - started_at)
        return routing

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        return await self._desk.go_on(provider, provider_call_id)

    async def report(self, event: CallEvent) -> None:
        await self._desk.report(event)
        self._metrics.call_event(event.provider, event.kind)


def _told(routing: Routing) -> str:
    """What a call was told: `connect`, the reason's code where it was refused, or `over`."""
    if isinstance(routing, Connect):
        return "connect"
    return routing.reason.code if isinstance(routing, Refuse) else "over"
