"""The verb Dial as a simulated carrier follows it: ring all, connect the first that answers, time it, tell about it.

Used by `edge.emulate.carrier`, which asks the address that comes out what follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ringbid.edge import tasks
from ringbid.edge.emulate.carrier_calls import LegReport, LiveCall
from ringbid.edge.emulate.carrier_lines import Lines, Order, Refusal, Talk
from ringbid.edge.emulate.carrier_markup import DialVerb, Target
from ringbid.edge.emulate.carrier_wire import Wire, new_sid, timestamp
from ringbid.values.clock import Clock

_STATUS_OF: Mapping[Refusal, str] = {
    "busy": "busy",
    "declined": "busy",
    "no-answer": "no-answer",
    "failed": "failed",
}
_SIP_CODES: Mapping[str, int] = {"busy": 486, "declined": 603, "no-answer": 408, "failed": 503}
_EVENT_OF: Mapping[str, str] = {"ringing": "ringing", "in-progress": "answered"}


@dataclass(slots=True, kw_only=True)
class _Leg:
    sid: str
    target: Target
    code: int | None = None
    status: str = "ringing"
    seconds: int = 0
    sequence: int = 0
    hung_up: str = "caller"

    def refused(self, refusal: Refusal) -> None:
        self.status = _STATUS_OF[refusal]
        self.code = _SIP_CODES[refusal]


@dataclass(slots=True, kw_only=True)
class DialDone:
    """Dial is over. `url` is to be asked what follows, with `fields`; None: the document goes on. `after`: the leg that
    is told about once that was asked."""

    url: str | None
    fields: dict[str, str] = field(default_factory=dict)
    after: _Leg | None = None


class Dialling:
    """Follows Dial for all calls of one carrier."""

    def __init__(self, *, wire: Wire, lines: Lines, clock: Clock, random: Random) -> None:
        self._wire = wire
        self._kind = wire.identity.kind
        self._lines = lines
        self._clock = clock
        self._random = random

    async def dial(self, call: LiveCall, verb: DialVerb) -> DialDone:
        """From the first ring to the last callback but one."""
        legs = [_Leg(sid=new_sid(self._kind, self._random), target=target) for target in verb.targets]
        answered = await self._ring_all(call, verb, legs)
        after: _Leg | None = None
        if answered is not None:
            leg, talk = answered
            await self._talk(call, verb, leg, talk)
            if self._wire.habits.order == "dial_done_first":
                after = leg
            else:
                told = self._tell(call, leg)
                if told is not None and self._wire.habits.order == "leg_first":
                    await told
        call.legs += [
            LegReport(address=one.target.address, headers=one.target.headers, status=one.status, seconds=one.seconds)
            for one in legs
        ]
        if call.redirected.done():
            url = call.redirected.result()
            call.redirected = asyncio.get_running_loop().create_future()
            return DialDone(url=url, after=after)
        fields = self._action_fields(legs, answered)
        if answered is not None and verb.record != "do-not-record":
            fields["RecordingUrl"] = f"https://recordings.example.com/{answered[0].sid}"
        return DialDone(url=verb.action, fields=fields, after=after)

    async def tell_after(self, call: LiveCall, done: DialDone) -> None:
        """What was kept back until Dial's end was told."""
        told = self._tell(call, done.after) if done.after is not None else None
        if told is not None:
            await told

    async def _ring_all(self, call: LiveCall, verb: DialVerb, legs: list[_Leg]) -> tuple[_Leg, Talk] | None:
        """The first leg that answers; None where none does in time, or the caller is gone."""
        if not verb.answer_on_bridge:
            call.answered = True
        rings = {tasks.start_awaited(self._ring(call, verb, leg)): leg for leg in legs}
        pending = set(rings)
        winner: tuple[_Leg, Talk] | None = None
        rings_until = self._clock.monotonic() + verb.ring_seconds
        leaves_at = _after(call.arrived_at, call.placed.patience_seconds)
        while pending and winner is None:
            left = min(rings_until, leaves_at) - self._clock.monotonic()
            done, pending = await asyncio.wait(pending, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            winner = await self._settle(call, [(rings[task], task.result()) for task in done])
        call.caller_gone = winner is None and bool(pending) and leaves_at <= rings_until
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in pending:
            rings[task].status = "canceled" if winner is not None or call.caller_gone else "no-answer"
            self._tell(call, rings[task])
        return winner

    async def _settle(self, call: LiveCall, ended: list[tuple[_Leg, Talk | Refusal]]) -> tuple[_Leg, Talk] | None:
        """Tell how these legs ended; the first that answered is the one that is connected."""
        winner: tuple[_Leg, Talk] | None = None
        for leg, result in ended:
            if isinstance(result, str):
                leg.refused(result)
            elif winner is None:
                winner = leg, result
                call.answered = True
                leg.status = "in-progress"
            else:
                leg.status = "canceled"
                await result.hang_up()
            self._tell(call, leg)
        return winner

    async def _ring(self, call: LiveCall, verb: DialVerb, leg: _Leg) -> Talk | Refusal:
        caller_id = verb.caller_id or call.placed.caller
        order = Order(address=leg.target.address, headers=leg.target.headers, caller_id=caller_id)

        def rings() -> None:
            self._tell(call, leg)

        return await self._lines.ring(order, rings)

    async def _talk(self, call: LiveCall, verb: DialVerb, leg: _Leg, talk: Talk) -> None:
        """The connected part, until somebody hangs up, the time is over, or the call is taken away."""
        started_at = self._clock.monotonic()
        caller_seconds = call.placed.talk_seconds
        longest = min(verb.talk_seconds, caller_seconds if caller_seconds is not None else verb.talk_seconds)
        over = tasks.start_awaited(talk.over())
        ends: set[asyncio.Future[Any]] = {over, call.redirected}
        await asyncio.wait(ends, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        buyer_left = over.done()
        over.cancel()
        await asyncio.gather(over, return_exceptions=True)
        await talk.hang_up()
        # Carriers count whole seconds that have passed; the clock's last digits are no time.
        leg.seconds = int(round(self._clock.monotonic() - started_at, 3))
        leg.status = "completed"
        taken_away = call.redirected.done()
        leg.hung_up = "callee" if buyer_left else "caller"
        call.caller_gone = not buyer_left and not taken_away and longest == caller_seconds

    def _tell(self, call: LiveCall, leg: _Leg) -> asyncio.Task[None] | None:
        """Send a leg's callback, beside everything else; None where nobody wants it."""
        event = _EVENT_OF.get(leg.status, "completed")
        url = leg.target.callback
        if url is None or event not in leg.target.events:
            return None
        fields = {
            "AccountSid": call.account,
            "ApiVersion": "2010-04-01",
            "CallSid": leg.sid,
            "CallStatus": leg.status,
            "CallbackSource": "call-progress-events",
            "Direction": "outbound-dial",
            "From": call.placed.caller,
            "ParentCallSid": call.sid,
            "SequenceNumber": str(leg.sequence),
            "Timestamp": timestamp(self._kind, self._clock.now()),
            "To": leg.target.address,
        }
        if event == "completed":
            fields["CallDuration"] = str(leg.seconds)
            if self._kind == "telnyx" and leg.status == "completed":
                fields["HangupSource"] = leg.hung_up
        if leg.code is not None and leg.target.is_sip:
            fields["SipResponseCode"] = str(leg.code)
        leg.sequence += 1
        task = tasks.start_awaited(self._post(call, url, fields))
        call.background.append(task)
        return task

    async def _post(self, call: LiveCall, url: str, fields: Mapping[str, str]) -> None:
        call.told(await self._wire.post(url, fields), url)

    def _action_fields(self, legs: list[_Leg], answered: tuple[_Leg, Talk] | None) -> dict[str, str]:
        if answered is not None:
            leg = answered[0]
            fields = {"DialCallDuration": str(leg.seconds), "DialCallSid": leg.sid, "DialCallStatus": "completed"}
        else:
            statuses = [leg.status for leg in legs]
            status = next((one for one in ("no-answer", "busy", "canceled") if one in statuses), "failed")
            leg = legs[-1]
            fields = {"DialCallSid": leg.sid, "DialCallStatus": status}
        if self._kind in ("twilio", "signalwire"):
            fields["DialBridged"] = "true" if answered is not None else "false"
        if leg.code is not None and leg.target.is_sip:
            fields["DialSipResponseCode"] = str(leg.code)
        return fields


def _after(start: float, seconds: float | None) -> float:
    return float("inf") if seconds is None else start + seconds
