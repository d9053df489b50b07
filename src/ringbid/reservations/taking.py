"""How a ping ends in the store: the reply given before, an open duplicate, the first place that is free, or none.

`store.reservations` hands these requests to `store.batch`, which fills the books they decide on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ringbid.reservations.books import Books, EndedPing, Entry, KeptReply, Wanted
from ringbid.reservations.limits import NO_USAGE, Subject
from ringbid.reservations.ports import (
    Decision,
    Duplicate,
    IdempotencyUse,
    KeyReused,
    Look,
    NotTaken,
    Place,
    Replayed,
    Settled,
    Settlement,
    Stale,
    Taken,
)
from ringbid.reservations.reservation import Reservation, State
from ringbid.values.ids import KeyId, PingId
from ringbid.values.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Take:
    """End a ping."""

    settlement: Settlement

    def want(self, wanted: Wanted) -> None:
        settlement = self.settlement
        if settlement.duplicate_key is not None:
            wanted.duplicate_keys.add(settlement.duplicate_key)
        if settlement.idempotency is not None:
            wanted.replies.add((settlement.key_id, settlement.idempotency.key))
        for place in settlement.places:
            wanted.add_subjects(place.subjects)

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        """The settlement says it all."""

    def decide(self, books: Books) -> Settled:
        settlement = self.settlement
        earlier = _earlier_reply(books, settlement.key_id, settlement.idempotency)
        if earlier is not None:
            return earlier
        decision = _decide(settlement, books)
        if isinstance(decision, Stale):
            return decision
        record = settlement.finish(decision)
        if isinstance(decision, Duplicate):
            ended = EndedPing(settlement, record, None, decision.original.ping_id, decision.order)
        elif isinstance(decision, Taken):
            ended = EndedPing(settlement, record, decision.reservation.quote)
        else:
            ended = EndedPing(settlement, record)
        books.ended.append(ended)
        use = settlement.idempotency
        if use is not None:
            kept = KeptReply(use.fingerprint, record.reply_status, record.reply_body)
            books.keep_reply(settlement.key_id, use.key, kept)
        return decision


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLook:
    """What is known before buyers are asked. Changes nothing."""

    key_id: KeyId
    duplicate_key: str | None
    subjects: tuple[Subject, ...]
    idempotency: IdempotencyUse | None

    def want(self, wanted: Wanted) -> None:
        if self.duplicate_key is not None:
            wanted.duplicate_keys.add(self.duplicate_key)
        if self.idempotency is not None:
            wanted.replies.add((self.key_id, self.idempotency.key))
        wanted.add_subjects(self.subjects)

    def want_more(self, wanted: Wanted, entries: dict[PingId, Entry]) -> None:
        """The request says it all."""

    def decide(self, books: Books) -> Look:
        caller = books.callers.get(self.duplicate_key) if self.duplicate_key is not None else None
        original = books.entries.get(caller.ping_id) if caller is not None else None
        return Look(
            now=books.now,
            open_duplicate=original.reservation if original is not None else None,
            replayed=_earlier_reply(books, self.key_id, self.idempotency),
            usage={subject.id: books.usage.get(subject.id, NO_USAGE) for subject in self.subjects},
        )


def _earlier_reply(books: Books, key_id: KeyId, use: IdempotencyUse | None) -> Replayed | KeyReused | None:
    kept = books.replies.get((key_id, use.key)) if use is not None else None
    if use is None or kept is None:
        return None
    return Replayed(kept.status, kept.body) if kept.fingerprint == use.fingerprint else KeyReused()


def _decide(settlement: Settlement, books: Books) -> Decision | Stale:
    key = settlement.duplicate_key
    caller = books.callers.get(key) if key is not None else None
    if key is not None and caller is not None:
        order = books.count_duplicate(key, caller)
        return Duplicate(books.entries[caller.ping_id].reservation, order)
    if settlement.places and settlement.snapshot_version < books.head_version:
        return Stale(books.head_version)
    passed: list[Verdict] = []
    for place in settlement.places:
        refused = books.refuse_if_full(place.subjects)
        if refused is None:
            return Taken(_reserve(settlement, place, books), tuple(passed))
        passed.append(Verdict.of(place.buyer_id, refused))
    return NotTaken(tuple(passed))


def _reserve(settlement: Settlement, place: Place, books: Books) -> Reservation:
    counted = settlement.count_on_reserve
    reservation = Reservation(
        ping_id=settlement.ping_id,
        company_id=settlement.company_id,
        campaign_id=settlement.campaign_id,
        key_id=settlement.key_id,
        publisher_id=settlement.publisher_id,
        caller_number=settlement.caller_number,
        buyer_id=place.buyer_id,
        buyer_number=place.buyer_number,
        inbound_number=settlement.inbound_number,
        quote=place.quote,
        state=State.HELD,
        counted=counted,
        ttl_seconds=settlement.ttl_seconds,
        reserved_at=books.now,
        expires_at=books.now + timedelta(seconds=settlement.ttl_seconds),
    )
    books.open_entry(
        Entry(
            reservation=reservation,
            duplicate_key=settlement.duplicate_key,
            subject_ids=tuple(subject.id for subject in place.subjects) if counted else (),
        )
    )
    return reservation
