"""The state machine of the reservation properties: any moves in any order, alone and together, on a real store.

Every answer is compared with the model's (`reservation_books`); after each step the database file is read and compared
with its own rows, with the model and with what it said before.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from ringbid.reservations.ports import Duplicate, KeyReused, NotTaken, Replayed, Settled, Taken
from ringbid.reservations.reservation import Reservation
from ringbid.values.ids import PingId
from ringbid.values.verdict import Refused
from support.exchange import KINDS, CapLimits, Exchange, Wish, state_at, takes_place, window_starts
from support.reservation_books import Books, Expected

ENDS = ("done", "expired", "released", "rejected")
TICKS_SECONDS = (1, 14, 15, 3600)

cap_limits = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 3), max_size=2).map(dict[str, int])
wishes = st.builds(
    Wish,
    buyers=st.sampled_from([("alpha",), ("alpha", "bravo"), ("bravo", "alpha"), ("bravo",)]),
    caller=st.sampled_from([None, None, 1, 2, 3]),
    ttl_seconds=st.sampled_from([15, 1, 60]),
    idempotency_key=st.sampled_from([None, None, "a", "b", "c"]),
    count_on_reserve=st.booleans(),
)
TIMES = st.sampled_from([1, 2])  # whatever is told may be told twice
PINGS: Bundle[PingId] = Bundle("pings")
CALLS: Bundle[PingId] = Bundle("calls")


class ReservationMachine(RuleBasedStateMachine):
    """Made for each example with a migrated, empty database file to copy."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self._template = template
        self._exchange: Exchange | None = None
        self._ended: dict[str, dict[str, Any]] = {}
        self._live_claims: dict[PingId, int] = {}

    @initialize(alpha=cap_limits, bravo=cap_limits, group=cap_limits)
    def open(self, alpha: CapLimits, bravo: CapLimits, group: CapLimits) -> None:
        exchange = Exchange(self._template, caps={"alpha": alpha, "bravo": bravo}, group_caps=group)
        self._exchange = exchange
        subjects = {buyer: tuple(one.id for one in all_) for buyer, all_ in exchange.subjects.items()}
        self._books = Books(exchange.limits, subjects)

    def teardown(self) -> None:
        if self._exchange is not None:
            self._exchange.close()

    @property
    def exchange(self) -> Exchange:
        assert self._exchange is not None
        return self._exchange

    @rule(target=PINGS, wish=wishes)
    def reserve(self, wish: Wish) -> PingId:
        ping_id = self.exchange.new_ping_id()
        self.exchange.together(self._reserve(wish, ping_id))
        return ping_id

    @rule(
        target=CALLS,
        wish=wishes,
        waits_seconds=st.sampled_from([0, 0, 0, 15, 60]),
        lasts_seconds=st.sampled_from([7200, 20]),
        claims=TIMES,
        counts=st.integers(0, 2),
        talks_seconds=st.sampled_from([0, 15, 60]),
    )
    def call(
        self, wish: Wish, waits_seconds: int, lasts_seconds: int, claims: int, counts: int, talks_seconds: int
    ) -> PingId:
        """A whole call but its end, in time or late: few histories of single moves come that far."""
        ping_id = self.reserve(wish)
        self.exchange.clock.advance(waits_seconds)
        self.claim(ping_id, lasts_seconds, claims)
        if counts:
            self.count(ping_id, counts)
        self.tick(talks_seconds, sweeps=talks_seconds > 0)
        return ping_id

    @rule(target=PINGS, several=st.lists(wishes, min_size=3, max_size=6))
    def reserve_at_once(self, several: list[Wish]) -> MultipleResults[PingId]:
        ping_ids = [self.exchange.new_ping_id() for _ in several]
        self.exchange.together(*map(self._reserve, several, ping_ids))
        return multiple(*ping_ids)

    @rule(target=PINGS, wish=wishes, count=st.integers(2, 4))
    def reserve_some_and_confirm_all(self, wish: Wish, count: int) -> MultipleResults[PingId]:
        """Holds that do not count yet are more than the caps allow: the last to confirm finds them full."""
        wish = replace(wish, caller=None, idempotency_key=None)
        ping_ids = [self.exchange.new_ping_id() for _ in range(count)]
        self.exchange.together(*(self._reserve(wish, ping_id) for ping_id in ping_ids))
        self.exchange.together(*map(self._confirm, ping_ids))
        return multiple(*ping_ids)

    @rule(ping_id=PINGS, times=TIMES)
    def confirm(self, ping_id: PingId, times: int) -> None:
        self.exchange.together(*(self._confirm(ping_id) for _ in range(times)))

    @rule(ping_id=PINGS, times=TIMES)
    def release(self, ping_id: PingId, times: int) -> None:
        self.exchange.together(*(self._release(ping_id) for _ in range(times)))

    @rule(ping_id=PINGS, ttl_seconds=st.sampled_from([30, 2, 120]), times=TIMES)
    def extend(self, ping_id: PingId, ttl_seconds: int, times: int) -> None:
        self.exchange.together(*(self._extend(ping_id, ttl_seconds) for _ in range(times)))

    @rule(target=CALLS, ping_id=PINGS, seconds=st.sampled_from([7200, 20]), times=TIMES)
    def claim(self, ping_id: PingId, seconds: int, times: int) -> PingId:
        self.exchange.together(*(self._claim(ping_id, seconds) for _ in range(times)))
        return ping_id

    @rule(ping_id=CALLS, times=TIMES)
    def count(self, ping_id: PingId, times: int) -> None:
        self._books.count(ping_id, self.exchange.now)
        self.exchange.together(*(self.exchange.count(ping_id) for _ in range(times)))

    @rule(ping_id=CALLS, times=TIMES)
    def finish(self, ping_id: PingId, times: int) -> None:
        self.exchange.together(*(self._finish(ping_id) for _ in range(times)))

    @rule(target=PINGS, first=PINGS, second=PINGS, wish=wishes, order=st.permutations(range(4)))
    def all_at_once(self, first: PingId, second: PingId, wish: Wish, order: list[int]) -> PingId:
        """Confirm, claim, release and reserve race; the store takes them as they come."""
        ping_id = self.exchange.new_ping_id()
        works = [self._confirm(first), self._claim(second, 20), self._release(first), self._reserve(wish, ping_id)]
        self.exchange.together(*(works[index] for index in order))
        return ping_id

    @rule(seconds=st.sampled_from(TICKS_SECONDS), sweeps=st.booleans())
    def tick(self, seconds: int, sweeps: bool) -> None:
        self.exchange.clock.advance(seconds)
        if sweeps:
            self.sweep()

    @rule()
    def sweep(self) -> None:
        expected = self._books.sweep(self.exchange.now)
        assert self.exchange.together(self.exchange.sweep()) == [expected], "too few or too many were swept"
        for row in self.exchange.rows.reservations().values():
            assert state_at(row, self.exchange.now) == row["state"], f"held after expiry and a sweep: {row}"

    @rule()
    def reopen(self) -> None:
        self.exchange.reopen()

    async def _reserve(self, wish: Wish, ping_id: PingId) -> None:
        expected = self._books.reserve(wish, ping_id, self.exchange.now)
        settled = await self.exchange.reserve(wish, ping_id)
        assert _outcome(settled, ping_id) == expected, f"{wish}: {settled}"
        if isinstance(settled, Taken):
            lasts = settled.reservation.expires_at - settled.reservation.reserved_at
            assert lasts.total_seconds() == wish.ttl_seconds

    async def _confirm(self, ping_id: PingId) -> None:
        expected = self._books.confirm(ping_id, self.exchange.now)
        _agree(await self.exchange.confirm(ping_id), expected)

    async def _release(self, ping_id: PingId) -> None:
        expected = self._books.release(ping_id, self.exchange.now)
        _agree(await self.exchange.release(ping_id), expected)

    async def _extend(self, ping_id: PingId, ttl_seconds: int) -> None:
        expected = self._books.extend(ping_id, ttl_seconds, self.exchange.now)
        _agree(await self.exchange.extend(ping_id, ttl_seconds), expected)

    async def _finish(self, ping_id: PingId) -> None:
        expected = self._books.finish(ping_id, self.exchange.now)
        _agree(await self.exchange.finish(ping_id), expected)

    async def _claim(self, ping_id: PingId, seconds: int) -> None:
        expected = self._books.claim(ping_id, seconds, self.exchange.now)
        claimed = await self.exchange.claim(ping_id, seconds)
        _agree(claimed, expected)
        if isinstance(claimed, Reservation):
            self._live_claims[ping_id] = self._live_claims.get(ping_id, 0) + 1
            assert self._live_claims[ping_id] == 1, f"{ping_id} was claimed twice"

    @invariant()
    def used_is_what_the_rows_and_the_books_say_and_within_the_caps(self) -> None:
        if self._exchange is None:
            return
        exchange, now = self.exchange, self.exchange.now
        places, waiting, rows = exchange.rows.places(now), exchange.rows.waiting(now), exchange.rows.reservations()
        [look] = exchange.together(exchange.look())
        for subject_id, limits in exchange.limits.items():
            buyers = [buyer for buyer, ids in self._books.subjects.items() if subject_id in ids]
            recount = sum(1 for row in rows.values() if row["buyer_id"] in buyers and takes_place(row, now))
            assert places[subject_id] == recount == self._books.places(subject_id, now), subject_id
            for kind in KINDS:
                used = places[subject_id]
                late = 0
                if kind != "concurrency":
                    counted = exchange.rows.counted(subject_id, kind, window_starts(now)[kind])
                    assert counted == self._books.counted(subject_id, kind, now), (subject_id, kind)
                    used = counted + waiting[subject_id]
                    late = self._books.counted(subject_id, kind, now, late_only=True)
                assert used == self._books.used(subject_id, kind, now), (subject_id, kind)
                if kind in limits:
                    # A conversion that is told after the call's end is counted, full or not.
                    assert 0 <= used <= limits[kind] + late, f"{subject_id} {kind}: {used} of {limits[kind]}"
                    assert look.usage[subject_id].of(kind) == used, (subject_id, kind)

    @invariant()
    def every_reservation_is_in_the_state_that_the_books_say_and_its_end_never_changes(self) -> None:
        if self._exchange is None:
            return
        now, rows = self.exchange.now, self.exchange.rows.reservations()
        assert {ping_id: state_at(row, now) for ping_id, row in rows.items()} == {
            held.ping_id: held.state_at(now) for held in self._books.held
        }
        for ping_id, row in rows.items():
            assert row["expires_at_ms"] - row["reserved_at_ms"] == 1000 * row["ttl_seconds"]
            end = _end_of(row, state_at(row, now))
            if end is not None:
                assert self._ended.setdefault(ping_id, end) == end, f"an end state changed: {row}"
            else:
                assert ping_id not in self._ended, f"{row} had ended as {self._ended[ping_id]}"
        ends = [move["ping_id"] for move in self.exchange.rows.moves() if move["to_state"] in ENDS]
        assert len(ends) == len(set(ends)), "a reservation ended twice"


