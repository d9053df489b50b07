"""The whole demo as a user runs it: calls are placed, a busy buyer is failed over, one converts, the ledger moves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

RINGBID = str(Path(sys.executable).with_name("ringbid"))
LONGEST_SECONDS = 240  # on a slow machine


@contextmanager
def demo(*options: str) -> Iterator[subprocess.Popen[str]]:
    """`ringbid demo` as a process of its own, its output in a pipe."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGBID_")}
    with subprocess.Popen(
        [RINGBID, "demo", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def read_until(pattern: str, process: subprocess.Popen[str]) -> list[str]:
    """The lines up to the first that has the pattern in it."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern!r} never came:\n" + "\n".join(lines))


def processes_in(folder: str) -> list[str]:
    """The command lines of everything that was started in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        if folder in command:
            found.append(command)
    return found


def run_until_converted(*options: str) -> tuple[list[str], str]:
    """All lines of a demo that is stopped by Ctrl-C once a call that failed over has converted; and its folder."""
    with demo(*options) as process:
        lines = read_until(r"↳ .* converted .*revenue", process)
        [folder] = re.findall(r"^Data in +(\S+)", "\n".join(lines), re.MULTILINE)
        process.send_signal(signal.SIGINT)
        lines += read_until("The demo is over", process)
        assert process.wait() == 0
    return lines, folder


@pytest.mark.parametrize(
    ("phones", "said"), [("sip", "over real SIP: Kamailio on 127.0.0.1:"), ("simulated", "through a simulated carrier")]
)
def test_a_call_fails_over_and_converts_the_ledger_moves_and_ctrl_c_leaves_nothing(phones: str, said: str) -> None:
    lines, folder = run_until_converted("--phones", phones)
    text = "\n".join(lines)
    assert re.search(rf"^Calls +{re.escape(said)}", text, re.MULTILINE)
    told = [line.partition("↳ ")[2] for line in lines if "↳ " in line]
    busy = next(line for line in told if line.endswith("charlie busy"))
    caller = re.search(r"…\d{4}", busy)
    assert caller
    of_this_call = [line.partition(caller[0])[2].strip() for line in told if caller[0] in line]
    assert of_this_call.index("charlie busy") < of_this_call.index("alpha talks")
    revenue, payout = re.findall(r"^ledger +revenue ([\d.]+) +payout ([\d.]+)", text, re.MULTILINE)[0]
    assert float(revenue) > float(payout) > 0
    assert "sums to 0" in text
    assert "Traceback" not in text
    assert "task_failed" not in text
    assert not Path(folder).exists()
    assert processes_in(folder) == []


def test_without_phones_publishers_only_ping() -> None:
    with demo("--phones", "none", "--pings", "2") as process:
        lines = read_until("The demo is over", process)
        assert process.wait() == 0
    text = "\n".join(lines)
    assert re.search(r"^Calls +none: publishers only ping", text, re.MULTILINE)
    assert "2 pings · " in text
    assert "0 calls" in text
