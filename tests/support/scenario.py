"""Running a scenario file: a catalog, a clock, requests in order, buyers by script, and what must come of each.

See CONTRIBUTING.md, "A scenario". The whole product runs but the network: the HTTP application, the flow, a real SQLite
store; only the buyers' answers and the clock are the file's.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ringbid.bootstrap import apply_to, build_application
from ringbid.edge.api.app import Application
from ringbid.reports.explain import explain
from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import decode
from ringbid.routing.plan import subjects_of
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.ids import BuyerId, PingId
from ringbid.worker.snapshot import Catalogs
from support.asgi import Response, call
from support.clocks import JumpingClock
from support.fake_buyers import ScriptedOutbound

ACME = (Path(__file__).parents[2] / "examples" / "acme.yaml").read_text()
KEY = "1915260e-da0c-4443-a35b-8fb9d9843e42"
MONDAY_NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # noon in New York


@dataclass(slots=True)
class World:
    """One running product of a scenario, with what it said so far."""

    clock: JumpingClock
    settings: Settings
    outbound: ScriptedOutbound
    store: Store
    catalogs: Catalogs
    app: Application
    uuids: dict[str, str] = field(default_factory=dict)  # by the step's name
    last_uuid: str = ""

    def subjects_of(self, buyer_id: BuyerId) -> tuple[Subject, ...]:
        """What has caps when this buyer of the one company takes a call."""
        (company,) = self.catalogs.snapshot.companies.values()
        return subjects_of(company, buyer_id)


@asynccontextmanager
async def open_world(folder: Path, scenario: Mapping[str, Any]) -> AsyncIterator[World]:
    """The product with the scenario's catalog applied, at the scenario's time."""
    clock = JumpingClock(_time(scenario.get("now", MONDAY_NOON)))
    settings = Settings(data=folder, **scenario.get("settings", {}))
    outbound = ScriptedOutbound()
    store, catalogs, app = await _start(settings, clock, outbound)
    world = World(clock, settings, outbound, store, catalogs, app)
    try:
        await apply_changes(world, catalog_text(scenario))
        yield world
    finally:
        await world.store.close()


async def reopen(world: World) -> None:
    """A new process: all that is left is what stands in the store's files."""
    await world.store.close()
    world.store, world.catalogs, world.app = await _start(world.settings, world.clock, world.outbound)


async def _start(
    settings: Settings, clock: JumpingClock, outbound: ScriptedOutbound
) -> tuple[Store, Catalogs, Application]:
    store = await open_store(settings, clock)
    catalogs = Catalogs(store)
    await catalogs.refresh()
    app = build_application(
        store.reservations, catalogs, outbound, settings=settings, clock=clock, random_bytes=_numbered()
    )
    return store, catalogs, app


def _numbered() -> Callable[[int], bytes]:
    """Bytes that are never the same and always the same: a count, told apart between processes by its start."""
    counter = itertools.count(next(_starts) << 32)
    return lambda size: (next(counter) % (1 << 8 * size)).to_bytes(size, "big")


_starts = itertools.count(1)


def catalog_text(scenario: Mapping[str, Any]) -> str:
    """The scenario's catalog: its own, or the acme example, with `change` applied: path → new value."""
    tree = scenario.get("catalog") or yaml.safe_load(re.sub(r"(?m)^(\s+)on:", r'\1"on":', ACME))
    for path, value in scenario.get("change", {}).items():
        put(tree, path, value)
    return yaml_of(tree)


def yaml_of(tree: Any) -> str:
    """A tree as the text of a catalog file."""
    return yaml.safe_dump(tree, sort_keys=False)


def put(tree: Any, path: str, value: Any) -> None:
    """Set `buyers[alpha].paused`-like paths in a tree: `[x]` finds a list's item by id, name, key, tag or buyer, or by
    index; the value `~remove` takes the item away."""
    parts = re.findall(r"\[([^\]]+)\]|([^.\[\]]+)", path)
    steps = [index or name for index, name in parts]
    for step in steps[:-1]:
        tree = tree[_key(tree, step, create=True)]
    last = _key(tree, steps[-1], create=True)
    if value == "~remove":
        del tree[last]
    elif isinstance(tree, list) and last == len(tree):
        tree.append(value)
    else:
        tree[last] = value


def _key(tree: Any, step: str, *, create: bool = False) -> Any:
    if isinstance(tree, dict):
        if create and step not in tree:
            tree[step] = {}
        return step
    if step == "+":
        return len(tree)
    for index, item in enumerate(tree):
        if isinstance(item, dict) and step in {
            str(item.get(name)) for name in ("id", "name", "buyer", "number", "key", "tag")
        }:
            return index
    return int(step)


async def apply_changes(world: World, text: str) -> None:
    """Put a catalog in force, in the store and in the running product."""
    result = await apply_to(world.store, text, plan_only=False, applied_by="scenario")
    assert not result.problems, result.problems
    await world.catalogs.refresh()


