"""Netstrings come whole, or the stream is given up."""

from __future__ import annotations

import asyncio

import pytest

from ringbid.edge.telephony.sip.netstrings import NotNetstrings, frame, read_frame


def read_all(data: bytes) -> list[bytes]:
    async def run() -> list[bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        found = []
        while (payload := await read_frame(reader)) is not None:
            found.append(payload)
        return found

    return asyncio.run(run())


def test_frames_come_back_as_they_were() -> None:
    payloads = [b"", b"a:b,c", "é".encode() * 1000]
    assert read_all(b"".join(map(frame, payloads))) == payloads


@pytest.mark.parametrize("cut", [b"", b"5", b"5:", b"5:hel", b"5:hello"])
def test_a_stream_that_ends_within_a_frame_is_over(cut: bytes) -> None:
    assert read_all(frame(b"whole") + cut) == [b"whole"]


@pytest.mark.parametrize("data", [b"x", b":", b"5:hello;", b"99999999:", b"123456789:", b"-1:,", b"5 :hello,"])
def test_a_stream_without_frames_is_given_up(data: bytes) -> None:
    with pytest.raises(NotNetstrings):
        read_all(data)
