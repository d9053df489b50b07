"""Single values of the file: zones, currencies, holidays, URLs, headers, expressions."""

from __future__ import annotations

import pytest

from ringbid.catalog import checks


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "US/Eastern", "Asia/Kathmandu"])
def test_iana_zones_are_known(name: str) -> None:
    assert checks.time_zone(name) is None


@pytest.mark.parametrize("name", ["", "EST5", "Eastern", "america/new_york", "../etc/passwd", "localtime", "America"])
def test_other_zones_are_not(name: str) -> None:
    assert "IANA time zone" in (checks.time_zone(name) or "")


def test_a_misspelt_zone_is_put_right() -> None:
    assert (checks.time_zone("America/Chicgo") or "").endswith("Did you mean America/Chicago?")


def test_currencies_are_those_of_iso_4217() -> None:
    assert checks.currency("USD") is None
    assert checks.currency("EUR") is None
    assert "Did you mean USD?" in (checks.currency("usd") or "")
    assert checks.currency("US$") is not None
    assert checks.currency("DEM") is not None


@pytest.mark.parametrize("code", ["US", "US-CA", "CA-ON", "DE", "GB-SCT"])
def test_holidays_are_those_of_a_country_or_its_state(code: str) -> None:
    assert checks.holiday_place(code) is None


@pytest.mark.parametrize("code", ["", "us", "XX", "US-", "US-XX", "US-CA-SF", "California"])
def test_other_places_have_no_holidays(code: str) -> None:
    assert checks.holiday_place(code) is not None


@pytest.mark.parametrize(
    "text",
    ["sip:sales@127.0.0.1:5071", "sip:example.org", "sips:a.b-c@pbx.example.org;transport=tls", "sip:+1202@x.org"],
)
def test_sip_uris_are_taken(text: str) -> None:
    assert checks.sip_uri(text) is None


@pytest.mark.parametrize(
    "text", ["sip:", "sip:a b@x.org", "sip:a@", "sip:@x", "sip:a@x:port", "sip:a@b@c", "sip:a@x.org\r\nX: y"]
)
def test_what_is_no_sip_uri_is_not(text: str) -> None:
    assert checks.sip_uri(text) is not None


@pytest.mark.parametrize("text", ["^9[0-9]{4}$", "(?i)gold|silver", r"\d+", ""])
def test_patterns_of_linear_time_are_taken(text: str) -> None:
    assert checks.pattern(text) is None


@pytest.mark.parametrize("text", ["(", "(?=x)", r"(a)\1", "x{1001}", "((a{100}){100}){100}"])
def test_other_patterns_are_not_and_nothing_is_printed(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert "RE2" in (checks.pattern(text) or "")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "bid.amount",
        "bidTerms[0].callMinDuration",
        "accepted == `true`",
        "join(',', a)",
        "merge(a, b, c)",
        "max_by(a, &b)",
    ],
)
def test_expressions_are_taken(text: str) -> None:
    assert checks.expression(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a ==", "Incomplete"),
        ("a[", "Incomplete"),
        ("a == `x", "Unclosed"),
        ("tonumber(a)", "no function tonumber. Did you mean to_number?"),
        ("a[?nope(b)]", "no function nope"),
        ("{x: length()}", "length takes 1 arguments, not 0"),
        ("join(a, b, c)", "join takes 2 arguments, not 3"),
    ],
)
def test_other_expressions_are_told_apart(text: str, told: str) -> None:
    assert told in (checks.expression(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:9101/bid?zip=[caller_zip]",
        "https://buyer.example",
        "HTTPS://buyer.example?x=[a]",
        "http://[::1]:80/[a]/b#c",
        "http://host_1/x",
        "https://xn--bcher-kva.example/",
    ],
)
def test_urls_are_taken(text: str) -> None:
    assert checks.url(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "http://"),
        ("ftp://x/", "http://"),
        ("//x/", "http://"),
        ("[scheme]://x/", "http://"),
        ("http://", "a host"),
        ("http:///path", "a host"),
        ("http://[host]/", "never in the host"),
        ("http://[dead]/", "never in the host"),
        ("http://x.[tld]/", "without [tokens]"),
        ("http://x:[port]/", "without [tokens]"),
        ("http://x:0/", "a port from 1"),
        ("http://x:65536/", "a port from 1"),
        ("http://a b/", "a host"),
        ("http://user:word@x/", "user and password"),
        ("http://x/a b", "percent-encoded"),
        ("http://x/\r\nX: y", "http://"),
        ("http://x/é", "percent-encoded"),
        ("http://[fe80::1%25eth0]/", "never in the host"),
    ],
)
def test_other_urls_are_told_apart(text: str, told: str) -> None:
    assert told in (checks.url(text) or "")


def test_only_what_stands_behind_the_host_can_have_tokens() -> None:
    assert checks.behind_host("http://[::1]:80/[a]?[b]") == "/[a]?[b]"
    assert checks.behind_host("https://x") == ""


def test_header_names_are_tokens_that_the_client_does_not_set_itself() -> None:
    assert checks.header_name("X-Api-Key") is None
    assert checks.header_name("Content-Type") is None
    for name in ("", "X Key", "X:", "X\r\n", "[name]", "é", "Host", "content-length", "Transfer-Encoding"):
        assert checks.header_name(name) is not None, name


def test_header_values_are_one_visible_line() -> None:
    assert checks.header_value("Bearer [token] x\ty") is None
    for value in ("", " ", " x", "x ", "x\n", "x\r\nY: z", "x\0", "é", "x" * 2049):
        assert checks.header_value(value) is not None, value
