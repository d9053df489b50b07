"""Simulated buyers, asked over HTTP as the server asks them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest
import uvloop

from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge.emulate.buyers import BEHAVIOURS, SECONDS, EmulatedBuyers
from ringbid.edge.outbound.client import OutboundClient
from ringbid.settings import Outbound
from ringbid.values.clock import SystemClock
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def ask(*behaviours: str, path: str | None = None, seconds: float = 60.0, seed: int = 1) -> list[Answer | Refused]:
    """What these buyers answer, one after the other."""

    async def run() -> list[Answer | Refused]:
        clock = SystemClock()
        outbound = OutboundClient(Outbound(allow_private=True), clock)
        try:
            async with EmulatedBuyers(seed=seed) as buyers:
                answers = []
                for behaviour in behaviours:
                    where = path or f"/buyers/{behaviour}/bid"
                    url = f"http://127.0.0.1:{buyers.ports[behaviour]}{where}?zip=90210"
                    request = Ask(webhook_name="w", method="POST", url=url, headers=(), body=b'{"age":44}')
                    answers.append(await outbound.send(request, ends_at=clock.monotonic() + seconds))
                return answers
        finally:
            await outbound.aclose()

    return uvloop.run(run())


def bids(behaviour: str, *, times: int, seed: int = 1) -> list[Decimal]:
    answers = ask(*[behaviour] * times, seed=seed)
    return [
        msgspec.json.decode(answer.body, type=dict[str, dict[str, Decimal] | bool])["bid"]["amount"]
        for answer in answers
    ]


@pytest.mark.parametrize("behaviour", ["fast", "slow", "capped", "closed", "pricey"])
def test_a_buyer_that_bids_answers_with_amount_seconds_and_number(behaviour: str) -> None:
    (answer,) = ask(behaviour)
    assert isinstance(answer, Answer)
    reply = msgspec.json.decode(answer.body)
    assert (answer.status, reply["accepted"], reply["bid"]["min_seconds"]) == (200, True, SECONDS)
    assert reply["bid"]["amount"] > 0
    assert reply["bid"]["phone"].startswith("+120255501")


def test_a_bids_number_is_where_its_phone_is_called() -> None:
    async def run() -> Answer | Refused:
        clock = SystemClock()
        outbound = OutboundClient(Outbound(allow_private=True), clock)
        try:
            async with EmulatedBuyers(seed=1, address_of="sip:{}@127.0.0.1:5071".format) as buyers:
                url = f"http://127.0.0.1:{buyers.ports['fast']}/buyers/fast/bid"
                request = Ask(webhook_name="w", method="POST", url=url, headers=(), body=b"{}")
                return await outbound.send(request, ends_at=clock.monotonic() + 60)
        finally:
            await outbound.aclose()

    answer = uvloop.run(run())
    assert isinstance(answer, Answer)
    assert msgspec.json.decode(answer.body)["bid"]["phone"] == "sip:+12025550111@127.0.0.1:5071"


def test_the_declining_buyer_accepts_nothing() -> None:
    (answer,) = ask("declining")
    assert isinstance(answer, Answer)
    assert msgspec.json.decode(answer.body)["accepted"] is False


def test_the_erring_buyer_answers_500() -> None:
    (answer,) = ask("error")
    assert isinstance(answer, Answer)
    assert answer.status == 500


def test_the_silent_buyer_never_answers() -> None:
    (answer,) = ask("silent", seconds=0.05)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.ASK_TIMED_OUT


def test_what_the_malformed_buyer_answers_is_never_a_usable_bid() -> None:
    for answer in ask(*["malformed"] * 20):
        assert isinstance(answer, Answer)
        try:
            amount = msgspec.json.decode(answer.body)["bid"]["amount"]
        except msgspec.DecodeError:
            continue
        assert amount < 0


def test_bids_that_vary_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    first = bids("pricey", times=5)
    assert len(set(first)) > 1
    assert bids("pricey", times=5) == first
    assert bids("pricey", times=5, seed=2) != first


def test_an_unknown_path_is_404() -> None:
    (answer,) = ask("fast", path="/elsewhere")
    assert isinstance(answer, Answer)
    assert answer.status == 404


def test_there_are_nine_each_with_a_port_of_its_own() -> None:
    async def ports() -> dict[str, int]:
        async with EmulatedBuyers(seed=1) as buyers:
            return buyers.ports

    found = uvloop.run(ports())
    assert set(found) == set(BEHAVIOURS)
    assert len(set(found.values())) == 9


def test_nothing_listens_after_the_end() -> None:
    async def knock() -> None:
        async with EmulatedBuyers(seed=1) as buyers:
            port = buyers.ports["fast"]
            _, open_connection = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        open_connection.close()

    uvloop.run(knock())
