"""Whatever a request holds: an answer from the API's page, never an exception, and asks that keep their shape."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringbid.buyers.protocol import Ask
from ringbid.values.reason import Reason
from support.asgi import Response
from support.auctions import KEY, AskedBuyer, Auctions, bid, catalog_of

# One product serves all examples: none of them may leave anything behind that matters to the next.
MANY = settings(max_examples=150, derandomize=True, database=None)
NASTY = [
    "\r\nX-Evil: 1",
    "a\nb",
    "\x00",
    "&key=1",
    "#",
    "../",
    "%2e%2e",
    '"',
    "'",
    "\\",
    "<a>",
    "[age]",
    "é",
    "𝕏",
    "\ud800",
    "\u2028",
]
TEXTS = st.one_of(
    st.text(max_size=30), st.sampled_from(NASTY), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
)
CODES = {reason.code for reason in Reason}
WEBHOOK = {
    "url": "http://b.example/[tag]/bid?a=[tag]&fixed=1",
    "headers": {"X-Tag": "v[tag]", "X-Fixed": "1"},
    "body": {"value": "[tag]", "fixed": 1},
}


def is_clean(response: Response) -> bool:
    """JSON with a status that is told, and for a refusal a code of the closed list and a 4xx."""
    tree = msgspec.json.decode(response.body, type=dict)
    assert response.headers["content-type"] == "application/json", response
    assert response.status == 200 or 400 <= response.status < 500, response
    assert response.status == 200 or tree["code"] in CODES, response
    assert "code" not in tree or tree["code"] in CODES, response
    return response.status == 200


def shape(ask: Ask) -> tuple[object, ...]:
    """What of an ask no value may change."""
    url = urlsplit(ask.url)
    names = [name for name, _ in parse_qsl(url.query, keep_blank_values=True, strict_parsing=True)]
    body = msgspec.json.decode(ask.body, type=dict)
    assert all(value.isascii() and value.isprintable() for _, value in ask.headers)
    assert ask.url.isascii()
    assert ask.url.isprintable()
    return (
        url.scheme,
        url.netloc,
        url.path.count("/"),
        names,
        url.fragment,
        [name for name, _ in ask.headers],
        list(body),
    )


def test_whatever_stands_in_a_tag_the_answer_is_clean_and_the_ask_keeps_its_headers_and_parameters(
    sqlite_template: Path,
) -> None:
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of([AskedBuyer(name="b", script=bid("5"))], webhook=WEBHOOK))
        auctions.outbound.scripts = {"b": bid("5")}
        query = {"key": KEY, "publisher_id": "pub", "caller_number": "+12135550123"}
        assert is_clean(auctions.send("POST", "/rtbs.json", query={**query, "tag": "plain"}))
        wanted = shape(auctions.outbound.asks[0])

        @MANY
        @given(key=st.one_of(st.just("tag"), TEXTS), value=TEXTS, as_json=st.booleans())
        def check(key: str, value: str, as_json: bool) -> None:
            auctions.loop.jump(60)
            auctions.outbound.asks.clear()
            if as_json:
                pairs = {**query, "tag": "x", key: value}
                body = msgspec.json.encode(pairs) if (key + value).isprintable() else _loose_json(pairs)
                response = auctions.send("POST", "/rtbs.json", body=body, headers={"content-type": "application/json"})
            else:
                sent = [*query.items(), (_valid(key), _valid(value))]
                response = auctions.send("POST", "/rtbs.json", query=sent)
            is_clean(response)
            for ask in auctions.outbound.asks:
                assert shape(ask) == wanted

        check()


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes, bytes, str]:
    method = draw(st.sampled_from(["POST", "GET", "PUT", "DELETE", "PATCH"]))
    path = draw(st.sampled_from(["/rtbs.json", "/rtbs/x.json", "/rtbs/018fc4a9-0000-7000-8000-000000000001.json"]))
    start = draw(st.sampled_from([b"", f"key={KEY}&publisher_id=pub&caller_number=%2B12135550123&".encode()]))
    query = start + draw(st.one_of(st.binary(max_size=40), TEXTS.map(lambda text: text.encode(errors="replace"))))
    body = draw(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([b"{", b"[" * 3000, b'{"a":' * 3000, b'{"key": NaN}', b'{"key": 1e999999}', b'{"a": {}}']),
            st.dictionaries(
                st.text(max_size=5), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)), max_size=3
            ).map(_loose_json),
        )
    )
    kind = draw(
        st.one_of(
            st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "text/plain", "a/b+json"]),
            st.text(st.characters(max_codepoint=255), max_size=12),
        )
    )
    return method, path, query, body, kind


def test_arbitrary_bytes_never_raise_and_are_always_answered_with_json_and_a_known_code(sqlite_template: Path) -> None:
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of([AskedBuyer(name="b", script=bid("5"))]))
        auctions.outbound.scripts = {"b": bid("5")}

        @settings(MANY, max_examples=400)
        @given(request=requests(), idempotency_key=st.text(st.characters(max_codepoint=255), max_size=6))
        @example(request=("POST", "/rtbs.json", f"key={KEY}".encode(), b"", ""), idempotency_key="")
        def check(request: tuple[str, str, bytes, bytes, str], idempotency_key: str) -> None:
            method, path, query, body, kind = request
            headers = {"content-type": kind, "idempotency-key": idempotency_key, "x-request-id": idempotency_key}
            is_clean(auctions.send(method, path, query=query.decode("latin-1"), body=body, headers=headers))

        check()


def _valid(text: str) -> str:
    """Text that can be sent in a query."""
    return text.encode(errors="replace").decode()


def _loose_json(tree: dict[str, object]) -> bytes:
    """JSON with everything that is legal in it, lone surrogates escaped among it."""
    import json

    return json.dumps(tree).encode()


def test_an_ask_can_tell_the_buyer_the_number_that_the_publisher_is_told_to_dial(sqlite_template: Path) -> None:
    """`[inbound_number]` is built in for every webhook: it once stood empty in a ping's."""
    with Auctions(sqlite_template) as auctions:
        webhook = {"body": {"dial": "[inbound_number]"}}
        result = auctions.hold([AskedBuyer(name="b", script=bid("5"))], webhook=webhook)
    assert msgspec.json.decode(result.asks[0].body) == {"dial": result.reply["inbound_number"]}
