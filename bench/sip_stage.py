"""Everything that runs while calls are measured: engines with and without the lookup, servers, PostgreSQL, the buyer.

Each engine is Kamailio with the configuration that `ringbid sip config` writes, at an address of its own. An engine
*alone* has one change: it rings the same buyers in the same way without asking anybody, and tells nobody of it. All
share all cores, as on the machine of someone who runs this.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from bench.cpu import cpu_seconds, family_cpu_seconds
from bench.pings import caller_number
from bench.sip_ends import answering, place_calls
from bench.sip_messages import Placed
from bench.sip_pings import reserve
from ringbid.edge.telephony.sip.engine import SipEngine
from ringbid.settings import Settings, Sip
from ringbid.store.engine_tables import create_engine_tables
from support.loopback import own_network
from support.postgres import Cluster
from support.server import running_server

NUMBER = "+18444021146"
KEY = "5b7c5cbb-5fdd-4a55-8f0e-7f0c1c4c2a53"
BUYERS = 3
DIRECT, ALONE, LOOKUP = "direct", "engine alone", "with lookup"  # the ways' names, followed by their store's
_LONGEST_SECONDS, _RING_SECONDS = 3600, 30
_READY_SECONDS = 10
_LOOKUP, _TELLING = '    $var(kind) = "arrive";\n    route(ASK);\n', "route[TELL_CALL] {\n"


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds so far, or of one run."""

    engine: float = 0.0
    server: float = 0.0
    database: float = 0.0

    def since(self, before: Cpu) -> Cpu:
        return Cpu(self.engine - before.engine, self.server - before.server, self.database - before.database)

    def plus(self, other: Cpu) -> Cpu:
        return Cpu(self.engine + other.engine, self.server + other.server, self.database + other.database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way from the caller to the buyer. `server_port`: of the server whose reservations its calls claim."""

    name: str
    address: str
    engine_pid: int | None = None
    server_pid: int | None = None
    server_port: int | None = None
    database_pid: int | None = None

    def cpu(self) -> Cpu:
        return Cpu(
            family_cpu_seconds(self.engine_pid) if self.engine_pid else 0.0,
            cpu_seconds(self.server_pid) if self.server_pid else 0.0,
            family_cpu_seconds(self.database_pid) if self.database_pid else 0.0,
        )


@dataclass(slots=True)
class CallStage:
    """What runs. All of 127.0.0.0/8 is loopback on Linux: `network` is a corner of it."""

    folder: Path
    network: str
    ways: dict[str, Way] = field(default_factory=dict)
    _callers: count[int] = field(default_factory=count)

    @property
    def carrier(self) -> str:
        return f"{self.network}.10"

    @property
    def buyer(self) -> str:
        return f"{self.network}.100"

    async def call(self, way: Way, *, calls: int, rate: float) -> tuple[Placed, Cpu]:
        """Place that many calls, each by a new caller, who has a reservation where the way has a server."""
        first = next(self._callers)
        callers = [caller_number(first), *(caller_number(next(self._callers)) for _ in range(calls - 1))]
        if way.server_port is not None:
            await reserve(way.server_port, KEY, first_caller=first, callers=calls)
        before = way.cpu()
        placed = await place_calls(
            callers, dialled=NUMBER, source=self.carrier, target=way.address, rate=rate, folder=self.folder
        )
        return placed, way.cpu().since(before)


@contextlib.asynccontextmanager
async def set_up_calls(folder: Path, *, postgresql: bool = True) -> AsyncIterator[CallStage]:
    """Start everything, with all files below `folder`; end it with the block."""
    stage = CallStage(folder, own_network())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(answering(stage.buyer, folder))
        stage.ways[DIRECT] = Way(name=DIRECT, address=stage.buyer)
        await _add_pair(stack, stage, "SQLite", None)
        if postgresql:
            cluster = Cluster.start(durable=True)
            stack.callback(cluster.stop)
            await _add_pair(stack, stage, "PostgreSQL", cluster)
        yield stage


async def _add_pair(stack: AsyncExitStack, stage: CallStage, store: str, cluster: Cluster | None) -> None:
    """An engine alone, and one that asks a server; both keep their records where they do with this store."""
    database_pid = cluster.process_id if cluster is not None else None
    for with_lookup in (False, True):
        name = f"{LOOKUP if with_lookup else ALONE}, {store}"
        data = stage.folder / name.replace(", ", "-").replace(" ", "-")
        data.mkdir()
        database = cluster.create_database() if cluster is not None else None
        if database is not None:
            create_engine_tables(database)
        address = f"{stage.network}.{len(stage.ways)}"
        settings = _settings(data, address, database, carrier=stage.carrier)
        engine = SipEngine(settings) if with_lookup else EngineAlone(settings, stage.buyer)
        stack.push_async_callback(engine.stop)
        await engine.start()
        engine_pid = int((engine.folder / "run" / "pid").read_text())
        server = None
        if with_lookup:
            catalog = stage.folder / "calls.yaml"
            catalog.write_text(catalog_yaml(stage.buyer))
            running = running_server(catalog, data=data, database=database, environment=_variables(settings))
            server = stack.enter_context(running)
            _wait_until_connected(data / "serve.log")
        stage.ways[name] = Way(
            name=name,
            address=address,
            engine_pid=engine_pid,
            server_pid=server.pid if server is not None else None,
            server_port=server.port if server is not None else None,
            database_pid=database_pid,
        )


class EngineAlone(SipEngine):
    """Kamailio without the lookup."""

    def __init__(self, settings: Settings, buyer: str) -> None:
        super().__init__(settings)
        self._buyer = buyer

    async def _spawn(self, command: list[str], log: Path) -> asyncio.subprocess.Process:
        routes = self.folder / "routes.cfg"
        routes.write_text(without_lookup(routes.read_text(), self._buyer))
        return await super()._spawn(command, log)


def without_lookup(routes: str, buyer: str) -> str:
    """`routes.cfg` with what the router would answer written in, and with nobody to tell."""
    for part in (_LOOKUP, _TELLING):
        if routes.count(part) != 1:
            raise ValueError(f"routes.cfg has changed: it does not have {part!r} once")
    attempts = (f"00000000-0000-7000-8000-{number:012}" for number in range(BUYERS))
    headers = (
        "X-Ringbid-Call: 00000000-0000-7000-8000-000000000000\r\nX-Ringbid-Key: 00000000000000000000000000000000\r\n"
    )
    steps = [
        {
            "ring_ms": _RING_SECONDS * 1000,
            "dials": [{"uri": uri, "attempt": attempt, "longest": _LONGEST_SECONDS, "recover": 0, "headers": headers}],
        }
        for uri, attempt in zip(_buyer_uris(buyer), attempts, strict=True)
    ]
    answer = json.dumps({"do": "connect", "ask": "none", "steps": steps})
    fixed = (
        f"    $avp(answer) = '{answer}';\n    $avp(step) = 0;\n    $avp(steps) = {BUYERS};\n"
        "    dlg_manage();\n    route(NEXT_STEP);\n"
    )
    return routes.replace(_LOOKUP, fixed).replace(_TELLING, f"{_TELLING}    return;\n")


def catalog_yaml(buyer: str) -> str:
    """One campaign, three buyers with caps, filters and prices. Every call converts: every call is whole."""
    buyers = [
        {
            "id": f"buyer_{number}",
            "name": f"Buyer {number}",
            "number": uri,
            "ring_seconds": _RING_SECONDS,
            "max_duration_seconds": _LONGEST_SECONDS,
            "caps": {"concurrency": 100_000, "daily": 10_000_000},
            "filters": [{"tag": "caller_state", "operator": "in", "value": ["CA", "NV", "NY"]}],
        }
        for number, uri in enumerate(_buyer_uris(buyer))
    ]
    ids = [one["id"] for one in buyers]
    campaign: dict[str, Any] = {
        "id": "calls",
        "name": "calls",
        "numbers": [{"number": NUMBER}],
        "rtb_keys": [{"key": KEY, "name": "Default", "ttl_seconds": 3600}],
        "routing": {"strategy": "bid", "buyers": [{"buyer": one, "priority": 1, "weight": 1} for one in ids]},
        "conversions": [
            {"name": f"{one} pays", "buyer": one, "seconds": 0, "revenue": 1.5 + number, "payout": "80%"}
            for number, one in enumerate(ids)
        ],
    }
    catalog = {
        "company": {"id": "bench", "name": "Bench", "time_zone": "America/New_York", "currency": "USD"},
        "tags": [{"key": "age", "type": "number"}],
        "publishers": [{"id": "bench", "name": "Load generator"}],
        "buyers": buyers,
        "campaigns": [campaign],
    }
    return yaml.safe_dump(catalog, sort_keys=False)


def _buyer_uris(buyer: str) -> list[str]:
    return [f"sip:buyer{number}@{buyer}" for number in range(BUYERS)]


def _settings(data: Path, address: str, database: str | None, *, carrier: str) -> Settings:
    sip = Sip(
        domain="sip.ringbid.test",
        listen_addresses=(f"udp:{address}:5060",),
        trusted_networks=(f"{carrier}/32",),
        router_address=f"{address}:8448",
        control_address=f"{address}:8449",
    )
    return Settings(data=data, database=database, sip=sip)


def _variables(settings: Settings) -> dict[str, str]:
    """What the server must know of the engine's settings."""
    sip = settings.sip
    return {
        "RINGBID_SIP_DOMAIN": str(sip.domain),
        "RINGBID_SIP_LISTEN_ADDRESSES": json.dumps(sip.listen_addresses),
        "RINGBID_SIP_ROUTER_ADDRESS": sip.router_address,
        "RINGBID_SIP_CONTROL_ADDRESS": sip.control_address,
    }


def _wait_until_connected(log: Path) -> None:
    """Until the server's router has greeted its engine."""
    ends_at = time.monotonic() + _READY_SECONDS
    while b"sip_engine_connected" not in log.read_bytes():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"no router connected:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)
