"""Simulated publishers: pings as they come in real life, sent over HTTP at a steady rate, and the calls that follow.

Run by the demo against its own server, through the program's one outbound client and the demo's `phones`. What is sent
comes from a seed: callers from a dozen cities, every encoding, duplicates, callers without consent, and requests that
are plainly wrong. Callers talk long enough, or a second too short, hang up while it rings, come too late, or never.
Numbers are of the 555-01XX range, which belongs to nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlencode

import msgspec

from ringbid.buyers.protocol import Ask, Outbound
from ringbid.edge import tasks
from ringbid.edge.emulate.answering import AnsweringServers, Response
from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.demo import KEYS
from ringbid.edge.emulate.phones import Phones
from ringbid.values.clock import Clock
from ringbid.values.verdict import Refused

LONGEST_PING_SECONDS = 10.0  # then the publisher gives up on the answer
PATIENCE_SECONDS = 0.9  # of a caller who hangs up while it rings: shorter than it takes any phone to answer
_WITHOUT_RULE_SECONDS = 4  # where no number of seconds was promised anything for
_LATE_SECONDS = 0.8  # after the reservation has expired
_QUICK_KEYS = ("medicare", "home-services")  # whose reservations expire soon: only there a late caller is waited for
_REMEMBERED = 6  # the last callers, who may call again while their place is still held

# Where callers live: area code, state, zip.
_CITIES = (
    ("212", "NY", "10001"),
    ("310", "CA", "90210"),
    ("415", "CA", "94103"),
    ("619", "CA", "92101"),
    ("702", "NV", "89101"),
    ("305", "FL", "33101"),
    ("813", "FL", "33602"),
    ("512", "TX", "78701"),
    ("713", "TX", "77002"),
    ("312", "IL", "60601"),
    ("206", "WA", "98101"),
    ("602", "AZ", "85003"),
)
_AGES = {  # of the callers, by campaign
    "auto-insurance": (17, 80),
    "medicare": (45, 90),
    "home-services": (25, 80),
}
_SERVICES = ("roofing", "solar", "plumbing", "heating", "locks")

# talks: long enough · short: a second less · impatient: hangs up while it rings · late: after the place has expired ·
# lost: never calls
CallerPlan = Literal["talks", "short", "impatient", "late", "lost"]
Encoding = Literal["POST query", "GET query", "POST form", "POST json"]
_ENCODINGS: tuple[Encoding, ...] = ("POST query", "GET query", "POST form", "POST json")
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPing:
    """A ping to be sent. `then`: what the publisher does with the place, where it gets one; `caller`: what the caller
    does, who is transferred `after_seconds`. `extra_seconds`: how much longer it talks than it must."""

    campaign_id: str
    key: str
    publisher_id: str
    caller_number: str
    tags: tuple[tuple[str, str], ...]
    encoding: Encoding
    then: Literal["nothing", "confirm", "release"]
    caller: CallerPlan
    after_seconds: float
    extra_seconds: float
    dials_address: bool  # the SIP address of its reservation, where there is one, and not the number

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The parameters as they are sent."""
        caller = (("caller_number", self.caller_number),) if self.caller_number else ()
        return (("key", self.key), ("publisher_id", self.publisher_id), *caller, *self.tags)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a publisher reads of the exchange's answers."""

    status: str
    uuid: str | None = None
    code: str | None = None
    retreaver_payout: Decimal | None = None
    retreaver_seconds: int = 0
    retreaver_ping_shield: bool = False
    inbound_number: str = ""
    sip_address: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPing:
    """A ping and how it was answered. `reply` None: not at all, or not in a way that can be read. `then_status` is the
    answer to the confirmation or release, where one followed."""

    planned: PlannedPing
    reply: Reply | None
    took_ms: float
    then_status: str | None = None


