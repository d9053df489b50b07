"""Carriers that call a TwiML endpoint over a desk that follows a script: no store, no socket, and time that jumps."""

from __future__ import annotations

import base64
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from ringbid.buyers.protocol import Answer, Ask
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Connect, Dial, Over, Refuse, Routing
from ringbid.edge.emulate.carrier import SimulatedCarrier
from ringbid.edge.emulate.carrier_lines import Behaviour, SimulatedLines
from ringbid.edge.emulate.carrier_wire import Habits, Identity, telnyx_public_key
from ringbid.edge.telephony.twiml.endpoint import TwimlApi
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Carrier, CarrierKind
from ringbid.values.clock import Clock
from ringbid.values.ids import BuyerId, CallId, PingId, new_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.asgi import call as call_app
from support.virtual_time import NOON, VirtualClock, VirtualLoop

KINDS: tuple[CarrierKind, ...] = ("twilio", "signalwire", "telnyx", "somleng")
PUBLIC_URL = "https://ringbid.example.org"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALLER, NUMBER = "+12125550123", "+18885551234"
ANNA, BOB, CAROL = "+12025550111", "+12025550112", "sip:carol@buyers.example.org"
CALL_ID = CallId("0195a4d0-0000-7000-8000-00000000ca11")

_SECRET = "a secret between the two"
_PRIVATE_KEY = base64.b64encode(bytes(range(32))).decode()


def signing_key(kind: CarrierKind) -> str:
    """What the carrier signs with."""
    return _PRIVATE_KEY if kind == "telnyx" else _SECRET


def carrier_settings(kind: CarrierKind, **more: Any) -> Carrier:
    """The settings of a carrier of this kind that signs with `signing_key(kind)`."""
    secret = telnyx_public_key(_PRIVATE_KEY) if kind == "telnyx" else _SECRET
    return Carrier.model_validate({"kind": kind, "secret": secret, "account": ACCOUNT, **more})


def attempt_id(number: int) -> PingId:
    """The uuid of the attempt with this number; its bits beyond the time are all the number."""
    return new_ping_id(NOON, lambda size: number.to_bytes(size, "big"))


def dial(number: int, to: str, *, ring_seconds: int = 20, max_duration_seconds: int = 3600) -> Dial:
    """The instruction to ring `to`; its attempt is `attempt_id(number)`."""
    return Dial(
        attempt_id=attempt_id(number),
        buyer_id=BuyerId(f"buyer-{number}"),
        to=to,
        ring_seconds=ring_seconds,
        max_duration_seconds=max_duration_seconds,
        call_uuid=CALL_ID,
        call_key="k&y/1",
    )


def connect(*steps: tuple[Dial, ...] | Dial) -> Connect:
    """A plan of these steps."""
    return Connect(call_id=CALL_ID, steps=tuple(step if isinstance(step, tuple) else (step,) for step in steps))


def refuse(code: int) -> Refuse:
    return Refuse(call_id=CALL_ID, reason=Reason.NO_BUYER_AVAILABLE, code=code)


OVER = Over(call_id=CALL_ID)


