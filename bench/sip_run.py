"""The second part of `make bench`: what asking Ringbid for its way costs a call, beside Kamailio alone in the same run.

First at fixed rates: the time from INVITE to ringing, and CPU per call. Then capacity: the highest rate of a ladder at
which no call fails and the slowest hundredth still rings in time. Ways take turns, so that a noisy neighbour meets all.

    python -m bench calls          the whole, some three minutes
    python -m bench calls --quick  does it work at all?
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.machine import describe_engine
from bench.percentiles import percentile
from bench.sip_messages import Placed
from bench.sip_report import Capacity, Delay, calls_report
from bench.sip_stage import CallStage, Cpu, Way, set_up_calls

LONGEST_DELAY_MS = 100.0  # of the slowest hundredth, at a rate that counts as held
_LEAST_OF_RATE = 0.95  # that SIPp must have placed: else SIPp was the limit
_TRIES = 2  # of a rate that is not held: once may be the neighbour's fault
_RATES_PER_DOUBLING = 6  # of the ladder


@dataclass(frozen=True, slots=True)
class CallLengths:
    """How long everything takes."""

    rates: Sequence[float]
    rounds: int
    seconds: float
    ladder: Sequence[float]
    first: int  # the place in the ladder that is tried first
    ladder_seconds: float
    warm_up_calls: int


# From 25 to 1,600 calls a second.
_LADDER = tuple(round(25 * 2 ** (place / _RATES_PER_DOUBLING)) for place in range(6 * _RATES_PER_DOUBLING + 1))
WHOLE = CallLengths(
    (20, 50), rounds=2, seconds=4.0, ladder=_LADDER, first=2 * _RATES_PER_DOUBLING, ladder_seconds=2.0, warm_up_calls=40
)
QUICK = CallLengths((20,), rounds=1, seconds=0.5, ladder=(20,), first=0, ladder_seconds=0.5, warm_up_calls=2)


@dataclass(slots=True)
class _Figures:
    """All runs at a fixed rate of one way."""

    delays_ms: list[float] = field(default_factory=list)
    calls: int = 0
    cpu: Cpu = field(default_factory=Cpu)

    def add(self, placed: Placed, cpu: Cpu) -> None:
        self.delays_ms += placed.delays_ms
        self.calls += placed.calls
        self.cpu = self.cpu.plus(cpu)

    def delay(self, way: Way, rate: float) -> Delay:
        ordered = sorted(self.delays_ms)
        return Delay(
            way=way.name,
            rate=rate,
            calls=self.calls,
            p50_ms=percentile(ordered, 50),
            p90_ms=percentile(ordered, 90),
            p99_ms=percentile(ordered, 99),
            engine_cpu_ms=self.cpu.engine / self.calls * 1000 if way.engine_pid else None,
            server_cpu_ms=self.cpu.server / self.calls * 1000 if way.server_pid else None,
            database_cpu_ms=self.cpu.database / self.calls * 1000 if way.database_pid else None,
        )


async def measure_calls(stage: CallStage, lengths: CallLengths) -> tuple[list[Delay], list[Capacity], list[str]]:
    """All ways; what was measured of each, and every call that went wrong at a fixed rate."""
    figures: dict[tuple[float, str], _Figures] = defaultdict(_Figures)
    wrong: list[str] = []
    for way in stage.ways.values():
        await stage.call(way, calls=lengths.warm_up_calls, rate=lengths.rates[0])
    for rate in lengths.rates:
        for _ in range(lengths.rounds):
            for way in stage.ways.values():
                placed, cpu = await stage.call(way, calls=round(rate * lengths.seconds), rate=rate)
                figures[rate, way.name].add(placed, cpu)
                wrong += [f"{way.name}, {rate:.0f} calls/s: {n} × {what}" for what, n in placed.wrong.items()]
    delays = [figures[rate, name].delay(way, rate) for rate in lengths.rates for name, way in stage.ways.items()]
    capacities = []
    for way in stage.ways.values():
        if way.engine_pid:
            held = partial(_is_held, stage, way, lengths.ladder_seconds)
            rate = await find_highest(lengths.ladder, lengths.first, held)
            capacities.append(Capacity(way=way.name, rate=rate))
    return delays, capacities, wrong


async def find_highest(ladder: Sequence[float], first: int, is_held: Callable[[float], Awaitable[bool]]) -> float:
    """The highest rate of `ladder` that is held; 0 where none is.

    By doubling or halving from the place `first` on, then in between: far above its capacity an engine is left with so
    many half-made calls that the next rate would suffer from them.
    """
    below, above, stride = -1, len(ladder), _RATES_PER_DOUBLING
    place = first
    while below < place < above:
        if await is_held(ladder[place]):
            below = place
            place = place + stride if above == len(ladder) else above
        else:
            above = place
            place = max(0, place - stride) if below == -1 else below
    while above - below > 1:
        middle = (below + above) // 2
        if await is_held(ladder[middle]):
            below = middle
        else:
            above = middle
    return ladder[below] if below >= 0 else 0.0


async def _is_held(stage: CallStage, way: Way, seconds: float, rate: float) -> bool:
    for _ in range(_TRIES):
        placed, _ = await stage.call(way, calls=round(rate * seconds), rate=rate)
        if holds(placed, rate):
            return True
    return False


def holds(placed: Placed, rate: float) -> bool:
    """Did every call ring in time, and were they placed as fast as they should have been?"""
    slowest_ms = percentile(placed.delays_ms, 99)
    return not placed.wrong and slowest_ms <= LONGEST_DELAY_MS and placed.rate >= rate * _LEAST_OF_RATE


def run_calls(*, quick: bool) -> int:
    """Measure and print; 1 where a call went wrong."""

    async def run() -> int:
        print(describe_engine(), end="\n\n", flush=True)
        with tempfile.TemporaryDirectory(prefix="ringbid-bench-") as folder:
            async with set_up_calls(Path(folder)) as stage:
                delays, capacities, wrong = await measure_calls(stage, QUICK if quick else WHOLE)
        for line in calls_report(delays, capacities):
            print(line)
        for line in wrong:
            print("WRONG:", line, file=sys.stderr)
        return 1 if wrong else 0

    return asyncio.run(run())
