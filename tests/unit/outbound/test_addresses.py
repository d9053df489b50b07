"""Which addresses may be dialled: our list, beside what the standard library thinks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.edge.outbound.addresses import forbidden

INSIDE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::1",
    "::ffff:127.0.0.1", "::ffff:10.1.2.3", "fc00::1", "fd12:3456::1",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "0.1.2.3", "100.64.0.1", "100.127.255.255", "100.100.100.200", "168.63.129.16", "169.254.0.1",
    "169.254.169.254", "169.254.170.2", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::7f00:1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:1::1", "2001:db8::1", "2002:a9fe:a9fe::", "2002:808:808::1", "3fff::1",
    "5f00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1", "e000::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE + NEVER)
def test_what_is_not_public_is_forbidden_and_named(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", INSIDE)
def test_allow_private_lifts_loopback_and_private_networks(address: str) -> None:
    assert forbidden(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_allow_private_lifts_nothing_else(address: str) -> None:
    assert forbidden(address, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert forbidden(address) is None


def test_the_name_of_the_network_says_which() -> None:
    assert forbidden("169.254.169.254") == "link-local and cloud metadata 169.254.0.0/16"


any_ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address)
any_ipv6 = st.integers(0, 2**128 - 1).map(IPv6Address) | st.integers(0x2001 << 112, 0x2003 << 112).map(IPv6Address)


@settings(max_examples=1000)
@given(any_ipv4 | any_ipv6)
def test_what_may_be_dialled_is_global_to_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    if forbidden(address) is None:
        assert address.is_global
        assert not address.is_multicast


@settings(max_examples=500)
@given(any_ipv4, st.booleans())
def test_an_ipv4_address_written_as_ipv6_gets_the_same_verdict(address: IPv4Address, allow_private: bool) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    assert forbidden(mapped, allow_private=allow_private) == forbidden(address, allow_private=allow_private)


@settings(max_examples=300)
@given(any_ipv4, st.sampled_from(["64:ff9b::{0:x}:{1:x}", "2002:{0:x}:{1:x}::1", "::{0:x}:{1:x}"]))
def test_no_ipv4_address_is_reached_through_a_translating_form(address: IPv4Address, form: str) -> None:
    assert forbidden(ip_address(form.format(int(address) >> 16, int(address) & 0xFFFF)), allow_private=True) or (
        form.startswith("::") and int(address) == 1  # ::1 is loopback itself
    )
