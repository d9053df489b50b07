"""`/carriers/{name}/…`: where carriers ask what to do with a call, and tell how it went. `edge.api.app` routes here.

voice      a call has arrived                        → Dial, or Reject
dial-done  the buyers of one step are through        → the next Dial, or Hangup
leg        what one buyer's phone does               → nothing
status     what the caller's side of the call does   → nothing
again      a buyer handed a live call back           → the next Dial, or Hangup
fallback   the carrier got no answer from the others → the fallback of the settings, without the desk

Every request is verified first. Carriers repeat and reorder them: the desk does nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs, parse_qsl

import structlog

from ringbid.call.desk import CallDesk
from ringbid.call.event import CallEvent, EndedBy
from ringbid.call.instruction import Connect, Refuse, Routing
from ringbid.edge.api.http import Receive, Scope, Send, read_body
from ringbid.edge.api.statuses import status_of
from ringbid.edge.telephony.twiml import markup, reading
from ringbid.edge.telephony.twiml.memory import Memory, Remembered
from ringbid.edge.telephony.twiml.reading import Message
from ringbid.edge.telephony.twiml.redirecting import carrier_url
from ringbid.edge.telephony.twiml.signatures import Form, SignedRequest, telnyx_time, why_forged
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
from ringbid.settings import Carrier
from ringbid.values.clock import Clock
from ringbid.values.ids import PingId, parse_ping_id
from ringbid.values.verdict import Refused

_log = structlog.get_logger(__name__)

PREFIX = "/carriers/"
_TELL_AGAIN_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)  # carriers wait 15 s for an answer

_MOST_FIELDS = 300
_LONGEST_SID = 128
# A carrier waits fifteen seconds for an answer.
_DIAL_DONE_SECONDS = 2.0
_RECORD_SECONDS = 6.0
_NOTED = b""  # the answer to what asks for none

Query = Mapping[str, str]
Attempts = tuple[PingId, ...]
_Handler = Callable[["_Line", Message, Query], Awaitable[bytes | None]]  # None: the query is not one of ours


class _Line:
    """One carrier with everything that its requests need."""

    def __init__(self, name: str, carrier: Carrier, public_url: str) -> None:
        self.name = name
        self.carrier = carrier
        self.base_url = carrier_url(public_url, name)


class TwimlApi:
    """Answers every carrier of the settings. One for each server."""

    def __init__(
        self, *, desk: CallDesk, carriers: Mapping[str, Carrier], public_url: str, clock: Clock, body_seconds: float
    ) -> None:
        self._desk = desk
        self._public_url = public_url.rstrip("/")
        self._lines = {name: _Line(name, carrier, public_url) for name, carrier in carriers.items()}
        self._clock = clock
        self._body_seconds = body_seconds
        self._memory = Memory()
        self._handlers: Mapping[str, _Handler] = {
            "voice": self._voice,
            "dial-done": self._dial_done,
            "leg": self._leg,
            "status": self._status,
            "again": self._again,
            "fallback": self._fallback,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /carriers/{name}/{what}`."""
        name, _, what = scope["path"].removeprefix(PREFIX).partition("/")
        line, handler = self._lines.get(name), self._handlers.get(what)
        if line is None or handler is None:
            await _send(send, 404, b"There is nothing at this address.")
            return
        if scope["method"] != "POST":
            await _send(send, 405, b"Have the carrier use POST.", (b"allow", b"POST"))
            return
        body = await read_body(scope, receive, seconds=self._body_seconds)
        if isinstance(body, Refused):
            await _send(send, status_of(body.reason), body.reason.safe_text.encode())
            return
        message = self._verified(line, scope, body)
        if message is None:
            await _send(send, 403, b"The signature is missing or wrong.")
            return
        await self._answer(line, handler, message, scope, send)

    async def _answer(self, line: _Line, handler: _Handler, message: Message, scope: Scope, send: Send) -> None:
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        try:
            answer = await handler(line, message, query)
        except (StoreOverloaded, StoreUnavailable) as error:
            # The carrier then takes its fallback; nothing was promised.
            _log.error("carrier_not_served", carrier=line.name, why=type(error).__name__)
            await _send(send, 503, b"Calls cannot be routed right now.", (b"retry-after", b"1"))
            return
        if answer is None:
            await _send(send, 400, b"This is not one of the addresses that were given for this call.")
        elif answer == _NOTED:
            await _send(send, 204, b"")
        else:
            await _send(send, 200, answer, content_type=b"text/xml; charset=utf-8")

    def _verified(self, line: _Line, scope: Scope, body: bytes) -> Message | None:
        """The request's message, where the carrier sent it about the account and one call; else None, logged."""
        form = _read_form(body)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        now = self._clock.now()
        query = scope["query_string"].decode("latin-1")
        url = f"{self._public_url}{scope['path']}{'?' if query else ''}{query}"
        request = SignedRequest(url=url, form=form or (), body=body, headers=headers)
        why = "no form" if form is None else why_forged(line.carrier, request, now)
        fields = dict(reversed(form or ()))  # the first of each name
        call_sid = fields.get("CallSid", "")
        account = line.carrier.account
        if why is None and account is not None and fields.get("AccountSid") != account:
            why = "another account"
        if why is None and not 0 < len(call_sid) <= _LONGEST_SID:
            why = "no CallSid"
        if why is not None:
            _log.warning("carrier_request_refused", carrier=line.name, path=scope["path"], why=why)
            return None
        signed_at = telnyx_time(headers) if line.carrier.kind == "telnyx" else None
        return Message(provider=line.name, call_sid=call_sid, fields=fields, at=signed_at or now)

    async def _voice(self, line: _Line, message: Message, _: Query) -> bytes | None:
        routing = await self._desk.arrive(reading.read_arrival(message))
        if isinstance(routing, Refuse):
            return markup.reject_markup(routing.code)
        return self._dial_or_hang_up(line, message, routing)

    async def _dial_done(self, line: _Line, message: Message, query: Query) -> bytes | None:
        attempts = tuple(filter(None, map(parse_ping_id, query.get("attempts", "").split("."))))
        if not attempts or query.get("call") != message.call_sid:
            return None
        call = self._memory.of(line.name, message.call_sid)
        for event in _dial_events(message, attempts, query, call):
            await self._report(event, call)
        for attempt_id in attempts:
            call.dial_done[attempt_id].set()
        return markup.hangup_markup() if message.caller_gone else await self._go_on(line, message)

    async def _again(self, line: _Line, message: Message, _: Query) -> bytes | None:
        if message.caller_gone:
            return markup.hangup_markup()
        await _record_of(self._memory.of(line.name, message.call_sid))
        return await self._go_on(line, message)

    async def _go_on(self, line: _Line, message: Message) -> bytes:
        return self._dial_or_hang_up(line, message, await self._desk.go_on(line.name, message.call_sid))

    def _dial_or_hang_up(self, line: _Line, message: Message, routing: Routing) -> bytes:
        """The first step of a plan: when it is through, the carrier asks again, and the desk tells what is left."""
        if not isinstance(routing, Connect):
            return markup.hangup_markup()
        step = routing.steps[0]
        self._memory.of(line.name, message.call_sid).dialled = tuple(dial.attempt_id for dial in step)
        callbacks = markup.Callbacks(base_url=line.base_url, call_sid=message.call_sid)
        return markup.dial_markup(step, carrier=line.carrier, callbacks=callbacks, caller_number=message.caller_number)

    async def _leg(self, line: _Line, message: Message, query: Query) -> bytes | None:
        attempt_id, call_sid = parse_ping_id(query.get("attempt", "")), query.get("call", "")
        if attempt_id is None or message.fields.get("ParentCallSid", call_sid) != call_sid or not call_sid:
            return None
        call = self._memory.of(line.name, call_sid)
        call.legs[message.call_sid] = attempt_id
        of_the_call = Message(provider=line.name, call_sid=call_sid, fields=message.fields, at=message.at)
        event = reading.read_leg(of_the_call, attempt_id)
        if event is not None:
            if event.kind == "record" and (event.ended_by is None or line.carrier.recording):
                await _dial_done_of(call, attempt_id)
            await self._report(event, call)
        return _NOTED

    async def _status(self, line: _Line, message: Message, _: Query) -> bytes | None:
        status = message.fields.get("CallStatus")
        call = self._memory.of(line.name, message.call_sid)
        if status == "completed" and call.dialled and not call.picked_up:
            await _dial_done_of(call, call.dialled[0])  # it may know of an answer whose own callback was lost
        if status == "completed" and (call.picked_up or not call.dialled):
            await self._tell(message.event("ended"))
        elif status == "busy":
            await self._tell(message.event("unanswered"))
        elif status in reading.OVER:
            await self._tell(message.event("abandoned"))
        return _NOTED

    async def _fallback(self, line: _Line, message: Message, _: Query) -> bytes | None:
        _log.error("carrier_fell_back", carrier=line.name, error_code=message.fields.get("ErrorCode", "")[:20])
        return markup.fallback_markup(line.carrier)

    async def _tell(self, event: CallEvent) -> None:
        """Report an event; again where the store cannot take it just now, for a carrier does not tell it again."""
        for pause_seconds in _TELL_AGAIN_SECONDS:
            try:
                await self._desk.report(event)
            except (StoreOverloaded, StoreUnavailable) as error:
                _log.warning("carrier_event_waits", kind=event.kind, why=type(error).__name__)
                await asyncio.sleep(pause_seconds)
            else:
                return
        await self._desk.report(event)

    async def _report(self, event: CallEvent, call: Remembered) -> None:
        """Report an event of one attempt, and remember what of it matters later."""
        if event.attempt_id is not None and event.kind in ("answered", "record"):
            call.picked_up.add(event.attempt_id)
        await self._tell(event)
        if event.attempt_id is not None and event.kind == "record":
            call.recorded[event.attempt_id].set()


