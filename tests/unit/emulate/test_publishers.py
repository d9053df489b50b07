"""Simulated publishers: what they think up, how it is sent, and what they do with a place."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
import uvloop

from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.demo import KEYS
from ringbid.edge.emulate.publishers import (
    PATIENCE_SECONDS,
    PingMaker,
    PlannedPing,
    PostbackReceiver,
    Publishers,
    Reply,
    SentPing,
    ping_ask,
    placed_call,
)
from ringbid.edge.outbound.client import OutboundClient
from ringbid.settings import Outbound
from ringbid.values.clock import SystemClock
from ringbid.values.phone import parse_north_american
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.virtual_time import VirtualClock, VirtualLoop

FIELDS = (("key", "k"), ("caller_number", "+12125550123"), ("caller_zip", "90210"))
RESERVED = b'{"uuid":"u-1","status":"reserved","retreaver_payout":1.173,"retreaver_seconds":95}'


def make(count: int, seed: int = 7) -> list[PlannedPing]:
    maker = PingMaker(seed=seed)
    return [maker.next() for _ in range(count)]


def test_the_same_seed_thinks_up_the_same_pings() -> None:
    assert make(50) == make(50)
    assert make(50) != make(50, seed=8)


def test_traffic_has_everything_that_real_traffic_has() -> None:
    pings = make(600)
    assert {ping.campaign_id for ping in pings} == set(KEYS)
    assert {"4321ABCD", "PUB-TWO", "PUB-FREE", "PUB-OFF", "PUB-NEW"} == {ping.publisher_id for ping in pings}
    assert {ping.encoding for ping in pings} == {"POST query", "GET query", "POST form", "POST json"}
    assert {ping.then for ping in pings} == {"nothing", "confirm", "release"}
    assert {ping.caller_number for ping in pings} >= {"", "anonymous"}
    assert any(ping.key not in KEYS.values() for ping in pings)
    medicare = [dict(ping.tags) for ping in pings if ping.campaign_id == "medicare"]
    assert {"jornaya_id" in tags for tags in medicare} == {True, False}
    assert {ping.caller for ping in pings} == {"talks", "short", "impatient", "late", "lost"}
    assert {ping.campaign_id for ping in pings if ping.caller == "late"} == {"medicare", "home-services"}


def test_one_in_twelve_pings_or_so_repeats_a_recent_caller() -> None:
    pings = make(600)
    repeated = sum(ping in pings[max(0, index - 8) : index] for index, ping in enumerate(pings))
    assert 30 < repeated < 80


def test_callers_have_numbers_of_the_range_that_belongs_to_nobody() -> None:
    numbers = Counter(ping.caller_number for ping in make(600))
    assert len(numbers) > 200
    for number in numbers - Counter({"": 10_000, "anonymous": 10_000}):
        assert parse_north_american(number) == number
        assert number[5:10] == "55501"


@pytest.mark.parametrize("encoding", ["POST query", "GET query"])
def test_a_query_is_sent_with_plus_signs_escaped(encoding: str) -> None:
    ask = ping_ask("http://127.0.0.1:8700", FIELDS, encoding=encoding)
    assert ask.method == encoding[:4].strip()
    assert ask.url.startswith("http://127.0.0.1:8700/rtbs.json?")
    assert tuple(parse_qsl(urlsplit(ask.url).query)) == FIELDS
    assert ask.body == b""


def test_a_form_and_a_json_body_carry_the_same_parameters() -> None:
    form = ping_ask("http://h", FIELDS, encoding="POST form")
    assert tuple(parse_qsl(form.body.decode())) == FIELDS
    assert form.headers == (("Content-Type", "application/x-www-form-urlencoded"),)
    json = ping_ask("http://h", FIELDS, encoding="POST json")
    assert msgspec.json.decode(json.body) == dict(FIELDS)
    assert json.headers == (("Content-Type", "application/json"),)


class Exchange:
    """Answers every request with `body`, and remembers it."""

    def __init__(self, answer: bytes | Refused) -> None:
        self.asks: list[Ask] = []
        self._answer = answer

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        self.asks.append(ask)
        if isinstance(self._answer, Refused):
            return self._answer
        confirmed = self._answer.replace(b'"reserved"', b'"confirmed"')
        body = (
            confirmed if ask.method == "PATCH" else b'{"status":"released"}' if ask.method == "DELETE" else self._answer
        )
        return Answer(status=200, headers=(), body=body)


class Line:
    """Phones that keep what was called; each call lasts `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.placed: list[PlacedCall] = []
        self.cancelled = 0
        self._seconds = seconds

    async def call(self, placed: PlacedCall) -> None:
        self.placed.append(placed)
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def send(count: int, answer: bytes | Refused) -> tuple[list[SentPing], list[Ask]]:
    exchange = Exchange(answer)
    sent: list[SentPing] = []

    async def keep(ping: SentPing) -> None:
        sent.append(ping)

    async def run() -> None:
        publishers = Publishers(PingMaker(seed=7), url="http://h", outbound=exchange, clock=SystemClock())
        await publishers.run(pings_per_second=5000, most_pings=count, stop=asyncio.Event(), on_sent=keep)

    asyncio.run(run())
    return sent, exchange.asks


def test_as_many_pings_as_asked_are_sent_and_reported() -> None:
    sent, _ = send(40, b'{"uuid":"u-1","status":"no-target","code":"no_buyer_available"}')
    assert len(sent) == 40
    assert {ping.reply.code for ping in sent if ping.reply} == {"no_buyer_available"}
    assert {ping.then_status for ping in sent} == {None}


def test_a_place_is_confirmed_or_released_as_planned_with_the_pings_own_key() -> None:
    sent, asks = send(60, RESERVED)
    assert {(ping.planned.then, ping.then_status) for ping in sent} == {
        ("nothing", None),
        ("confirm", "confirmed"),
        ("release", "released"),
    }
    later = [ask for ask in asks if ask.method in ("PATCH", "DELETE")]
    assert {ask.url.partition("?")[0] for ask in later} == {"http://h/rtbs/u-1.json"}
    assert {ask.body for ask in later} == {b"status=confirmed", b""}


def test_a_place_that_is_a_duplicates_is_left_to_the_ping_that_got_it() -> None:
    sent, asks = send(60, RESERVED[:-1] + b',"retreaver_ping_shield":true}')
    assert len(asks) == len(sent) == 60


@pytest.mark.parametrize("answer", [b"<html>", b"[]", Refused(Reason.ASK_TIMED_OUT)])
def test_no_answer_or_an_unreadable_one_is_reported_as_none(answer: bytes | Refused) -> None:
    sent, _ = send(3, answer)
    assert [ping.reply for ping in sent] == [None, None, None]


def test_a_stop_ends_the_sending() -> None:
    exchange = Exchange(RESERVED)

    async def run() -> None:
        stop = asyncio.Event()

        async def stop_at_once(_: SentPing) -> None:
            stop.set()

        publishers = Publishers(PingMaker(seed=7), url="http://h", outbound=exchange, clock=SystemClock())
        await publishers.run(pings_per_second=0.001, most_pings=None, stop=stop, on_sent=stop_at_once)

    asyncio.run(run())
    assert sum("/rtbs.json" in ask.url for ask in exchange.asks) == 1


WITH_NUMBER = RESERVED[:-1] + b',"inbound_number":"+18445550142","sip_address":"u-1@sip.test"}'
PLANNED = make(1)[0]


def reply(body: bytes = WITH_NUMBER) -> Reply:
    return msgspec.json.decode(body, type=Reply)


def called(count: int, answer: bytes) -> list[PlacedCall]:
    """The calls that follow so many pings, in a time that jumps."""
    line = Line()

    async def run() -> None:
        clock = VirtualClock(loop)
        publishers = Publishers(PingMaker(seed=7), url="http://h", outbound=Exchange(answer), clock=clock, phones=line)
        await publishers.run(pings_per_second=5, most_pings=count, stop=asyncio.Event(), on_sent=_ignore)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return line.placed


def test_a_call_follows_to_most_places_and_to_none_that_was_given_back_or_whose_caller_is_lost() -> None:
    expected = [ping.caller_number for ping in make(60) if ping.then != "release" and ping.caller != "lost"]
    assert sorted(placed.caller for placed in called(60, WITH_NUMBER)) == sorted(expected)


def test_nobody_calls_without_a_place_or_for_one_that_another_ping_has() -> None:
    assert called(20, b'{"uuid":"u-1","status":"no-target"}') == []
    assert called(20, WITH_NUMBER[:-1] + b',"retreaver_ping_shield":true}') == []


def test_a_caller_talks_longer_than_it_must_or_a_second_less() -> None:
    talks, short = (replace(PLANNED, caller=plan, extra_seconds=0.7) for plan in ("talks", "short"))
    assert placed_call(talks, reply()).talk_seconds == pytest.approx(95.7)
    assert placed_call(short, reply()).talk_seconds == pytest.approx(94.0)


def test_an_impatient_caller_is_the_only_one_whose_patience_ends() -> None:
    assert placed_call(replace(PLANNED, caller="impatient"), reply()).patience_seconds == PATIENCE_SECONDS
    assert placed_call(replace(PLANNED, caller="talks"), reply()).patience_seconds is None


def test_the_number_is_dialled_or_the_sip_address_of_the_reservation_where_there_is_one() -> None:
    by_number, by_address = (replace(PLANNED, dials_address=by) for by in (False, True))
    assert placed_call(by_number, reply()).dialled == "+18445550142"
    assert placed_call(by_address, reply()).dialled == "sip:u-1@sip.test"
    without = reply(RESERVED[:-1] + b',"inbound_number":"+18445550142"}')
    assert placed_call(by_address, without).dialled == "+18445550142"


def test_a_stop_hangs_up_all_callers() -> None:
    line = Line(seconds=3600)

    async def run() -> None:
        stop = asyncio.Event()
        publishers = Publishers(
            PingMaker(seed=7), url="http://h", outbound=Exchange(WITH_NUMBER), clock=VirtualClock(loop), phones=line
        )
        loop.call_later(30, stop.set)
        await publishers.run(pings_per_second=5, most_pings=10, stop=stop, on_sent=_ignore)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    assert 0 < len(line.placed) == line.cancelled


async def _ignore(_: SentPing) -> None:
    pass


def test_the_publishers_receiver_counts_the_postbacks_that_it_takes() -> None:
    async def run() -> int:
        clock = SystemClock()
        outbound = OutboundClient(Outbound(allow_private=True), clock)
        try:
            async with PostbackReceiver() as receiver:
                for path in ("/postback?payout=1", "/postback?payout=2", "/elsewhere"):
                    url = f"http://127.0.0.1:{receiver.port}{path}"
                    ask = Ask(webhook_name="w", method="GET", url=url, headers=(), body=b"")
                    await outbound.send(ask, ends_at=clock.monotonic() + 60)
                return receiver.taken
        finally:
            await outbound.aclose()

    assert uvloop.run(run()) == 2
