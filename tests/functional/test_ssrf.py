"""Hostile URLs: none of them opens a connection to anything but a public address, whatever names resolve to.

The client is strict here (`allow_private` off). Names are resolved by zones; the dialler notes every address that it is
asked for and leads to a server on loopback instead, so that nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.buyers.protocol import Answer
from ringbid.edge.outbound.addresses import forbidden
from ringbid.edge.outbound.client import OutboundClient, dial
from ringbid.settings import Outbound
from ringbid.values.clock import SystemClock
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support import hostile_server as buyers
from support.hostile_server import PUBLIC_ADDRESS, HostileServer, ask_to, in_good_time, open_client, run

LITERALS = """
    127.0.0.1 127.0.0.2 127.1 127.0.1 0x7f.1 0x7f000001 0x7f.0x0.0x0.0x1 2130706433 017700000001 0177.0.0.1 0177.1
    127.0.0.1. 0 0.0.0.0 ①②⑦.⓪.⓪.① １２７.０.０.１ localhost LOCALHOST. 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1
    169.254.169.254 2852039166 0xa9fea9fe 168.63.129.16 [::1] [::] [0:0:0:0:0:0:0:1] [::127.0.0.1]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::]
    [fe80::1%25eth0] [fec0::1] [fd00:ec2::254] [ff02::1] public.test@127.0.0.1 127.0.0.1%2f@public.test 224.0.0.1
    255.255.255.255 192.0.2.1 198.18.0.1
