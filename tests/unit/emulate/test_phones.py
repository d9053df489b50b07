"""The demo's phones: whose turn it is, and what SIPp is told to do as a caller or as a phone."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour, Order
from ringbid.edge.emulate.phones import NOBODY, PHONES, Turns, plain_address, user_of
from ringbid.edge.emulate.phones_scenarios import caller_scenario, phone_scenario
from ringbid.edge.emulate.phones_simulated import PhoneLines
from ringbid.edge.emulate.publishers import PATIENCE_SECONDS
from support.virtual_time import VirtualLoop

CHARLIE = "+12025550111"
TALKING = PlacedCall(caller="+12125550123", dialled="+18444021146", talk_seconds=6.4)


def steps(scenario: str) -> list[str]:
    """A scenario in short: the first line of what is sent, what is received, and every pause."""
    found = []
    for element in ET.fromstring(scenario):
        if element.tag == "send":
            found.append("send " + (element.text or "").strip().splitlines()[0].removesuffix(" SIP/2.0"))
        elif element.tag == "recv":
            found.append("receive " + (element.get("request") or element.get("response") or ""))
        elif element.tag == "pause":
            found.append("pause")
    return found


def test_a_phone_takes_its_calls_in_one_way_after_the_other_and_then_from_the_start() -> None:
    turns = Turns()
    ways = PHONES[CHARLIE]
    taken = [turns.next(f"sip:{CHARLIE}@127.0.0.1:5071") for _ in range(len(ways) + 1)]
    assert taken == [*ways, ways[0]]
    assert turns.next("+12025550101") == PHONES["+12025550101"][0]


def test_at_a_number_without_a_phone_nobody_can_be_reached() -> None:
    assert Turns().next("+12025559999") is NOBODY


def test_a_phone_has_the_same_name_as_a_number_and_as_a_sip_address() -> None:
    assert user_of(f"sip:{CHARLIE}@127.0.0.1:5071") == user_of(CHARLIE) == CHARLIE
    assert plain_address(CHARLIE) == CHARLIE
    assert user_of(plain_address("sales")) == "sales"


def test_an_impatient_caller_is_gone_before_any_phone_is_answered() -> None:
    answers = [way.after_seconds for ways in PHONES.values() for way in ways if way.refuses is None]
    assert all(seconds is None or seconds > PATIENCE_SECONDS for seconds in answers)


def test_a_simulated_carriers_lines_lead_to_the_phones() -> None:
    async def ring() -> list[object]:
        lines, heard = PhoneLines(), []
        for _ in range(2):
            order = Order(address=CHARLIE, headers={}, caller_id=None)
            heard.append(await lines.ring(order, lambda: None))
        return heard

    loop = VirtualLoop()
    try:
        first, second = loop.run_until_complete(ring())
    finally:
        loop.close()
    assert first == "busy"
    assert not isinstance(second, str)


def test_a_caller_calls_talks_as_long_as_planned_and_hangs_up() -> None:
    scenario = caller_scenario(TALKING)
    assert 'timeout="6400"' in scenario
    assert "From: <sip:+12125550123@" in scenario
    assert "verstat=TN-Validation-Passed-A" in scenario
    done = steps(scenario)
    assert done[0] == "send INVITE sip:[service]@[remote_ip]:[remote_port]"
    assert {"receive 486", "receive 480", "receive 200", "send BYE [next_url]"} <= set(done)


def test_an_impatient_caller_hangs_up_while_it_rings() -> None:
    scenario = caller_scenario(PlacedCall(caller="+12125550123", dialled="+18444021146", patience_seconds=0.9))
    assert [step.partition(" sip:")[0] for step in steps(scenario)] == [
        "send INVITE", "receive 100", "receive 180", "pause", "send CANCEL", "receive 200", "receive 487", "send ACK",
    ]  # fmt: skip
    assert '<pause milliseconds="900"/>' in scenario


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Behaviour(after_seconds=0.7, refuses="busy"), ["send SIP/2.0 486 Busy Here", "receive ACK"]),
        (Behaviour(after_seconds=1.0, refuses="declined"), ["send SIP/2.0 603 Decline", "receive ACK"]),
        (
            Behaviour(after_seconds=1.2, talk_seconds=2.5),
            ["send SIP/2.0 200 OK", "receive ACK", "receive BYE", "send SIP/2.0 200 OK"],
        ),
    ],
)
def test_a_phone_rings_and_then_does_what_it_does(way: Behaviour, expected: list[str]) -> None:
    done = steps(phone_scenario((way,)))
    assert done[:3] == ["receive INVITE", "send SIP/2.0 180 Ringing", "receive CANCEL"]
    assert done[6 : 6 + len(expected)] == expected


def test_every_label_that_a_scenario_goes_on_at_exists() -> None:
    for scenario in (caller_scenario(TALKING), *map(phone_scenario, PHONES.values())):
        root = ET.fromstring(scenario)
        labels = {element.get("id") for element in root.iter("label")}
        wanted = {element.get(name) for element in root for name in ("next", "ontimeout")} - {None}
        assert wanted <= labels
