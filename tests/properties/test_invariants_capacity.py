"""The promises about capacity, each for whatever may happen. Seven to ten are asked of the whole product, the others of
the store, whose file is read after each step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from ringbid.reservations.ports import Taken
from ringbid.reservations.reservation import Reservation
from ringbid.values.clock import to_ms
from support.auctions import KEY, AskedBuyer, Auctions, Script, bid, catalog_of
from support.exchange import CapLimits, Exchange, Wish, state_at, takes_place, window_starts
from support.histories import Step, histories, play
from support.reservation_machine import ENDS, ReservationMachine, cap_limits

# A store in a file makes an example slow to begin, which says nothing about the product.
FEW = settings(max_examples=15, derandomize=True, database=None)


def exchange_of(template: Path, caps: CapLimits, group_caps: CapLimits) -> Exchange:
    return Exchange(template, caps={"alpha": caps, "bravo": {"concurrency": 2}}, group_caps=group_caps)


def test_any_moves_in_any_order_get_the_answers_that_plain_books_would_give(sqlite_template: Path) -> None:
    """1 to 6, 8 and 10 together: a state machine on the store, against a model."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  -- hypothesis leaves it untyped
        lambda: ReservationMachine(sqlite_template), settings=settings(FEW, max_examples=80, stateful_step_count=30)
    )


@pytest.mark.parametrize("count_on_reserve", [True, False])
@FEW
@given(caps=cap_limits, group_caps=cap_limits, history=histories)
def test_used_is_never_below_zero_or_above_the_cap_for_any_kind_of_cap(
    sqlite_template: Path, caps: CapLimits, group_caps: CapLimits, history: list[Step], count_on_reserve: bool
) -> None:
    """1. Counted on reserve and on confirm alike."""
    steps = [_with_count(step, count_on_reserve) for step in history]
    with exchange_of(sqlite_template, caps, group_caps) as exchange:
        for _ in play(exchange, steps):
            now, places = exchange.now, exchange.rows.places(exchange.now)
            waiting, starts = exchange.rows.waiting(now), window_starts(now)
            for subject_id, limits in exchange.limits.items():
                for kind, cap in limits.items():
                    calls = 0 if kind == "concurrency" else exchange.rows.counted(subject_id, kind, starts[kind])
                    used = places[subject_id] if kind == "concurrency" else calls + waiting[subject_id]
                    assert 0 <= used <= cap, f"{subject_id}: {used} against {kind} {cap}"


@FEW
@given(caps=cap_limits, history=histories)
def test_used_is_the_number_of_rows_that_count(sqlite_template: Path, caps: CapLimits, history: list[Step]) -> None:
    """2. Places by the reservations; windows by the calls."""
    with exchange_of(sqlite_template, caps, {}) as exchange:
        for _ in play(exchange, history):
            rows = exchange.rows.reservations().values()
            recount = Counter(
                subject.id
                for row in rows
                if takes_place(row, exchange.now)
                for subject in exchange.subjects[row["buyer_id"]]
            )
            in_windows = Counter(
                subject.id for row in rows if row["in_windows"] for subject in exchange.subjects[row["buyer_id"]]
            )
            assert exchange.rows.places(exchange.now) == recount
            for subject_id in exchange.limits:
                total = exchange.rows.counted(subject_id, "total", window_starts(exchange.now)["total"])
                assert total == in_windows[subject_id]


@FEW
@given(history=histories)
def test_every_reservation_reaches_exactly_one_end_state_and_an_end_state_never_changes(
    sqlite_template: Path, history: list[Step]
) -> None:
    """3. After a day and a sweep none is without one."""
    with exchange_of(sqlite_template, {}, {}) as exchange:
        ended: dict[str, str] = {}
        for _ in play(exchange, history):
            for ping_id, row in exchange.rows.reservations().items():
                state = state_at(row, exchange.now)
                assert ended.get(ping_id, state) == state
                if state in ENDS:
                    ended[ping_id] = state
        exchange.clock.advance(86400)
        exchange.together(exchange.sweep())
        rows = exchange.rows.reservations()
        assert all(row["state"] in ENDS for row in rows.values())
        ends = Counter(move["ping_id"] for move in exchange.rows.moves() if move["to_state"] in ENDS)
        assert ends == Counter(rows.keys())


