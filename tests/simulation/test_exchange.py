"""A simulated day of an exchange, from a seed: pings, confirms, releases, calls, expiries, restarts, catalog changes.

The product runs whole but for the network; the auditor keeps its own books and checks every answer. A failure names the
seed; `RINGBID_SIMULATION_SEEDS` runs more of them.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ringbid.reservations.reservation import Reservation
from ringbid.values.ids import PingId
from ringbid.values.verdict import Refused
from support.asgi import call
from support.auditor import Auditor, Hold, SimulatedBuyer
from support.scenario import World, apply_changes, open_world, reopen, yaml_of

SEEDS = int(os.environ.get("RINGBID_SIMULATION_SEEDS", "40"))
STEPS = 120
KEY = "simulated-key-0123456789"


def catalog_of(auditor: Auditor) -> dict[str, Any]:
    return {
        "company": {"id": "sim", "name": "Simulated", "time_zone": "UTC", "currency": "USD"},
        "publishers": [{"id": "pub", "name": "Publisher"}],
        "buyers": [
            {
                "id": buyer.name,
                "name": buyer.name,
                "number": "+12025550100",
                "paused": buyer.paused,
                "caps": {"concurrency": buyer.concurrency, "hourly": buyer.hourly},
            }
            for buyer in auditor.buyers
        ],
        "campaigns": [
            {
                "id": "c",
                "name": "C",
                "numbers": [{"number": "+18444021146"}],
                "rtb_keys": [
                    {
                        "key": KEY,
                        "name": "K",
                        "ttl_seconds": auditor.ttl_seconds,
                        "count_on_reserve": auditor.count_on_reserve,
                    }
                ],
                "routing": {"strategy": "bid", "buyers": [{"buyer": buyer.name} for buyer in auditor.buyers]},
                "conversions": [
                    {
                        "name": f"rule {buyer.name}",
                        "buyer": buyer.name,
                        "seconds": buyer.seconds,
                        "revenue": buyer.revenue,
                        "payout": "50%",
                        "publishers": ["pub"],
                    }
                    for buyer in auditor.buyers
                ],
            }
        ],
    }


class Simulation:
    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        count = self.chance.randint(1, 4)
        revenues = self.chance.sample(range(2, 40, 2), count)
        self.auditor = Auditor(
            [
                SimulatedBuyer(
                    f"b{index}",
                    60 + index,
                    revenues[index],
                    self.chance.choice([None, 0, 1, 1, 2, 3]),
                    self.chance.choice([None, None, 1, 2, 4]),
                )
                for index in range(count)
            ],
            ttl_seconds=self.chance.choice([1, 15, 60]),
            count_on_reserve=self.chance.random() < 0.7,
        )
        self.lowered = False
        self.seen: Counter[str] = Counter()
        self.world: World

    async def run(self) -> None:
        async with open_world(self.folder, {"catalog": catalog_of(self.auditor)}) as world:
            self.world = world
            moves = [self.ping] * 8 + [self.burst, self.confirm, self.confirm, self.release, self.extend]
            moves += [self.claim, self.claim, self.connect, self.finish, self.advance, self.advance, self.advance]
            moves += [self.edit_catalog] if self.chance.random() < 0.5 else []
            moves += [self.restart] if self.chance.random() < 0.3 else []
            for _ in range(STEPS):
                move = self.chance.choice(moves)
                self.seen[move.__name__] += 1
                await move()
                self.auditor.check_caps(self.world.clock.now(), lowered=self.lowered)

    async def send(self, method: str, path: str, **query: str) -> dict[str, Any]:
        response = await call(self.world.app, method, path, query={"key": KEY, **query})
        assert response.status in (200, 409, 422), response
        return dict(response.json, http=response.status)

    async def ping(self) -> None:
        caller = f"+1212555{self.chance.randint(0, 11):04d}"
        reply = await self.send("POST", "/rtbs.json", publisher_id="pub", caller_number=caller)
        self.auditor.check_ping(caller, reply, self.world.clock.now())
        self.seen[reply["status"]] += 1

    async def burst(self) -> None:
        """Pings at the same instant: who wins is open, that nobody is oversold is not."""
        callers = [f"+1213555{number:04d}" for number in self.chance.sample(range(40), 8)]
        callers = [caller for caller in callers if self.auditor.open_hold(caller, self.world.clock.now()) is None]
        pings = [self.send("POST", "/rtbs.json", publisher_id="pub", caller_number=caller) for caller in callers]
        for caller, reply in zip(callers, await asyncio.gather(*pings), strict=True):
            self.auditor.check_ping(caller, reply, self.world.clock.now(), sequential=False)

    def some_hold(self) -> Hold | None:
        return self.chance.choice(self.auditor.holds[-12:]) if self.auditor.holds else None

    async def confirm(self) -> None:
        if (hold := self.some_hold()) is None:
            return
        now = self.world.clock.now()
        reply = await self.send("PUT", f"/rtbs/{hold.uuid}.json", status="confirmed")
        if hold.state == "rejected":
            assert reply["status"] == "no-target"
        elif not self.auditor.is_open(hold, now):
            assert reply["http"] == 409, reply
        elif hold.counted:
            assert reply["status"] == "confirmed", reply
            hold.state = "confirmed"
        elif self.auditor.fits(hold.buyer, now):
            assert reply["status"] == "confirmed", reply
            hold.state, hold.counted = "confirmed", True
        else:
            assert (reply["uuid"], reply["status"], reply["code"]) == (hold.uuid, "no-target", "caps_filled")
            hold.state = "rejected"

    async def release(self) -> None:
        if (hold := self.some_hold()) is None:
            return
        was_open = self.auditor.is_open(hold, self.world.clock.now())
        reply = await self.send("DELETE", f"/rtbs/{hold.uuid}.json")
        if was_open or hold.state == "released":
            assert reply["status"] == "released", reply
            hold.state = "released"
        else:
            assert reply["http"] == 409, reply

    async def extend(self) -> None:
        if (hold := self.some_hold()) is None:
            return
        ttl = 2 * self.auditor.ttl_seconds
        was_open = self.auditor.is_open(hold, self.world.clock.now())
        reply = await self.send("PATCH", f"/rtbs/{hold.uuid}.json", ttl_seconds=str(ttl))
        if was_open:
            assert reply["http"] == 200, reply
            assert hold.reserved_at is not None
            hold.expires_at = hold.reserved_at + timedelta(seconds=ttl)
        else:
            assert reply["http"] == 409, reply

    async def claim(self) -> None:
        if (hold := self.some_hold()) is None:
            return
        now = self.world.clock.now()
        claimed = await self.world.store.reservations.claim(
            PingId(hold.uuid), subjects_of=self.world.subjects_of, max_duration_seconds=86400
        )
        if self.auditor.is_open(hold, now) and (hold.counted or self.auditor.fits(hold.buyer, now)):
            assert isinstance(claimed, Reservation), claimed
            hold.state = "live"
        else:
            assert isinstance(claimed, Refused), f"claimed twice, late, or over the cap: {claimed}"

    async def connect(self) -> None:
        if (hold := self.some_hold()) is not None and hold.state == "live":
            await self.world.store.reservations.count(PingId(hold.uuid), subjects_of=self.world.subjects_of)
            hold.counted_call_at = hold.counted_call_at or self.world.clock.now()

    async def finish(self) -> None:
        if (hold := self.some_hold()) is not None and hold.state in ("live", "done"):
            finished = await self.world.store.reservations.finish(PingId(hold.uuid))
            assert isinstance(finished, Reservation), finished
            hold.state = "done"

    async def advance(self) -> None:
        self.world.clock.advance(self.chance.choice([0.001, 1, 5, 14.999, 15, 40, 600, 3600]))

    async def edit_catalog(self) -> None:
        buyer = self.chance.choice(self.auditor.buyers)
        if self.chance.random() < 0.5:
            buyer.paused = not buyer.paused
        else:
            before = buyer.concurrency
            buyer.concurrency = self.chance.choice([None, 0, 1, 2, 3])
            self.lowered |= buyer.concurrency is not None and (before is None or buyer.concurrency < before)
        await apply_changes(self.world, yaml_of(catalog_of(self.auditor)))

    async def restart(self) -> None:
        """The process is gone with everything it remembered; the store's files are all that is left."""
        await reopen(self.world)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_answer_of_a_simulated_day_is_what_the_books_say(seed: int, tmp_path: Path) -> None:
    simulation = Simulation(seed, tmp_path)
    asyncio.run(simulation.run())
    assert simulation.seen["ping"] > 10
