"""The books of one transaction: what the store knows of the callers, reservations and caps that it touches, and what
changes of it.

`store.batch` fills them under its lock from what the requests want to know; `reservations.taking` and
`reservations.moving` decide on them, one request after the other; `store.batch` writes down what changed, and commits.
Deciding is pure but for the books: no clock, no database, no await.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol, TypeVar

from ringbid.catalog.model import CapKind
from ringbid.reservations.limits import NO_USAGE, WINDOWED, Subject, Usage, refuse_if_full, window_start
from ringbid.reservations.ports import PingRecord, Settlement
from ringbid.reservations.reservation import MOVES, Reservation, State
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import KeyId, PingId
from ringbid.values.quote import Quote
from ringbid.values.verdict import Refused

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A reservation, with what only the store knows of it."""

    reservation: Reservation
    duplicate_key: str | None
    subject_ids: tuple[str, ...] = ()  # the buyer and groups with whom it takes a place now
    in_windows: bool = False  # its call was counted: it is in the windows of its buyer and groups
    live_until: datetime | None = None  # the end of the longest call there can be; None before the call

    @property
    def places_until(self) -> datetime:
        """When its places are free again, whatever happens."""
        return self.live_until or self.reservation.expires_at


@dataclass(frozen=True, slots=True)
class OpenCaller:
    """A caller with an open reservation, and how many duplicates of that ping there were."""

    ping_id: PingId
    duplicates: int


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What was answered to the first use of an Idempotency-Key."""

    fingerprint: str
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class EndedPing:
    """A ping to be written down. `quote` is what its own reservation promised; the last two are set where it was a
    duplicate."""

    settlement: Settlement
    record: PingRecord
    quote: Quote | None = None
    duplicate_of: PingId | None = None
    duplicate_order: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A state change of a reservation: who, when, from, to."""

    ping_id: PingId
    at: datetime
    from_state: State
    to_state: State
    by: str


@dataclass(slots=True)
class Wanted:
    """What a batch of requests needs to know. All of it is locked against other transactions before it is read."""

    duplicate_keys: set[str] = field(default_factory=set)
    replies: set[tuple[KeyId, str]] = field(default_factory=set)
    ping_ids: set[PingId] = field(default_factory=set)
    subjects: dict[int, Subject] = field(default_factory=dict)  # by identity: two of one id may differ in their caps

    def add_subjects(self, subjects: Iterable[Subject]) -> None:
        """How full these are. Those without caps are never full: nobody needs to know, or to wait for a lock."""
        for subject in subjects:
            if subject.caps.any:
                self.subjects[id(subject)] = subject


Answer_co = TypeVar("Answer_co", covariant=True)


class Request(Protocol[Answer_co]):
    """One thing to be decided: says what it must know, and decides once the books have it."""

    def want(self, wanted: Wanted) -> None:
        """What it must know, as far as the request alone tells."""
        ...

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        """What it must know besides, now that the reservations it named are known."""
        ...

    def decide(self, books: Books) -> Answer_co:
        """The answer; the books have changed accordingly."""
        ...


