"""The tables of the second part of `make bench`. Each way with a lookup stands beside the same engine alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report import table_lines
from bench.sip_stage import ALONE, DIRECT, LOOKUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """One way at one rate. Delays count from INVITE to ringing; CPU is per call, None without such a process."""

    way: str
    rate: float
    calls: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    engine_cpu_ms: float | None
    server_cpu_ms: float | None
    database_cpu_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The highest rate that a way held, in calls a second; 0 where none."""

    way: str
    rate: float


def calls_report(delays: Sequence[Delay], capacities: Sequence[Capacity]) -> list[str]:
    """The report."""
    bare = {(one.way, one.rate): one for one in delays}
    lines = ["From INVITE to ringing at fixed rates (added: beside the same engine alone)"]
    head = ("way", "calls/s", "calls", "p50 ms", "p90 ms", "p99 ms", "added p50", "added p99")
    lines += table_lines(
        (*head, "Kamailio ms", "server ms", "PostgreSQL ms"),
        [
            (
                one.way,
                f"{one.rate:.0f}",
                str(one.calls),
                f"{one.p50_ms:.2f}",
                f"{one.p90_ms:.2f}",
                f"{one.p99_ms:.2f}",
                *_added(one, bare.get((alone_of(one.way), one.rate))),
                *(_cpu(value) for value in (one.engine_cpu_ms, one.server_cpu_ms, one.database_cpu_ms)),
            )
            for one in delays
        ],
    )
    rates = {one.way: one.rate for one in capacities}
    lines += ["", "Capacity: the highest rate without a failed call"]
    lines += table_lines(
        ("way", "calls/s", "× the engine alone"),
        [(one.way, f"{one.rate:.0f}", _ratio(one.rate, rates.get(alone_of(one.way)))) for one in capacities],
    )
    return lines


def alone_of(way: str) -> str:
    """The name of the way that this one is compared with: the engine alone of the same store, or the direct call."""
    return way.replace(LOOKUP, ALONE) if way.startswith(LOOKUP) else DIRECT


def _added(one: Delay, bare: Delay | None) -> tuple[str, str]:
    if bare is None or bare is one:
        return "", ""
    return f"{one.p50_ms - bare.p50_ms:+.2f}", f"{one.p99_ms - bare.p99_ms:+.2f}"


def _cpu(milliseconds: float | None) -> str:
    return f"{milliseconds:.2f}" if milliseconds is not None else ""


def _ratio(rate: float, bare: float | None) -> str:
    return f"{rate / bare:.2f}" if bare else ""