async def _dial_done_of(call: Remembered, attempt_id: PingId) -> None:
    """Let the end of Dial be told before that of its leg: most carriers send both at the same moment, and only the
    first tells who hung up, and where the recording is. A buyer that lets go early is known by that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DIAL_DONE_SECONDS):
            await call.dial_done[attempt_id].wait()


async def _record_of(call: Remembered) -> None:
    """Let the record of a buyer whose call was taken away come before the desk is asked for the next: the carrier tells
    it at the same moment, by the buyer's leg, and there is no Dial's end to wait for."""
    if not call.picked_up:
        await asyncio.sleep(_DIAL_DONE_SECONDS + 1)  # another node may know better, and wait as long
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_RECORD_SECONDS):
            for attempt_id in tuple(call.picked_up):
                call.dial_done[attempt_id].set()
                await call.recorded[attempt_id].wait()


def _dial_events(message: Message, attempts: Attempts, query: Query, call: Remembered) -> tuple[CallEvent, ...]:
    """What Dial's end says about the buyers of its step."""
    status = message.fields.get("DialCallStatus", "")
    if status in reading.ANSWERED:
        winner = attempts[0] if len(attempts) == 1 else call.legs.get(message.fields.get("DialCallSid", ""))
        if winner is None:
            return ()  # forgotten since; the winner's own leg tells its record
        if not message.fields.get("DialCallDuration"):
            return (message.event("answered", winner),)  # how long it talked its own leg tells
        ended_by = _ended_by(message, query.get("longest", ""))
        return (
            reading.read_record(
                message, winner, seconds_key="DialCallDuration", ended_at=message.at, ended_by=ended_by
            ),
        )
    if message.caller_gone:
        return (message.event("abandoned"),)
    code = reading.dial_code(message) if len(attempts) == 1 else None
    return tuple(reading.read_failure(message, attempt, status, code=code) for attempt in attempts)


def _ended_by(message: Message, longest: str) -> EndedBy:
    """Who hung up: the carrier does not say, but a caller who is still there did not, and a time limit is one."""
    if message.caller_gone:
        return "caller"
    limited = longest.isdecimal() and reading.read_seconds(message, "DialCallDuration") >= int(longest[:9])
    return "engine" if limited else "buyer"


def _read_form(body: bytes) -> Form | None:
    """The form's parameters, blank ones too; None where it is none."""
    try:
        text = body.decode()
        return tuple(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
    except ValueError:
        return None


async def _send(
    send: Send,
    status: int,
    body: bytes,
    *more: tuple[bytes, bytes],
    content_type: bytes = b"text/plain; charset=utf-8",
) -> None:
    headers = [(b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"), *more]
    if body:
        headers.append((b"content-type", content_type))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
