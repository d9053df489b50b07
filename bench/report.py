"""The table that `make bench` prints. Absolute figures stand beside the empty POST of the same run, never alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One server with one number of asked buyers. CPU is per ping, in µs, overhead in ms.

    `database_cpu_us` is PostgreSQL's own. `saturation` and `rate` are pings a second, `busy` is the server's share of
    its core at saturation.
    """

    server: str
    asked: int
    cpu_us: float
    database_cpu_us: float | None
    saturation: float
    busy: float
    rate: float
    rate_cpu_us: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    resident_megabytes: float


def print_report(measured: Sequence[Measured]) -> None:
    """Print everything; the first row is the empty POST."""
    for line in report_lines(measured):
        print(line)


def report_lines(measured: Sequence[Measured]) -> list[str]:
    """The report; the first of `measured` is the empty POST."""
    empty = measured[0]
    lines = ["CPU per ping at saturation (closed loop, buyers answer at once)"]
    lines += table_lines(
        ("server", "buyers asked", "CPU µs", "× empty POST", "PostgreSQL µs", "pings/s", "busy %", "RSS MB"),
        [
            (
                one.server,
                str(one.asked) if one is not empty else "",
                f"{one.cpu_us:.0f}",
                f"{one.cpu_us / empty.cpu_us:.1f}",
                f"{one.database_cpu_us:.0f}" if one.database_cpu_us is not None else "",
                f"{one.saturation:,.0f}",
                f"{one.busy * 100:.0f}",
                f"{one.resident_megabytes:.0f}",
            )
            for one in measured
        ],
    )
    lines += ["", "Overhead at half of saturation (open loop; time to the answer minus the awaited buyers' time)"]
    lines += table_lines(
        ("server", "buyers asked", "pings/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "CPU µs", "× empty POST"),
        [
            (
                one.server,
                str(one.asked) if one is not empty else "",
                f"{one.rate:,.0f}",
                f"{one.p50_ms:.2f}",
                f"{one.p99_ms:.2f}",
                f"{one.p999_ms:.2f}",
                f"{one.max_ms:.2f}",
                f"{one.rate_cpu_us:.0f}",
                f"{one.rate_cpu_us / empty.rate_cpu_us:.1f}" if one.asked == 0 else "",
            )
            for one in measured
        ],
    )
    return [*lines, "", *_ask_lines(measured)]


def _ask_lines(measured: Sequence[Measured]) -> list[str]:
    """What each asked buyer adds: from the variants with the fewest and the most."""
    lines = []
    for server in dict.fromkeys(one.server for one in measured[1:]):
        own = sorted((one for one in measured if one.server == server), key=lambda one: one.asked)
        fewest, most = own[0], own[-1]
        each = (most.cpu_us - fewest.cpu_us) / (most.asked - fewest.asked)
        lines.append(f"{server}: each asked buyer adds {each:.0f} µs ({fewest.asked} to {most.asked} buyers)")
    return lines


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table for the terminal: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return ["  ".join(_padded(row, widths)) for row in lines]


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
