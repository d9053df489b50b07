"""The counter at which phone networks are served: the one interface between the adapters and the call flow.

`call.flow.Desk` implements it; `edge.telephony` calls it. All three may be called again with the same values: the
answer is the same, and nothing is done twice.
"""

from __future__ import annotations

from typing import Protocol

from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Routing


class CallDesk(Protocol):
    """Raises StoreUnavailable and StoreOverloaded (`reservations.ports`): the network should try again or say 503."""

    async def arrive(self, arrival: Arrival) -> Routing:
        """Where a call that has just arrived goes."""
        ...

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        """Where a call goes whose buyers so far did not take it (all of them were reported as failed or recorded)."""
        ...

    async def report(self, event: CallEvent) -> None:
        """Take note of what happened; once this returns, it is durable. Events of calls that are not known are kept
        and counted, and change nothing."""
        ...
