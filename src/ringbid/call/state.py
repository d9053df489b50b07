"""What a call knows of itself: its phase, and its attempts at buyers. Stored with the call as JSON.

`transitions` is the table of what an event does to it; `store.calls` keeps it. Times are milliseconds since 1970 in
UTC.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import Literal

import msgspec

from ringbid.call.event import PATIENCE_SECONDS, EndedBy
from ringbid.values.ids import BuyerId, PingId
from ringbid.values.quote import Quote


class Phase(StrEnum):
    """routing → ringing → connected → ended; `refused` where no buyer was rung at all.

    A call that lost its buyer and gets the next one goes back from connected to ringing.
    """

    ROUTING = "routing"
    RINGING = "ringing"
    CONNECTED = "connected"
    ENDED = "ended"
    REFUSED = "refused"


class AttemptState(StrEnum):
    """ringing → connected → done; or failed, or unneeded where somebody else took the call."""

    RINGING = "ringing"  # its place is held, and its turn is now or comes next
    CONNECTED = "connected"
    FAILED = "failed"
    UNNEEDED = "unneeded"
    DONE = "done"


# pending: not decided yet · none: no rule, so there is nothing to decide
Outcome = Literal["pending", "converted", "not_converted", "none"]


class SideOutcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one side of an attempt's money, and why. `until_ms`: how long a postback is waited for."""

    outcome: Outcome = "pending"
    amount_micros: int = 0
    reason: str | None = None
    actual: str | None = None
    expected: str | None = None
    decided_ms: int | None = None
    until_ms: int | None = None


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One try at one buyer. `attempt_id` is its reservation's uuid; `reason` is the verdict on it, once there is one.

    `recorded`: the provider's own account has come, and with it the truth about its duration.
    """

    attempt_id: PingId
    buyer_id: BuyerId
    number: str
    step: int
    quote: Quote
    ring_seconds: int
    max_duration_seconds: int
    recover_below_seconds: int = 0
    cap_counts: Literal["connected", "converted"] = "connected"
    state: AttemptState = AttemptState.RINGING
    reason: str | None = None
    actual: str | None = None
    ringing_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    duration_ms: int | None = None
    ended_by: EndedBy | None = None
    recording_url: str | None = None
    recorded: bool = False
    handed_back: bool = False
    revenue: SideOutcome = SideOutcome(outcome="none")
    payout: SideOutcome = SideOutcome(outcome="none")

    @property
    def open(self) -> bool:
        """Does it hold a place now?"""
        return self.state in (AttemptState.RINGING, AttemptState.CONNECTED)


class CallState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call as it stands. `received_ms` is when it arrived by its provider's clock, which its durations are told by.

    `most_steps`, `patience_seconds`: how many steps the network fails over by itself, and how long it waits for each
    answer. `unpaid`: it came after its reservation's time, and the publisher is paid nothing. `only_reserved`: nobody
    but the reserved buyer may get it.
    """

    phase: Phase
    received_ms: int
    call_key: str
    most_steps: int = 1
    patience_seconds: float = PATIENCE_SECONDS
    attempts: tuple[Attempt, ...] = ()
    answered_ms: int | None = None
    ended_ms: int | None = None
    reason: str | None = None  # why it was refused, or ended without a buyer
    code: int | None = None  # the SIP status of a refusal
    unpaid: bool = False
    only_reserved: bool = False
    recoveries: int = 0
    recoveries_most: int = 0
    caller_gone: bool = False
    end_told: bool = False  # the webhooks of its end are on their way

    def find(self, attempt_id: PingId | None) -> Attempt | None:
        """The attempt of this id, or None."""
        return next((attempt for attempt in self.attempts if attempt.attempt_id == attempt_id), None)

    @property
    def open_attempts(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.open)

    @property
    def unrecorded(self) -> Attempt | None:
        """The first attempt that was answered and has no record yet."""
        return next((one for one in self.attempts if one.answered_ms is not None and not one.recorded), None)

    @property
    def duration_ms(self) -> int | None:
        """All connected time together, as far as it is recorded; None where nobody was connected."""
        recorded = [attempt.duration_ms for attempt in self.attempts if attempt.duration_ms is not None]
        return sum(recorded) if recorded else None

    @property
    def last_answered(self) -> Attempt | None:
        """The attempt that was answered last."""
        answered = [attempt for attempt in self.attempts if attempt.answered_ms is not None]
        return max(answered, key=lambda attempt: attempt.answered_ms or 0) if answered else None

    @property
    def last_attempt(self) -> Attempt | None:
        """The attempt that the call ended with: who answered last, else who was rung last."""
        return self.last_answered or (self.attempts[-1] if self.attempts else None)

    @property
    def buyer_id(self) -> BuyerId | None:
        """Who answered last."""
        answered = self.last_answered
        return answered.buyer_id if answered is not None else None


def buyer_key(call_key: str, buyer_id: BuyerId) -> str:
    """The key that this buyer is told with the call, of the call's own secret: with it the buyer may report a
    conversion, and no other buyer that was rung can."""
    return blake2b(buyer_id.encode(), key=call_key.encode(), digest_size=16).hexdigest()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CallState)


def encode(state: CallState) -> bytes:
    """The state as it is stored."""
    return _encoder.encode(state)


def decode(stored: bytes) -> CallState:
    """A stored state. Raises msgspec.DecodeError where the bytes are none: a bug, or a damaged store."""
    return _decoder.decode(stored)