def _end_of(row: dict[str, Any], state: str) -> dict[str, Any] | None:
    """How a reservation ended; None where it has not."""
    if state not in ENDS:
        return None
    ended_at_ms = row["expires_at_ms"] if state == "expired" else row["ended_at_ms"]
    return {"state": state, "ended_at_ms": ended_at_ms, "expires_at_ms": row["expires_at_ms"], "buyer": row["buyer_id"]}


def _agree(answer: Reservation | Refused, expected: str) -> None:
    found = answer.state.value if isinstance(answer, Reservation) else answer.reason.code
    assert found == expected, f"{answer} instead of {expected}"


def _outcome(settled: Settled, ping_id: PingId) -> Expected:
    """What the store decided on this ping, in the model's words."""
    match settled:
        case Taken(reservation, passed):
            return Expected(
                "taken", reservation.ping_id, reservation.buyer_id, tuple(verdict.buyer_id for verdict in passed)
            )
        case NotTaken(passed):
            return Expected("not taken", ping_id, None, tuple(verdict.buyer_id for verdict in passed))
        case Duplicate(original, order):
            return Expected("duplicate", original.ping_id, original.buyer_id, order=order)
        case Replayed(_, body):
            return Expected("replayed", body.decode())
        case KeyReused():
            return Expected("reused")
    raise AssertionError(f"no ending that a publisher can get: {settled}")
