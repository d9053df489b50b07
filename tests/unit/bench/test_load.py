"""The load generator measures from the intended start, and lets no wrong answer pass."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from bench.buyers import Seen, bid_of
from bench.load import Result
from bench.stage import start_program

from support.loopback import free_port

ROOT = Path(__file__).parents[3]
RESERVED = {"uuid": "u", "status": "reserved", "retreaver_payout": 1.173}


class _Publisher(asyncio.Protocol):
    """A server in a few lines: what `answer` says to the nth request, None to hang up."""

    def __init__(self, answer: Callable[[int], tuple[float, int, object] | None], seen: list[bytes]) -> None:
        self._answer = answer
        self._seen = seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen.append(data)
        answer = self._answer(len(self._seen))
        if answer is None:
            self._transport.close()
            return
        seconds, status, reply = answer
        body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        asyncio.get_running_loop().call_later(seconds, self._transport.write, head + body)


@contextmanager
def _server(answer: Callable[[int], tuple[float, int, object] | None]) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and what it was sent."""
    loop, seen = asyncio.new_event_loop(), list[bytes]()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    make = loop.create_server(lambda: _Publisher(answer, seen), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(make, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _load(port: int, *arguments: str) -> tuple[int, Result]:
    command = [sys.executable, "-m", "bench.load", "--json", "--port", str(port), "--key", "k", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout, done.stderr
    return done.returncode, msgspec.json.decode(done.stdout, type=Result)


# Windows of 2 s, so that a machine that stands still for a second still has something answered in them.
OPEN = ("--rate", "100", "--seconds", "2", "--warm-up-seconds", "0.1")


def test_an_open_loop_sends_at_its_rate_whatever_the_answers() -> None:
    with _server(lambda _: (0.2, 200, RESERVED)) as (port, seen):
        code, result = _load(port, *OPEN)
    assert code == 0
    assert result.sent == len(seen) == 210
    assert result.p50_ms >= 200


def test_pings_that_a_stalled_server_kept_from_being_sent_count_as_waiting() -> None:
    with _server(lambda number: (1.5 if number == 1 else 0.0, 200, RESERVED)) as (port, _):
        code, result = _load(port, *OPEN, "--connections", "1")
    assert code == 0
    assert result.sent == 210
    # The first answer took 1.5 s; behind it, 140 of the window's 200 intended starts waited 1.4 s and less.
    assert result.p50_ms > 300
    assert result.p99_ms > 1300


def test_a_run_without_an_answer_in_its_window_says_that_it_measured_nothing() -> None:
    with _server(lambda _: (4.0, 200, RESERVED)) as (port, _):
        code, result = _load(port, *OPEN, "--rate", "20")
    assert code == 1
    assert result.samples == ["no answer within the window of 2 s: nothing was measured"]


def test_a_closed_loop_sends_again_as_soon_as_it_was_answered() -> None:
    with _server(lambda _: (0.05, 200, RESERVED)) as (port, _):
        code, result = _load(port, "--seconds", "2", "--warm-up-seconds", "0.1", "--connections", "2")
    assert code == 0
    assert 4 <= result.answered <= 82
    assert result.p50_ms >= 50


@pytest.mark.parametrize(
    "answer",
    [
        (0.0, 503, RESERVED),
        (0.0, 200, {**RESERVED, "status": "no-target"}),
        (0.0, 200, {**RESERVED, "retreaver_ping_shield": True}),
        (0.0, 200, {**RESERVED, "retreaver_payout": 1.172}),
        (0.0, 200, {"status": "reserved"}),
        (0.0, 200, b"not json"),
        None,
    ],
)
def test_one_wrong_answer_among_many_fails_the_run(answer: tuple[float, int, object] | None) -> None:
    with _server(lambda number: answer if number == 30 else (0.0, 200, RESERVED)) as (port, _):
        code, result = _load(port, *OPEN, "--payout", "1.173")
    assert code == 1
    assert result.wrong == 1
    assert result.samples


def test_an_unreachable_server_fails_the_run() -> None:
    command = [sys.executable, "-m", "bench.load", "--port", str(free_port()), "--key", "k"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode == 1


def test_buyers_accept_with_their_own_bid_and_say_how_often_they_were_asked() -> None:
    with start_program("bench.buyers", "--number", "2") as process:
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        bids = []
        for port, delay_ms in ((ports[0], 0), (ports[1], 10)):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/bid/{delay_ms}?zip=1", data=b"{}") as answer:
                bids.append(json.load(answer)["bid"]["amount"])
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/seen") as answer:
            seen = msgspec.json.decode(answer.read(), type=Seen)
    assert bids == [float(bid_of(0)), float(bid_of(1))]
    assert seen.asks == 2
    assert seen.late_p99_ms >= 0
