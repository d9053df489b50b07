"""Calls while the server is killed with SIGKILL, its connection to Kamailio cut, and Kamailio killed.

Every answered call has one record, one decision a side and one set of entries; hardly a call is refused; none is lost
but those that were being set up when Kamailio was killed; nothing leaks. How few are refused hangs on how soon the
killed is back, so nothing else may run meanwhile (marker `alone`).
RINGBID_SEED chooses other moments; RINGBID_CHAOS_SECONDS how long calls are made on PostgreSQL (60).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crash.call_loop import RATE, Chaos, Outcome, Plan
from support.postgres import Cluster

SECONDS = float(os.environ.get("RINGBID_CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("RINGBID_SEED", "1"))
MOST_REFUSED = 0.01  # of all calls

pytestmark = pytest.mark.alone


@pytest.mark.timeout(300)
def test_no_kill_loses_a_call_or_its_money_on_postgresql(tmp_path: Path) -> None:
    share = SECONDS / 60
    plan = Plan(
        seconds=SECONDS,
        server_kills=max(1, round(5 * share)),
        link_cuts=max(1, round(4 * share)),
        engine_kills=max(1, round(4 * share)),
        quiet_seconds=10,
        seed=SEED,
    )
    cluster = Cluster.start(durable=True)
    try:
        outcome = Chaos(data=tmp_path, database=cluster.create_database(), plan=plan).run()
    finally:
        cluster.stop()
    _check(outcome, plan)
    assert outcome.verdict.counts["refused"] <= MOST_REFUSED * plan.calls, str(outcome)


@pytest.mark.timeout(300)
def test_a_killed_kamailio_that_has_forgotten_its_calls_loses_no_money_on_sqlite(tmp_path: Path) -> None:
    plan = Plan(seconds=10, server_kills=1, link_cuts=1, engine_kills=2, quiet_seconds=5, seed=SEED, apart=False)
    outcome = Chaos(data=tmp_path, database=None, plan=plan).run()
    _check(outcome, plan)
    assert outcome.verdict.counts["cut"] > 0, "Kamailio was killed while people talked"


def _check(outcome: Outcome, plan: Plan) -> None:
    print(outcome)
    counts = outcome.verdict.counts
    assert not outcome.verdict.violations, str(outcome)
    assert counts["calls"] == plan.calls == round(plan.seconds * RATE), str(outcome)
    assert 0 < outcome.converted < counts["answered"] + counts["cut"], "some calls were long enough, and some were not"
    assert counts["unheard"] == 0, str(outcome)
    assert outcome.pinged == plan.calls // 2, "every second caller is pinged before it calls"
    unclaimed = counts["late"] + counts["lost"] + counts["refused"]
    assert counts["claimed"] >= max(1, outcome.pinged - unclaimed), str(outcome)
