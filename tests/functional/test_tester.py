"""The ping tester's form filled in from a ping that came: the same ping is tried again, once its refusal is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ringbid.accounts.actor import Role
from ringbid.values.ids import CompanyId
from support.catalog_desk import CatalogDesk, catalog_desk, fields_in
from support.catalogs import ACME_KEY
from support.web import OWNER, FixedIdentities

PEOPLE = FixedIdentities(
    {
        "owner": OWNER,
        "analyst": replace(OWNER, user_id="u-9", role=Role.ANALYST),
        "stranger": replace(OWNER, user_id="u-8", company_id=CompanyId("other")),
    }
)
SENT = {"caller_number": "+13105559147", "caller_zip": "90210", "age": "15", "jornaya_id": "J-4711", "note": "a = b"}


def tell(folder: Path, story: Callable[[CatalogDesk, str], Awaitable[None]]) -> None:
    """With the uuid of a ping that got a reservation."""

    async def happen() -> None:
        async with catalog_desk(folder, identities=PEOPLE) as desk:
            reply = await desk.ping(key=ACME_KEY, publisher_id="4321ABCD", **SENT)
            assert reply["status"] == "reserved", reply
            await story(desk, reply["uuid"])

    asyncio.run(happen())


def test_a_ping_that_came_fills_the_form_in_as_it_was_sent(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, uuid: str) -> None:
        page = await desk.get(f"/call_reservations/{uuid}")
        assert f'href="/tester?ping={uuid}"' in page.body.decode()
        form = fields_in(await desk.get(f"/tester?ping={uuid}"))
        assert form["publisher_id"] == "4321ABCD"
        assert form["caller_number"] == SENT["caller_number"]
        assert {name: form[f"tag.{name}"] for name in ("caller_zip", "age", "jornaya_id")} == {
            name: SENT[name] for name in ("caller_zip", "age", "jornaya_id")
        }
        assert form["tag.caller_state"] == ""  # it was not sent, so it is found out again
        assert form["more"] == "note=a = b"

    tell(tmp_path, story)


def test_trying_it_again_is_judged_by_what_is_now_and_keeps_nothing(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, uuid: str) -> None:
        form = fields_in(await desk.get(f"/tester?ping={uuid}"))
        tried = await desk.post("/tester", form)
        assert tried.status == 200
        assert ">duplicate<" in tried.body.decode()  # its caller has a reservation now
        before = (await desk.get("/api/v1/pings")).json["data"]
        assert [one["uuid"] for one in before] == [uuid]

    tell(tmp_path, story)


def test_a_setting_opened_from_a_ping_that_was_only_tried_does_not_lead_back_to_it(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, uuid: str) -> None:
        stored = (await desk.get(f"/call_reservations/{uuid}")).body.decode()
        assert f'href="/buyers/bravo?ping={uuid}#filters"' in stored
        form = fields_in(await desk.get(f"/tester?ping={uuid}")) | {"caller_number": "+13105559148"}
        tried = (await desk.post("/tester", form)).body.decode()
        assert 'href="/buyers/bravo#filters"' in tried
        assert "?ping=" not in tried

    tell(tmp_path, story)


def test_who_may_not_read_private_tags_tries_without_them(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, uuid: str) -> None:
        desk.session = "analyst"
        page = await desk.get(f"/tester?ping={uuid}")
        assert SENT["jornaya_id"] not in page.body.decode()
        assert fields_in(page)["tag.age"] == SENT["age"]

    tell(tmp_path, story)


@pytest.mark.parametrize("uuid", ["018fc4a9-0000-7000-8000-000000000001", "no-uuid", ""])
def test_a_ping_that_is_not_there_fills_nothing_in(uuid: str, tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, _: str) -> None:
        page = await desk.get(f"/tester?ping={uuid}")
        assert page.status == 200
        assert fields_in(page)["more"] == ""
        assert SENT["caller_number"] not in page.body.decode()

    tell(tmp_path, story)


def test_another_company_s_ping_fills_nothing_in(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk, uuid: str) -> None:
        desk.session = "stranger"
        page = await desk.get(f"/tester?ping={uuid}")
        assert SENT["caller_number"] not in page.body.decode()

    tell(tmp_path, story)
