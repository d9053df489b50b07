"""Endings of a ping that need two things at once, or a client that misbehaves: what no scenario file can say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ringbid.buyers.protocol import Answer, Ask
from ringbid.reservations.ports import StoreUnavailable
from ringbid.reservations.trace import decode
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.asgi import Response, call
from support.fake_buyers import ScriptedOutbound
from support.scenario import KEY, World, apply_changes, catalog_text, newest, open_world

DECLINE = Answer(status=200, headers=(), body=b'{"accepted": false}')
QUERY = {"key": KEY, "publisher_id": "4321ABCD"}


def in_world(test: Callable[[World], Awaitable[None]], folder: Path, **scenario: Any) -> None:
    async def run() -> None:
        async with open_world(folder, scenario) as world:
            await test(world)

    asyncio.run(run())


class HeldBuyers(ScriptedOutbound):
    """Buyers that answer when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        self.asks.append(ask)
        self.asked.set()
        await self.may_answer.wait()
        return DECLINE


def hold_buyers(world: World) -> HeldBuyers:
    held = HeldBuyers()
    world.outbound.send = held.send  # type: ignore[method-assign]  # -- the app already holds this object
    return held


async def ping(world: World, caller: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await call(world.app, "POST", "/rtbs.json", query={**QUERY, "caller_number": caller}, headers=named)


def test_a_second_request_with_the_same_idempotency_key_is_told_that_the_first_still_runs(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        buyers = hold_buyers(world)
        first = asyncio.ensure_future(ping(world, "+12135550101", idempotency_key="k"))  # noqa: TID251 -- a test's own
        await buyers.asked.wait()
        second = await ping(world, "+12135550101", idempotency_key="k")
        assert (second.status, second.json["code"]) == (409, Reason.IDEMPOTENCY_KEY_IN_FLIGHT.code)
        assert second.headers["retry-after"] == "1"
        buyers.may_answer.set()
        assert (await first).json["status"] == "reserved"

    in_world(scene, tmp_path)


def test_two_pings_of_one_caller_at_once_ask_the_buyers_once_and_get_one_place(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        buyers = hold_buyers(world)
        both = asyncio.gather(ping(world, "+12135550101"), ping(world, "+12135550101"))
        await buyers.asked.wait()
        buyers.may_answer.set()
        first, second = (response.json for response in await both)
        assert first["uuid"] == second["uuid"]
        assert [reply.get("retreaver_ping_shield") for reply in (first, second)] == [None, True]
        assert len(buyers.asks) == 1

    in_world(scene, tmp_path)


def test_more_pings_than_the_server_takes_at_once_are_overloaded_with_a_time_to_come_back(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        buyers = hold_buyers(world)
        first = asyncio.ensure_future(ping(world, "+12135550101"))  # noqa: TID251 -- a test's own
        await buyers.asked.wait()
        second = await ping(world, "+12135550102")
        assert (second.status, second.json["code"]) == (503, Reason.OVERLOADED.code)
        assert int(second.headers["retry-after"]) >= 1
        buyers.may_answer.set()
        assert (await first).json["status"] == "reserved"

    in_world(scene, tmp_path, settings={"limits": {"pings_in_flight": 1}})


def test_a_body_that_does_not_arrive_in_time_is_cut_off(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.get_running_loop().create_future()
            raise AssertionError("nothing arrives")

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(b"content-length", b"10")]
        scope = {"type": "http", "method": "POST", "path": "/rtbs.json", "query_string": b"", "headers": headers}
        await world.app(scope, receive, send)
        assert sent[0]["status"] == 408
        assert Reason.BODY_TOO_SLOW.code in sent[1]["body"].decode()

    in_world(scene, tmp_path, settings={"limits": {"body_seconds": 0.01}})


def test_a_buyer_that_is_paused_or_removed_while_others_are_asked_gets_no_call(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        buyers = hold_buyers(world)
        waiting = asyncio.ensure_future(ping(world, "+12135550101"))  # noqa: TID251 -- a test's own
        await buyers.asked.wait()
        routing = {
            "campaigns[auto-insurance].routing.buyers[alpha]": "~remove",
            "buyers[delta].paused": True,
        }
        await apply_changes(world, catalog_text({"change": routing}))
        buyers.may_answer.set()
        reply = (await waiting).json
        assert reply["status"] == "no-target"
        verdicts = {verdict.buyer: verdict.reason for verdict in decode((await newest(world)).trace).verdicts}
        assert verdicts["alpha"] == Reason.BUYER_REMOVED.code
        assert verdicts["delta"] == Reason.BUYER_PAUSED.code

    in_world(scene, tmp_path)


def test_a_store_that_cannot_write_is_said_and_nothing_is_promised(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async def settle(_: object) -> None:
            raise StoreUnavailable("disk full")

        world.outbound.answers = {"charlie bid": {"json": {"accepted": False}}}
        world.store.reservations.settle = settle  # type: ignore[assignment]  # -- a database that went away
        reply = await ping(world, "+12135550101")
        assert (reply.status, reply.json["code"]) == (503, Reason.STORE_UNAVAILABLE.code)
        assert "inbound_number" not in reply.json
        assert reply.headers["retry-after"] == "1"

    in_world(scene, tmp_path)


def test_a_confirm_after_the_caps_filled_ends_the_reservation_for_that_reason(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        first = (await ping(world, "+12135550101")).json["uuid"]
        second = (await ping(world, "+12135550102")).json["uuid"]
        key_id = next(iter(world.catalogs.snapshot.keys))
        store = world.store.reservations
        await store.confirm(PingId(second), key_id=key_id, subjects_of=world.subjects_of)
        refused = await store.confirm(PingId(first), key_id=key_id, subjects_of=world.subjects_of)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.CAPS_FILLED
        assert refused.actual == "1 of 1"

    changes = {"buyers[alpha].caps": {"concurrency": 1}, "buyers[charlie].paused": True}
    in_world(scene, tmp_path, change=changes)
