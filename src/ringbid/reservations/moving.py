"""The moves of a reservation after it was taken: confirm, release, extend, claim, count, finish. Each at most once.

`store.reservations` hands these requests to `store.batch`, which fills the books they decide on. A reservation past its
`expires_at` is over, whatever its row says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ringbid.reservations.books import Books, Entry, Wanted
from ringbid.reservations.ports import SubjectsOf
from ringbid.reservations.reservation import Reservation, State
from ringbid.values.ids import BuyerId, KeyId, PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True)
class _Moving:
    """A request about one reservation. It wants to know its caller, too, and how full its buyer and groups are."""

    ping_id: PingId

    def want(self, wanted: Wanted) -> None:
        wanted.ping_ids.add(self.ping_id)

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        entry = entries.get(self.ping_id)
        if entry is not None and entry.duplicate_key is not None:
            wanted.duplicate_keys.add(entry.duplicate_key)


@dataclass(frozen=True, slots=True)
class _MovingWithCaps(_Moving):
    """A move that looks at caps or counts against them, as the catalog has them now."""

    subjects_of: SubjectsOf

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        _Moving.want_more(self, wanted, entries)
        entry = entries.get(self.ping_id)
        if entry is not None:
            wanted.add_subjects(self.subjects_of(entry.reservation.buyer_id))


@dataclass(frozen=True, slots=True)
class Confirm(_MovingWithCaps):
    """The publisher says that the call is coming."""

    key_id: KeyId

    def decide(self, books: Books) -> Reservation | Refused:
        entry = books.entries.get(self.ping_id)
        if entry is None or entry.reservation.key_id != self.key_id:
            return _UNKNOWN
        held = entry.reservation
        state = held.state_at(books.now)
        if state is State.CONFIRMED:
            return held
        if state is State.REJECTED:
            return held.refused or Refused(Reason.CAPS_FILLED)
        if state is not State.HELD:
            return _over(state)
        subject_ids = entry.subject_ids
        if not held.counted:
            subjects = self.subjects_of(held.buyer_id)
            full = books.refuse_if_full(subjects)
            if full is not None:
                refused = Refused(Reason.CAPS_FILLED, full.actual, full.expected, full.setting)
                rejected = replace(held, state=State.REJECTED, ended_at=books.now, refused=refused)
                books.change_entry(entry, replace(entry, reservation=rejected), by="publisher")
                return refused
            subject_ids = tuple(subject.id for subject in subjects)
        confirmed = replace(held, state=State.CONFIRMED, counted=True, confirmed_at=books.now)
        books.change_entry(entry, replace(entry, reservation=confirmed, subject_ids=subject_ids), by="publisher")
        return confirmed


@dataclass(frozen=True, slots=True)
class Release(_Moving):
    """The publisher says that the call is not coming."""

    key_id: KeyId

    def decide(self, books: Books) -> Reservation | Refused:
        entry = books.entries.get(self.ping_id)
        if entry is None or entry.reservation.key_id != self.key_id:
            return _UNKNOWN
        state = entry.reservation.state_at(books.now)
        if state is State.RELEASED:
            return entry.reservation
        if not state.open:
            return _over(state)
        return _end(entry, State.RELEASED, books, by="publisher")


@dataclass(frozen=True, slots=True)
class Extend(_Moving):
    """The publisher asks for more time."""

    key_id: KeyId
    ttl_seconds: int

    def decide(self, books: Books) -> Reservation | Refused:
        entry = books.entries.get(self.ping_id)
        if entry is None or entry.reservation.key_id != self.key_id:
            return _UNKNOWN
        waiting = entry.reservation
        state = waiting.state_at(books.now)
        if not state.open:
            return _over(state)
        if waiting.extended:
            same = waiting.ttl_seconds == self.ttl_seconds
            return waiting if same else Refused(Reason.ALREADY_EXTENDED, actual=f"extended to {waiting.ttl_seconds} s")
        expires_at = waiting.reserved_at + timedelta(seconds=self.ttl_seconds)
        if expires_at <= books.now:
            passed_seconds = (books.now - waiting.reserved_at) // timedelta(seconds=1)
            expected = f"more than the {passed_seconds} s that have passed"
            return Refused(Reason.TTL_INVALID, actual=f"{self.ttl_seconds} s", expected=expected)
        extended = replace(waiting, ttl_seconds=self.ttl_seconds, expires_at=expires_at, extended=True)
        books.change_entry(entry, replace(entry, reservation=extended), by="publisher")
        return extended


@dataclass(frozen=True, slots=True)
class Claim(_MovingWithCaps):
    """The call has arrived."""

    max_duration_seconds: int

    def decide(self, books: Books) -> Reservation | Refused:
        entry = books.entries.get(self.ping_id)
        if entry is None:
            return _UNKNOWN
        waiting = entry.reservation
        state = waiting.state_at(books.now)
        if not state.open:
            return _over(state)
        subjects = self.subjects_of(waiting.buyer_id)
        if not waiting.counted:
            full = books.refuse_if_full(subjects)
            if full is not None:
                return Refused(Reason.CAPS_FILLED, full.actual, full.expected, full.setting)
        live = replace(waiting, state=State.LIVE, counted=True)
        after = replace(
            entry,
            reservation=live,
            subject_ids=tuple(dict.fromkeys((*entry.subject_ids, *(subject.id for subject in subjects)))),
            live_until=books.now + timedelta(seconds=self.max_duration_seconds),
        )
        books.change_entry(entry, after, by="call")
        return live


@dataclass(frozen=True, slots=True)
class Count(_MovingWithCaps):
    """The call connected, or converted, as the buyer's `cap_counts` says; the latter perhaps long after the call's end:
    where its reservation was flushed meanwhile, its call still counts for `buyer_id`, and who asks does so once."""

    buyer_id: BuyerId | None = None

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        _MovingWithCaps.want_more(self, wanted, entries)
        if self.ping_id not in entries and self.buyer_id is not None:
            wanted.add_subjects(self.subjects_of(self.buyer_id))

    def decide(self, books: Books) -> None:
        entry = books.entries.get(self.ping_id)
        if entry is None and self.buyer_id is not None:
            for subject in self.subjects_of(self.buyer_id):
                books.count_call(subject)
        if entry is None or entry.in_windows or entry.reservation.state not in (State.LIVE, State.DONE):
            return
        books.change_entry(entry, replace(entry, in_windows=True), by="call")
        for subject in self.subjects_of(entry.reservation.buyer_id):
            books.count_call(subject)


@dataclass(frozen=True, slots=True)
class Finish(_Moving):
    """The call has ended."""

    def decide(self, books: Books) -> Reservation | Refused:
        entry = books.entries.get(self.ping_id)
        if entry is None:
            return _UNKNOWN
        state = entry.reservation.state_at(books.now)
        if state is State.DONE:
            return entry.reservation
        if state is not State.LIVE:
            return _over(state, expected="live")
        return _end(entry, State.DONE, books, by="call")


_UNKNOWN = Refused(Reason.RESERVATION_UNKNOWN)


def _over(state: State, expected: str = "held or confirmed") -> Refused:
    return Refused(Reason.RESERVATION_OVER, actual=state.value, expected=expected)


def _end(entry: Entry, state: State, books: Books, *, by: str) -> Reservation:
    ended = replace(entry.reservation, state=state, counted=False, ended_at=books.now)
    books.change_entry(entry, replace(entry, reservation=ended, subject_ids=()), by=by)
    return ended
