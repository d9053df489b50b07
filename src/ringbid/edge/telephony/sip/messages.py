"""What Kamailio and the router say to each other, translated to and from the values of `call`. Pure.

`templates/routes.cfg` writes the questions and events and reads the answers; `router` carries them. Text from outside
comes as base64.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from ringbid.call.event import Arrival, CallEvent, Cause, EndedBy, EventKind
from ringbid.call.instruction import Connect, Dial, Refuse, Routing
from ringbid.catalog.phone_parsing import parse_network_phone
from ringbid.edge.telephony.sip.identity import address_in, caller_of, stir_tags
from ringbid.settings import Sip
from ringbid.values.clock import EPOCH
from ringbid.values.ids import PingId, parse_ping_id

PROVIDER: Final = "sip"
SENT_BACK: Final = "back"  # "who" ended a call whose caller was sent back to us
NO_SIGN_CODE = 408  # what Kamailio says of a buyer that gave no final answer in time
MOST_STEPS = 3  # each holds its place meanwhile; after that Kamailio asks again
_PATIENCE = 0.8  # of the time that Kamailio waits: the rest is for the way there, the store, and the way back
_MOST_DIALS = 24  # Kamailio's `max_branches` is 30, and questions take some

_DIALLABLE = re.compile(r"sips?:[^\s<>\"',]+")
_TEXTS = {404: "Not Found", 480: "No Buyer Available", 486: "Busy Here", 503: "Unavailable", 603: "Declined"}
_CAUSES: dict[int, Cause] = {
    404: "unreachable", 410: "unreachable", 478: "unreachable", 484: "unreachable", 502: "unreachable",
    503: "unreachable", 604: "unreachable", 403: "declined", 603: "declined", 607: "declined", 608: "declined",
    480: "no_answer", 486: "busy", 600: "busy", 487: "cancelled",
}  # fmt: skip


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Kamailio holds a call and asks where it goes. `failed` has the attempts so far: `id,code,rang,at;…`. `back`: the
    caller was sent back to us from an attempt: `id,started,ended`. `stranger`: it comes from no trusted network, but
    with a password: what it asserts is its own word."""

    ask: str
    kind: Literal["arrive", "go_on"]
    at: str
    call: str
    source: str = ""
    failed: str = ""
    back: str = ""
    user: str = ""
    from_: str = msgspec.field(name="from", default="")
    asserted: str = ""
    identity: str = ""
    stranger: Literal[0, 1] = 0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Something has happened. `event` is what Kamailio calls it until it is noted."""

    event: str
    kind: EventKind
    at: str
    call: str
    attempt: str = ""
    code: int | None = None
    rang: bool = False
    by: EndedBy | None = None


class SentBack(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the wish that a caller be sent back to us: `code` is what its network answered, `back` the attempt
    that it was to be taken from."""

    back: str
    code: int


class RecordLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the record log: a call was answered, or (with `ended`) an answered call is over. `number` counts up
    from 1 since Kamailio's start, which is `boot`. `by`: `back` where its caller was sent back to us."""

    boot: int
    number: int
    call: str
    attempt: str
    started: str
    ended: str = ""
    by: EndedBy | Literal["back"] | None = None


Incoming: TypeAlias = Question | Told


def read_message(payload: bytes) -> Incoming | SentBack:
    """Raises msgspec.DecodeError."""
    with suppress(msgspec.ValidationError):
        return msgspec.json.decode(payload, type=Question)
    with suppress(msgspec.ValidationError):
        return msgspec.json.decode(payload, type=Told)
    return msgspec.json.decode(payload, type=SentBack)


def send_back(attempt_id: PingId) -> bytes:
    """The caller of an answered attempt is to be sent back to us."""
    return msgspec.json.encode({"do": "back", "attempt": attempt_id})


def hello() -> bytes:
    """A router's first words: from now on it takes questions and events."""
    return msgspec.json.encode({"do": "hello"})


def noted(told: Told) -> bytes:
    """The event is durable: it need not be told again."""
    return msgspec.json.encode({"do": "noted", "event": told.event})


def call_id_of(message: Incoming) -> str:
    """The SIP Call-ID."""
    return _text(message.call)


def asked_at(question: Question) -> datetime:
    """When the question arose, by Kamailio's clock."""
    return _time(question.at)


