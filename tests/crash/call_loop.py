"""The chaos run of calls: SIPp calls at a fixed rate, while the server is killed, its connection to Kamailio cut, and
Kamailio killed, at seeded random moments; then the audit.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml

from crash import call_audit, call_ends
from crash.call_audit import PAYOUT_MICROS, REVENUE_MICROS, Run, Verdict
from crash.call_books import read_books
from crash.call_contents import Contents, read_contents
from crash.call_machines import PORT, Engine, Link, Place, Server
from crash.call_pings import LEAD_SECONDS, Pinged, Publisher
from ringbid import bootstrap
from ringbid.edge import tasks
from support.loopback import free_port, own_network

RATE = 20  # calls a second
LOOKUP_SECONDS = 20.0  # how long a call waits for the server: longer than a slow machine takes to start it
PATIENCE_SECONDS = 6.0  # longer than that: of callers, and of reservations
WARM_UP_SECONDS = 2.0  # after the first call, nothing is killed for so long
SETTLE_SECONDS = 120.0  # the longest that it may take until all is told and closed, once nothing is killed any more
BUYERS = ("busy", "ash", "birch")
KEY = "chaos-key-of-campaign-{}"
NUMBERS = {"a": "+18005550101", "b": "+18005550102"}  # the caller hangs up; the buyer does


@dataclass(frozen=True)
class Plan:
    """How long calls are made, and how often what is killed meanwhile, all at moments that `seed` draws.

    `apart`: Kamailio is not the next to be killed after the server, and neither is killed before the server is back. A
    call that waits for the server when Kamailio is killed is lost: it is nowhere but in Kamailio's memory, and its
    caller was told to wait. And calls that wait for a server that is killed again and again are refused.
    """

    seconds: float
    server_kills: int
    link_cuts: int
    engine_kills: int
    quiet_seconds: float  # at the end, in which nothing is killed
    seed: int
    apart: bool = True

    @property
    def calls(self) -> int:
        """How many are made."""
        return round(self.seconds * RATE)

    def moments(self) -> list[tuple[float, str]]:
        """When what is killed: at a random moment of each of equal parts of the time, so that no part is spared."""
        drawn = random.Random(self.seed)
        kinds = ["server"] * self.server_kills + ["link"] * self.link_cuts + ["engine"] * self.engine_kills
        drawn.shuffle(kinds)
        while self.apart and ("server", "engine") in pairwise(kinds):
            drawn.shuffle(kinds)
        part = (self.seconds - WARM_UP_SECONDS - self.quiet_seconds) / len(kinds)
        return [(WARM_UP_SECONDS + (n + drawn.random()) * part, kind) for n, kind in enumerate(kinds)]


@dataclass(frozen=True)
class Outcome:
    """What the auditor found, and the figures."""

    verdict: Verdict
    converted: int
    pinged: int
    kills: Counter[str]
    server_seconds: Sequence[float]  # from each kill of the server until the next one was connected to Kamailio
    engine_seconds: Sequence[float]  # from each kill of Kamailio until it answered again
    settle_seconds: float

    def __str__(self) -> str:
        counts = self.verdict.counts
        kinds = ("calls", "answered", "cut", "short", "refused", "lost", "unheard", "broken", "late", "claimed")
        called = ", ".join(f"{counts[kind]} {kind}" for kind in kinds)
        lines = [
            f"{len(self.verdict.violations)} broken promises",
            f"{called} of {self.pinged} pinged, {self.converted} converted",
            "killed: " + ", ".join(f"{name} {times} times" for name, times in self.kills.items()),
            f"back after: server {_spread(self.server_seconds)}, Kamailio {_spread(self.engine_seconds)}",
            f"settled in {self.settle_seconds:.1f} s",
        ]
        return "; ".join(lines) + "".join(f"\n{line}" for line in self.verdict.violations[:20])


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    return f"{statistics.median(seconds):.2f} s (at most {max(seconds):.2f} s)"


class Chaos:
    """One run on one store."""

    def __init__(self, *, data: Path, database: str | None, plan: Plan) -> None:
        network = own_network()
        self.place = Place(network, data, free_port(), LOOKUP_SECONDS, database)
        self.plan = plan
        self.link = Link(self.place)
        self.server = Server(self.place)
        self.engine = Engine(self.place)
        self._sipps: list[asyncio.subprocess.Process] = []

    def run(self) -> Outcome:
        """Make the calls, kill, wait until all is told, and audit."""
        return asyncio.run(self._run())

    async def _run(self) -> Outcome:
        settings = self.place.settings(of_server=True)
        ttl_seconds = round(LEAD_SECONDS + LOOKUP_SECONDS + PATIENCE_SECONDS)
        text = _catalog_yaml(self.place, ttl_seconds=ttl_seconds)
        applied = await bootstrap.apply_catalog(settings, text, plan_only=False, applied_by="chaos")
        assert not applied.problems, applied.problems
        forwarding = await self.link.start()
        machines = [tasks.start(each.run(), name="machine") for each in (self.engine, self.server)]
        try:
            await self._until_up()
            pinged = await self._call_and_kill()
            settle_seconds, contents = await self._settle()
        finally:
            for process in self._sipps:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            for machine in machines:
                machine.cancel()
            await asyncio.gather(*machines, return_exceptions=True)
            forwarding.close()
        calls = read_books(self._logs("caller"), self._logs("buyer"))
        run = Run(calls, pinged, self.engine.kills, dialogs_last=self.place.database is not None)
        kills = {"server": len(self.server.kills), "link": len(self.link.cuts), "Kamailio": len(self.engine.kills)}
        back = [min(at for at in self.link.greeted if at > killed) - killed for killed in self.server.kills]
        return Outcome(
            verdict=call_audit.audit(run, contents),
            converted=len(contents.postings) // 2,
            pinged=len(pinged),
            kills=Counter(kills),
            server_seconds=back,
            engine_seconds=[back - killed for killed, back in self.engine.kills],
            settle_seconds=settle_seconds,
        )

    async def _until_up(self) -> None:
        await self.engine.wait_until_up()
        await self.link.wait_until_greeted(after=0.0)

    async def _call_and_kill(self) -> list[Pinged]:
        """SIPp's callers and buyers, pings ahead of every second call, and the killing beside them."""
        for number, buyer in enumerate(BUYERS):
            scenario = call_ends.busy_buyer() if buyer == "busy" else call_ends.buyer(hangs_up=buyer == "birch")
            await self._sipp(f"buyer-{buyer}", scenario, self.place.buyer(number))
        rate = RATE / len(NUMBERS)
        many = round(rate * self.plan.seconds)
        pinging = []
        for group in NUMBERS:
            publisher = Publisher(self.place.port, KEY.format(group), _callers(group, many)[::2], 2 / rate)
            pinging.append(tasks.start(publisher.run(), name="publisher"))
        await asyncio.sleep(LEAD_SECONDS)
        calling = []
        for group, dialled in NUMBERS.items():
            numbers = self.place.data / f"{group}.csv"
            numbers.write_text("SEQUENTIAL\n" + "".join(f"{number};\n" for number in _callers(group, many)))
            options = ["-inf", str(numbers), "-s", dialled, "-r", f"{rate:g}", "-m", str(many), "-l", str(many)]
            options += ["-cid_str", f"{group}-%u@chaos", "-p", _port_of(group), f"{self.place.engine}:{PORT}"]
            scenario = call_ends.caller(waits_for_bye=group == "b", patience_seconds=LOOKUP_SECONDS + PATIENCE_SECONDS)
            calling.append(await self._sipp(f"caller-{group}", scenario, self.place.carrier, *options))
        started = time.monotonic()
        for seconds, kind in self.plan.moments():
            await asyncio.sleep(max(0.0, started + seconds - time.monotonic()))
            await self._kill(kind)
        await asyncio.gather(*(process.wait() for process in calling))
        await self._until_the_server_is_back()
        return [each for publisher in pinging for each in await publisher]

    async def _kill(self, kind: str) -> None:
        if kind == "link":
            self.link.cut()
            return
        if self.plan.apart:
            await self._until_the_server_is_back()
        if kind == "server":
            self.server.kill()
            return
        if self.place.database is None:
            await self.engine.wait_until_talking()  # for the next Kamailio knows nothing of them
        await self.engine.kill()

    async def _until_the_server_is_back(self) -> None:
        await self.link.wait_until_greeted(after=max(self.server.kills, default=0.0))

    async def _settle(self) -> tuple[float, Contents]:
        """Until no call, place or record is open any more, or for as long as that may take."""
        started = time.monotonic()
        while True:
            contents = await asyncio.to_thread(read_contents, data=self.place.data, database=self.place.database)
            seconds = time.monotonic() - started
            if contents.settled or seconds > SETTLE_SECONDS:
                return seconds, contents
            await asyncio.sleep(0.25)

    async def _sipp(self, name: str, scenario: str, address: str, *options: str) -> asyncio.subprocess.Process:
        folder = self.place.data
        path = folder / f"{name}.xml"
        path.write_text(scenario)
        port = () if "-p" in options else ("-p", str(PORT))
        process = await asyncio.create_subprocess_exec(
            "sipp", "-sf", str(path), "-i", address, *port, "-nostdin", "-nd", "-default_behaviors", "none",
            "-trace_msg", "-message_file", str(folder / f"{name}.messages"),
            "-trace_err", "-error_file", str(folder / f"{name}.errors"), *options,
            cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._sipps.append(process)
        return process

    def _logs(self, kind: str) -> list[Path]:
        return sorted(self.place.data.glob(f"{kind}-*.messages"))


def _port_of(group: str) -> str:
    return str(PORT + sorted(NUMBERS).index(group))


def _callers(group: str, many: int) -> list[str]:
    area = {"a": "212", "b": "310"}[group]
    return [f"+1{area}{5_550_000 + number}" for number in range(many)]


def _catalog_yaml(place: Place, *, ttl_seconds: int) -> str:
    """Calls of `a` fail over from a busy buyer to ash; those of `b` go to birch."""
    routed = {"a": ("busy", "ash"), "b": ("birch",)}
    catalog = {
        "company": {"id": "chaos", "name": "Chaos", "time_zone": "UTC", "currency": "USD"},
        "publishers": [{"id": "chaos", "name": "Chaos"}],
        "buyers": [
            {"id": buyer, "name": buyer, "number": f"sip:{buyer}@{place.buyer(number)}", "caps": {"concurrency": 500}}
            for number, buyer in enumerate(BUYERS)
        ],
        "campaigns": [
            {
                "id": group,
                "name": group,
                "numbers": [{"number": dialled, "publisher": "chaos"}],
                "rtb_keys": [{"key": KEY.format(group), "name": "Default", "ttl_seconds": ttl_seconds}],
                "routing": {
                    "buyers": [{"buyer": buyer, "priority": level} for level, buyer in enumerate(routed[group], 1)]
                },
                "conversions": [
                    {
                        "name": "fixed",
                        "seconds": call_audit.SECONDS,
                        "revenue": REVENUE_MICROS / 1_000_000,
                        "payout": PAYOUT_MICROS / 1_000_000,
                    }
                ],
            }
            for group, dialled in NUMBERS.items()
        ],
    }
    return yaml.safe_dump(catalog, sort_keys=False)
