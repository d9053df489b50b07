"""The exchange with a sampler inside: which module uses the event loop's CPU. Started by `bench.profiling`.

Every millisecond of CPU the sampler notes which of our modules (or uvicorn) is at work in the main thread, weighed with
the CPU that thread used since the last note. SIGUSR1 prints what was noted, as a line of JSON, and forgets it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

import msgspec
import uvloop

from ringbid import bootstrap
from ringbid.edge.observe import set_up_logs
from ringbid.settings import Outbound, Settings

_EVERY_SECONDS = 0.001
_ELSEWHERE = "event loop"


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds since the last question: of the main thread by module, and of all other threads together."""

    modules: dict[str, float]
    other_threads: float


class _Sampler:
    def __init__(self) -> None:
        self._modules: dict[str, float] = defaultdict(float)
        self._thread_seconds = self._noted_seconds = time.thread_time()
        self._process_seconds = time.process_time()
        signal.signal(signal.SIGPROF, self._note)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def _note(self, _signal: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self._modules[_module_at_work(frame)] += now - self._noted_seconds
        self._noted_seconds = now

    def print_and_forget(self) -> None:
        thread_seconds, process_seconds = time.thread_time(), time.process_time()
        others = (process_seconds - self._process_seconds) - (thread_seconds - self._thread_seconds)
        sampled = Sampled(modules=dict(self._modules), other_threads=others)
        print(msgspec.json.encode(sampled).decode(), flush=True)
        self._modules.clear()
        self._thread_seconds, self._process_seconds = thread_seconds, process_seconds


def _module_at_work(frame: FrameType | None) -> str:
    """The innermost module of ours, or uvicorn, on the stack; libraries count for the module that calls them."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("ringbid."):
            return name.removeprefix("ringbid.")
        if name.startswith("uvicorn."):
            return "uvicorn"
        frame = frame.f_back
    return _ELSEWHERE


async def _serve(settings: Settings) -> None:
    set_up_logs(pretty=False)
    sampler = _Sampler()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, sampler.print_and_forget)
    await bootstrap.serve(settings)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="ringbid serve, with a sampler.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvloop.run(_serve(Settings(data=arguments.data, port=arguments.port, outbound=Outbound(allow_private=True))))


if __name__ == "__main__":
    main()
