"""Typed identities, and the one place that makes new ones.

A ping and its reservation share one uuid (version 7: 48 bits of time, 74 random bits), so that rows sort by time, and
so that the uuid itself tells whether its record is old enough to have been flushed (docs/adr/0003).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NewType

from ringbid.values.clock import EPOCH

CompanyId = NewType("CompanyId", str)
CampaignId = NewType("CampaignId", str)
PublisherId = NewType("PublisherId", str)
BuyerId = NewType("BuyerId", str)
GroupId = NewType("GroupId", str)
KeyId = NewType("KeyId", str)  # the SHA-256 of an RTB key, in hex: what we store instead of the key
PingId = NewType("PingId", str)
RuleId = NewType("RuleId", str)
CallId = NewType("CallId", str)

RandomBytes = Callable[[int], bytes]

_POOL_BYTES = 8192


class RandomPool:
    """The system's randomness, drawn in large pieces: each draw lets other threads run, which costs more than the
    bytes. For one thread.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def __call__(self, size: int) -> bytes:
        """`size` bytes that were never given before."""
        start, end = self._used, self._used + size
        if end > len(self._pool):
            self._pool = os.urandom(max(_POOL_BYTES, size))
            start, end = 0, size
        self._used = end
        return self._pool[start:end]


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_ping_id(at: datetime, random_bytes: RandomBytes = os.urandom) -> PingId:
    """A fresh uuid (RFC 9562, version 7) for a ping that arrived `at`."""
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    noise = int.from_bytes(random_bytes(10), "big")
    bits = (milliseconds << 80) | (0x7 << 76) | ((noise >> 68 & 0xFFF) << 64) | (0b10 << 62) | (noise & (1 << 62) - 1)
    text = f"{bits:032x}"
    return PingId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def parse_ping_id(text: str) -> PingId | None:
    """`text` as a ping's uuid in lower case, or None where it is no uuid."""
    lowered = text.lower()
    return PingId(lowered) if _UUID.fullmatch(lowered) else None


def made_at(ping_id: PingId) -> datetime | None:
    """When this uuid was made, where it is of version 7; None for uuids that were never ours."""
    if ping_id[14] != "7":
        return None
    milliseconds = int(ping_id[:8] + ping_id[9:13], 16)
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
