"""A simulated carrier's calls: what a caller does, what is going on, and the report of how it went.

Used by `edge.emulate.carrier` and `carrier_dial`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ringbid.buyers.protocol import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """One caller. `patience_seconds`: how long it waits for an answer; `talk_seconds`: how long it talks. None: for
    ever. `attestation`: A, B, C, or None for a caller that nobody vouches for."""

    caller: str
    dialled: str  # a number, or a SIP URI
    patience_seconds: float | None = None
    talk_seconds: float | None = None
    attestation: str | None = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReport:
    """One buyer that was rung: how that ended, and how many whole seconds it talked."""

    address: str
    headers: Mapping[str, str]
    status: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """How a call went. `errors`: whatever a real carrier would have stumbled over; a good call has none."""

    sid: str
    status: str  # completed, busy, no-answer or failed
    answered: bool
    legs: tuple[LegReport, ...]
    errors: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """A call that is under way."""

    sid: str
    placed: PlacedCall
    account: str
    extra: Mapping[str, str]
    arrived_at: float
    answered: bool = False
    caller_gone: bool = False
    status: str = ""
    legs: list[LegReport] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    background: list[asyncio.Task[None]] = field(default_factory=list)
    redirected: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def fields(self, status: str = "") -> dict[str, str]:
        """What every request about the caller's side says."""
        if not status:
            present = "in-progress" if self.answered else "ringing"
            gone = "completed" if self.answered else "no-answer"
            status = gone if self.caller_gone else present
        return {
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": status,
            "Called": self.placed.dialled,
            "Caller": self.placed.caller,
            "CallerName": "",  # blank ones are signed too
            "Direction": "inbound",
            "From": self.placed.caller,
            "To": self.placed.dialled,
            **self.extra,
        }

    def told(self, answer: Answer | None, url: str) -> None:
        """Note where a callback was not taken."""
        if answer is None:
            self.errors.append(f"{urlsplit(url).path}: not taken")

    def report(self) -> CallReport:
        """What there is to say in the end."""
        return CallReport(
            sid=self.sid,
            status=self.status,
            answered=self.answered,
            legs=tuple(self.legs),
            errors=tuple(self.errors),
        )
