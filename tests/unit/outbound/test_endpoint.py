"""Scheme, host and port of a URL: plain ones are taken, odd ones refused by their spelling."""

from __future__ import annotations

import pytest

from ringbid.edge.outbound.endpoint import Endpoint, parse_endpoint
from ringbid.settings import Outbound
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

STRICT = Outbound()


@pytest.mark.parametrize(
    ("origin", "endpoint", "authority"),
    [
        ("https://bids.example.com", Endpoint("https", "bids.example.com", 443, False), "bids.example.com"),
        ("HTTP://Bids.Example.COM:8080", Endpoint("http", "bids.example.com", 8080, False), "bids.example.com:8080"),
        ("http://example.com.", Endpoint("http", "example.com", 80, False), "example.com"),
        ("http://example.com:443", Endpoint("http", "example.com", 443, False), "example.com:443"),
        ("http://8.8.8.8", Endpoint("http", "8.8.8.8", 80, True), "8.8.8.8"),
        ("https://[2606:4700:0::1]:8443", Endpoint("https", "2606:4700::1", 8443, True), "[2606:4700::1]:8443"),
        ("http://a_b.xn--bcher-kva.example", Endpoint("http", "a_b.xn--bcher-kva.example", 80, False), None),
        ("http://1.example", Endpoint("http", "1.example", 80, False), None),
    ],
)
def test_a_plain_origin_is_taken(origin: str, endpoint: Endpoint, authority: str | None) -> None:
    parsed = parse_endpoint(origin, STRICT)
    assert parsed == endpoint
    assert authority is None or endpoint.authority == authority


@pytest.mark.parametrize(
    "host",
    ["127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.01", "127.0.0.1.",
     "1.2.3.4.5", "256.1.1.1", "foo.0x7f", "①②⑦.⓪.⓪.①", "１２７.0.0.1", "ex\u00e4mple.com", "\u212aelvin.com",
     "user@host.com", "user:pw@host.com", "host.com@evil.com", "host com", "host\\evil.com", "host%2eevil.com", "", ".",
     "a..b", "-a.com", "a-.com", "a" * 64 + ".com", "a." * 127 + "com",
     "[host]", "[127.0.0.1]", "[::1%25eth0]", "[fe80::1%eth0]",
     "[::1", "::1", "[]", "host\t", "host\r\n", "host,evil.com", "host;x"],
)  # fmt: skip
def test_an_odd_host_is_refused_by_its_spelling(host: str) -> None:
    result = parse_endpoint(f"http://{host}", Outbound(allow_private=True))
    assert isinstance(result, Refused)
    assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    "origin", ["file:///etc", "gopher://h.test", "ftp://h.test", "javascript:1", "h.test", "//h.test", ""]
)
def test_only_http_and_https_go_out(origin: str) -> None:
    result = parse_endpoint(origin, STRICT)
    assert isinstance(result, Refused)
    assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    "port", ["22", "25", "5432", "6379", "8700", "0", "65536", "99999", "", "+80", "8 0", "８０", "-1"]
)
def test_a_port_off_the_list_is_refused(port: str) -> None:
    result = parse_endpoint(f"http://h.test:{port}", STRICT)
    assert isinstance(result, Refused)
    assert result.reason is Reason.ASK_ADDRESS_FORBIDDEN


def test_a_refused_port_names_the_allowed_ones_and_the_setting() -> None:
    assert parse_endpoint("http://h.test:6379", STRICT) == Refused(
        Reason.ASK_ADDRESS_FORBIDDEN, actual="port 6379", expected="80, 443, 8080, 8443", setting="outbound.ports"
    )


def test_allow_private_opens_every_port_and_a_list_closes_all_others() -> None:
    assert isinstance(parse_endpoint("http://h.test:9101", Outbound(allow_private=True)), Endpoint)
    listed = Outbound(allow_private=True, ports=(9101,))
    assert isinstance(parse_endpoint("http://h.test:9101", listed), Endpoint)
    assert isinstance(parse_endpoint("http://h.test:80", listed), Refused)
