"""The last look before the wire: whatever an ask holds, one request with as many headers goes out, or none."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.buyers.protocol import Ask
from ringbid.edge.outbound.wire import request_bytes, split_url
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def ask(*headers: tuple[str, str], method: str = "POST", body: bytes = b"{}") -> Ask:
    return Ask(webhook_name="w", method=method, url="http://h.test/", headers=headers, body=body)


def test_a_request_is_written_with_its_host_and_length() -> None:
    assert request_bytes(ask(("X-A", "b c")), "/a?b=c", "h.test:81") == (
        b"POST /a?b=c HTTP/1.1\r\nhost: h.test:81\r\ncontent-length: 2\r\nX-A: b c\r\n\r\n{}"
    )


def test_a_get_without_a_body_has_no_length() -> None:
    assert request_bytes(ask(method="GET", body=b""), "/", "h") == b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"


@pytest.mark.parametrize(
    "header",
    [("X-A", "a\r\nX-B: c"), ("X-A", "a\nb"), ("X-A", "a\rb"), ("X-A", "\0"), ("X-A", "é"), ("X-A", "\u2028"),
     ("X A", "b"), ("X-A:", "b"), ("", "b"), ("X-A\r\nX-B", "b"), ("Host", "evil"), ("content-length", "5"),
     ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("UPGRADE", "h2c"), ("Expect", "100-continue")],
)  # fmt: skip
def test_a_header_that_could_change_the_message_is_refused(header: tuple[str, str]) -> None:
    result = request_bytes(ask(("X-Ok", "1"), header), "/", "h.test")
    assert isinstance(result, Refused)
    assert result.reason is Reason.ASK_UNBUILDABLE


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/é", "/\0", "/\x7f"])
def test_a_target_with_anything_but_visible_ascii_is_refused(target: str) -> None:
    assert isinstance(request_bytes(ask(), target, "h.test"), Refused)


@pytest.mark.parametrize("method", ["get", "GET /evil HTTP/1.1\r\nX: 1\r\n\r\nGET", "CONNECT", "", "G T"])
def test_only_the_methods_of_the_ping_api_go_out(method: str) -> None:
    assert isinstance(request_bytes(ask(method=method), "/", "h.test"), Refused)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://h.test", "http://h.test", "/"),
        ("http://h.test?a=b", "http://h.test", "/?a=b"),
        ("http://h.test/a?b=//c#d?e", "http://h.test", "/a?b=//c"),
        ("http://h.test#@evil.test/", "http://h.test", "/"),
        ("mailto:a", "mailto:a", "/"),
        ("/etc/passwd", "/etc/passwd", "/"),
    ],
)
def test_a_url_is_cut_at_its_path(url: str, origin: str, target: str) -> None:
    assert split_url(url) == (origin, target)


@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=4),
    st.text(max_size=10),
    st.binary(max_size=20),
)
def test_what_goes_out_is_read_as_one_request_with_as_many_headers(
    headers: list[tuple[str, str]], path: str, body: bytes
) -> None:
    request = request_bytes(ask(*headers, body=body), "/" + path, "h.test")
    if isinstance(request, Refused):
        return
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(request)
    head = reader.next_event()
    assert isinstance(head, h11.Request)
    assert len(head.headers) == len(headers) + 2
    content = b""
    while isinstance(event := reader.next_event(), h11.Data):
        content += bytes(event.data)
    assert content == body
    assert reader.trailing_data == (b"", False)
