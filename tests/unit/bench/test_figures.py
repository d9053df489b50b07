"""The figures that the benchmark prints are made as they are said to be."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest
from bench.alarm import Alarm
from bench.cpu import cpu_seconds, family_cpu_seconds, resident_megabytes
from bench.percentiles import median, percentile
from bench.pings import caller_number, ping_request
from bench.profiled_server import Sampled
from bench.profiling import profile_lines
from bench.report import Measured, report_lines

from ringbid.values.phone import parse_north_american


@pytest.mark.parametrize(
    ("percent", "expected"), [(0.1, 1), (50, 5), (51, 6), (90, 9), (90.1, 10), (99, 10), (100, 10)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, expected: int) -> None:
    assert percentile(range(1, 11), percent) == expected


def test_percentiles_of_nothing_are_zero_and_the_median_ignores_the_order() -> None:
    assert percentile([], 99) == 0
    assert median([9.0, 1.0, 5.0]) == 5.0
    assert median([1.0, 2.0]) == 1.0


def test_every_ping_has_another_caller_with_a_real_number() -> None:
    numbers = {caller_number(index) for index in range(300_000)}
    assert len(numbers) == 300_000
    assert all(parse_north_american(number) == number for number in numbers)


def test_a_ping_declares_the_length_of_its_body() -> None:
    head, _, body = ping_request("k" * 36, 12345).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert 240 <= len(body) <= 280


def test_an_alarm_rings_in_the_order_of_time_and_not_early() -> None:
    async def run() -> list[tuple[str, bool]]:
        loop = asyncio.get_running_loop()
        alarm, rung, last = Alarm(loop), list[tuple[str, bool]](), loop.create_future()
        start = time.perf_counter()

        def ring(name: str, at: float) -> None:
            rung.append((name, time.perf_counter() >= at))
            if name == "c":
                last.set_result(None)

        for name, seconds in (("c", 0.03), ("a", 0.0), ("b", 0.02)):
            alarm.at(start + seconds, lambda name=name, at=start + seconds: ring(name, at))
        await asyncio.wait_for(last, 5)
        return rung

    assert asyncio.run(run()) == [("a", True), ("b", True), ("c", True)]


def test_cpu_is_read_for_a_process_and_for_its_children() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\nimport sys; sys.stdin.read()"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        own, family = cpu_seconds(process.pid), family_cpu_seconds(process.pid)
        process.stdin.close()
    assert family - own >= 0.15
    assert 1 < resident_megabytes(os.getpid()) < 10_000


def _measured(server: str, asked: int, cpu_us: float, database_cpu_us: float | None = None) -> Measured:
    return Measured(
        server=server,
        asked=asked,
        cpu_us=cpu_us,
        database_cpu_us=database_cpu_us,
        saturation=1e6 / cpu_us,
        busy=1.0,
        rate=5e5 / cpu_us,
        rate_cpu_us=2 * cpu_us,
        p50_ms=0.5,
        p99_ms=2.0,
        p999_ms=3.0,
        max_ms=4.0,
        resident_megabytes=60,
    )


def test_the_report_relates_everything_to_the_empty_post_and_says_what_an_ask_adds() -> None:
    lines = report_lines(
        [
            _measured("empty", 0, 25),
            _measured("sqlite", 0, 100),
            _measured("sqlite", 20, 500),
            _measured("postgresql", 0, 150, 60),
            _measured("postgresql", 20, 570, 65),
        ]
    )
    rows = [line.split() for line in lines]
    assert ["sqlite", "0", "100", "4.0", "10,000", "100", "60"] in rows
    assert ["postgresql", "0", "150", "6.0", "60", "6,667", "100", "60"] in rows
    assert ["sqlite", "0", "5,000", "0.50", "2.00", "3.00", "4.00", "200", "4.0"] in rows
    assert "sqlite: each asked buyer adds 20 µs (0 to 20 buyers)" in lines
    assert "postgresql: each asked buyer adds 21 µs (0 to 20 buyers)" in lines


def test_a_profile_adds_up_and_hides_the_smallest() -> None:
    lines = profile_lines(
        5, 1000, Sampled(modules={"ping.bids": 0.06, "uvicorn": 0.0195, "edge.x": 0.0005}, other_threads=0.02)
    )
    assert lines[0].startswith("5 buyers asked: 100 µs")
    assert [line.split()[0] for line in lines[1:]] == ["ping.bids", "store", "uvicorn", "all"]
    assert lines[1].split()[1:] == ["60.0", "µs", "60.0%"]
