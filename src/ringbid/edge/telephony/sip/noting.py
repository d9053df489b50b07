"""The desk, which is told each event once: Kamailio tells most of them twice or more, pushed, in later questions and in
its records, and each telling would be a transaction.

Stands between the router and the reconciler on the one side and the desk on the other; put there by `bootstrap`.
"""

from __future__ import annotations

from collections import OrderedDict

from ringbid.call.desk import CallDesk
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Routing

MOST_REMEMBERED = 10_000


class NotingDesk:
    """Implements `call.desk.CallDesk` by another one. What it has forgotten is told again, and changes nothing."""

    def __init__(self, desk: CallDesk, *, most_remembered: int = MOST_REMEMBERED) -> None:
        self._desk = desk
        self._most_remembered = most_remembered
        self._noted: OrderedDict[str, None] = OrderedDict()

    async def arrive(self, arrival: Arrival) -> Routing:
        return await self._desk.arrive(arrival)

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        return await self._desk.go_on(provider, provider_call_id)

    async def report(self, event: CallEvent) -> None:
        if event.event_id in self._noted:
            return
        await self._desk.report(event)
        self._noted[event.event_id] = None
        if len(self._noted) > self._most_remembered:
            self._noted.popitem(last=False)