async def run_step(world: World, step: Mapping[str, Any], scenario: dict[str, Any]) -> None:
    """One step of a scenario, checked against its `expect`."""
    if "advance_seconds" in step:
        world.clock.advance(step["advance_seconds"])
        return
    if "change" in step:
        scenario["change"] = {**scenario.get("change", {}), **step["change"]}
        await apply_changes(world, catalog_text(scenario))
        return
    world.outbound.answers = step.get("answers", {})
    world.outbound.asks.clear()
    response = await (_send_ping(world, step) if "ping" in step else _send_follow_up(world, step))
    await check(world, response, step.get("expect", {}))


async def _send_ping(world: World, step: Mapping[str, Any]) -> Response:
    parameters = {"key": KEY, "publisher_id": "4321ABCD", "caller_number": "+12135550123", **(step["ping"] or {})}
    parameters = {name: value for name, value in parameters.items() if value != "~absent"}
    headers = {name.lower(): str(value) for name, value in step.get("headers", {}).items()}
    how = step.get("as", "query")
    if how == "json":
        headers.setdefault("content-type", "application/json")
        response = await call(
            world.app,
            "POST",
            "/rtbs.json",
            headers=headers,
            body=msgspec.json.encode(parameters),
            query=step.get("query", ""),
        )
    elif how == "raw":
        response = await call(
            world.app,
            step.get("method", "POST"),
            "/rtbs.json",
            headers=headers,
            query=step.get("query", ""),
            body=step.get("body", "").encode("latin-1"),
        )
    else:
        query = {name: _text(value) for name, value in parameters.items()}
        response = await call(world.app, step.get("method", "POST"), "/rtbs.json", query=query, headers=headers)
    if response.headers.get("content-type") == "application/json" and "uuid" in response.json:
        world.last_uuid = response.json["uuid"]
        world.uuids[step.get("name", "")] = world.last_uuid
    return response


async def _send_follow_up(world: World, step: Mapping[str, Any]) -> Response:
    """`confirm`, `release`, `get` or `extend`, of the ping with that name (`last`: the newest)."""
    verb = next(name for name in ("confirm", "release", "get", "extend", "put") if name in step)
    target = step[verb]
    uuid = world.last_uuid if target == "last" else world.uuids.get(target, target)
    method = {"confirm": "PUT", "release": "DELETE", "get": "GET", "extend": "PATCH", "put": "PUT"}[verb]
    query = {"key": step.get("key", KEY)}
    if verb == "confirm":
        query["status"] = "confirmed"
    query.update({name: _text(value) for name, value in step.get("with", {}).items()})
    return await call(world.app, method, f"/rtbs/{uuid}.json", query=query)


async def check(world: World, response: Response, expect: Mapping[str, Any]) -> None:
    """Every line of `expect` holds."""
    assert response.status == expect.get("http", 200), response.body
    reply = response.json
    for name, value in expect.get("reply", {}).items():
        assert reply.get(name) == value, f"{name}: {reply.get(name)!r} is not {value!r} in {reply}"
    for name in expect.get("absent", ()):
        assert name not in reply, f"{name} stands in {reply}"
    for name, value in expect.get("headers", {}).items():
        assert response.headers.get(name) == str(value), response.headers
    if "code" in expect:
        assert reply["code"] == expect["code"], reply
    if "asked" in expect:
        assert [ask.webhook_name for ask in world.outbound.asks] == expect["asked"]
    if "reason" in expect or "verdicts" in expect or "tags" in expect:
        await _check_record(world, expect)


async def _check_record(world: World, expect: Mapping[str, Any]) -> None:
    stored = await newest(world)
    trace = decode(stored.trace)
    if "reason" in expect:
        assert trace.reason == stored.reason.code == expect["reason"], trace
    found = {verdict.buyer: verdict for verdict in trace.verdicts}
    assert len(found) == len(trace.verdicts), "a buyer has two verdicts"
    wanted_verdicts = dict(expect.get("verdicts", {}))
    others_are_free = wanted_verdicts.pop("*", None) == "any"
    for buyer, given in wanted_verdicts.items():
        wanted = {"reason": given} if isinstance(given, str) else given
        verdict = found.pop(buyer)
        for name, value in wanted.items():
            assert getattr(verdict, name) == value, f"{buyer}.{name}: {getattr(verdict, name)!r} is not {value!r}"
    assert others_are_free or not (wanted_verdicts and found), f"no verdict expected for {sorted(found)}: {found}"
    for name, value in expect.get("tags", {}).items():
        assert name in trace.tags, f"no tag {name} in {sorted(trace.tags)}"
        assert trace.tags[name].value == value, f"tag {name}: {trace.tags[name]}"
    assert explain(stored).headline, "every ping can be explained in a sentence"


async def newest(world: World) -> StoredPing:
    """The record of the newest ping (a duplicate's own, not its original's)."""
    with closing(sqlite3.connect(world.settings.data / "ringbid.sqlite")) as connection:
        (uuid,) = connection.execute("select uuid from ping order by id desc limit 1").fetchone()
    stored = await world.store.reservations.find(PingId(uuid))
    assert stored is not None
    return stored


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
