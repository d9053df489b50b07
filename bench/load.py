"""The load generator: pings at a fixed rate (open loop), or as fast as they are answered (closed loop).

In the open loop each ping has an intended start, and its latency counts from there: where the server stalls, the pings
that should have been sent meanwhile count as waiting (no coordinated omission). Every answer is checked. Started by
`bench.run` as a process of its own, pinned to a core the server does not use; prints its result as JSON.

    python -m bench.load --port 8700 --rate 500 --seconds 10 --key 1915260e-da0c-4443-a35b-8fb9d9843e42
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from array import array
from collections import deque
from decimal import Decimal
from typing import Any

import msgspec
import uvloop

from bench.alarm import Alarm
from bench.connection import Connection
from bench.cpu import cpu_seconds, family_cpu_seconds
from bench.percentiles import percentile
from bench.pings import ping_request

_DRAIN_SECONDS = 10.0
_SAMPLES = 3  # wrong answers that are shown


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one run measured, in its window after the warm-up. Latencies count from the intended start."""

    sent: int  # in the whole run, the warm-up too
    answered: int
    wrong: int
    samples: list[str]
    seconds: float
    server_cpu_seconds: float
    database_cpu_seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    late_p99_ms: float  # how late this generator itself sent: part of the latencies above

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds

    @property
    def server_cpu_us(self) -> float:
        """Of each answered ping."""
        return self.server_cpu_seconds / max(1, self.answered) * 1e6

    @property
    def database_cpu_us(self) -> float:
        """Of each answered ping."""
        return self.database_cpu_seconds / max(1, self.answered) * 1e6


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `rate` None: closed loop, each connection sends again as soon as it was answered."""

    host: str
    port: int
    key: str
    first_caller: int  # callers are numbered from here, so that no two runs share one
    connections: int
    seconds: float
    warm_up_seconds: float
    rate: float | None = None
    payout: Decimal | None = None  # what every answer must say; None: anything
    server_pid: int | None = None
    database_pid: int | None = None


class _Reply(msgspec.Struct):
    """The fields of an answer that are checked."""

    status: str
    retreaver_payout: Decimal
    retreaver_ping_shield: bool = False


class _Run:
    """The pings of one plan."""

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self._plan = plan
        self._alarm = Alarm(loop)
        self._done = loop.create_future()
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()  # intended starts that found no idle connection
        self._connections: set[Connection] = set()
        self._sent = self._intended = self._under_way = 0
        self._answered = self._answered_at_start = self._answered_at_end = 0
        self._latencies_seconds, self._late_seconds = array("d"), array("d")
        self._wrong, self._samples = 0, list[str]()
        self._cpu_at_start = self._cpu_at_end = (0.0, 0.0)
        self._decoder = msgspec.json.Decoder(_Reply)
        self._window_closed = self._closing = False

    async def run(self) -> Result:
        plan, loop = self._plan, asyncio.get_running_loop()
        loop.set_exception_handler(self._on_bug)
        for _ in range(plan.connections):
            await loop.create_connection(self._connect, plan.host, plan.port)
        self._starts_at = time.perf_counter() + 0.01
        self._window_at = self._starts_at + plan.warm_up_seconds
        self._ends_at = self._window_at + plan.seconds
        self._alarm.at(self._window_at, self._open_window)
        self._alarm.at(self._ends_at, self._close_window)
        self._alarm.at(self._ends_at + _DRAIN_SECONDS, self._give_up)
        self._alarm.at(self._starts_at, self._send_due if plan.rate is not None else self._send_all)
        await self._done
        self._closing = True
        for connection in self._connections:
            connection.close()
        return self._result()

    def _connect(self) -> Connection:
        connection = Connection(self._on_answer, self._on_lost)
        self._connections.add(connection)
        self._idle.append(connection)
        return connection

    def _send_due(self) -> None:
        """Open loop: send every ping whose intended start has come, and wake for the next."""
        assert self._plan.rate is not None, "only the open loop has intended starts"
        now = time.perf_counter()
        while (intended_at := self._starts_at + self._intended / self._plan.rate) <= now:
            if intended_at >= self._ends_at:
                return
            self._intended += 1
            if self._idle:
                self._send(self._idle.popleft(), intended_at)
            else:
                self._waiting.append(intended_at)
        self._alarm.at(intended_at, self._send_due)

    def _send_all(self) -> None:
        """Closed loop: every connection starts."""
        while self._idle:
            self._send(self._idle.popleft(), time.perf_counter())

    def _send(self, connection: Connection, intended_at: float) -> None:
        request = ping_request(self._plan.key, self._plan.first_caller + self._sent)
        connection.send(request, intended_at=intended_at)
        self._sent += 1
        self._under_way += 1
        if self._window_at <= intended_at:
            self._late_seconds.append(time.perf_counter() - intended_at)

    def _on_answer(self, connection: Connection, status: int, body: bytes) -> None:
        now, intended_at = time.perf_counter(), connection.intended_at
        if intended_at is None:
            self._note_wrong(f"an answer to nothing: {status} {body[:200]!r}")
            return
        connection.intended_at = None
        self._under_way -= 1
        self._answered += 1
        self._check(status, body)
        if self._window_at <= intended_at < self._ends_at:
            self._latencies_seconds.append(now - intended_at)
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        elif self._plan.rate is None and now < self._ends_at:
            self._send(connection, now)
        else:
            self._idle.append(connection)
            self._finish_when_drained()

    def _check(self, status: int, body: bytes) -> None:
        try:
            reply = self._decoder.decode(body)
        except msgspec.DecodeError:
            self._note_wrong(f"{status} {body[:200]!r}")
            return
        payout_right = self._plan.payout in (None, reply.retreaver_payout)
        if status != 200 or reply.status != "reserved" or reply.retreaver_ping_shield or not payout_right:
            self._note_wrong(f"{status} {body[:200]!r}")

    def _on_lost(self, connection: Connection) -> None:
        if self._closing:
            return
        self._connections.discard(connection)
        self._note_wrong("the server closed a connection")
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.intended_at is not None:
            self._under_way -= 1
        if not self._connections and not self._done.done():
            self._done.set_result(None)

    def _on_bug(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback would otherwise only be logged, and the run never end."""
        if not self._done.done():
            self._done.set_exception(context.get("exception") or RuntimeError(context["message"]))

    def _note_wrong(self, what: str) -> None:
        self._wrong += 1
        if len(self._samples) < _SAMPLES:
            self._samples.append(what)

    def _open_window(self) -> None:
        self._cpu_at_start, self._answered_at_start = self._cpu(), self._answered

    def _close_window(self) -> None:
        self._cpu_at_end, self._answered_at_end = self._cpu(), self._answered
        if self._answered_at_end == self._answered_at_start:
            self._note_wrong(f"no answer within the window of {self._plan.seconds:g} s: nothing was measured")
        self._window_closed = True
        self._finish_when_drained()

    def _cpu(self) -> tuple[float, float]:
        server, database = self._plan.server_pid, self._plan.database_pid
        return cpu_seconds(server) if server else 0.0, family_cpu_seconds(database) if database else 0.0

    def _finish_when_drained(self) -> None:
        if self._window_closed and not self._under_way and not self._waiting and not self._done.done():
            self._done.set_result(None)

    def _give_up(self) -> None:
        if not self._done.done():
            self._note_wrong(f"{self._under_way + len(self._waiting)} pings without an answer at the end")
            self._done.set_result(None)

    def _result(self) -> Result:
        latencies, late = sorted(self._latencies_seconds), sorted(self._late_seconds)
        return Result(
            sent=self._sent,
            answered=self._answered_at_end - self._answered_at_start,
            wrong=self._wrong,
            samples=self._samples,
            seconds=self._plan.seconds,
            server_cpu_seconds=self._cpu_at_end[0] - self._cpu_at_start[0],
            database_cpu_seconds=self._cpu_at_end[1] - self._cpu_at_start[1],
            p50_ms=percentile(latencies, 50) * 1000,
            p99_ms=percentile(latencies, 99) * 1000,
            p999_ms=percentile(latencies, 99.9) * 1000,
            max_ms=latencies[-1] * 1000 if latencies else 0.0,
            late_p99_ms=percentile(late, 99) * 1000,
        )