def to_arrival(question: Question, sip: Sip) -> Arrival:
    """The call that waits."""
    user = _text(question.user).partition(";")[0]
    asserted, from_ = address_in(_text(question.asserted)), address_in(_text(question.from_))
    if question.stranger:
        asserted = ""
    return Arrival(
        provider=PROVIDER,
        provider_call_id=call_id_of(question),
        caller_number=caller_of(asserted) or caller_of(from_),
        dialled=parse_network_phone(user) or user,
        reservation_id=parse_ping_id(user),
        at=_time(question.at),
        most_steps=MOST_STEPS,
        patience_seconds=sip.lookup_seconds * _PATIENCE,
        tags=stir_tags(asserted, "" if question.stranger else from_, _text(question.identity)),
    )


def failures_in(question: Question) -> list[CallEvent]:
    """The attempts that failed before this question, as the same events that were told when they failed."""
    return [_failure_in(question, part) for part in question.failed.split(";") if part]


def record_before(question: Question) -> CallEvent | None:
    """The record of the attempt from which the caller was sent back to us: the same as is read elsewhere."""
    if not question.back:
        return None
    attempt, started, ended = question.back.split(",")
    call_id = call_id_of(question)
    return record_event(
        call_id, parse_ping_id(attempt), started_at=_time(started), ended_at=_time(ended), ended_by="buyer"
    )


def to_event(told: Told) -> CallEvent:
    """What happened, in the call flow's words."""
    call_id = call_id_of(told)
    attempt_id = parse_ping_id(told.attempt)
    return CallEvent(
        provider=PROVIDER,
        event_id=event_id(call_id, told.kind, attempt_id),
        provider_call_id=call_id,
        kind=told.kind,
        at=_time(told.at),
        attempt_id=attempt_id,
        cause=_cause(told.code, rang=told.rang) if told.kind == "failed" else None,
        code=told.code,
        ended_by=told.by,
    )


def logged_event(line: RecordLine) -> CallEvent:
    """The engine's own account: a record, or that a call was answered, as it was told when it was."""
    call_id, attempt_id, started_at = _text(line.call), parse_ping_id(line.attempt), _time(line.started)
    if line.ended:
        return record_event(
            call_id, attempt_id, started_at=started_at, ended_at=_time(line.ended), ended_by=_ended_by(line.by)
        )
    return CallEvent(
        provider=PROVIDER,
        event_id=event_id(call_id, "answered", attempt_id),
        provider_call_id=call_id,
        kind="answered",
        at=started_at,
        attempt_id=attempt_id,
    )