@FEW
@given(history=histories)
def test_no_row_is_held_after_its_expiry_and_one_sweep_and_a_hold_lives_no_longer_than_its_ttl(
    sqlite_template: Path, history: list[Step]
) -> None:
    """4. As it is read, and as it stands after a sweep."""
    with exchange_of(sqlite_template, {}, {}) as exchange:
        for _ in play(exchange, history):
            for row in exchange.rows.reservations().values():
                found = exchange.together(exchange.find(row["ping_id"]))[0]
                over = to_ms(exchange.now) >= row["reserved_at_ms"] + 1000 * row["ttl_seconds"]
                assert not (over and found.state.open), f"{found} is held although its time is over"
        exchange.together(exchange.sweep())
        now_ms = to_ms(exchange.now)
        for row in exchange.rows.reservations().values():
            assert row["state"] not in ("held", "confirmed") or row["expires_at_ms"] > now_ms


@FEW
@given(history=histories, ttl_seconds=st.sampled_from([1, 15, 60]), lasts_seconds=st.integers(61, 599))
def test_a_live_call_is_never_expired_by_the_ttl_and_ends_by_hang_up_or_its_longest_duration(
    sqlite_template: Path, history: list[Step], ttl_seconds: int, lasts_seconds: int
) -> None:
    """5. A call keeps its place past the TTL, until its own end."""
    with exchange_of(sqlite_template, {"concurrency": 1}, {}) as exchange:
        wish = Wish(
            buyers=("alpha",), caller=None, ttl_seconds=ttl_seconds, idempotency_key=None, count_on_reserve=True
        )
        ping_id = exchange.new_ping_id()
        exchange.together(exchange.reserve(wish, ping_id), exchange.claim(ping_id, 600))
        exchange.clock.advance(lasts_seconds)
        exchange.together(exchange.sweep())
        [taken] = exchange.together(exchange.reserve(wish, exchange.new_ping_id()))
        assert not isinstance(taken, Taken), "the live call kept its place"
        assert exchange.rows.reservations()[ping_id]["state"] == "live"
        exchange.clock.advance(600 - lasts_seconds)
        exchange.together(exchange.sweep())
        assert exchange.rows.reservations()[ping_id]["state"] == "done", "the longest call there can be is over"
        claimed: set[str] = set()
        for happened in play(exchange, history):
            if isinstance(happened, tuple) and happened[0] == "claim" and isinstance(happened[2], Reservation):
                claimed.add(happened[1])
            assert all(exchange.rows.reservations()[one]["state"] in ("live", "done") for one in claimed)


@FEW
@given(caps=cap_limits, history=histories)
def test_a_claim_succeeds_at_most_once_and_never_after_expiry_and_confirm_is_idempotent(
    sqlite_template: Path, caps: CapLimits, history: list[Step]
) -> None:
    """6. A second confirm changes no row."""
    with exchange_of(sqlite_template, caps, {}) as exchange:
        claimed: set[str] = set()
        for happened in play(exchange, history):
            if not isinstance(happened, tuple) or not isinstance(happened[2], Reservation):
                continue
            verb, ping_id, answer = happened
            if verb == "claim":
                assert ping_id not in claimed
                assert answer.expires_at > exchange.now
                claimed.add(ping_id)
            elif verb == "confirm":
                before = exchange.rows.reservations(), exchange.rows.places(exchange.now), exchange.rows.moves()
                assert exchange.together(exchange.confirm(ping_id)) == [answer]
                assert (
                    exchange.rows.reservations(),
                    exchange.rows.places(exchange.now),
                    exchange.rows.moves(),
                ) == before


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
            "open": st.sampled_from(["00:00", "09:00"]),
            "close": st.sampled_from(["17:00", "24:00"]),
        }
    ),
    min_size=1,
    max_size=1,
)
TERMS = st.fixed_dictionaries(
    {
        "paused": st.booleans(),
        "filters": st.sampled_from([[], [{"tag": "age", "operator": ">=", "value": 18}]]),
        "caps": st.sampled_from([{}, {"concurrency": 1}, {"hourly": 2}, {"concurrency": 0}]),
    },
    optional={"hours": HOURS},
)