def measure(plan: Plan) -> Result:
    """Run `plan` in this process, whose main thread this must be."""
    gc.disable()  # a collection here would be measured as the server's latency

    async def run() -> Result:
        return await _Run(plan, asyncio.get_running_loop()).run()

    return uvloop.run(run())


def main() -> int:
    """The command line. Ends with 1 where an answer was wrong, late or missing."""
    parser = argparse.ArgumentParser(description="Ping a server, by default as fast as it answers; check every answer.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True, help="the RTB key; its catalog needs a publisher `bench`")
    parser.add_argument("--rate", type=float, help="pings per second in an open loop; none: closed loop")
    parser.add_argument("--connections", type=int, default=64, help="keep-alive connections")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the measured window")
    parser.add_argument("--warm-up-seconds", type=float, default=1.0)
    parser.add_argument("--first-caller", type=int, default=0, help="where the numbering of callers starts")
    parser.add_argument("--payout", type=Decimal, help="what every answer must say")
    parser.add_argument("--server-pid", type=int, help="measure this process's CPU")
    parser.add_argument("--database-pid", type=int, help="measure the CPU of this process and its children")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    arguments = vars(parser.parse_args())
    as_json = arguments.pop("json")
    result = measure(Plan(**arguments))
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        print(f"{result.per_second:,.0f} pings/s, {result.answered} answered, {result.wrong} wrong")
        print(f"p50 {result.p50_ms:.2f}, p99 {result.p99_ms:.2f}, p99.9 {result.p999_ms:.2f}, max {result.max_ms:.2f}")
        print(f"of which sent late: p99 {result.late_p99_ms:.2f} ms")
    for sample in result.samples:
        print("wrong:", sample, file=sys.stderr)
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