@dataclass(slots=True)
class ScriptedDesk:
    """Answers with what is left of its plan: `first`, and whenever that is through what `later` has next. Whoever
    failed is through; when somebody has answered, all others are let go, and there is more once that is recorded."""

    first: Routing
    later: list[Routing] = field(default_factory=list)
    unavailable: bool = False
    reports_that_fail: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    asked: int = 0
    _seen: set[str] = field(default_factory=set)

    async def arrive(self, arrival: Arrival) -> Routing:
        self._reach()
        if arrival.provider_call_id not in {one.provider_call_id for one in self.arrivals}:
            self.arrivals.append(arrival)
        return self._left(self.first)

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        self._reach()
        while True:
            left = self._left(self.first)
            if not isinstance(left, Over) or not self.later or not self._recorded():
                return left
            self.asked += 1
            self.first = self.later.pop(0)

    async def report(self, event: CallEvent) -> None:
        self._reach()
        if self.reports_that_fail:
            self.reports_that_fail -= 1
            raise StoreUnavailable("the script says so")
        if event.event_id not in self._seen:
            self._seen.add(event.event_id)
            self.events.append(event)

    def kinds(self) -> list[str]:
        """What happened, in order."""
        return [event.kind for event in self.events]

    def only(self, kind: str) -> CallEvent:
        """The one event of this kind."""
        (found,) = [event for event in self.events if event.kind == kind]
        return found

    def _left(self, routing: Routing) -> Routing:
        """What of `routing` is still to be done."""
        if not isinstance(routing, Connect):
            return routing
        told = {event.attempt_id: event.kind for event in self.events if event.kind in ("failed", "answered", "record")}
        if any(told.get(one.attempt_id) in ("answered", "record") for step in routing.steps for one in step):
            return OVER
        steps = [tuple(one for one in step if one.attempt_id not in told) for step in routing.steps]
        left = tuple(filter(None, steps))
        return Connect(call_id=routing.call_id, steps=left) if left else OVER

    def _recorded(self) -> bool:
        """Is nobody talking?"""
        answered = {event.attempt_id for event in self.events if event.kind == "answered"}
        return answered <= {event.attempt_id for event in self.events if event.kind == "record"}

    def _reach(self) -> None:
        if self.unavailable:
            raise StoreUnavailable("the script says so")


@dataclass(frozen=True, slots=True)
class AppOutbound:
    """Sends to an ASGI application instead of the network. `broken`: paths where nobody answers."""

    app: Any
    broken: frozenset[str] = frozenset()

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        """The application's answer."""
        parts = urlsplit(ask.url)
        if parts.path in self.broken:
            return Refused(Reason.ASK_TIMED_OUT)
        response = await call_app(
            self.app, ask.method, parts.path, query=parts.query, headers=dict(ask.headers), body=ask.body
        )
        return Answer(status=response.status, headers=tuple(response.headers.items()), body=response.body)


def make_api(desk: ScriptedDesk, kind: CarrierKind, clock: Clock, **settings: Any) -> TwimlApi:
    """An endpoint with one carrier, called `main`."""
    carriers = {"main": carrier_settings(kind, **settings)}
    return TwimlApi(desk=desk, carriers=carriers, public_url=PUBLIC_URL, clock=clock, body_seconds=2.0)


@dataclass(slots=True)
class Exchange:
    """A carrier and the endpoint that it calls."""

    desk: ScriptedDesk
    api: TwimlApi
    carrier: SimulatedCarrier
    lines: SimulatedLines
    clock: VirtualClock


def run_with(
    scene: Callable[[Exchange], Coroutine[Any, Any, None]],
    *,
    kind: CarrierKind,
    desk: ScriptedDesk,
    buyers: dict[str, Behaviour] | None = None,
    habits: Habits | None = None,
    broken: frozenset[str] = frozenset(),
    forgetful: bool = False,
    **settings: Any,
) -> None:
    """Play `scene` on a loop whose time jumps. `forgetful`: each request meets an endpoint that was just started."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    api = make_api(desk, kind, clock, **settings)

    async def starts_anew(*arguments: Any) -> None:
        await make_api(desk, kind, clock, **settings)(*arguments)

    lines = SimulatedLines(buyers or {})
    carrier = SimulatedCarrier(
        identity=Identity(kind=kind, signing_key=signing_key(kind), account=ACCOUNT),
        outbound=AppOutbound(starts_anew if forgetful else api, broken),
        lines=lines,
        clock=clock,
        voice_url=f"{PUBLIC_URL}/carriers/main/voice",
        fallback_url=f"{PUBLIC_URL}/carriers/main/fallback",
        status_url=f"{PUBLIC_URL}/carriers/main/status",
        habits=habits,
        random=Random(7),
    )
    try:
        loop.run_until_complete(scene(Exchange(desk, api, carrier, lines, clock)))
    finally:
        loop.close()
