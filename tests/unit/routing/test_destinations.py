"""Where a number may lead that somebody else has filled in: not to where calls are dear."""

from __future__ import annotations

import pytest

from ringbid.routing.destinations import compile_destinations
from ringbid.values.phone import PhoneNumber

DEFAULT = ("US", "CA")
TEMPLATE = "[number]"


@pytest.mark.parametrize(
    ("number", "entries", "allowed"),
    [
        ("+12025550101", DEFAULT, True),
        ("+14165550101", DEFAULT, True),
        ("+18885550101", DEFAULT, True),  # toll-free
        ("+19005550101", DEFAULT, False),  # premium
        ("+12029765010", DEFAULT, False),  # premium as well
        ("+18765550101", DEFAULT, False),  # Jamaica: it looks domestic
        ("+15005550101", DEFAULT, False),  # of nowhere
        ("+88213000000", DEFAULT, False),  # satellite
        ("+5352345678", DEFAULT, False),  # Cuba
        ("+442071234567", DEFAULT, False),
        ("+442071234567", ("GB",), True),
        ("+449098790000", ("GB",), False),  # premium
        ("+18885550101", ("GB",), False),
        ("+442071234567", ("+4420",), True),
        ("+441612345678", ("+4420",), False),
        ("+449098790000", ("+44909",), True),  # the owner's own word
        ("+12025550101", (), False),
    ],
)
def test_a_number_is_one_of_the_countries_that_are_named(number: str, entries: tuple[str, ...], allowed: bool) -> None:
    assert compile_destinations(entries).allows_number(PhoneNumber(number)) is allowed


@pytest.mark.parametrize(
    ("uri", "written", "allowed"),
    [
        ("sip:sales@pbx.example.org", TEMPLATE, True),
        ("sips:sales@PBX.example.org:5061;transport=tls", TEMPLATE, True),
        ("sip:+5352345678@pbx.example.org", TEMPLATE, True),  # whatever this host makes of it
        ("sip:sales@elsewhere.example.org", TEMPLATE, False),
        ("sip:sales@127.0.0.1:8449;transport=tcp", TEMPLATE, False),
        ("sip:sales@pbx.example.org;maddr=203.0.113.9", TEMPLATE, False),
        ("sip:sales@pbx.example.org?Route=%3Csip:evil.example%3E", TEMPLATE, False),
        ("sip:sales@evil.example@pbx.example.org", TEMPLATE, False),
        ("sip:sales@pbx.example.org\r\nX-Evil: 1", TEMPLATE, False),
        ("sip:12@trunk.example", "sip:[agent]@trunk.example", True),
        ("sip:12@trunk.example:5070", "sip:[agent]@trunk.example:5070;transport=tcp", True),
        ("sip:+12025550101@trunk.example", "sip:[agent]@trunk.example", True),
        ("sip:12025550101@trunk.example", "sip:[agent]@trunk.example", True),
        ("sip:+5352345678@trunk.example", "sip:[agent]@trunk.example", False),
        ("sip:%2B5352345678@trunk.example", "sip:[agent]@trunk.example", False),
        ("sip:0115352345678@trunk.example", "sip:[agent]@trunk.example", False),
        ("sip:%30115352345678@trunk.example", "sip:[agent]@trunk.example", False),
        ("sip:x@evil.example;@trunk.example", "sip:[agent]@trunk.example", False),
        ("sip:x@evil.example", "sip:x@[host]", False),
        ("sip:x@evil.example", "sip:x@evil.[domain]", False),
    ],
)
def test_a_sip_address_is_at_a_host_that_the_owner_has_named(uri: str, written: str, allowed: bool) -> None:
    destinations = compile_destinations((*DEFAULT, "sip:pbx.example.org"))
    assert destinations.allows_sip(uri, written=written) is allowed
