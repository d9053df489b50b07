"""Publishers that ping through every crash and write down what they tried and what they were told.

Each is a thread. What was answered is known; what was sent and not answered is *unknown*, and is tried again with the
same Idempotency-Key until there is an answer. `crash.audit` compares their journals with the store.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

WAIT_SECONDS = 0.003  # before the next try at a server that is down
_ANSWER_SECONDS = 60.0  # of a server that lives, on a slow machine, too


@dataclass
class Attempt:
    """One ping, from the first try to its release. Times are milliseconds of wall time."""

    caller_number: str
    key: str
    idempotency_key: str
    tries: int = 0
    unknown: int = 0  # tries that were sent and got no answer
    replayed: bool = False  # the answer came from an earlier try
    reply: dict[str, Any] | None = None
    replied_at_ms: int = 0
    confirmed: bool = False  # was told so
    release_tried_at_ms: int | None = None
    released: bool = False  # was told so

    @property
    def reserved(self) -> bool:
        return self.reply is not None and self.reply["status"] == "reserved"


@dataclass
class Journal:
    """What all publishers wrote down; `surprises` are answers that no server should give."""

    attempts: list[Attempt] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)  # set with every answer

    @property
    def reserved(self) -> int:
        """How many attempts got a place."""
        return sum(attempt.reserved for attempt in tuple(self.attempts))

    @property
    def unknown(self) -> int:
        """How many tries were sent and got no answer."""
        return sum(attempt.unknown for attempt in tuple(self.attempts))


class Publisher(threading.Thread):
    """Pings under random keys; releases some of its reservations, confirms some, leaves the others to expire."""

    def __init__(self, number: int, *, port: int, keys: tuple[str, ...], journal: Journal, seed: int) -> None:
        super().__init__(name=f"publisher {number}")
        self._port = port
        self._keys = keys
        self._journal = journal
        self._random = random.Random(f"{seed}/{number}")
        self._callers = (f"+1{area}{number + 200}{index:04d}" for area in (212, 310, 415) for index in range(10_000))
        self._connection: http.client.HTTPConnection | None = None
        self._was_sent = False  # the last request; else nobody was there to take it
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                key = self._random.choice(self._keys)
                attempt = Attempt(next(self._callers), key, f"{self._random.getrandbits(64):x}")
                self._journal.attempts.append(attempt)
                self.ping(attempt)
                if attempt.reserved:
                    self._follow_up(attempt)
        finally:
            self.disconnect()

    def ping(self, attempt: Attempt) -> None:
        """Ping until there is an answer."""
        body = {"key": attempt.key, "publisher_id": "crash", "caller_number": attempt.caller_number}
        while True:
            attempt.tries += 1
            headers = {"idempotency-key": attempt.idempotency_key}
            answer = self._request("POST", "/rtbs.json", body, headers)
            if answer is None:
                attempt.unknown += self._was_sent
                time.sleep(WAIT_SECONDS)
                continue
            status, reply, was_replayed = answer
            if status != 200:
                self._journal.surprises.append(f"ping of {attempt.caller_number}: {status} {reply}")
            attempt.reply, attempt.replied_at_ms, attempt.replayed = reply, now_ms(), was_replayed
            return

    def _follow_up(self, attempt: Attempt) -> None:
        choice = self._random.random()
        if choice < 0.3:
            self._confirm(attempt)
        if choice < 0.75:
            attempt.release_tried_at_ms = now_ms()
            attempt.released = self._until_told(attempt, "DELETE", {}) == "released"

    def _confirm(self, attempt: Attempt) -> None:
        attempt.confirmed = self._until_told(attempt, "PUT", {"status": "confirmed"}) == "confirmed"

    def _until_told(self, attempt: Attempt, method: str, change: dict[str, str]) -> str:
        """Try a move until there is an answer; the status it gives. It may have expired meanwhile."""
        assert attempt.reply, "only what was answered can be followed up"
        while True:
            path = f"/rtbs/{attempt.reply['uuid']}.json"
            answer = self._request(method, path, {"key": attempt.key, **change}, {})
            if answer is None:
                time.sleep(WAIT_SECONDS)
                continue
            status, reply, _ = answer
            if status != 200 and reply.get("code") != "reservation_over":
                self._journal.surprises.append(f"{method} of {attempt.reply['uuid']}: {status} {reply}")
            return str(reply.get("status"))

    def _request(
        self, method: str, path: str, body: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any], bool] | None:
        """Status, JSON and whether it is a replay; None: unknown, the server is not there or died meanwhile."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        self._was_sent = True
        try:
            sent = {"content-type": "application/json", **headers}
            self._connection.request(method, path, json.dumps(body), sent)
            response = self._connection.getresponse()
            self._journal.answered.set()
            return response.status, json.load(response), response.headers.get("idempotent-replayed") == "true"
        except (OSError, http.client.HTTPException) as error:
            self._was_sent = not isinstance(error, ConnectionRefusedError)
            self.disconnect()
            return None

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def now_ms() -> int:
    """Wall time, as the store of the same machine keeps it."""
    return time.time_ns() // 1_000_000