""".split()  # noqa: SIM905 -- as a list it would be a page of one address a line
ZONES: dict[str, list[tuple[str, ...]]] = {  # what a name resolves to, the first time, the second, and ever after
    "localhost": [("127.0.0.1", "::1")],
    "metadata.test": [("169.254.169.254",)],
    "loopback.test": [("127.0.0.1",)],
    "loopback6.test": [("::1",)],
    "mixed.test": [(PUBLIC_ADDRESS, "127.0.0.1")],
    "mixed-first.test": [("169.254.169.254", PUBLIC_ADDRESS)],
    "mapped.test": [("::ffff:127.0.0.1",)],
    "nat64.test": [("64:ff9b::a9fe:a9fe",)],
    "sixtofour.test": [("2002:7f00:1::",)],
    "shared.test": [("100.64.0.1",)],
    "azure.test": [("168.63.129.16",)],
    "unique-local.test": [("fd12::1",)],
    "site-local.test": [("fec0::1",)],
    "zone.test": [("fe80::1%1",)],
    "private.test": [("10.1.2.3",)],
    "nowhere.test": [("0.0.0.0",)],
    "multicast.test": [("239.1.1.1",)],
}
URLS = [
    *(f"http://{host}/" for host in LITERALS),
    *(f"http://{name}/" for name in ZONES),
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    "unix:/var/run/docker.sock",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://public.test:22/",
    "http://public.test:6379/",
    "https://public.test:5432/",
]


class Laboratory:
    """A resolver by zones and a dialler that notes every address and leads to `port` on loopback."""

    def __init__(self, port: int = 0, zones: dict[str, list[tuple[str, ...]]] = ZONES) -> None:
        self.port = port
        self.zones = zones | {"public.test": [(PUBLIC_ADDRESS,)]}
        self.looked_up: dict[str, int] = {}
        self.dialled: list[str] = []

    async def resolve(self, host: str) -> tuple[str, ...]:
        times = self.looked_up[host] = self.looked_up.get(host, 0) + 1
        answers = self.zones.get(host, [()])
        return answers[min(times, len(answers)) - 1]

    async def dial(self, address: str, port: int) -> socket.socket:
        self.dialled.append(address)
        if not self.port:
            raise ConnectionRefusedError
        return await dial("127.0.0.1", self.port)


def test_there_are_as_many_hostile_urls_as_the_laboratory_asks_for() -> None:
    assert len(set(URLS)) >= 63


@pytest.mark.parametrize("url", URLS)
def test_a_hostile_url_opens_no_connection(url: str) -> None:
    async def story() -> None:
        laboratory = Laboratory()
        async with open_client(allow_private=False, resolver=laboratory.resolve, dialler=laboratory.dial) as client:
            result = await client.send(ask_to(url), ends_at=in_good_time())
        assert laboratory.dialled == []
        assert isinstance(result, Refused)
        assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN
        assert result.actual

    run(story())


def test_the_same_client_does_dial_a_public_address() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server:
            laboratory = Laboratory(server.port)
            async with open_client(allow_private=False, resolver=laboratory.resolve, dialler=laboratory.dial) as client:
                for url in ("http://public.test/", f"http://{PUBLIC_ADDRESS}:8080/"):
                    assert isinstance(await client.send(ask_to(url), ends_at=in_good_time()), Answer)
            assert laboratory.dialled == [PUBLIC_ADDRESS] * 2

    run(story())


@pytest.mark.parametrize("turn", [1, 2])
def test_a_name_that_turns_inward_between_two_asks_is_judged_anew_when_it_is_dialled(turn: int) -> None:
    zones = {"rebinding.test": [(PUBLIC_ADDRESS,)] * turn + [("127.0.0.1",)]}

    async def story() -> None:
        async with HostileServer(buyers.raw(buyers.answer(b"{}", b"connection: close\r\n"))) as server:
            laboratory = Laboratory(server.port, zones)
            async with open_client(allow_private=False, resolver=laboratory.resolve, dialler=laboratory.dial) as client:
                for _ in range(turn):
                    assert isinstance(
                        await client.send(ask_to("http://rebinding.test/"), ends_at=in_good_time()), Answer
                    )
                result = await client.send(ask_to("http://rebinding.test/"), ends_at=in_good_time())
            assert isinstance(result, Refused)
            assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN
            assert laboratory.dialled == [PUBLIC_ADDRESS] * turn

    run(story())


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1/", "//127.0.0.1/", "/again", "http://[::1]/", "file:///etc",
     "gopher://127.0.0.1:6379/", "http://loopback.test/"],
)  # fmt: skip
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(target: str, status: int) -> None:
    answer = b"HTTP/1.1 %d Go\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % (status, target.encode())

    async def story() -> None:
        async with HostileServer(buyers.raw(answer)) as server:
            laboratory = Laboratory(server.port)
            async with open_client(allow_private=False, resolver=laboratory.resolve, dialler=laboratory.dial) as client:
                result = await client.send(ask_to("http://public.test/"), ends_at=in_good_time())
            assert isinstance(result, Answer)
            assert result.status == status
            assert laboratory.dialled == [PUBLIC_ADDRESS]
            assert len(server.requests) == 1

    run(story())


def test_allow_private_opens_loopback_but_never_a_metadata_service() -> None:
    async def story() -> None:
        laboratory = Laboratory()
        async with open_client(resolver=laboratory.resolve, dialler=laboratory.dial) as client:
            for url in ("http://metadata.test/", "http://azure.test/", "http://[fd00:ec2::254]/", "http://0.0.0.0/"):
                result = await client.send(ask_to(url), ends_at=in_good_time())
                assert isinstance(result, Refused)
                assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN
            assert laboratory.dialled == []
            await client.send(ask_to("http://loopback.test:9101/"), ends_at=in_good_time())
            assert laboratory.dialled == ["127.0.0.1"]

    run(story())


addresses = (st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address)).map(str)


@settings(max_examples=100)
@given(st.lists(addresses, min_size=1, max_size=4))
def test_whatever_a_name_resolves_to_only_allowed_addresses_are_dialled(found: list[str]) -> None:
    laboratory = Laboratory(zones={"any.test": [tuple(found)]})

    async def story() -> Answer | Refused:
        client = OutboundClient(Outbound(), SystemClock(), resolver=laboratory.resolve, dialler=laboratory.dial)
        return await client.send(ask_to("http://any.test/"), ends_at=in_good_time())

    result = asyncio.run(story())
    assert isinstance(result, Refused)
    allowed = all(forbidden(address) is None for address in found)
    assert laboratory.dialled == (found if allowed else [])
    assert (result.reason is Reason.ASK_ADDRESS_FORBIDDEN) is not allowed