class PingMaker:
    """Thinks up pings for the demo's catalog, the same ones for the same seed."""

    def __init__(self, *, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 -- callers to play with, no secrets
        self._recent: deque[PlannedPing] = deque(maxlen=_REMEMBERED)

    def next(self) -> PlannedPing:
        """The next ping: one in twelve repeats a recent caller, one in fourteen is wrong in some way."""
        chance = self._random
        if self._recent and chance.random() < 1 / 12:
            return chance.choice(self._recent)
        ping = self._fresh()
        self._recent.append(ping)
        return self._spoiled(ping) if chance.random() < 1 / 14 else ping

    def _fresh(self) -> PlannedPing:
        chance = self._random
        campaign_id = chance.choices(list(_AGES), weights=(4, 3, 3))[0]
        area_code, state, zip_code = chance.choice(_CITIES)
        tags = {"caller_zip": zip_code, "caller_state": state}
        if chance.random() < 0.1:
            del tags["caller_state"]
        tags["age"] = str(chance.randint(*_AGES[campaign_id]))
        if campaign_id == "home-services":
            tags["service"] = chance.choice(_SERVICES)
        elif chance.random() < 0.7:
            tags["jornaya_id"] = f"{chance.getrandbits(128):032X}"
        return PlannedPing(
            campaign_id=campaign_id,
            key=KEYS[campaign_id],
            publisher_id=chance.choices(("4321ABCD", "PUB-TWO", "PUB-FREE"), weights=(6, 4, 1))[0],
            caller_number=f"+1{area_code}55501{chance.randrange(100):02d}",
            tags=tuple(tags.items()),
            encoding=chance.choice(_ENCODINGS),
            then=chance.choices(("nothing", "confirm", "release"), weights=(10, 8, 1))[0],
            caller=self._caller_plan(campaign_id),
            after_seconds=chance.uniform(0.4, 1.6),
            extra_seconds=chance.uniform(0.4, 2.2),
            dials_address=chance.random() < 0.3,
        )

    def _caller_plan(self, campaign_id: str) -> CallerPlan:
        plans: tuple[CallerPlan, ...] = ("talks", "short", "impatient", "lost", "late")
        late = 6 if campaign_id in _QUICK_KEYS else 0
        return self._random.choices(plans, weights=(24, 6, 3, 3, late))[0]

    def _spoiled(self, ping: PlannedPing) -> PlannedPing:
        wrong: tuple[dict[str, Any], ...] = (
            {"caller_number": ""},
            {"caller_number": "anonymous"},
            {"key": "no-such-key"},
            {"publisher_id": "PUB-OFF"},
            {"publisher_id": "PUB-NEW"},
        )
        return replace(ping, **self._random.choice(wrong))


class Publishers:
    """Sends what a `PingMaker` thinks up to the server at `url`, and does with each place what was planned. Without
    `phones` nobody calls."""

    def __init__(
        self, maker: PingMaker, *, url: str, outbound: Outbound, clock: Clock, phones: Phones | None = None
    ) -> None:
        self._maker = maker
        self._url = url
        self._outbound = outbound
        self._clock = clock
        self._phones = phones
        self._calls: set[asyncio.Task[None]] = set()

    async def run(
        self,
        *,
        pings_per_second: float,
        most_pings: int | None,
        stop: asyncio.Event,
        on_sent: Callable[[SentPing], Awaitable[None]],
    ) -> None:
        """Send at a steady rate, however long answers take, until `stop` or `most_pings`; await what is under way. At
        `stop` all callers hang up at once."""
        started_at = self._clock.monotonic()
        under_way: set[asyncio.Task[None]] = set()
        sent = 0
        while not stop.is_set() and sent != most_pings:
            task = tasks.start(self._one(self._maker.next(), on_sent), name="simulated ping")
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
            wait_seconds = started_at + sent / pings_per_second - self._clock.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, wait_seconds))
        if under_way:
            await asyncio.wait(under_way)
        await self._finish_calls(stop)

    async def _finish_calls(self, stop: asyncio.Event) -> None:
        stopped = tasks.start_awaited(stop.wait())
        while self._calls and not stopped.done():
            await asyncio.wait({stopped, *self._calls}, return_when=asyncio.FIRST_COMPLETED)
        unfinished = {stopped, *self._calls}
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _one(self, planned: PlannedPing, on_sent: Callable[[SentPing], Awaitable[None]]) -> None:
        started_at = self._clock.monotonic()
        reply = await self._send(ping_ask(self._url, planned.fields, encoding=planned.encoding))
        took_ms = (self._clock.monotonic() - started_at) * 1000
        then = None
        if reply is not None and reply.status == "reserved" and not reply.retreaver_ping_shield:
            then = await self._follow_up(planned, reply)
        await on_sent(
            SentPing(planned=planned, reply=reply, took_ms=took_ms, then_status=then.status if then else None)
        )
        if self._phones is not None and reply is not None and _calls(planned, reply):
            call = tasks.start(self._transfer(self._phones, planned, reply), name="simulated call")
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _transfer(self, phones: Phones, planned: PlannedPing, reply: Reply) -> None:
        """The call that the place was taken for."""
        wait_seconds = planned.after_seconds
        if planned.caller == "late" and reply.expires_at is not None:
            wait_seconds = (reply.expires_at - self._clock.now()).total_seconds() + _LATE_SECONDS
        await asyncio.sleep(max(0.0, wait_seconds))
        await phones.call(placed_call(planned, reply))

    async def _follow_up(self, planned: PlannedPing, reply: Reply) -> Reply | None:
        if planned.then == "nothing":
            return None
        url = f"{self._url}/rtbs/{reply.uuid}.json?{urlencode({'key': planned.key})}"
        if planned.then == "release":
            return await self._send(Ask(webhook_name="release", method="DELETE", url=url, headers=(), body=b""))
        body = urlencode({"status": "confirmed"}).encode()
        return await self._send(Ask(webhook_name="confirm", method="PATCH", url=url, headers=_FORM, body=body))

    async def _send(self, ask: Ask) -> Reply | None:
        answer = await self._outbound.send(ask, ends_at=self._clock.monotonic() + LONGEST_PING_SECONDS)
        if isinstance(answer, Refused):
            return None
        try:
            return msgspec.json.decode(answer.body, type=Reply)
        except msgspec.DecodeError:
            return None


