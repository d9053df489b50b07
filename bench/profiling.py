"""`make bench ARGS=--profile`: where the CPU of a ping goes, by module, on SQLite with 0, 5 and 20 asked buyers."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.catalog import NUMBERS_ASKED
from bench.machine import Cores, pinned
from bench.profiled_server import Sampled
from bench.stage import Stage, Target, start_buyers, start_program
from support.loopback import free_port
from support.server import apply_catalog

_WARM_UP_SECONDS, _SECONDS = 1.0, 5.0
_LEAST_SHARE = 0.01  # smaller ones are added up


def print_profile(folder: Path, cores: Cores) -> int:
    """Measure and print; 1 where an answer was wrong."""
    wrong: list[str] = []
    with ExitStack() as stack:
        with pinned(cores.others):
            catalog, buyers_port = start_buyers(stack, folder)
        apply_catalog(catalog, data=folder)
        port = free_port()
        with pinned(cores.server):
            arguments = ("--data", str(folder), "--port", str(port))
            process = stack.enter_context(start_program("bench.profiled_server", *arguments, port=port))
        target = Target(name="sqlite", port=port, pid=process.pid)
        stage = Stage(cores, {target.name: target}, buyers_port)
        assert process.stdout is not None, "it is a pipe"
        for asked in NUMBERS_ASKED:
            for seconds in (_WARM_UP_SECONDS, _SECONDS):
                result, mistakes = stage.load(
                    target, asked=asked, delay_ms=0, seconds=seconds, warm_up_seconds=0.0, connections=64
                )
                process.send_signal(signal.SIGUSR1)
                sampled = msgspec.json.decode(process.stdout.readline(), type=Sampled)
            print("\n".join(profile_lines(asked, result.sent, sampled)), end="\n\n", flush=True)
            wrong += mistakes
    for line in wrong:
        print("WRONG:", line, file=sys.stderr)
    return 1 if wrong else 0


def profile_lines(asked: int, pings: int, sampled: Sampled) -> list[str]:
    """CPU µs per ping of each module, the largest first."""
    total = sum(sampled.modules.values()) + sampled.other_threads
    shares = {"store threads": sampled.other_threads, **sampled.modules}
    shown = {name: seconds for name, seconds in shares.items() if seconds >= total * _LEAST_SHARE}
    rest = total - sum(shown.values())
    rows = [*sorted(shown.items(), key=lambda row: -row[1]), ("all others", rest)]
    lines = [f"{asked} buyers asked: {total / pings * 1e6:.0f} µs of CPU per ping ({pings} pings, sampler included)"]
    return lines + [f"  {name:<28}{seconds / pings * 1e6:7.1f} µs {seconds / total:6.1%}" for name, seconds in rows]
