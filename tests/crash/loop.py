"""The crash loop: publishers ping, the server is killed at seeded random moments and started again; then the audit."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import yaml

from crash.audit import audit, compare_places, read_store
from crash.fleet import Fleet, fleet
from crash.publishers import Attempt, Journal, Publisher
from support.loopback import free_port
from support.server import apply_catalog

CAP = 5
GROUP_CAP = 12  # of all buyers together, so that it, too, is full at times
TTL_SECONDS = 1
FILL_SECONDS = 600  # the last pings' TTL: longer than it takes to send them, on any machine
PUBLISHERS = 8
# How long a server lives: some hardly listen, most are killed at a random moment after their first answer.
SHORT_LIFE_SECONDS, LIFE_SECONDS = 0.02, 0.16
SHORT_LIVES = 0.25  # of all
FIRST_ANSWER_SECONDS = 60.0
BUYERS = ("ash", "birch", "cedar", "date")


@dataclass(frozen=True)
class Outcome:
    """What the auditor found, and how much was tried.

    `unknown`: tries that got no answer; `replayed`: of those, decided before the crash and answered after it.
    """

    violations: list[str]
    attempts: int
    reserved: int
    unknown: int
    replayed: int

    def __str__(self) -> str:
        counts = f"{self.attempts} pings, {self.reserved} reserved, {self.unknown} unknown, {self.replayed} replayed"
        return "\n".join([f"{len(self.violations)} broken promises; {counts}", *self.violations[:20]])


def crash_loop(
    *,
    data: Path,
    kills: int,
    seed: int,
    least: int = 0,
    database: str | None = None,
    plant: str | None = None,
) -> Outcome:
    """Kill a server `kills` times under load, and go on where, on a slow machine, fewer than `least` pings have got a
    place until then, or have lost their server. `plant` names a bug of `crash.planted` that the server gets."""
    _apply(data, database, ttl_seconds=TTL_SECONDS)
    port, moments, journal = free_port(), random.Random(seed), Journal()
    with fleet(data=data, port=port, database=database, plant=plant) as servers:
        servers.start()
        keys = tuple(map(_key_of, BUYERS))
        publishers = [Publisher(n, port=port, keys=keys, journal=journal, seed=seed) for n in range(PUBLISHERS)]
        for publisher in publishers:
            publisher.start()
        try:
            for number in count(1):
                _live(journal, moments)
                servers.kill()
                servers.start()
                if number >= kills and min(journal.reserved, journal.unknown) >= least:
                    break
        finally:
            for publisher in publishers:
                publisher.stopping.set()
        for publisher in publishers:
            publisher.join()
        time.sleep(TTL_SECONDS + 1)
        servers.kill()
        contents = read_store(data=data, database=database)
        caps: Mapping[str, int] = dict.fromkeys(BUYERS, CAP)
        violations = audit(journal, contents, caps=caps, groups={" ".join(BUYERS): GROUP_CAP})
        _apply(data, database, ttl_seconds=FILL_SECONDS)
        violations += _places_that_differ(servers, seed=seed)
    attempts = journal.attempts
    return Outcome(
        violations=violations,
        attempts=len(attempts),
        reserved=journal.reserved,
        unknown=journal.unknown,
        replayed=sum(attempt.replayed for attempt in attempts),
    )


def _apply(data: Path, database: str | None, *, ttl_seconds: int) -> None:
    catalog = data / "crash.yaml"
    catalog.write_text(_catalog_yaml(ttl_seconds))
    apply_catalog(catalog, data=data, database=database)


def _live(journal: Journal, moments: random.Random) -> None:
    """Let the server live for a while."""
    if moments.random() < SHORT_LIVES:
        time.sleep(moments.uniform(0, SHORT_LIFE_SECONDS))
        return
    journal.answered.clear()
    assert journal.answered.wait(FIRST_ANSWER_SECONDS), "a server that listens answers"
    time.sleep(moments.uniform(0, LIFE_SECONDS))


def _places_that_differ(servers: Fleet, *, seed: int) -> list[str]:
    """Seen from outside, each buyer takes exactly as many as its cap, and all together the group's.

    Fewer: places leaked. More: it is oversold, which the load before shows only where the machine is quick enough to
    have more pings at once than there are places.
    """
    servers.start()
    journal = Journal()
    publisher = Publisher(PUBLISHERS, port=servers.port, keys=(), journal=journal, seed=seed)
    taken = dict.fromkeys(BUYERS, 0)
    for index in range((CAP + 1) * len(BUYERS)):
        buyer = BUYERS[index // (CAP + 1)]
        attempt = Attempt(f"+1646200{index:04d}", _key_of(buyer), f"fill-{index}")
        publisher.ping(attempt)
        taken[buyer] += attempt.reserved
    publisher.disconnect()
    expected = {buyer: max(0, min(CAP, GROUP_CAP - CAP * index)) for index, buyer in enumerate(BUYERS)}
    return [*compare_places(taken, expected), *journal.surprises]


def _key_of(buyer: str) -> str:
    return f"crash-test-key-of-{buyer}"


def _catalog_yaml(ttl_seconds: int) -> str:
    """A campaign for each buyer, so that a publisher knows with whom it holds a place."""
    catalog = {
        "company": {"id": "crash", "name": "Crash", "time_zone": "UTC", "currency": "USD"},
        "publishers": [{"id": "crash", "name": "Crash"}],
        "buyers": [
            {"id": buyer, "name": buyer, "number": f"+1202555010{index}", "caps": {"concurrency": CAP}}
            for index, buyer in enumerate(BUYERS)
        ],
        "buyer_groups": [
            {"id": "all", "name": "All", "buyers": list(BUYERS), "caps": {"concurrency": GROUP_CAP}},
        ],
        "campaigns": [_campaign(index, buyer, ttl_seconds) for index, buyer in enumerate(BUYERS)],
    }
    return yaml.safe_dump(catalog, sort_keys=False)


def _campaign(index: int, buyer: str, ttl_seconds: int) -> dict[str, object]:
    return {
        "id": f"to-{buyer}",
        "name": f"To {buyer}",
        "numbers": [{"number": f"+1844402114{index}"}],
        "rtb_keys": [{"key": _key_of(buyer), "name": "Default", "ttl_seconds": ttl_seconds, "count_on_reserve": True}],
        "routing": {"strategy": "bid", "buyers": [{"buyer": buyer, "priority": 1, "weight": 1}]},
        "conversions": [{"name": "fixed", "buyer": buyer, "seconds": 95, "revenue": 1.5, "payout": 1.173}],
    }
