"""`/live` over a real server: pings that end arrive on the stream, what is left out is counted, and a server that stops
lets its watchers go at once.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ringbid.edge import serving
from ringbid.reports import live
from ringbid.reports.live import PER_SECOND
from support.desk_server import Desk, running_desk

LONGEST_SECONDS = 50  # that a server needs to stop, on a slow machine
OWNER = {"cookie": "ringbid=owner", "accept": "text/event-stream"}
_ENDED = re.compile(r"([\d,]+) ended while you watched")
_LEFT_OUT = re.compile(r"<strong>([\d,]+) are not shown")


class Watcher:
    """A browser on the stream. `told` are the pieces that came."""

    def __init__(self, desk: Desk) -> None:
        self._client = httpx.Client(base_url=desk.base_url, timeout=30)
        self._stream = self._client.stream("GET", "/live/feed", headers=OWNER)
        self.answer = self._stream.__enter__()
        assert self.answer.status_code == 200, self.answer.read()
        self._lines = self.answer.iter_lines()

    def pieces(self) -> Iterator[str]:
        """Each event as it comes; an empty one where nothing ended."""
        data: list[str] = []
        for line in self._lines:
            if line:
                data.append(line.partition(":")[2].removeprefix(" ") if line.startswith("data") else "")
            else:
                yield html.unescape("\n".join(data))
                data = []

    def close(self) -> None:
        self._stream.__exit__(None, None, None)
        self._client.close()


def number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found is not None else 0


def test_every_ping_that_ends_is_shown_or_counted_as_left_out(tmp_path: Path) -> None:
    """A hundred at once, which are more than twenty in a second: none is lost, and those that are shown are real."""
    with running_desk(tmp_path) as desk:
        watcher = Watcher(desk)
        pieces = watcher.pieces()
        next(pieces)  # what is there; from now on
        sent: set[str] = set()
        senders = [threading.Thread(target=_send, args=(desk, sent, start)) for start in range(0, 100, 25)]
        for sender in senders:
            sender.start()
        shown: set[str] = set()
        ended = left_out = 0
        for piece in pieces:
            ended, left_out = number(_ENDED, piece) or ended, number(_LEFT_OUT, piece) or left_out
            shown |= set(re.findall(r"/call_reservations/([\w-]+)", piece))
            if ended >= 100:
                break
        for sender in senders:
            sender.join()
        watcher.close()
        assert ended == len(sent) == 100
        assert len(shown & sent) == ended - left_out
        assert left_out <= 100 - PER_SECOND


def test_a_ping_that_ended_between_the_page_and_its_stream_is_shown_at_once_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_desk(tmp_path) as desk:
        first = Watcher(desk)
        next(first.pieces())
        monkeypatch.setattr(live, "POLL_SECONDS", 3600)  # the first one's look is too old, and taken for new
        between = desk.ping("home-services", caller_number="+13055550701", caller_state="FL", age="15")
        watcher = Watcher(desk)
        pieces = watcher.pieces()
        link = f"/call_reservations/{between['uuid']}"
        assert next(pieces).count(link) == 1
        monkeypatch.undo()
        desk.ping("home-services", caller_number="+13055550702", caller_state="FL", age="15")
        piece = next(piece for piece in pieces if number(_ENDED, piece))
        assert piece.count(link) == 1
        assert number(_ENDED, piece) == 1
        for one in (first, watcher):
            one.close()


def _send(desk: Desk, sent: set[str], start: int) -> None:
    for index in range(start, start + 25):
        reply = desk.ping("home-services", caller_number=f"+1305555{1000 + index}", caller_state="FL", age="15")
        sent.add(str(reply["uuid"]))


def test_a_server_that_stops_ends_its_streams_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "GRACE_SECONDS", 2 * LONGEST_SECONDS)
    with running_desk(tmp_path) as desk:
        watchers = [Watcher(desk) for _ in range(3)]
        for watcher in watchers:
            next(watcher.pieces())
        ended = threading.Event()
        stopping = threading.Thread(target=lambda: (desk.stop(), ended.set()))
        stopping.start()
        for watcher in watchers:
            for _ in watcher.pieces():  # it ends as answers do: one that is cut off would raise
                pass
            watcher.close()
        assert ended.wait(LONGEST_SECONDS), "the server waits for nobody who watches"
        stopping.join()