def record_event(
    call_id: str, attempt_id: PingId | None, *, started_at: datetime, ended_at: datetime, ended_by: EndedBy
) -> CallEvent:
    """A record. There is one for each answered attempt, wherever it is read."""
    duration_ms = max(0, (ended_at - started_at) // timedelta(milliseconds=1))
    return CallEvent(
        provider=PROVIDER,
        event_id=event_id(call_id, "record", attempt_id),
        provider_call_id=call_id,
        kind="record",
        at=ended_at,
        attempt_id=attempt_id,
        started_at=started_at,
        duration_ms=duration_ms,
        ended_by=ended_by,
    )


def row_to_record(call_id: str, attempt: str, started: str, ended: str, by: str, duration_seconds: float) -> CallEvent:
    """The same from a row of Kamailio's table."""
    started_at = _time(started)
    ended_at = _time(ended) if ended else started_at + timedelta(seconds=duration_seconds)
    return record_event(
        call_id, parse_ping_id(attempt), started_at=started_at, ended_at=ended_at, ended_by=_ended_by(by)
    )


def ended_event(record: CallEvent) -> CallEvent:
    """The `ended` that Kamailio has told, or would have told, of a record's call."""
    return replace(
        record,
        event_id=event_id(record.provider_call_id, "ended", record.attempt_id),
        kind="ended",
        started_at=None,
        duration_ms=None,
    )


def unanswered_event(call_id: str, *, at: datetime) -> CallEvent:
    """Nobody answered this call, and nobody will."""
    return CallEvent(
        provider=PROVIDER,
        event_id=event_id(call_id, "unanswered", None),
        provider_call_id=call_id,
        kind="unanswered",
        at=at,
        code=503,
    )


def event_id(call_id: str, kind: EventKind, attempt_id: PingId | None) -> str:
    """The same for the same thing, whoever tells it and how often."""
    return f"{call_id}:{kind}:{attempt_id}" if attempt_id else f"{call_id}:{kind}"


def to_answer(question: Question, routing: Routing, sip: Sip) -> bytes:
    """The answer to `question`. Attempts that `undialled` names are not in it."""
    if isinstance(routing, Connect):
        steps = [_step(step, sip) for step in _diallable_steps(routing, sip)]
        return msgspec.json.encode({"do": "connect", "ask": question.ask, "steps": steps})
    code, reason = (routing.code, routing.reason.safe_code) if isinstance(routing, Refuse) else (480, "over")
    text = _TEXTS.get(code, "Refused")
    return msgspec.json.encode({"do": "refuse", "ask": question.ask, "code": code, "text": text, "reason": reason})


def undialled(routing: Routing, *, call_id: str, at: datetime, sip: Sip) -> list[CallEvent]:
    """Attempts that Kamailio cannot make, as failures: no trunk for numbers, no SIP URI, or too many of them."""
    if not isinstance(routing, Connect):
        return []
    dialled = {dial.attempt_id for step in _diallable_steps(routing, sip) for dial in step}
    return [
        _failure(call_id, dial.attempt_id, code=503, rang=False, at=at)
        for step in routing.steps
        for dial in step
        if dial.attempt_id not in dialled
    ]


def _diallable_steps(connect: Connect, sip: Sip) -> list[tuple[Dial, ...]]:
    left, steps = _MOST_DIALS, []
    for step in connect.steps:
        dials = tuple(dial for dial in step if _uri(dial, sip) is not None)[:left]
        left -= len(dials)
        if dials:
            steps.append(dials)
    return steps


def _step(dials: Iterable[Dial], sip: Sip) -> Mapping[str, object]:
    ring_seconds = max(dial.ring_seconds for dial in dials)
    return {
        "ring_ms": ring_seconds * 1000,
        "dials": [
            {
                "uri": _uri(dial, sip),
                "attempt": dial.attempt_id,
                "longest": dial.max_duration_seconds,
                "recover": dial.recover_below_seconds,
                "headers": "".join(f"{name}: {value}\r\n" for name, value in _headers(dial, sip)),
            }
            for dial in dials
        ],
    }


def _uri(dial: Dial, sip: Sip) -> str | None:
    if _DIALLABLE.fullmatch(dial.to):
        return dial.to
    return f"sip:{dial.to}@{sip.trunk}" if dial.to.startswith("+") and sip.trunk is not None else None


def _headers(dial: Dial, sip: Sip) -> Iterable[tuple[str, str]]:
    yield "X-Ringbid-Call", dial.call_uuid
    yield "X-Ringbid-Key", dial.call_key
    if sip.retreaver_headers:
        yield "X-PH-RetreaverUUID", dial.call_uuid
        yield "X-PH-RetreaverKey", dial.call_key


def _failure_in(question: Question, part: str) -> CallEvent:
    attempt, code, rang, at = part.split(",")
    return _failure(call_id_of(question), PingId(attempt), code=int(code), rang=rang == "1", at=_time(at))


def _failure(call_id: str, attempt_id: PingId, *, code: int, rang: bool, at: datetime) -> CallEvent:
    return CallEvent(
        provider=PROVIDER,
        event_id=event_id(call_id, "failed", attempt_id),
        provider_call_id=call_id,
        kind="failed",
        at=at,
        attempt_id=attempt_id,
        cause=_cause(code, rang=rang),
        code=code,
    )


def _ended_by(by: str | None) -> EndedBy:
    """A buyer that let the call go (`back`) has ended it, as far as it goes."""
    if by in {"buyer", SENT_BACK}:
        return "buyer"
    return "caller" if by == "caller" else "engine"


def _cause(code: int | None, *, rang: bool) -> Cause:
    if code == NO_SIGN_CODE:
        return "no_answer" if rang else "unreachable"
    return _CAUSES.get(code or 0, "failed")


def _text(encoded: str) -> str:
    """Text from outside; bytes that are no UTF-8 are replaced."""
    return base64.b64decode(encoded).decode("utf-8", errors="replace") if encoded else ""


def _time(text: str) -> datetime:
    """`1700000000.123456`."""
    seconds, _, fraction = text.partition(".")
    return EPOCH + timedelta(seconds=int(seconds), microseconds=int(fraction.ljust(6, "0")[:6] or 0))