@FEW
@given(
    terms=st.lists(TERMS, min_size=1, max_size=3),
    pings=st.lists(st.tuples(st.sampled_from([None, 17, 18, 40]), st.integers(0, 30)), min_size=1, max_size=6),
)
def test_a_reserved_buyer_was_open_and_in_its_hours_and_not_capped_and_its_filters_held(
    sqlite_template: Path, terms: list[dict[str, Any]], pings: list[tuple[int | None, int]]
) -> None:
    """7. Each buyer is judged by hand at the store's time."""
    buyers = [AskedBuyer(name=f"b{i}", script=bid(str(i + 1)), settings=one) for i, one in enumerate(terms)]
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of(buyers, key={"count_on_reserve": True, "ttl_seconds": 3600}))
        taken: dict[str, list[datetime]] = {one.name: [] for one in buyers}
        for index, (age, hours) in enumerate(pings):
            auctions.loop.jump(3600.0 * hours)
            now = auctions.clock.now()
            may = [one for one in buyers if _may(one.settings, taken[one.name], age, now)]
            more = {"age": str(age)} if age is not None else {}
            result = auctions.ping(
                {one.name: one.script for one in buyers}, caller_number=f"+1213555{index:04d}", **more
            )
            assert result.winner == (may[-1].name if may else None), result.reasons
            assert {ask.webhook_name for ask in result.asks} == {one.name for one in may}, "others are not even asked"
            if result.winner is not None:
                taken[result.winner].append(now)


def _may(terms: dict[str, Any], taken: list[datetime], age: int | None, now: datetime) -> bool:
    open_now = [at for at in taken if now < at + timedelta(hours=1)]
    caps = terms["caps"]
    hours = terms.get("hours", [{"days": DAYS, "open": "00:00", "close": "24:00"}])
    return (
        not terms["paused"]
        and len(open_now) < min(caps.get("concurrency", 99), caps.get("hourly", 99))
        and (not terms["filters"] or (age is not None and age >= 18))
        and any(
            DAYS[now.weekday()] in one["days"] and int(one["open"][:2]) <= now.hour < int(one["close"][:2])
            for one in hours
        )
    )


@FEW
@given(
    pings=st.lists(
        st.tuples(st.sampled_from([None, "k1", "k2"]), st.integers(0, 2), st.sampled_from(["", "18"])), max_size=12
    )
)
def test_the_same_idempotency_key_or_an_open_duplicate_gets_the_same_uuid_no_second_seat_and_asks_nobody(
    sqlite_template: Path, pings: list[tuple[str | None, int, str]]
) -> None:
    """8. A key with other parameters: 422, and nothing is done."""
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of([AskedBuyer(name="b", script=bid("5"))], key={"count_on_reserve": True}))
        auctions.outbound.scripts = {"b": bid("5")}
        by_key: dict[str, tuple[tuple[int, str], str]] = {}
        by_caller: dict[int, str] = {}
        for key, caller, age in pings:
            before = len(auctions.rows.reservations()), len(auctions.outbound.asks), auctions.rows.ping_count()
            query = {"key": KEY, "publisher_id": "pub", "caller_number": f"+1213555000{caller}", "age": age}
            headers = {"idempotency-key": key} if key is not None else {}
            response = auctions.send("POST", "/rtbs.json", query=query, headers=headers)
            after = len(auctions.rows.reservations()), len(auctions.outbound.asks), auctions.rows.ping_count()
            known = by_key.get(key or "")
            if known is not None and known[0] != (caller, age):
                assert (response.status, after) == (422, before)
            elif known is not None:
                assert (response.json["uuid"], after) == (known[1], before)
            elif caller in by_caller:
                assert response.json["uuid"] == by_caller[caller]
                assert after == (before[0], before[1], before[2] + 1)
            else:
                assert after == (before[0] + 1, before[1] + 1, before[2] + 1)
                by_caller[caller] = response.json["uuid"]
            if key is not None and known is None:
                by_key[key] = ((caller, age), response.json["uuid"])


