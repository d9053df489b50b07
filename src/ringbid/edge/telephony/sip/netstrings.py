"""Netstrings, the frames of Kamailio's evapi connection: `5:hello,`. Used by `router`."""

from __future__ import annotations

import asyncio

_LONGEST_BYTES = 1024 * 1024
_LONGEST_LENGTH = 8  # digits of a length, and the colon


class NotNetstrings(Exception):  # noqa: N818 -- what came in, named as what it is
    """The stream has lost its frames: only a new connection helps."""


def frame(payload: bytes) -> bytes:
    """`payload` as one netstring."""
    return b"%d:%b," % (len(payload), payload)


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next payload; None at the end of the stream. Raises NotNetstrings."""
    length = b""
    while not length.endswith(b":"):
        try:
            length += await reader.readexactly(1)
        except asyncio.IncompleteReadError:
            return None
        if len(length) > _LONGEST_LENGTH or not (length[-1:].isdigit() or length[-1:] == b":"):
            raise NotNetstrings(f"a length that begins with {length!r}")
    if length == b":" or int(length[:-1]) > _LONGEST_BYTES:
        raise NotNetstrings(f"a length of {length!r}")
    try:
        payload = await reader.readexactly(int(length[:-1]) + 1)
    except asyncio.IncompleteReadError:
        return None
    if payload[-1:] != b",":
        raise NotNetstrings(f"no comma after {length!r}")
    return payload[:-1]
