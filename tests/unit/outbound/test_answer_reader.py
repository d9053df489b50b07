"""HTTP/1.1 read strictly, byte by byte: one answer, or an unreadable bid that says why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.buyers.protocol import Answer
from ringbid.edge.outbound.answer_reader import AnswerReader
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

LIMIT = 65_536
OK = b"HTTP/1.1 200 OK\r\n"

READ: dict[str, tuple[bytes, bytes, bool]] = {  # what arrives, its body, may the connection be kept?
    "a length": (OK + b"content-length: 2\r\n\r\n{}", b"{}", True),
    "chunks": (OK + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", b"{}", True),
    "trailers": (OK + b"transfer-encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\nx-t: 1\r\n\r\n", b"{}", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "an empty body": (OK + b"content-length: 0\r\n\r\n", b"", True),
    "an equal second length": (OK + b"content-length: 2\r\nx: \r\n\r\n{}", b"{}", True),
    "identity": (OK + b"content-encoding: identity\r\ncontent-length: 2\r\n\r\n{}", b"{}", True),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + OK + b"content-length: 2\r\n\r\n{}", b"{}", True),
    "a farewell": (OK + b"connection: close\r\ncontent-length: 2\r\n\r\n{}", b"{}", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", b"{}", False),
    "more than was asked for": (OK + b"content-length: 2\r\n\r\n{}" + OK, b"{}", False),
    "rubbish after the answer": (OK + b"content-length: 2\r\n\r\n{}rubbish", b"{}", False),
}  # fmt: skip

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "not HTTP": (b"\x00\x01\x02random bytes", "broken HTTP"),
    "another protocol": (b"220 smtp.example.com ESMTP\r\n", "broken HTTP"),
    "HTTP/2": (b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP"),
    "a length and chunks": (OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", ""),
    "chunks and a length": (OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", ""),
    "two lengths": (OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", ""),
    "a negative length": (OK + b"content-length: -1\r\n\r\n", "broken HTTP"),
    "a length with a sign": (OK + b"content-length: +2\r\n\r\n{}", "broken HTTP"),
    "a length that overflows": (OK + b"content-length: 99999999999999999999\r\n\r\n", "broken HTTP"),
    "a list of lengths": (OK + b"content-length: 2, 2\r\n\r\n{}", "broken HTTP"),
    "a length beyond the limit": (OK + b"content-length: 100000000\r\n\r\n", "100000000 bytes"),
    "gzip": (OK + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", "Content-Encoding: gzip"),
    "gzip as transfer": (OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: gzip, chunked"),
    "transfer twice": (OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ""),
    "101 headers": (OK + b"x: 1\r\n" * 101 + b"\r\n", "101 headers"),
    "too many bytes of headers": (OK + b"x: " + b"y" * 17_000 + b"\r\n\r\n", "bytes of"),
    "headers without end": (OK + b"x: " + b"y" * 17_000, "bytes of unfinished headers"),
    "a change of protocol": (b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx", "change of protocol"),
    "endless interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 6, "more than 5 interim answers"),
    "a bare line feed": (b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}", "broken HTTP"),
    "a folded header": (OK + b"x: 1\r\n y: 2\r\ncontent-length: 0\r\n\r\n", "broken HTTP"),
    "NUL in a header": (OK + b"x: \x00\r\ncontent-length: 0\r\n\r\n", "broken HTTP"),
    "a space before the colon": (OK + b"content-length : 2\r\n\r\n{}", "broken HTTP"),
    "a chunk of no number": (OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n", "broken HTTP"),
    "a chunk that overflows": (OK + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "broken HTTP"),
    "more than the limit": (OK + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 11_000, "more than 65536"),
}  # fmt: skip


def feed(data: bytes, step: int | None = None) -> tuple[Answer | Refused | None, AnswerReader]:
    """All of `data`, `step` bytes at a time, until there is a result."""
    reader = AnswerReader(limit_bytes=LIMIT)
    for start in range(0, len(data), step or len(data) or 1):
        result = reader.feed(data[start : start + (step or len(data))])
        if result is not None:
            return result, reader
    return None, reader


@pytest.mark.parametrize("name", READ)
def test_a_plain_answer_is_read(name: str) -> None:
    data, body, keep = READ[name]
    answer, reader = feed(data)
    assert isinstance(answer, Answer)
    assert (answer.body, reader.keep) == (body, keep)


@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("name", READ)
def test_it_does_not_matter_in_which_pieces_an_answer_arrives(name: str, step: int) -> None:
    data, _, _ = READ[name]
    assert feed(data, step)[0] == feed(data)[0]


@pytest.mark.parametrize("step", [None, 997])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_parsers_disagree_about_is_unreadable_and_ends_the_connection(name: str, step: int | None) -> None:
    data, said = UNREADABLE[name]
    result, reader = feed(data, step)
    assert isinstance(result, Refused), result
    assert result.reason is Reason.BID_UNREADABLE
    assert said in (result.actual or "")
    assert not reader.keep


def test_headers_are_told_as_they_came_and_trailers_are_not() -> None:
    answer, _ = feed(
        OK
        + b"X-A: 1\r\nTransfer-Encoding: chunked\r\nX-\xe9: \xe9\r\n\r\n0\r\nX-T: 2\r\n\r\n".replace(b"X-\xe9", b"X-E")
    )
    assert isinstance(answer, Answer)
    assert answer.headers == (("X-A", "1"), ("Transfer-Encoding", "chunked"), ("X-E", "é"))


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    result, reader = feed(OK + b"\r\n{}")
    assert result is None
    assert reader.end() == Answer(status=200, headers=(), body=b"{}")
    assert not reader.keep


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200", OK + b"content-length: 10\r\n\r\n{}", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_a_connection_that_breaks_before_the_end_is_no_answer(data: bytes) -> None:
    result, reader = feed(data)
    assert result is None
    ended = reader.end()
    assert isinstance(ended, Refused)
    assert ended.reason is Reason.ASK_UNREACHABLE


def test_one_reader_reads_many_answers_of_one_connection() -> None:
    reader = AnswerReader(limit_bytes=LIMIT)
    for number in range(3):
        reader.start()
        answer = reader.feed(OK + b"content-length: 1\r\nn: %d\r\n\r\n%d" % (number, number))
        assert isinstance(answer, Answer)
        assert (answer.body, dict(answer.headers)["n"]) == (b"%d" % number, str(number))
        assert reader.keep


def test_no_more_than_the_limit_is_ever_read() -> None:
    reader = AnswerReader(limit_bytes=1024)
    assert reader.feed(OK + b"\r\n") is None
    assert reader.feed(b"x" * 900) is None
    result = reader.feed(b"x" * 1_000_000)
    assert isinstance(result, Refused)
    assert result.setting == "outbound.answer_limit_bytes"


pieces = st.sampled_from(
    [
        OK,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"content-length: 3\r\n",
        b"content-length: ",
        b"content-encoding: br\r\n",
        b"transfer-encoding: chunked\r\n",
        b"connection: close\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"1\r\na\r\n",
        b"0\r\n\r\n",
        b"x: y\r\n",
        b"abc",
        b"\0",
    ]
)


@settings(max_examples=300)
@given(st.lists(pieces | st.binary(max_size=8), max_size=12))
def test_whatever_arrives_the_reader_ends_as_an_answer_or_a_refusal(parts: list[bytes]) -> None:
    reader = AnswerReader(limit_bytes=1024)
    for part in parts:
        result = reader.feed(part)
        if result is not None:
            assert isinstance(result, Answer) or result.reason is Reason.BID_UNREADABLE
            return
    assert isinstance(reader.end(), Answer | Refused)
