"""A call takes its places: it claims its reservation, and takes a place with each further buyer that may be rung.

Every attempt at a buyer is a reservation: the one that the ping made, claimed once, or one that the call makes for
itself and that is live from the start. So caps, counting and the end of a place are one machinery for both.
`store.calls` runs this request inside the transaction that writes down the call; `moving` has the moves that follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ringbid.reservations.books import Books, Entry, Wanted
from ringbid.reservations.limits import Subject
from ringbid.reservations.reservation import Reservation, State
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, KeyId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.verdict import Refused, Verdict

NO_KEY = KeyId("")  # of a reservation that no ping made: nobody can name it


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlace:
    """A buyer that may be rung. `attempt_id` is the reservation's uuid where this buyer holds the caller's reservation,
    else a new one. `longest_seconds`: ringing and talking together."""

    attempt_id: PingId
    buyer_id: BuyerId
    buyer_number: str
    subjects: tuple[Subject, ...]
    quote: Quote
    longest_seconds: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The places that were taken, in order, and the verdicts on buyers that were full. Every place of one `together`
    is there or counted among the full."""

    taken: tuple[Reservation, ...]
    full: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class NotOpen:
    """The reservation is not open any more: it is in this state. Nothing was taken."""

    reservation: Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTake:
    """Claim `reservation_id` (where the call has one that is open) and take the first `most_steps` of `steps` in which
    a place is free. The buyers of one step are rung at once."""

    call_id: CallId
    company_id: CompanyId
    campaign_id: CampaignId
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    inbound_number: str
    reservation_id: PingId | None
    steps: tuple[tuple[CallPlace, ...], ...]
    most_steps: int

    def want(self, wanted: Wanted) -> None:
        if self.reservation_id is not None:
            wanted.ping_ids.add(self.reservation_id)
        for place in self._places():
            wanted.add_subjects(place.subjects)

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        entry = entries.get(self.reservation_id) if self.reservation_id is not None else None
        if entry is not None and entry.duplicate_key is not None:
            wanted.duplicate_keys.add(entry.duplicate_key)

    def decide(self, books: Books) -> Claimed | NotOpen:
        entry = books.entries.get(self.reservation_id) if self.reservation_id is not None else None
        if entry is not None and not entry.reservation.state_at(books.now).open:
            return NotOpen(entry.reservation.at(books.now))
        taken: list[Reservation] = []
        full: list[Verdict] = []
        steps_taken = 0
        for step in self.steps:
            if steps_taken == self.most_steps:
                break
            before = len(taken)
            for place in step:
                held = entry if entry is not None and place.attempt_id == self.reservation_id else None
                got = self._take(place, held, books)
                if isinstance(got, Refused):
                    full.append(Verdict.of(place.buyer_id, got))
                else:
                    taken.append(got)
            steps_taken += len(taken) > before
        if entry is not None:
            self._give_up(books)
        return Claimed(tuple(taken), tuple(full))

    def _take(self, place: CallPlace, held: Entry | None, books: Books) -> Reservation | Refused:
        if held is None or not held.reservation.counted:
            refused = books.refuse_if_full(place.subjects)
            if refused is not None:
                return refused
        live_until = books.now + timedelta(seconds=place.longest_seconds)
        subject_ids = tuple(subject.id for subject in place.subjects)
        if held is None:
            made = self._make(place, books)
            books.open_entry(
                Entry(reservation=made, duplicate_key=None, subject_ids=subject_ids, live_until=live_until)
            )
            return made
        live = replace(held.reservation, state=State.LIVE, counted=True, call_id=self.call_id)
        after = replace(
            held,
            reservation=live,
            subject_ids=tuple(dict.fromkeys((*held.subject_ids, *subject_ids))),
            live_until=live_until,
        )
        books.change_entry(held, after, by="call")
        return live

    def _make(self, place: CallPlace, books: Books) -> Reservation:
        ring_seconds = max(1, place.longest_seconds)
        return Reservation(
            ping_id=place.attempt_id,
            company_id=self.company_id,
            campaign_id=self.campaign_id,
            key_id=NO_KEY,
            publisher_id=self.publisher_id,
            caller_number=self.caller_number,
            buyer_id=place.buyer_id,
            buyer_number=place.buyer_number,
            inbound_number=self.inbound_number,
            quote=place.quote,
            state=State.LIVE,
            counted=True,
            ttl_seconds=ring_seconds,
            reserved_at=books.now,
            expires_at=books.now + timedelta(seconds=ring_seconds),
            call_id=self.call_id,
        )

    def _give_up(self, books: Books) -> None:
        """The call has come, and its reservation is used, also where its buyer cannot take the call any more."""
        assert self.reservation_id is not None, "only a call with a reservation gives it up"
        entry = books.entries[self.reservation_id]
        if entry.reservation.state.open:
            rejected = replace(
                entry.reservation, state=State.REJECTED, counted=False, ended_at=books.now, call_id=self.call_id
            )
            books.change_entry(entry, replace(entry, reservation=rejected, subject_ids=()), by="call")

    def _places(self) -> tuple[CallPlace, ...]:
        return tuple(place for step in self.steps for place in step)
