"""What becomes of pings and calls is folded into journeys, on both databases: once each, whatever the order, and their
sums by the hour are always those of the journeys."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ringbid.ledger.correcting import Adjust, Corrected, Void
from ringbid.reports.homes import Home
from ringbid.store import journeys_due
from ringbid.values.ids import CallId, CompanyId
from ringbid.values.money import Money
from support.call_stage import Stage, act
from support.call_world import dials
from support.journeys import counted_sums, fold_all, journeys, kept_sums
from support.money import ANNA
from support.playbook import Play, straight
from support.plays import PLAYS
from support.store_clients import rows_of
from support.stores import StorePlace, run, settlement

OTHER_CALLER = "+12125550199"


def test_a_ping_a_call_and_its_money_are_one_journey(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        await fold_all(stage.world.store)
        columns = "direct, publisher_id, buyer_id, number, ending, step, revenue_micros, payout_micros, connected_ms"
        assert journeys(place, columns) == [
            (0, "4321ABCD", "alpha", "+18444021146", "paid", 8, 1_500_000, 1_173_000, 95_000)
        ]
        assert kept_sums(place) == counted_sums(place)

    act(place, story)


def test_a_call_without_a_ping_is_a_journey_of_its_own(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a direct call"])
        await fold_all(stage.world.store)
        assert journeys(place, "direct, ending, step") == [(1, "paid", 8)]

    act(place, story)


def test_a_reservation_waits_until_it_expires_though_nothing_tells(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping()
        await fold_all(stage.world.store)
        assert journeys(place, "ending, step") == [("waiting", 4)]
        stage.world.clock.advance(16)
        await fold_all(stage.world.store)
        assert journeys(place, "ending, step, check_at_ms") == [("expired", 4, None)]
        assert kept_sums(place) == counted_sums(place)

    act(place, story)


def test_a_call_that_comes_too_late_is_a_direct_call_and_its_ping_stays_expired(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping()
        stage.world.clock.advance(60)
        [dial] = dials(await stage.world.arrive())
        await stage.world.talk(dial, 95)
        await fold_all(stage.world.store)
        assert journeys(place, "direct, ending") == [(0, "expired"), (1, "paid")]

    act(place, story)


def test_a_duplicate_and_a_refused_ping_are_journeys_that_did_not_get_far(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping()
        await stage.world.ping()
        await stage.world.ping(publisher="NOBODY", caller=OTHER_CALLER)
        await fold_all(stage.world.store)
        assert sorted(journeys(place, "ending, step, publisher_id")) == [
            ("duplicate", 1, "4321ABCD"),
            ("publisher_unknown", 1, ""),
            ("waiting", 4, "4321ABCD"),
        ]

    act(place, story)


def test_a_correction_changes_the_journey_and_a_void_takes_its_conversion_away(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        run = await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        await fold_all(stage.world.store)
        call_id = (await stage.world.stored(run.call)).call_id
        facts: dict[str, Any] = {"company_id": CompanyId("acme"), "call_id": call_id, "author": ANNA, "note": "why"}
        more = Adjust(**facts, side="payout", key="k1", set_to=Money(2_000_000, "USD"))
        assert isinstance(await stage.world.store.ledger.correct(more), Corrected)
        await fold_all(stage.world.store)
        assert journeys(place) == [("paid", 8, 1_500_000, 2_000_000)]
        assert isinstance(await stage.world.store.ledger.correct(Void(**facts, side="payout", key="k2")), Corrected)
        await fold_all(stage.world.store)
        assert journeys(place) == [("converted", 7, 1_500_000, 0)]
        assert isinstance(await stage.world.store.ledger.correct(Void(**facts, side="revenue", key="k3")), Corrected)
        await fold_all(stage.world.store)
        assert journeys(place) == [("voided", 6, 0, 0)]
        assert kept_sums(place) == counted_sums(place)

    act(place, story)


def test_a_journey_outlives_its_ping_and_goes_on_with_what_is_booked_later(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        run = await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        store = stage.world.store
        await fold_all(store)
        before = journeys(place, "uuid, caller_state, tags, number")
        stage.world.clock.advance(48 * 3600)
        assert await store.flush(older_than=timedelta(hours=24)) == 1
        stored = await stage.world.stored(run.call)
        made = Adjust(
            company_id=stored.company_id,
            call_id=stored.call_id,
            side="revenue",
            key="k1",
            author=ANNA,
            note="agreed",
            set_to=Money(9_000_000, "USD"),
        )
        await store.ledger.correct(made)
        await fold_all(store)
        assert journeys(place) == [("paid", 8, 9_000_000, 1_173_000)]
        assert journeys(place, "uuid, caller_state, tags, number") == before

    act(place, story)


def test_a_call_whose_ping_was_flushed_before_it_was_folded_is_still_that_ping_s_journey(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        run = await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        stage.world.clock.advance(48 * 3600)
        await stage.world.store.flush(older_than=timedelta(hours=24))
        await fold_all(stage.world.store)
        assert journeys(place, "uuid, direct, ending") == [(run.ping_id, 0, "paid")]

    act(place, story)


def test_declared_tags_are_kept_and_what_would_tell_callers_apart_is_not(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping(source="radio", score="93412345", secret="s3cret")
        await fold_all(stage.world.store, Home(tags=("source", "score")))
        assert journeys(place, "tags") == [('{"score":"(not kept)","source":"radio"}',)]
        assert kept_sums(place) == counted_sums(place)

    act(place, story)


def test_no_caller_s_number_is_in_the_tables_of_reports(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        await fold_all(stage.world.store)
        [(caller,)] = rows_of(place, "select caller_number from ping")
        stored = [rows_of(place, f"select * from {table}") for table in ("journey", "journey_rollup", "journey_due")]
        assert stored[0]
        assert caller[1:] not in str(stored)

    act(place, story)


def test_folding_twice_changes_nothing(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a reserved call of exactly its seconds"])
        await fold_all(stage.world.store)
        before = (journeys(place, "*"), kept_sums(place))
        call_id = (await stage.world.stored("call-1")).call_id
        execute(place, f"insert into journey_due (call_id) values ('{call_id}')")
        await fold_all(stage.world.store)
        assert (journeys(place, "*"), kept_sums(place)) == before
        assert rows_of(place, "select count(*) from journey_due") == [(0,)]

    act(place, story)


def test_a_store_that_was_opened_again_goes_on_where_the_last_one_stopped(place: StorePlace) -> None:
    async def pings(store: Any) -> None:
        for _ in range(7):
            await store.reservations.settle(settlement(at=place.clock.now()))
        await fold_all(store)

    for _ in range(3):
        run(place, pings)
    assert len(journeys(place)) == 21
    assert kept_sums(place) == counted_sums(place)


def test_more_pings_than_fit_in_a_round_are_folded_in_several(place: StorePlace) -> None:
    async def story(store: Any) -> None:
        await asyncio.gather(*(store.reservations.settle(settlement(at=place.clock.now())) for _ in range(25)))
        assert store.journeys.folded_at is None
        assert await fold_all(store) == 3
        assert store.journeys.folded_at == place.clock.now()

    run(place, story)
    assert len(journeys(place)) == 25
    assert kept_sums(place) == counted_sums(place)


def test_a_call_that_changed_often_is_folded_once_for_all_of_it(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a direct call"])
        store = stage.world.store
        await fold_all(store)
        [(call_id,)] = rows_of(place, "select uuid from call")
        await store._writer.transact(lambda session: journeys_due.note(session, [call_id] * 30))
        assert await fold_all(store) == 1
        assert rows_of(place, "select count(*) from journey_due") == [(0,)]

    act(place, story)
    assert kept_sums(place) == counted_sums(place)


def test_calls_that_changed_are_folded_in_several_rounds_and_none_is_forgotten(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.perform(PLAYS["a direct call"])
        store = stage.world.store
        [(call_id,)] = rows_of(place, "select uuid from call")
        gone = [CallId(f"018fc4a9-0000-7000-8000-{number:012}") for number in range(130)]
        await store._writer.transact(lambda session: journeys_due.note(session, [*gone, call_id]))
        assert await fold_all(store) > 10
        assert rows_of(place, "select count(*) from journey_due") == [(0,)]
        assert journeys(place, "direct, ending, step") == [(1, "paid", 8)]

    act(place, story)


def test_two_processes_that_fold_at_once_fold_each_journey_once(postgres_place: StorePlace) -> None:
    place = postgres_place

    async def story(store: Any) -> None:
        async with place.open() as other:
            for _ in range(4):
                await asyncio.gather(*(store.reservations.settle(settlement(at=place.clock.now())) for _ in range(60)))
                await asyncio.gather(fold_all(store), fold_all(other))
                place.clock.advance(61)  # so that the floor moves

    run(place, story)
    assert len(journeys(place)) == 240
    assert kept_sums(place) == counted_sums(place)


def test_a_ping_that_becomes_visible_after_younger_ones_is_folded_all_the_same(postgres_place: StorePlace) -> None:
    place = postgres_place

    async def story(store: Any) -> None:
        for _ in range(3):
            await store.reservations.settle(settlement(at=place.clock.now()))
        execute(place, "create table hidden as select * from ping order by id limit 1")
        execute(place, "delete from ping where id in (select id from hidden)")
        await fold_all(store)
        assert len(journeys(place)) == 2
        execute(place, "insert into ping select * from hidden")
        execute(place, "drop table hidden")
        await fold_all(store)
        assert len(journeys(place)) == 3

    run(place, story)


def test_old_journeys_leave_with_their_sums(place: StorePlace) -> None:
    async def story(store: Any) -> None:
        await store.reservations.settle(settlement(at=place.clock.now()))
        place.clock.advance(10 * 86_400)
        await store.reservations.settle(settlement(at=place.clock.now()))
        await fold_all(store)
        assert await store.journeys.flush(older_than=timedelta(days=5)) == 1
        assert len(journeys(place)) == 1
        assert kept_sums(place) == counted_sums(place)

    run(place, story)


@pytest.mark.parametrize("name", PLAYS)
def test_a_call_that_is_folded_at_each_of_its_moves_comes_to_the_same_as_at_its_end(
    sqlite_place: StorePlace, name: str
) -> None:
    play: Play = PLAYS[name]

    async def story(stage: Stage) -> None:
        await fold_all(stage.world.store)
        at_each = Stage(stage.world, sqlite_place)
        for number in range(1, len(straight(play)) + 1):
            await at_each.perform(play, straight(play)[:number])
            await fold_all(stage.world.store)
        assert journeys(sqlite_place)
        assert kept_sums(sqlite_place) == counted_sums(sqlite_place)
        bit_by_bit = journeys(sqlite_place, "*")
        for table in ("journey", "journey_rollup", "journey_mark"):
            execute(sqlite_place, f"delete from {table}")
        execute(sqlite_place, "insert into journey_due (call_id) select uuid from call")
        await fold_all(stage.world.store)
        assert journeys(sqlite_place, "*") == bit_by_bit
        assert kept_sums(sqlite_place) == counted_sums(sqlite_place)

    act(sqlite_place, story, **play.change)


def execute(place: StorePlace, statement: str) -> None:
    """Change the store behind the product's back."""
    from sqlalchemy import text

    from contract.test_store_schema import connector
    from ringbid.store import migrating

    with migrating.engine_of(place.database, connector(place)).begin() as connection:
        connection.execute(text(statement))