def _calls(planned: PlannedPing, reply: Reply) -> bool:
    """Does a call follow? Not to a place that was given back, or that another ping has already called for."""
    reserved = reply.status == "reserved" and not reply.retreaver_ping_shield
    return reserved and planned.then != "release" and planned.caller != "lost"


def placed_call(planned: PlannedPing, reply: Reply) -> PlacedCall:
    """What the caller does, once it is transferred to the place of `reply`."""
    by_address = planned.dials_address and reply.sip_address is not None
    needed_seconds = reply.retreaver_seconds or _WITHOUT_RULE_SECONDS
    return PlacedCall(
        caller=planned.caller_number,
        dialled=f"sip:{reply.sip_address}" if by_address else reply.inbound_number,
        patience_seconds=PATIENCE_SECONDS if planned.caller == "impatient" else None,
        talk_seconds=needed_seconds + (-1.0 if planned.caller == "short" else planned.extra_seconds),
    )


class PostbackReceiver:
    """The publisher's server for conversions: it takes every postback, and counts."""

    def __init__(self) -> None:
        self.taken = 0
        self.port = 0
        self._servers = AnsweringServers()

    async def __aenter__(self) -> Self:
        self.port = await self._servers.listen(self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._servers.close()

    def _take(self, path: str) -> Response:
        if path != "/postback":
            return Response(status="404 Not Found")
        self.taken += 1
        return Response(b"thank you", content_type="text/plain")


def ping_ask(url: str, fields: Sequence[tuple[str, str]], *, encoding: Encoding) -> Ask:
    """The HTTP request of a ping with these parameters to the server at `url`."""
    address = f"{url}/rtbs.json"
    headers: tuple[tuple[str, str], ...] = ()
    body = b""
    if encoding == "POST json":
        headers, body = _JSON, msgspec.json.encode(dict(fields))
    elif encoding == "POST form":
        headers, body = _FORM, urlencode(fields).encode()
    else:
        address += f"?{urlencode(fields)}"
    return Ask(webhook_name="ping", method=encoding.partition(" ")[0], url=address, headers=headers, body=body)
