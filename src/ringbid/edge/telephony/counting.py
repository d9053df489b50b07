"""The desk, counted: what every call is told and what networks tell, for `/metrics`; and in the log, a call that is
turned away because it is nobody's: nothing else is kept of it.

Stands between the adapters and `call.flow`; put there by `bootstrap`.
"""

from __future__ import annotations

import structlog

from ringbid.call.desk import CallDesk
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Connect, Refuse, Routing
from ringbid.edge.observe import Metrics
from ringbid.values.clock import Clock

_log = structlog.get_logger(__name__)


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
        if isinstance(routing, Refuse) and routing.call_id is None:
            _log.warning(
                "call_turned_away",
                network=arrival.provider,
                caller=_last_digits(arrival.caller_number),
                dialled=_last_digits(arrival.dialled),
                code=routing.reason.code,
                why=routing.reason.text,
            )
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


def _last_digits(number: str | None) -> str | None:
    """As much as a log may hold of a number, or of a uuid that was dialled."""
    return f"…{number[-4:]}" if number is not None else None
