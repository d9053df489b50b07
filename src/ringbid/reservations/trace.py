"""The trace of one ping: all verdicts, asks and timings in order. Stored as JSON with the ping.

Read by `reports.explain`; made by `ping.trace`. Times are milliseconds since the ping arrived; money is micros.
"""

from __future__ import annotations

import msgspec


class TracedTag(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tag and where it came from: `ping`, `zip`, `geo`, `number`, or the name of the webhook that answered it."""

    value: str | list[str]
    source: str


class TracedAsk(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One ask and its answer. Secrets in `request` are redacted; `answer` is cut and escaped."""

    webhook: str
    buyer: str | None = None  # None: asked for the campaign
    request: str
    started_ms: float
    took_ms: float
    status: int | None = None
    answer: str | None = None
    outputs: dict[str, str] = {}
    reason: str | None = None
    detail: str | None = None


class TracedVerdict(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The verdict on one buyer, in routing order, with what it would have brought where that was known."""

    buyer: str
    reason: str
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None
    priority: int = 1
    weight: int = 1
    number: str | None = None
    revenue_micros: int | None = None
    payout_micros: int | None = None
    seconds: int | None = None
    rule: str | None = None
    rule_version: str | None = None
    asked_ms: float | None = None


class Trace(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything that happened, and why. `seed` is what ties were drawn with; `steps_ms` is when each step ended."""

    format: int = 1
    snapshot_version: int
    reason: str
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None
    strategy: str
    seed: int
    currency: str
    timeout_ms: int
    ttl_seconds: int
    steps_ms: dict[str, float]
    tags: dict[str, TracedTag]
    asks: list[TracedAsk] = []
    verdicts: list[TracedVerdict]
    notes: list[str] = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Trace)


def encode(trace: Trace) -> bytes:
    """The trace as it is stored."""
    return _encoder.encode(trace)


def decode(stored: bytes) -> Trace:
    """A stored trace. Raises msgspec.DecodeError where the bytes are not one: a bug, or a damaged store."""
    return _decoder.decode(stored)
