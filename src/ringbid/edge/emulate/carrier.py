"""A simulated carrier: it announces calls by signed webhooks, follows the markup that it gets, and calls back.

Started by `ringbid emulate carrier`, the demo and the tests. It is strict: what a real carrier would stumble over is an
error in the call's report. `carrier_wire` speaks for it, `carrier_markup` reads, `carrier_lines` rings the buyers, and
`carrier_dial` follows the verb Dial.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from random import Random
from urllib.parse import parse_qs, urlsplit

from ringbid.buyers.protocol import Answer, Ask, Outbound
from ringbid.edge import tasks
from ringbid.edge.emulate.carrier_calls import CallReport, LiveCall, PlacedCall
from ringbid.edge.emulate.carrier_dial import Dialling
from ringbid.edge.emulate.carrier_lines import Lines
from ringbid.edge.emulate.carrier_markup import HangupVerb, RedirectVerb, RejectVerb, Verb, read_markup
from ringbid.edge.emulate.carrier_wire import Habits, Identity, Sent, Wire, new_sid, stir_fields
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.telephony.twiml.redirecting import carrier_url
from ringbid.settings import Outbound as OutboundSettings
from ringbid.values.clock import Clock

_MOST_DOCUMENTS = 50  # a call that is sent round in circles ends


class SimulatedCarrier:
    """One carrier. `voice_url`, `fallback_url` and `status_url` are what a number is configured with there."""

    def __init__(
        self,
        *,
        identity: Identity,
        outbound: Outbound,
        lines: Lines,
        clock: Clock,
        voice_url: str,
        fallback_url: str | None = None,
        status_url: str | None = None,
        habits: Habits | None = None,
        random: Random | None = None,
        reaches: tuple[str, str] | None = None,
    ) -> None:
        self._identity = identity
        self._clock = clock
        self._wire = Wire(identity=identity, outbound=outbound, clock=clock, habits=habits or Habits(), reaches=reaches)
        self._voice_url, self._fallback_url, self._status_url = voice_url, fallback_url, status_url
        self._random = random or Random()  # noqa: S311 -- ids of calls that never were
        self._dialling = Dialling(wire=self._wire, lines=lines, clock=clock, random=self._random)
        self._live: dict[str, LiveCall] = {}

    @property
    def sent(self) -> tuple[Sent, ...]:
        """Every request so far, in order."""
        return tuple(self._wire.sent)

    async def call(self, placed: PlacedCall) -> CallReport:
        """One whole call, until all of it is told."""
        call = LiveCall(
            sid=new_sid(self._identity.kind, self._random),
            placed=placed,
            account=self._identity.account,
            extra=stir_fields(self._identity.kind, placed.attestation),
            arrived_at=self._clock.monotonic(),
        )
        self._live[call.sid] = call
        try:
            await self._follow(call)
        finally:
            del self._live[call.sid]
        if self._status_url is not None:
            fields = {**call.fields(call.status), "CallDuration": str(sum(leg.seconds for leg in call.legs))}
            call.told(await self._wire.post(self._status_url, fields), self._status_url)
        await asyncio.gather(*call.background)
        return call.report()

    async def rest(self, ask: Ask) -> Answer:
        """The REST API, as far as live calls are redirected by it."""
        call = self._live.get(urlsplit(ask.url).path.rpartition("/")[2].removesuffix(".json"))
        urls = parse_qs(ask.body.decode()).get("Url", [])
        authorized = any(name == "authorization" and value for name, value in ask.headers)
        if ask.method != "POST" or not authorized or len(urls) != 1:
            return Answer(status=400, headers=(), body=b"")
        if call is None or call.redirected.done():
            return Answer(status=404, headers=(), body=b"")
        call.redirected.set_result(urls[0])
        return Answer(status=200, headers=(), body=b"{}")

    async def _follow(self, call: LiveCall) -> None:
        verbs = await self._fetch(call, self._voice_url, {}, first=True)
        for _ in range(_MOST_DOCUMENTS):
            if not verbs:
                break
            verbs = await self._run(call, verbs)
        else:
            call.errors.append(f"more than {_MOST_DOCUMENTS} documents")
        if call.status == "":
            call.status = "completed" if call.answered else "no-answer"

    async def _run(self, call: LiveCall, verbs: tuple[Verb, ...]) -> tuple[Verb, ...]:
        """Follow one document. The next one; none where the call is over."""
        for verb in verbs:
            match verb:
                case RejectVerb(busy=busy):
                    call.status = "busy" if busy else "no-answer"
                    return ()
                case HangupVerb():
                    return ()
                case RedirectVerb(url=url):
                    return await self._fetch(call, url, {})
                case _:
                    done = await self._dialling.dial(call, verb)
            if done.url is not None:
                following = await self._fetch(call, done.url, done.fields)
                await self._dialling.tell_after(call, done)
                return () if call.caller_gone else following
            if call.caller_gone:
                return ()
        return ()

    async def _fetch(
        self, call: LiveCall, url: str, extra: Mapping[str, str], *, first: bool = False
    ) -> tuple[Verb, ...]:
        """The verbs at `url`, or at the fallback where they cannot be had; none where those cannot be had either."""
        fields = {**call.fields(), **extra}
        why = await self._read(call, url, fields, first=first)
        if not isinstance(why, str):
            return why
        call.errors.append(f"{urlsplit(url).path}: {why}")
        if self._fallback_url is not None:
            error = {"ErrorCode": "11200", "ErrorUrl": url}
            verbs = await self._read(call, self._fallback_url, {**fields, **error}, first=first)
            if not isinstance(verbs, str):
                return verbs
            call.errors.append(f"{urlsplit(self._fallback_url).path}: {verbs}")
        call.status = "failed"
        return ()

    async def _read(
        self, call: LiveCall, url: str, fields: Mapping[str, str], *, first: bool
    ) -> tuple[Verb, ...] | str:
        answer = await self._wire.post(url, fields)
        if answer is None:
            return f"no document ({self._wire.sent[-1].outcome})"
        content_type = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
        kind = self._identity.kind
        return read_markup(answer.body, content_type, kind=kind, answered=call.answered, first=first)


async def run_carrier(
    calls: Iterable[PlacedCall],
    *,
    identity: Identity,
    name: str,
    public_url: str,
    lines: Lines,
    clock: Clock,
    server_url: str | None = None,
    habits: Habits | None = None,
    random: Random | None = None,
) -> tuple[CallReport, ...]:
    """Place all these calls at once through the carrier `name` of a running server; their reports, in the same order.

    `public_url` is the server's setting, `server_url` where it really listens, if that is elsewhere.
    """
    outbound = OutboundClient(OutboundSettings(allow_private=True), clock)
    base_url = carrier_url(public_url, name)
    carrier = SimulatedCarrier(
        identity=identity,
        outbound=outbound,
        lines=lines,
        clock=clock,
        voice_url=f"{base_url}/voice",
        fallback_url=f"{base_url}/fallback",
        status_url=f"{base_url}/status",
        habits=habits,
        random=random,
        reaches=None if server_url is None else (public_url.rstrip("/"), server_url.rstrip("/")),
    )
    try:
        return tuple(await asyncio.gather(*[tasks.start_awaited(carrier.call(placed)) for placed in calls]))
    finally:
        await outbound.aclose()
