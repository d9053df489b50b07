"""The sums of reports that an older Ringbid kept are the same sums, in all their views, after the migration to 0012."""

from __future__ import annotations

from sqlalchemy import Connection, text

from ringbid.store import migrating
from ringbid.store.opening import Store
from support.call_stage import Stage, act
from support.journeys import COUNTS, KEY, counted_sums, fold_all, kept_sums
from support.plays import PLAYS
from support.store_clients import connector, rows_of
from support.stores import StorePlace, run

_ALL = f"select {KEY}, {COUNTS} from journey_rollup order by {KEY}"


def as_before(connection: Connection) -> None:
    """The rollup as it was at 0011: one view, in which all places are told apart, and asks by their buyer."""
    connection.execute(text("delete from journey_rollup where facet like '%*%'"))
    asks = connection.execute(text(f"select {KEY} from journey_rollup where facet = 'ask'")).all()
    for row in asks:
        outcome, _, buyer = row.value.rpartition(" ")
        new = {"was": row.value, "outcome": outcome, "buyer": buyer, "start": row.start_ms}
        connection.execute(
            text(
                "update journey_rollup set value = :outcome, buyer_id = :buyer"
                " where facet = 'ask' and value = :was and start_ms = :start"
            ),
            new,
        )
    connection.execute(text("drop table kept_answer"))
    connection.execute(text("update alembic_version set version_num = '0011'"))


def test_sums_that_were_kept_before_stand_in_every_view_after_it(place: StorePlace) -> None:
    async def fill(stage: Stage) -> None:
        for play in ("a reserved call of exactly its seconds", "a direct call"):
            await stage.perform(PLAYS[play])
        await stage.world.ping()
        await fold_all(stage.world.store)

    act(place, fill)
    before = rows_of(place, _ALL)
    assert len({row[1] for row in before}) > 10, "several facets in several views"
    with migrating.engine_of(place.database, connector(place)).begin() as connection:
        as_before(connection)
    assert len(rows_of(place, _ALL)) < len(before) / 2

    async def open_it(_: Store) -> None:
        """Opening migrates."""

    run(place, open_it)
    assert rows_of(place, _ALL) == before
    assert kept_sums(place) == counted_sums(place)
