"""A webhook's two pure functions: the ask it builds, the bid it reads; and what the trace shows of both."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid import __version__
from ringbid.buyers.protocol import Answer, Ask, Bid
from ringbid.buyers.template import Values
from ringbid.buyers.webhook import SHOWN_LENGTH, CompiledWebhook, compile_webhook, redact, show_answer
from ringbid.catalog.model import Webhook
from ringbid.values.ids import BuyerId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

CHARLIE = Webhook(
    name="charlie bid",
    on="passthrough",
    buyer=BuyerId("charlie"),
    url="http://127.0.0.1:9101/bid?zip=[caller_zip]&state=[caller_state]",
    headers=(("X-Api-Key", "demo"),),
    body={"caller": "[caller_number]", "age": "[age]", "call": "[call_uuid]"},
    accept="accepted == `true`",
    outputs=(("charlie_bid", "bid.amount"), ("charlie_seconds", "bid.min_seconds"), ("charlie_number", "bid.phone")),
)
VALUES: Values = {"caller_number": "+12125550123", "age": "35", "call_uuid": "u-1", "caller_zip": "90210"}


def compiled(**changes: object) -> CompiledWebhook:
    webhook = replace(CHARLIE, **changes)  # type: ignore[arg-type] -- fields by name
    return compile_webhook(
        webhook,
        setting=f"webhooks[{webhook.name}]",
        money_tags=frozenset({"charlie_bid"}),
        seconds_tags=frozenset({"charlie_seconds"}),
    )


def built(values: Values = VALUES, **changes: object) -> Ask:
    ask = compiled(**changes).build_ask(values)
    assert isinstance(ask, Ask), ask
    return ask


def refused(values: Values, **changes: object) -> Refused:
    ask = compiled(**changes).build_ask(values)
    assert isinstance(ask, Refused), ask
    assert ask.reason is Reason.ASK_UNBUILDABLE
    return ask


def read(body: bytes | str, *, status: int = 200, **changes: object) -> Bid | Refused:
    content = body.encode() if isinstance(body, str) else body
    return compiled(**changes).read_bid(Answer(status=status, headers=(), body=content))


def reason_of(result: Bid | Refused) -> Reason:
    assert isinstance(result, Refused), result
    return result.reason


# Building


def test_the_example_catalog_s_webhook_builds_its_ask() -> None:
    ask = built()
    assert ask == Ask(
        webhook_name="charlie bid",
        method="POST",
        url="http://127.0.0.1:9101/bid?zip=90210&state=",
        headers=(
            ("X-Api-Key", "demo"),
            ("Accept", "application/json"),
            ("User-Agent", f"ringbid/{__version__}"),
            ("Content-Type", "application/json"),
            ("Accept-Encoding", "identity"),
        ),
        body=b'{"caller":"+12125550123","age":"35","call":"u-1"}',
    )


def test_a_get_without_a_body_has_no_content_type() -> None:
    ask = built(method="GET", body=None)
    assert ask.body == b""
    assert "Content-Type" not in dict(ask.headers)


def test_the_catalog_s_headers_win_over_ours() -> None:
    names = [name.lower() for name, _ in built(headers=(("accept", "text/plain"), ("user-agent", "me"))).headers]
    assert sorted(names) == ["accept", "accept-encoding", "content-type", "user-agent"]


def test_a_json_tree_keeps_its_shape_whatever_fills_it() -> None:
    tree = {"[age]": "[age]", "deep": [{"n": "a [age] b"}, 5, True, None, Decimal("1.50")]}
    body = built({"age": '35", "x": {'}, body=tree).body
    assert json.loads(body) == {
        "[age]": '35", "x": {',
        "deep": [{"n": 'a 35", "x": { b'}, 5, True, None, 1.5],
    }
    assert b"1.50" in body


def test_a_text_as_json_body_is_filled_inside_its_strings() -> None:
    assert json.loads(built({"age": '"}'}, body='{"a": "[age]"}').body) == {"a": '"}'}


def test_a_form_is_built_of_its_fields() -> None:
    ask = built({"age": "a&b=c d"}, body_type="form", body={"age": "[age]", "f g": "x", "n": 5, "yes": True})
    assert ask.body == b"age=a%26b%3Dc+d&f+g=x&n=5&yes=true"
    assert ("Content-Type", "application/x-www-form-urlencoded") in ask.headers


@pytest.mark.parametrize(
    ("body_type", "text", "filled", "content_type"),
    [
        ("form", "a=[age]", b"a=%3C1%26", "application/x-www-form-urlencoded"),
        ("xml", "<a>[age]</a>", b"<a>&lt;1&amp;</a>", "application/xml"),
        ("text", "a [age]", b"a <1&", "text/plain; charset=utf-8"),
    ],
)
def test_a_text_body_is_escaped_for_its_type(body_type: str, text: str, filled: bytes, content_type: str) -> None:
    ask = built({"age": "<1&"}, body_type=body_type, body=text)
    assert ask.body == filled
    assert ("Content-Type", content_type) in ask.headers


@pytest.mark.parametrize("value", ["..", ".", "../../admin", "a/../b", "..\\x"])
def test_no_value_climbs_in_the_path(value: str) -> None:
    assert refused({"age": value}, url="http://h.test/v1/[age]/x").setting == "webhooks[charlie bid].url"


@pytest.mark.parametrize("value", ["...", "a.b", "%2e%2e", "a/b", "..a"])
def test_a_value_that_only_looks_like_climbing_is_sent_escaped(value: str) -> None:
    path = built({"age": value}, url="http://h.test/v1/[age]").url.removeprefix("http://h.test/v1/")
    assert "/" not in path


def test_dots_in_the_query_are_nobody_s_path() -> None:
    assert built({"age": ".."}, url="http://h.test/a?b=[age]/../c").url == "http://h.test/a?b=../../c"


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\rb", "a\0b", "a\tb", "\x7f", "ключ", "\u2028", "x" * 9000])
def test_a_header_takes_only_visible_ascii_on_one_line(value: str) -> None:
    result = refused({"age": value}, headers=(("X-Age", "years [age]"),))
    assert result.setting == "webhooks[charlie bid].headers.X-Age"
    assert result.actual is not None
    assert result.actual.isascii()


def test_a_refused_header_that_is_a_secret_is_not_told() -> None:
    assert refused({"age": "s3cret\n"}, headers=(("Authorization", "Bearer [age]"),)).actual == "•••"


def test_a_header_filled_from_a_tag_is_sent_without_outer_spaces() -> None:
    assert ("X-Age", "35") in built(headers=(("X-Age", "[age] [missing]"),)).headers


@pytest.mark.parametrize(("part", "change"), [("url", {"url": "http://h.test/?a=[age]"}), ("body", {"body": "[age]"})])
def test_what_grows_too_long_is_not_sent(part: str, change: dict[str, str]) -> None:
    assert refused({"age": "x" * 300_000}, **change).setting == f"webhooks[charlie bid].{part}"


@given(
    st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["\r\nX: 1", "&k=1", "..", "#", "\0", "a/b"])
)
def test_whatever_a_value_is_the_ask_has_as_many_headers_parameters_and_fields(value: str) -> None:
    ask = compiled(
        url="http://h.test/p?a=[age]&b=2", headers=(("X-Age", "[age]"),), body={"a": "[age]", "b": "2"}
    ).build_ask({"age": value})
    if isinstance(ask, Ask):
        assert [name for name, _ in parse_qsl(ask.url.partition("?")[2], keep_blank_values=True)] == ["a", "b"]
        assert len(ask.headers) == 5
        assert all(re.fullmatch(r"[ -~]*", text) for header in ask.headers for text in header)
        assert json.loads(ask.body) == {"a": value, "b": "2"}


# Reading


def test_an_accepting_answer_fills_its_tags_with_the_buyer_s_own_digits() -> None:
    result = read('{"accepted": true, "bid": {"amount": 12.3400, "min_seconds": 90, "phone": "+12025550199"}}')
    assert result == Bid(tags={"charlie_bid": "12.3400", "charlie_seconds": "90", "charlie_number": "+12025550199"})


def test_an_output_that_the_answer_lacks_is_left_out() -> None:
    assert read('{"accepted": true, "bid": {"amount": null}}') == Bid(tags={})


@pytest.mark.parametrize("status", [199, 301, 302, 400, 404, 500, 503])
def test_a_status_other_than_2xx_is_an_error_and_its_body_is_not_read(status: int) -> None:
    result = read('{"accepted": true}', status=status)
    assert reason_of(result) is Reason.ASK_ANSWERED_ERROR
    assert isinstance(result, Refused)
    assert result.actual == f"HTTP {status}"


@pytest.mark.parametrize(
    ("body", "actual"),
    [
        ('{"accepted": false}', "accepted == `true` is false"),
        ("{}", "accepted == `true` is false"),
        ("[]", "accepted == `true` is false"),
        ("", "an answer without content"),
        (" \r\n", "an answer without content"),
    ],
)
def test_an_answer_that_does_not_accept_is_a_decline(body: str, actual: str) -> None:
    result = read(body)
    assert result == Refused(
        Reason.BUYER_DECLINED, actual=actual, expected="true", setting="webhooks[charlie bid].accept"
    )


def test_a_decline_shows_what_stood_there() -> None:
    result = read('{"status": null}', accept="status")
    assert isinstance(result, Refused)
    assert result.actual == "status is null"


def test_without_accept_a_204_fills_nothing_and_declines_nothing() -> None:
    assert read("", status=204, accept=None) == Bid(tags={})


def test_where_nothing_is_taken_from_the_answer_its_body_does_not_matter() -> None:
    assert read(b"\xff<html>", accept=None, outputs=()) == Bid(tags={})


@pytest.mark.parametrize("amount", ["NaN", "-5", "1e309", '"1,5"', "true", str(2**70)])
def test_an_absurd_bid_is_unreadable(amount: str) -> None:
    assert reason_of(read(f'{{"accepted": true, "bid": {{"amount": {amount}}}}}')) is Reason.BID_UNREADABLE


def test_the_same_value_is_plain_text_where_no_price_depends_on_it() -> None:
    webhook = compile_webhook(CHARLIE, setting="w", money_tags=frozenset(), seconds_tags=frozenset())
    answer = Answer(status=200, headers=(), body=b'{"accepted": true, "bid": {"amount": -5}}')
    assert webhook.read_bid(answer) == Bid(tags={"charlie_bid": "-5"})


@given(
    st.integers(100, 599),
    st.binary(max_size=100)
    | st.dictionaries(
        st.sampled_from(["accepted", "bid"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.dictionaries(st.just("amount"), st.floats()),
    ).map(lambda tree: json.dumps(tree).encode()),
)
def test_whatever_a_buyer_answers_ends_as_a_bid_or_with_one_of_four_reasons(status: int, body: bytes) -> None:
    result = read(body, status=status)
    if isinstance(result, Refused):
        assert result.reason in {Reason.ASK_ANSWERED_ERROR, Reason.BID_UNREADABLE, Reason.BUYER_DECLINED}
        assert result.actual
    else:
        assert all(0 <= Decimal(result.tags[name]) <= 1_000_000 for name in result.tags if name == "charlie_bid")


# Showing


def ask_with(**changes: object) -> Ask:
    base = Ask(webhook_name="w", method="POST", url="http://h.test/", headers=(), body=b"")
    return replace(base, **changes)  # type: ignore[arg-type] -- fields by name


@pytest.mark.parametrize(
    ("ask", "shown"),
    [
        (ask_with(url="http://h.test/a?zip=1&api_key=s3cret&x="), "POST http://h.test/a?zip=1&api_key=•••&x="),
        (ask_with(url="http://h.test/a?api%5FK%65y=s3cret"), "POST http://h.test/a?api%5FK%65y=•••"),
        (ask_with(url="http://user:s3cret@h.test/a"), "POST http://•••@h.test/a"),
        (ask_with(headers=(("X-Api-Key", "s3cret"), ("X-A", "b"))), "POST http://h.test/\nX-Api-Key: •••\nX-A: b"),
        (ask_with(headers=(("Authorization", "Bearer s3cret"),)), "POST http://h.test/\nAuthorization: •••"),
        (ask_with(headers=(("Cookie", "s3cret"),)), "POST http://h.test/\nCookie: •••"),
        (ask_with(body=b'{"a": 1, "password": "s3cret"}'), 'POST http://h.test/\n\n{"a":1,"password":"•••"}'),
        (
            ask_with(body=b'{"auth": {"u": "s3cret"}, "l": [{"pwd": 5}]}'),
            'POST http://h.test/\n\n{"auth":"•••","l":[{"pwd":"•••"}]}',
        ),
        (ask_with(body=b'{"a": 1}'), 'POST http://h.test/\n\n{"a": 1}'),
        (ask_with(body=b"a=1&token=s3cret&b=2"), "POST http://h.test/\n\na=1&token=•••&b=2"),
        (
            ask_with(body=b"<r><ApiKey>s3cret</ApiKey><b>2</b></r>"),
            "POST http://h.test/\n\n<r><ApiKey>•••</ApiKey><b>2</b></r>",
        ),
        (ask_with(body=b'{"secret": "s3cret", broken'), 'POST http://h.test/\n\n{"secret": •••, broken'),
        (ask_with(body=b"a\x00\x1b[31m\nb"), "POST http://h.test/\n\na\\x00\\x1b[31m\\nb"),
    ],
)
def test_an_ask_is_shown_without_its_secrets(ask: Ask, shown: str) -> None:
    assert redact(ask) == shown
    assert "s3cret" not in redact(ask)


def test_what_is_shown_is_cut() -> None:
    assert len(redact(ask_with(body=b"x" * 10_000))) == SHOWN_LENGTH
    assert len(show_answer(Answer(status=200, headers=(), body=b"x" * 10_000))) == SHOWN_LENGTH


def test_an_answer_is_shown_escaped() -> None:
    body = "é\x00\u202e\n<b>".encode() + b"\xff"
    assert show_answer(Answer(status=200, headers=(), body=body)) == "é\\x00\\u202e\\n<b>\\xff"


@given(st.binary(max_size=300), st.text(max_size=50))
def test_whatever_is_shown_is_printable(body: bytes, url: str) -> None:
    assert redact(ask_with(url=url.encode("utf-8", "replace").decode(), body=body)).replace("\n", "").isprintable()
    assert show_answer(Answer(status=200, headers=(), body=body)).isprintable()
