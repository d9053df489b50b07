"""A carrier's words into ours: its form parameters become an Arrival or a CallEvent.

Used by `endpoint` once a signature is verified. Event ids are made of the attempt, not of the carrier's ids: the child
leg's callback and Dial's action tell the same end, in any order, and must be one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ringbid.call.event import Arrival, CallEvent, Cause, EndedBy, EventKind
from ringbid.catalog.phone_parsing import parse_network_phone
from ringbid.values.ids import PingId, parse_ping_id
from ringbid.values.phone import PhoneNumber

OVER = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})
ANSWERED = frozenset({"completed", "answered"})
PICKED_UP = frozenset({"in-progress", "answered", "completed"})  # of one leg

_LONGEST_SECONDS = 7 * 24 * 3600
_LONGEST_URL = 1024
_PATIENCE_SECONDS = 10.0  # carriers wait fifteen, and connections, the store and what was told before take of that
_CAUSES: Mapping[str, Cause] = {"busy": "busy", "no-answer": "no_answer", "canceled": "cancelled", "failed": "failed"}
_SIP_CAUSES: Mapping[int, Cause] = {
    404: "unreachable",
    408: "no_answer",
    480: "unreachable",
    486: "busy",
    502: "unreachable",
    503: "unreachable",
    600: "busy",
    603: "declined",
}
# HangupSource, Telnyx: on the buyer's leg the callee is the buyer.
_HANGUP_SOURCES: Mapping[str, EndedBy] = {"caller": "caller", "callee": "buyer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A verified request. `call_sid` is the caller's side of the call; `at` when the carrier signed it, or it came."""

    provider: str
    call_sid: str
    fields: Mapping[str, str]
    at: datetime

    @property
    def caller_gone(self) -> bool:
        """Is the caller's side over?"""
        return self.fields.get("CallStatus", "") in OVER

    @property
    def caller_number(self) -> PhoneNumber | None:
        """The caller, where the number is not withheld."""
        return parse_network_phone(_user(self.fields.get("From", "")))

    def event(
        self, kind: EventKind, attempt_id: PingId | None = None, *, at: datetime | None = None, **facts: object
    ) -> CallEvent:
        """An event of this call, with the id that it always has."""
        return CallEvent(
            provider=self.provider,
            event_id=f"{kind}:{attempt_id or self.call_sid}",
            provider_call_id=self.call_sid,
            kind=kind,
            at=at or self.at,
            attempt_id=attempt_id,
            **facts,  # type: ignore[arg-type]  # -- the callers are below, each with the fields of CallEvent
        )


def read_arrival(message: Message) -> Arrival:
    """The call that this message announces."""
    dialled = _user(message.fields.get("To", ""))
    return Arrival(
        provider=message.provider,
        provider_call_id=message.call_sid,
        caller_number=message.caller_number,
        dialled=parse_network_phone(dialled) or dialled,
        reservation_id=parse_ping_id(dialled),
        at=message.at,
        patience_seconds=_PATIENCE_SECONDS,
        tags=stir_tags(message.fields),
    )


def read_leg(message: Message, attempt_id: PingId) -> CallEvent | None:
    """What one buyer's phone does; None where it is nothing that matters.

    A leg that is cancelled says nothing of its buyer: another one has answered, or the caller is gone, and that is told
    by itself.
    """
    fields = message.fields
    status = fields.get("CallStatus", "")
    at = _time(fields.get("Timestamp")) or message.at
    if status == "ringing":
        return message.event("ringing", attempt_id, at=at)
    if status == "completed":
        ended_by = read_hangup(message)
        return read_record(message, attempt_id, seconds_key="CallDuration", ended_at=at, ended_by=ended_by)
    if status in PICKED_UP:
        return message.event("answered", attempt_id, at=at)
    if status in OVER and status != "canceled":
        return read_failure(message, attempt_id, status, code=_code(fields.get("SipResponseCode")), at=at)
    return None


def read_record(
    message: Message, attempt_id: PingId, *, seconds_key: str, ended_at: datetime, ended_by: EndedBy | None
) -> CallEvent:
    """The carrier's account of an answered buyer. It counts whole seconds, and the buyer's leg only."""
    seconds = read_seconds(message, seconds_key)
    return message.event(
        "record",
        attempt_id,
        at=ended_at,
        started_at=ended_at - timedelta(seconds=seconds),
        duration_ms=seconds * 1000,
        ended_by=ended_by,
        recording_url=read_recording(message),
    )


def read_hangup(message: Message) -> EndedBy | None:
    """Who hung up, where the carrier says it with a leg's end."""
    return _HANGUP_SOURCES.get(message.fields.get("HangupSource", ""))


def read_recording(message: Message) -> str | None:
    """Where the carrier keeps its recording, where it says so: with Dial's end, and only when it was told to record."""
    url = message.fields.get("RecordingUrl", "")
    fits = len(url) <= _LONGEST_URL and url.isascii() and url.isprintable() and " " not in url
    return url if fits and url.startswith(("https://", "http://")) else None


def read_failure(
    message: Message, attempt_id: PingId, status: str, *, code: int | None, at: datetime | None = None
) -> CallEvent:
    """A buyer that did not take the call. The SIP status knows more than the carrier's word, where there is one."""
    cause = _SIP_CAUSES.get(code or 0) or _CAUSES.get(status, "failed")
    return message.event("failed", attempt_id, at=at, cause=cause, code=code)


def read_seconds(message: Message, key: str) -> int:
    """A duration; nothing sensible is 0."""
    text = message.fields.get(key, "")
    return min(int(text), _LONGEST_SECONDS) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def dial_code(message: Message) -> int | None:
    """The SIP status with which a dialled SIP address answered, where the carrier says it."""
    return _code(message.fields.get("DialSipResponseCode"))


def stir_tags(fields: Mapping[str, str]) -> dict[str, str]:
    """What STIR/SHAKEN says of the caller: `stir_attestation` A, B or C, and `stir_verified` true or false."""
    tags: dict[str, str] = {}
    verstat = fields.get("StirVerstat", "")  # TN-Validation-Passed-A, TN-Validation-Failed-B, No-TN-Validation
    level = verstat.rpartition("-")[2] if verstat else fields.get("ShakenStirAttestation")
    if level == "Passed":
        level = "A"  # some say no more than this for the best one
    if level in ("A", "B", "C"):
        tags["stir_attestation"] = level
    validated = fields.get("ShakenStirValidated", "").lower()
    if verstat:
        tags["stir_verified"] = "true" if verstat.startswith("TN-Validation-Passed") else "false"
    elif validated in ("true", "false"):
        tags["stir_verified"] = validated
    return tags


def _user(address: str) -> str:
    """The part of a SIP URI that names the user; anything else as it is."""
    scheme, colon, rest = address.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips"):
        return address
    return rest.partition("@")[0].partition(";")[0]


def _code(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) == 3 else None


def _time(text: str | None) -> datetime | None:
    """RFC 2822 (Twilio, SignalWire) or ISO 8601 (Telnyx), in UTC."""
    if text is None:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(text)
        except ValueError:
            continue
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return None
