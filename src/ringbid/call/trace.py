"""Why a call went where it went: how it was matched, and each time it was routed, the verdict on every buyer.

Made by `call.flow`, stored as JSON with the call, read by `reports.call_story`. What happened afterwards is in the
call's state and in its events.
"""

from __future__ import annotations

import msgspec

from ringbid.reservations.trace import TracedAsk, TracedTag, TracedVerdict


class TracedRouting(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One routing: at the call's arrival, or when the buyers so far had not taken it."""

    at_ms: int
    took_ms: float
    snapshot_version: int
    verdicts: list[TracedVerdict]
    asks: list[TracedAsk] = []
    notes: list[str] = []


class CallTrace(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`match` is the code of how the call found its way. `outputs` are what passthrough webhooks filled, by buyer (the
    empty name: for all), and `refused` are buyers whose answer put them out: both are needed to route again."""

    format: int = 1
    match: str
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None
    key: str | None = None  # the name of the RTB key
    strategy: str
    seed: int
    currency: str
    tags: dict[str, TracedTag]
    outputs: dict[str, dict[str, str]] = {}
    refused: dict[str, TracedVerdict] = {}
    routings: list[TracedRouting] = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CallTrace)


def encode(trace: CallTrace) -> bytes:
    """The trace as it is stored."""
    return _encoder.encode(trace)


def decode(stored: bytes) -> CallTrace:
    """A stored trace. Raises msgspec.DecodeError where the bytes are none: a bug, or a damaged store."""
    return _decoder.decode(stored)
