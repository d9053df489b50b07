"""`make bench`: what a ping costs, and how much time we add, beside an empty POST on the same server in the same run.
Then what a call costs, which `sip_run` measures.

Pings have two parts, both with their variants in turn, so that a noisy neighbour meets all of them. First a closed
loop: CPU per ping, and how many pings a second are the most (saturation). Then an open loop at half of that: our own
overhead, which is the time to the answer minus the time that the awaited buyers took. Ends with 1 where any answer was
wrong.

    make bench                     the whole, some seven minutes
    make bench ARGS=pings          only that part; or `calls`
    make bench ARGS=pages          people's pages where a million pings are stored; not part of the whole
    make bench ARGS=live           the live feed at 200 pings a second; not part of the whole
    make bench ARGS=--quick        does it work at all? About a minute; the figures mean little
    make bench ARGS=--profile      where the time of a ping goes
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.catalog import DELAY_MS, NUMBERS_ASKED
from bench.cpu import resident_megabytes
from bench.live import run_live
from bench.load import Result
from bench.machine import Cores, describe, share_cores
from bench.pages import run_pages
from bench.percentiles import median
from bench.profiling import print_profile
from bench.report import Measured, print_report
from bench.sip_run import run_calls
from bench.stage import Stage, Target, set_up

STORES = ("sqlite", "postgresql")
_CONNECTIONS = 64  # of the closed loop: that many pings wait at any time
_OPEN_CONNECTIONS = 512  # of the open loop: never the limit


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long everything takes."""

    numbers_asked: Sequence[int]
    rounds: int
    closed_seconds: float
    open_seconds: float
    warm_up_seconds: float


WHOLE = Lengths(NUMBERS_ASKED, rounds=3, closed_seconds=2.5, open_seconds=4.0, warm_up_seconds=0.7)
QUICK = Lengths(NUMBERS_ASKED[:2], rounds=1, closed_seconds=2.0, open_seconds=2.0, warm_up_seconds=0.3)


@dataclass(slots=True)
class _Figures:
    """The runs of each variant, by server and number of asked buyers."""

    closed: dict[tuple[str, int], list[Result]] = field(default_factory=lambda: defaultdict(list))
    opened: dict[tuple[str, int], list[Result]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)


def measure(stage: Stage, lengths: Lengths) -> tuple[list[Measured], list[str]]:
    """All variants; what was measured of each, and everything that was wrong."""
    figures = _Figures()
    variants = [("empty", 0)] + [(store, asked) for asked in lengths.numbers_asked for store in STORES]
    for _ in range(lengths.rounds):
        for name, asked in variants:
            result, wrong = stage.load(
                stage.targets[name],
                asked=asked,
                delay_ms=0,
                seconds=lengths.closed_seconds,
                warm_up_seconds=lengths.warm_up_seconds,
                connections=_CONNECTIONS,
            )
            figures.closed[name, asked].append(result)
            figures.wrong += wrong
    saturation = {variant: median([run.per_second for run in runs]) for variant, runs in figures.closed.items()}
    saturation["empty", 0] = saturation["sqlite", 0]  # at the same rate as the ping that it is compared with
    for _ in range(lengths.rounds):
        for name, asked in variants:
            result, wrong = stage.load(
                stage.targets[name],
                asked=asked,
                delay_ms=DELAY_MS if asked else 0,
                seconds=lengths.open_seconds,
                warm_up_seconds=lengths.warm_up_seconds,
                connections=_OPEN_CONNECTIONS,
                rate=saturation[name, asked] / 2,
            )
            figures.opened[name, asked].append(result)
            figures.wrong += wrong
    return [_measured(stage.targets[name], asked, figures) for name, asked in variants], figures.wrong


def _measured(target: Target, asked: int, figures: _Figures) -> Measured:
    closed, opened = figures.closed[target.name, asked], figures.opened[target.name, asked]
    awaited_ms = DELAY_MS if asked else 0
    return Measured(
        server=target.name,
        asked=asked,
        cpu_us=median([run.server_cpu_us for run in closed]),
        database_cpu_us=median([run.database_cpu_us for run in closed]) if target.database_pid else None,
        saturation=median([run.per_second for run in closed]),
        busy=median([run.server_cpu_seconds / run.seconds for run in closed]),
        rate=median([run.per_second for run in opened]),
        rate_cpu_us=median([run.server_cpu_us for run in opened]),
        p50_ms=median([run.p50_ms for run in opened]) - awaited_ms,
        p99_ms=median([run.p99_ms for run in opened]) - awaited_ms,
        p999_ms=median([run.p999_ms for run in opened]) - awaited_ms,
        max_ms=max(run.max_ms for run in opened) - awaited_ms,
        resident_megabytes=resident_megabytes(target.pid),
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="What a ping and a call cost, beside a baseline in the same run.")
    parser.add_argument(
        "part", nargs="?", choices=("all", "pings", "calls", "pages", "live"), default="all", help="what is measured"
    )
    parser.add_argument("--quick", action="store_true", help="about a minute, to see that it works")
    parser.add_argument("--profile", action="store_true", help="where the time of a ping goes, instead")
    arguments = parser.parse_args()
    cores = share_cores()
    print(describe(cores), end="\n\n", flush=True)
    if arguments.profile:
        with tempfile.TemporaryDirectory(prefix="ringbid-bench-") as folder:
            return print_profile(Path(folder), cores)
    if arguments.part == "pages":
        return run_pages(quick=arguments.quick)
    if arguments.part == "live":
        return run_live(quick=arguments.quick)
    code = 0
    if arguments.part != "calls":
        code |= _run_pings(cores, quick=arguments.quick)
    if arguments.part == "all":
        print(flush=True)
    if arguments.part != "pings":
        code |= run_calls(quick=arguments.quick)
    return code


def _run_pings(cores: Cores, *, quick: bool) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="ringbid-bench-") as folder,
        set_up(Path(folder), cores, stores=STORES) as stage,
    ):
        measured, wrong = measure(stage, QUICK if quick else WHOLE)
    print_report(measured)
    for line in wrong:
        print("WRONG:", line, file=sys.stderr)
    return 1 if wrong else 0
