"""Event webhooks by API and console: their secrets are shown once, and events look like what the API answers."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from ringbid.outbox.message import event_endpoint
from support.api_v1 import Api, api_world
from support.call_stage import exchange
from support.call_world import dials
from support.catalog_desk import CatalogDesk, catalog_desk
from support.event_receiver import ACME
from support.store_clients import rows_of
from support.stores import StorePlace

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{40,}")
CRM = {"id": "crm", "url": "https://crm.example/in"}


def ask(place: StorePlace, story: Callable[[Api], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with api_world(place) as api:
            await story(api)

    asyncio.run(happen())


def sit_down(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with catalog_desk(folder) as desk:
            await story(desk)

    asyncio.run(happen())


async def signing(api: Api) -> tuple[str, ...]:
    return await api.world.store.outbox.secrets(ACME, endpoint=event_endpoint("crm"))


def test_the_answer_that_adds_a_webhook_has_its_secret_and_no_other_has(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        added = await api.send("POST", "/event-webhooks", json=CRM)
        assert (added.status_code, await signing(api)) == (201, (added.json()["secret"],))
        for path in ("/event-webhooks", "/event-webhooks/crm", "/catalog"):
            assert not SECRET.search((await api.get(path)).text), path

    ask(sqlite_place, story)


def test_a_second_secret_signs_beside_the_first_until_that_is_dropped(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        first = (await api.send("POST", "/event-webhooks", json=CRM)).json()["secret"]
        made = await api.send("POST", "/event-webhooks/crm/secrets")
        second = made.json()["secret"]
        assert (made.status_code, await signing(api)) == (201, (second, first))
        dropped = await api.send("DELETE", "/event-webhooks/crm/secrets")
        assert (dropped.status_code, await signing(api)) == (204, (second,))

    ask(sqlite_place, story)


def test_a_webhook_that_comes_back_under_its_old_id_has_another_secret(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        added = await api.send("POST", "/event-webhooks", json=CRM)
        match = {"if-match": added.headers["etag"]}
        assert (await api.send("DELETE", "/event-webhooks/crm", headers=match)).status_code == 204
        again = await api.send("POST", "/event-webhooks", json=CRM)
        assert await signing(api) == (again.json()["secret"],)
        assert added.json()["secret"] != again.json()["secret"]

    ask(sqlite_place, story)


def test_nobody_gets_a_secret_of_what_is_not_there(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        assert (await api.send("POST", "/event-webhooks/crm/secrets")).status_code == 404
        await api.send("POST", "/event-webhooks", json=CRM)
        assert (await api.send("POST", "/event-webhooks/crm/secrets", by="stranger")).status_code == 404
        assert (await api.send("POST", "/event-webhooks/crm/secrets", by="analyst")).status_code == 403

    ask(sqlite_place, story)


def test_events_look_like_what_the_api_answers(sqlite_place: StorePlace) -> None:
    """Each field that a resource of the API has, too, says the same there at that moment."""

    async def story(api: Api) -> None:
        world = api.world
        catalog = exchange()
        catalog["event_webhooks"] = [{**CRM, "caller_number": True}]
        await world.apply(catalog=catalog)
        world.clock.advance(100)
        reserved = await world.ping(caller="+12125550133")
        row = next(one for one in (await api.get("/pings")).json()["data"] if one["uuid"] == reserved["uuid"])
        assert told(sqlite_place, "ping.reserved").items() <= row.items()
        [dial, *_] = dials(await world.arrive("call-2", caller="+12125550133"))
        call = (await world.stored("call-2")).call_id
        assert told(sqlite_place, "call.started").items() <= (await api.get(f"/calls/{call}")).json()["call"].items()
        await world.talk(dial, 120, "call-2")
        ended = told(sqlite_place, "call.ended")
        assert ended.pop("reason") is None
        listed = next(one for one in (await api.get("/calls")).json()["data"] if one["uuid"] == call)
        assert ended.items() <= listed.items()
        booked = (await api.get(f"/calls/{call}")).json()["booked"]
        conversion = told(sqlite_place, "conversion.created")
        assert any(line.items() <= conversion.items() for line in booked)
        other = await world.ping(caller="+12125550144")
        world.clock.advance(20)
        await world.store.sweep()
        expired = told(sqlite_place, "reservation.expired")
        reservation = (await api.get(f"/pings/{other['uuid']}")).json()["reservation"]
        same = expired.keys() & reservation.keys()
        assert {"state", "payout", "expires_at", "ttl_seconds"} <= same
        assert {name: expired[name] for name in same} == {name: reservation[name] for name in same}

    ask(sqlite_place, story)


class _Request(msgspec.Struct):
    body: bytes


def told(place: StorePlace, kind: str) -> dict[str, Any]:
    """What the newest event of a kind says."""
    [(document,)] = rows_of(place, f"select request from outbox where kind = '{kind}' order by id desc limit 1")
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.decode(bytes(document), type=_Request).body)["data"]
    return data


def test_the_console_adds_a_webhook_and_shows_its_secret_once(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        form = {"id": "crm", "url": "https://crm.example/in", "events": "call.ended, conversion.created"}
        shown = await desk.save("/settings/webhooks/edit", **form)
        secret = secret_in(shown.body)
        [webhook] = (await desk.catalog()).event_webhooks
        assert (webhook.id, webhook.events) == ("crm", ("call.ended", "conversion.created"))
        for path in (
            "/settings/webhooks",
            "/settings/webhooks/edit?name=crm",
            "/catalog/yaml",
            "/audit",
            "/deliveries",
        ):
            page = await desk.get(path)
            assert (page.status, b"whsec_" in page.body) == (200, False), path
        assert await desk.office.messages.secrets(ACME, endpoint=event_endpoint("crm")) == (secret,)
        second = secret_in((await desk.post("/settings/webhooks/secret?name=crm", {"do": "new"})).body)
        assert await desk.office.messages.secrets(ACME, endpoint=event_endpoint("crm")) == (second, secret)
        assert (await desk.post("/settings/webhooks/secret?name=crm", {"do": "drop"})).status == 303
        assert await desk.office.messages.secrets(ACME, endpoint=event_endpoint("crm")) == (second,)
        audit = (await desk.get("/audit")).body
        assert b"event_webhooks[crm].secret" in audit
        assert b"whsec_" not in audit

    sit_down(tmp_path, story)


def test_what_is_wrong_with_a_webhook_stands_at_its_field(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        refused = await desk.save("/settings/webhooks/edit", id="crm", url="crm.example", events="call.over")
        text = html.unescape(refused.body.decode())
        assert refused.status == 422
        assert "a URL that begins with http:// or https:// and a host" in text
        assert 'Found "call.over"; allowed: one of the events' in text
        assert (await desk.catalog()).event_webhooks == ()

    sit_down(tmp_path, story)


def test_a_webhook_is_edited_paused_and_removed_in_the_console(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        await desk.save("/settings/webhooks/edit", id="crm", url="https://crm.example/in")
        saved = await desk.save("/settings/webhooks/edit?name=crm", paused="true", url="https://crm.example/other")
        assert saved.status in (200, 303)
        [webhook] = (await desk.catalog()).event_webhooks
        assert (webhook.url, webhook.paused) == ("https://crm.example/other", True)
        removed = await desk.post("/settings/webhooks/edit?name=crm", {"do": "remove"})
        assert (removed.status, (await desk.catalog()).event_webhooks) == (303, ())

    sit_down(tmp_path, story)


def test_event_webhooks_are_written_as_yaml(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        at = "/catalog/yaml?path=event_webhooks"
        text = "- {id: crm, url: 'https://crm.example/in', events: [call.ended]}"
        assert (await desk.get(at)).status == 200
        saved = await desk.save(at, text=text)
        assert saved.status == 303, saved.body
        assert [one.id for one in (await desk.catalog()).event_webhooks] == ["crm"]
        assert b"call.ended" in (await desk.get(at)).body

    sit_down(tmp_path, story)


def secret_in(body: bytes) -> str:
    found = SECRET.search(html.unescape(body.decode()))
    assert found is not None, body.decode()
    return found[0]
