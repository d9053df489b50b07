"""What a phone network tells us, normalised: a call that arrives, and what happens to it afterwards.

Adapters (`edge.telephony`) translate their provider's words into these and nothing else; `call.desk` takes them. Every
event may come twice, late, or before the one it follows: `event_id` tells repeats apart, `call.state` knows the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from ringbid.values.ids import PingId
from ringbid.values.phone import PhoneNumber

# ringing     one buyer's phone rings
# answered    one buyer picked up
# failed      one buyer did not take the call: `cause` says why
# abandoned   the caller hung up before anybody had answered
# unanswered  the provider told the caller that nobody could take the call
# ended       an answered call is over; quick, but no truth about its duration
# record      the provider's own account of one answered buyer: start, duration, who hung up. The truth
EventKind = Literal["ringing", "answered", "failed", "abandoned", "unanswered", "ended", "record"]
Cause = Literal["busy", "no_answer", "declined", "unreachable", "failed", "cancelled"]
EndedBy = Literal["caller", "buyer", "engine"]
PATIENCE_SECONDS = 10.0  # how long a network waits for an answer, where it does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call that reached us and waits to be told where to go. The same call may arrive again: nothing is done twice.

    `dialled` is E.164 where it is a number, else the user part as it came; `reservation_id` is set where that user part
    is a uuid. `tags` are what the network says of the caller, such as `stir_attestation`. `at`: the provider's clock.
    `most_steps`: how many steps the network fails over by itself before it asks again. Each holds its place meanwhile.
    `patience_seconds`: how long it waits for each answer; a call is held for webhooks no longer.
    """

    provider: str  # sip, or the name of a carrier in the settings
    provider_call_id: str  # the SIP Call-ID, a CallSid: unique within the provider
    caller_number: PhoneNumber | None
    dialled: str
    reservation_id: PingId | None
    at: datetime
    most_steps: int = 1
    patience_seconds: float = PATIENCE_SECONDS
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """Something that happened to a call. `event_id` is unique within the provider, and the same when it is told again.

    `attempt_id` names the buyer's attempt (`instruction.Dial.attempt_id`) for ringing, answered, failed and record.
    A record has `started_at` (when the buyer answered), `duration_ms` and `ended_by`, and `recording_url` where the
    network keeps a recording. `code` is the SIP status.
    """

    provider: str
    event_id: str
    provider_call_id: str
    kind: EventKind
    at: datetime
    attempt_id: PingId | None = None
    cause: Cause | None = None
    code: int | None = None
    started_at: datetime | None = None
    duration_ms: int | None = None
    ended_by: EndedBy | None = None
    recording_url: str | None = None
