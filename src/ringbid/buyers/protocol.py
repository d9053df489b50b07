"""The words between a ping and one buyer: the ask we send, the answer that comes back, the bid read from it.

`buyers.webhook` builds asks and reads bids; `edge.outbound` carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One HTTP request, ready to send: every token filled and escaped for its place."""

    webhook_name: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back within the deadline and the size limit; the status is any, the body is undecoded."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """A readable answer that accepts: the tags it filled, as text (numbers as plain decimals)."""

    tags: Mapping[str, str]


class Outbound(Protocol):
    """The one way out. `send` never raises for what the other side does; it is cancelled freely."""

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        """The answer, or why there is none: an ASK_… reason, or BID_UNREADABLE where it breaks HTTP's or our rules.

        `ends_at` is monotonic seconds: the total deadline for name, connection, request and answer.
        """
        ...
