"""Bytes from a buyer to one `Answer`, or why not: HTTP/1.1 read strictly, within limits, without any input or output.

Fed by `edge.outbound.connection`. Everything that smaller parsers have disagreed about (two lengths, a length beside
chunks, compressed bodies, endless interim answers or headers) ends as an unreadable bid.
"""

from __future__ import annotations

import httptools

from ringbid.buyers.protocol import Answer
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16_384
MAX_INTERIM_ANSWERS = 5  # 103 Early Hints and the like; we never ask for 100 Continue

_EXPECTED = "one plain HTTP/1.1 answer"


class AnswerReader:
    """Reads one answer after another from one connection: `start`, then `feed` until it returns something.

    `received` counts the bytes of this answer; `keep` says, once it is there, whether the connection may carry another.
    """

    __slots__ = (
        "_body",
        "_complete",
        "_header_count",
        "_headers",
        "_headers_done",
        "_interim",
        "_limit_bytes",
        "_parser",
        "_problem",
        "_until_closed",
        "keep",
        "received",
    )

    def __init__(self, *, limit_bytes: int) -> None:
        """`limit_bytes`: the most that one answer may take on the wire, headers included."""
        self._limit_bytes = limit_bytes
        self._parser = httptools.HttpResponseParser(self)
        self.start()

    def start(self) -> None:
        """Expect a new answer."""
        self.received = 0
        self.keep = False
        self._interim = 0
        self._complete = False
        self._problem: Refused | None = None
        self._begin_headers()

    def feed(self, data: bytes) -> Answer | Refused | None:
        """Take what arrived; None while more is needed. Refused: BID_UNREADABLE."""
        self.received += len(data)
        if self.received > self._limit_bytes:
            return self._too_large("more")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("a change of protocol")
        except httptools.HttpParserError as error:
            self.keep = False
            if not self._complete:
                self._refuse(f"broken HTTP: {error}")
        if self._problem is not None:
            return self._problem
        if self._complete:
            return self._answer()
        if not self._headers_done and self.received > MAX_HEADER_BYTES:
            expected = f"at most {MAX_HEADER_BYTES} bytes of headers"
            self._refuse(f"{self.received} bytes of unfinished headers", expected=expected)
        return self._problem

    def end(self) -> Answer | Refused:
        """The other side closed before `feed` had an answer. Refused: ASK_UNREACHABLE."""
        if self._headers_done and self._until_closed:
            return self._answer()
        broke = f"closed after {self.received} bytes of an answer" if self.received else "closed without an answer"
        return Refused(Reason.ASK_UNREACHABLE, actual=broke, expected="an answer")

    # Called by the parser

    def on_message_begin(self) -> None:
        if self._complete:
            self.keep = False  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))  # trailers too; they are not told on

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._headers_done = True
        self._header_count = len(self._headers)
        if self._header_count > MAX_HEADERS:
            self._refuse(f"{self._header_count} headers", expected=f"at most {MAX_HEADERS} headers")
        size_bytes = 0
        lengths: set[bytes] = set()
        encodings: list[bytes] = []
        for name, value in self._headers:
            size_bytes += len(name) + len(value)
            lowered = name.lower()
            if lowered == b"content-length":
                lengths.add(value)
            elif lowered == b"transfer-encoding":
                encodings.append(value.lower())
            elif lowered == b"content-encoding" and value.lower() not in (b"identity", b""):
                self._refuse(f"Content-Encoding: {_shown(value)}", expected="identity")
        if size_bytes > MAX_HEADER_BYTES:
            self._refuse(f"{size_bytes} bytes of headers", expected=f"at most {MAX_HEADER_BYTES} bytes of headers")
        self._judge_framing(lengths, encodings)

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if 100 <= self._parser.get_status_code() <= 199:
            self._interim += 1
            if self._interim > MAX_INTERIM_ANSWERS:
                self._refuse(f"more than {MAX_INTERIM_ANSWERS} interim answers")
            self._begin_headers()
            return
        self._complete = True
        self.keep = self._problem is None and self._parser.should_keep_alive()

    # Ours

    def _begin_headers(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._headers_done = False
        self._until_closed = False
        self._body: list[bytes] = []

    def _judge_framing(self, lengths: set[bytes], encodings: list[bytes]) -> None:
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            self._refuse(f"HTTP/{self._parser.get_http_version()}")
        if encodings and (lengths or encodings != [b"chunked"]):
            self._refuse(f"Transfer-Encoding: {_shown(b', '.join(encodings))}" + (" and a length" if lengths else ""))
        if len(lengths) > 1:
            self._refuse("two different lengths")
        for length in lengths:
            if not length.isdigit() or len(length) > 18:
                self._refuse(f"Content-Length: {_shown(length)}")
            elif int(length) > self._limit_bytes:
                self._problem = self._too_large(_shown(length))
        self._until_closed = not lengths and not encodings and self._parser.get_status_code() >= 200

    def _answer(self) -> Answer:
        del self._headers[self._header_count :]
        headers = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers])
        return Answer(status=self._parser.get_status_code(), headers=headers, body=b"".join(self._body))

    def _too_large(self, size: str) -> Refused:
        return Refused(
            Reason.BID_UNREADABLE,
            actual=f"{size} bytes" if size != "more" else f"more than {self._limit_bytes} bytes",
            expected=f"at most {self._limit_bytes} bytes",
            setting="outbound.answer_limit_bytes",
        )

    def _refuse(self, actual: str, *, expected: str = _EXPECTED) -> None:
        """The first problem is the one that is told."""
        self.keep = False
        if self._problem is None:
            self._problem = Refused(Reason.BID_UNREADABLE, actual=actual, expected=expected)


def _shown(value: bytes) -> str:
    return ascii(value[:60].decode("latin-1"))[1:-1]
