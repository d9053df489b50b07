"""Orders to phone networks: each to its own, and what their answers mean."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ringbid.call.ports import TakeBack
from ringbid.edge.telephony.networks import PhoneNetworks
from ringbid.values.ids import PingId
from support.calls_api import ScriptedNetworks
from support.clocks import JumpingClock
from support.fake_buyers import ScriptedOutbound
from support.twiml import PUBLIC_URL, carrier_settings

ATTEMPT = PingId("01959f3a-0000-7000-8000-000000000001")


def take_back(outbound: ScriptedOutbound, provider: str = "main", **settings: Any) -> TakeBack:
    networks = PhoneNetworks(
        carriers={"main": carrier_settings("twilio", **settings)},
        public_url=PUBLIC_URL,
        outbound=outbound,
        clock=JumpingClock(),
        others={"sip": ScriptedNetworks()},
    )
    return asyncio.run(networks.hand_back(provider, "CA1", ATTEMPT))


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ({"status": 200, "json": {"status": "in-progress"}}, TakeBack.DONE),
        ({"status": 400, "json": {"code": 21220}}, TakeBack.NOT_LIVE),
        ({"status": 404}, TakeBack.NOT_LIVE),
        ({"status": 401}, TakeBack.UNREACHABLE),
        ({"status": 302}, TakeBack.UNREACHABLE),
        ({"status": 503}, TakeBack.UNREACHABLE),
        ({"fails": "ask_timed_out"}, TakeBack.UNREACHABLE),
    ],
)
def test_what_a_carrier_answers_says_whether_it_took_the_call_back(answer: dict[str, Any], taken: TakeBack) -> None:
    outbound = ScriptedOutbound()
    outbound.answers = {"carrier main": answer}
    assert take_back(outbound) is taken
    assert [ask.url.rsplit("/", 1)[1] for ask in outbound.asks] == ["CA1.json"]


def test_a_carrier_whose_settings_lack_something_is_not_asked() -> None:
    outbound = ScriptedOutbound()
    assert take_back(outbound, account=None) is TakeBack.NOT_SUPPORTED
    assert outbound.asks == []


def test_a_network_that_is_no_carrier_is_asked_by_its_name() -> None:
    assert take_back(ScriptedOutbound(), "sip") is TakeBack.DONE


def test_a_network_that_left_the_settings_takes_nothing_back() -> None:
    assert take_back(ScriptedOutbound(), "former") is TakeBack.NOT_SUPPORTED