class Books:
    """Filled before the first decision; each decision sees what those before it changed."""

    __slots__ = (
        "callers",
        "changed",
        "changed_callers",
        "counted",
        "ended",
        "entries",
        "head_version",
        "kept",
        "moves",
        "now",
        "opened",
        "replies",
        "usage",
    )

    def __init__(self, *, now: datetime, head_version: int) -> None:
        """`now` is the store's clock, read after the lock; `head_version` is the newest catalog change."""
        self.now = now
        self.head_version = head_version
        self.entries: dict[PingId, Entry] = {}
        self.callers: dict[str, OpenCaller] = {}
        self.replies: dict[tuple[KeyId, str], KeptReply] = {}
        self.usage: dict[str, Usage] = {}
        # What changed
        self.ended: list[EndedPing] = []
        self.opened: list[PingId] = []
        self.changed: dict[PingId, Entry] = {}  # as they were before
        self.moves: list[Move] = []
        self.changed_callers: set[str] = set()
        self.kept: list[tuple[KeyId, str]] = []
        self.counted: dict[tuple[str, CapKind, int], int] = {}  # subject, kind, start of the window in ms: calls

    def refuse_if_full(self, subjects: Iterable[Subject]) -> Refused | None:
        """Why one more does not fit with the first of `subjects` that is full; None where it does."""
        for subject in subjects:
            refused = refuse_if_full(subject, self.usage.get(subject.id, NO_USAGE))
            if refused is not None:
                return refused
        return None

    def open_entry(self, entry: Entry) -> None:
        """A new reservation: it takes its places, and its caller is one with an open reservation."""
        ping_id = entry.reservation.ping_id
        assert ping_id not in self.entries, "a ping gets one reservation"
        self.entries[ping_id] = entry
        self.opened.append(ping_id)
        self._count_places(entry, 1)
        if entry.duplicate_key is not None:
            self.callers[entry.duplicate_key] = OpenCaller(ping_id, 0)
            self.changed_callers.add(entry.duplicate_key)

    def change_entry(self, before: Entry, after: Entry, *, by: str) -> None:
        """`before` becomes `after`: places are given back and taken, the move is noted, a caller that stops waiting may
        ping again."""
        ping_id = after.reservation.ping_id
        from_state, to_state = before.reservation.state, after.reservation.state
        assert from_state is to_state or to_state in MOVES[from_state], f"no way from {from_state} to {to_state}"
        self._count_places(before, -1)
        self._count_places(after, 1)
        self.entries[ping_id] = after
        if ping_id not in self.opened:
            self.changed.setdefault(ping_id, before)
        if from_state is not to_state:
            self.moves.append(Move(ping_id, self.now, from_state, to_state, by))
        key = after.duplicate_key
        if key is not None and before.reservation.state.open:
            caller = self.callers.get(key)
            if caller is not None and caller.ping_id == ping_id:
                self.changed_callers.add(key)
                if not to_state.open:
                    del self.callers[key]

    def count_duplicate(self, duplicate_key: str, caller: OpenCaller) -> int:
        """One more duplicate of this caller's ping; which one it is, from 1."""
        self.callers[duplicate_key] = OpenCaller(caller.ping_id, caller.duplicates + 1)
        self.changed_callers.add(duplicate_key)
        return caller.duplicates + 1

    def count_call(self, subject: Subject) -> None:
        """One more call in each window of `subject` that is open now."""
        now_ms = to_ms(self.now)
        for kind in WINDOWED:
            window = (subject.id, kind, start_of_window_ms(kind, now_ms, subject.zone))
            self.counted[window] = self.counted.get(window, 0) + 1
        usage = self.usage.get(subject.id)
        if usage is not None:  # else no request of this batch asks how full it is
            counted = {kind: usage.counted.get(kind, 0) + 1 for kind in WINDOWED}
            self.usage[subject.id] = Usage(usage.places, usage.waiting, counted)

    def keep_reply(self, key_id: KeyId, key: str, reply: KeptReply) -> None:
        """What every later use of this Idempotency-Key is answered."""
        self.replies[key_id, key] = reply
        self.kept.append((key_id, key))

    def _count_places(self, entry: Entry, step: int) -> None:
        if not entry.subject_ids or entry.places_until <= self.now:
            return
        waiting = 0 if entry.in_windows else step
        for subject_id in entry.subject_ids:
            usage = self.usage.get(subject_id)
            if usage is not None:  # else no request of this batch asks how full it is
                self.usage[subject_id] = Usage(usage.places + step, usage.waiting + waiting, usage.counted)


def start_of_window_ms(kind: CapKind, at_ms: int, zone: str) -> int:
    """`limits.window_start` in milliseconds; remembered by the minute, for windows start on whole minutes."""
    return _start_of_window_ms(kind, at_ms // _MINUTE_MS, zone)


@lru_cache(maxsize=8192)
def _start_of_window_ms(kind: CapKind, at_minute: int, zone: str) -> int:
    return to_ms(window_start(kind, from_ms(at_minute * _MINUTE_MS), zone))
