"""`kill -9` of the server under load: what was acknowledged is kept, nothing is oversold, nothing leaks.

RINGBID_KILLS sets how many kills on SQLite (200); RINGBID_SEED chooses other moments and other pings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest

from crash.loop import crash_loop
from crash.planted import PLANTED
from ringbid.settings import Settings
from support.clocks import JumpingClock
from support.journeys import counted_sums, fold_all, kept_sums
from support.postgres import Cluster
from support.store_clients import rows_of
from support.stores import StorePlace, run

KILLS = int(os.environ.get("RINGBID_KILLS", "200"))
SEED = int(os.environ.get("RINGBID_SEED", "1"))
POSTGRES_SHARE = 0.2  # of the kills
PLANTED_KILLS = 8
MOST_RUNS = 5  # until a planted bug is found


@pytest.mark.timeout(600)
def test_no_kill_breaks_a_promise_on_sqlite(tmp_path: Path) -> None:
    outcome = crash_loop(data=tmp_path, kills=KILLS, seed=SEED, least=KILLS)
    print(outcome)
    assert not outcome.violations, str(outcome)
    check_journeys("sqlite", Settings(data=tmp_path))


@pytest.mark.timeout(600)
def test_no_kill_breaks_a_promise_on_postgresql(tmp_path: Path) -> None:
    kills = max(1, round(KILLS * POSTGRES_SHARE))
    cluster = Cluster.start(durable=True)
    try:
        database = cluster.create_database()
        outcome = crash_loop(data=tmp_path, database=database, kills=kills, seed=SEED, least=kills)
        check_journeys("postgresql", Settings(database=database))
    finally:
        cluster.stop()
    print(outcome)
    assert not outcome.violations, str(outcome)


@pytest.mark.parametrize("plant", sorted(PLANTED))
def test_a_planted_bug_is_found(tmp_path: Path, plant: str) -> None:
    outcomes = []
    for number in range(MOST_RUNS):  # a few kills hit the right moment, if not in the first run
        data = tmp_path / str(number)
        data.mkdir()
        outcomes.append(crash_loop(data=data, kills=PLANTED_KILLS, seed=SEED + number, plant=plant))
        if any(PLANTED[plant].found_as in line for line in outcomes[-1].violations):
            return
    pytest.fail("\n".join(map(str, outcomes)))


def check_journeys(name: Literal["sqlite", "postgresql"], settings: Settings) -> None:
    """The servers were killed while they folded, too: every ping is one journey, and the sums are those of all."""
    place = StorePlace(name, settings, JumpingClock())
    [(folded_before_the_end,)] = rows_of(place, "select count(*) from journey")
    assert folded_before_the_end, "some were folded between the kills"
    run(place, fold_all, real_time=True)
    assert rows_of(place, "select count(*) from journey") == rows_of(place, "select count(*) from ping")
    assert rows_of(place, "select count(*) from journey where uuid not in (select uuid from ping)") == [(0,)]
    assert kept_sums(place) == counted_sums(place)