NO_BID = st.sampled_from([Script(None), Script(status=500), Script(body=b'{"accepted": false}'), Script(body=b"x")])


@FEW
@given(
    scripts=st.lists(NO_BID, max_size=3),
    query=st.fixed_dictionaries(
        {},
        optional={
            "publisher_id": st.sampled_from(["off", "nobody"]),
            "caller_number": st.sampled_from(["", "x", "+12135550123"]),
        },
    ),
    key=st.sampled_from([{}, {"paused": True}]),
    campaign=st.sampled_from([{}, {"paused": True}]),
)
def test_a_rejected_or_no_target_answer_never_holds_an_inbound_number_and_never_a_seat(
    sqlite_template: Path, scripts: list[Script], query: dict[str, str], key: dict[str, Any], campaign: dict[str, Any]
) -> None:
    """9."""
    buyers = [AskedBuyer(name=f"b{index}", script=script) for index, script in enumerate(scripts)]
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of(buyers, key=key, campaign=campaign))
        auctions.outbound.scripts = {one.name: one.script for one in buyers}
        sent = {"key": KEY, "publisher_id": "pub", "caller_number": "+12135550123", **query}
        response = auctions.send("POST", "/rtbs.json", query=sent)
        assert response.json["status"] in ("rejected", "no-target")
        assert b"inbound_number" not in response.body
        assert b"+18444021146" not in response.body
        assert auctions.rows.reservations() == {}
        assert not auctions.rows.places(auctions.clock.now())


@FEW
@given(
    ttl_seconds=st.integers(1, 300),
    nodes=st.lists(st.integers(-90, 90), min_size=2, max_size=3),
    pings=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 500)), min_size=1, max_size=5),
)
def test_a_reservation_waits_for_exactly_its_ttl_whichever_node_answered(
    sqlite_template: Path, ttl_seconds: int, nodes: list[int], pings: list[tuple[int, int]]
) -> None:
    """10. The nodes' own clocks are wrong by as many seconds as `nodes` says; the store's is right."""
    with Auctions(sqlite_template) as auctions:
        auctions.use(catalog_of([AskedBuyer(name="b", script=bid("5"))], key={"ttl_seconds": ttl_seconds}))
        auctions.outbound.scripts = {"b": bid("5")}
        apps = [auctions.node(clock_wrong_by_seconds=seconds) for seconds in nodes]
        for index, (node, passed_seconds) in enumerate(pings):
            auctions.loop.jump(passed_seconds)
            now = auctions.clock.now()
            query = {"key": KEY, "publisher_id": "pub", "caller_number": f"+1213555{index:04d}"}
            reply = auctions.send("POST", "/rtbs.json", query=query, app=apps[node % len(apps)]).json
            assert datetime.fromisoformat(reply["expires_at"]) - now == timedelta(seconds=ttl_seconds)
            row = auctions.rows.reservations()[reply["uuid"]]
            assert row["expires_at_ms"] - row["reserved_at_ms"] == 1000 * ttl_seconds


def _with_count(step: Step, count_on_reserve: bool) -> Step:
    if not isinstance(step, tuple):
        return step
    return tuple(replace(wish, count_on_reserve=count_on_reserve) for wish in step)
