"""`kill -9` of the sender while its receiver fails half the time: everything arrives, under one id.

RINGBID_OUTBOX_MESSAGES and RINGBID_OUTBOX_KILLS set how much on SQLite (10,000 and 100); RINGBID_SEED chooses others.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crash.outbox_loop import Fire
from crash.outbox_planted import PLANTED
from support.postgres import Cluster

MESSAGES = int(os.environ.get("RINGBID_OUTBOX_MESSAGES", "10000"))
KILLS = int(os.environ.get("RINGBID_OUTBOX_KILLS", "100"))
SEED = int(os.environ.get("RINGBID_SEED", "1"))
ON_POSTGRESQL = "claimed without the lock"
MOST_RUNS = 5  # until a planted bug is found


@pytest.mark.timeout(600)
def test_every_message_arrives_though_the_sender_is_killed_on_sqlite(tmp_path: Path) -> None:
    outcome = Fire(data=tmp_path, database=None, messages=MESSAGES, kills=KILLS, seed=SEED).run()
    print(outcome)
    assert not outcome.violations, str(outcome)
    assert outcome.requests > 1.5 * MESSAGES, "the receiver failed"
    assert outcome.duplicates >= KILLS / 4, "the kills came while messages were under way"


@pytest.mark.timeout(600)
def test_every_message_arrives_though_one_of_two_senders_is_killed_on_postgresql(
    tmp_path: Path, postgres_cluster: Cluster
) -> None:
    fire = Fire(
        data=tmp_path, database=postgres_cluster.create_database(), messages=1500, kills=20, seed=SEED, at_once=2
    )
    outcome = fire.run()
    print(outcome)
    assert not outcome.violations, str(outcome)
    assert outcome.requests > 2000, "the receiver failed"


@pytest.mark.parametrize("plant", sorted(PLANTED))
def test_a_planted_bug_of_the_sender_is_found(tmp_path: Path, plant: str, request: pytest.FixtureRequest) -> None:
    outcomes = []
    for number in range(MOST_RUNS):  # a few kills hit the right moment, if not in the first run
        data = tmp_path / str(number)
        data.mkdir()
        database, at_once = None, 1
        if plant == ON_POSTGRESQL:
            database, at_once = request.getfixturevalue("postgres_cluster").create_database(), 2
        fire = Fire(
            data=data,
            database=database,
            messages=300,
            kills=4,
            seed=SEED + number,
            at_once=at_once,
            plant=plant,
            quiet_seconds=5,
        )
        outcomes.append(fire.run())
        if any(PLANTED[plant].found_as in line for line in outcomes[-1].violations):
            return
    pytest.fail("\n".join(map(str, outcomes)))
