"""The ping tester's form filled in from a ping that came: the same ping is tried again, once its refusal is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ringbid.accounts.actor import Role
from ringbid.catalog.changing import Applied
from ringbid.catalog.ports import Author
from ringbid.catalog.snapshot import key_id_of
from ringbid.values.ids import CompanyId
from support.catalog_desk import ACME, CatalogDesk, catalog_desk, fields_in
from support.catalogs import ACME_KEY, ACME_TEXT, KEY
from support.web import OWNER, FixedIdentities

OTHER = CompanyId("other")
PEOPLE = FixedIdentities(
    {
        "owner": OWNER,
        "analyst": replace(OWNER, user_id="u-9", role=Role.ANALYST),
        "stranger": replace(OWNER, user_id="u-8", company_id=OTHER),
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


async def hand_over(desk: CatalogDesk) -> None:
    """All that Acme has becomes another company's, key and number too; Acme gets others."""
    left = ACME_TEXT.replace(ACME_KEY, KEY)
    for number in ("+18444021146", "+18885551234"):
        left = left.replace(number, f"{number[:-1]}9")
    for company, text in ((ACME, left), (OTHER, ACME_TEXT.replace("id: acme\n", f"id: {OTHER}\n"))):
        outcome = await desk.office.editor.rewrite(Author(name="test"), company, None, text)
        assert isinstance(outcome, Applied), outcome
        await desk.in_force(company)


def test_another_company_s_ping_fills_nothing_in(tmp_path: Path) -> None:
    """Nor does it where the key that it came with is this company's by now."""

    async def story(desk: CatalogDesk, uuid: str) -> None:
        await hand_over(desk)
        desk.session = "stranger"
        page = await desk.get(f"/tester?ping={uuid}")
        assert page.status == 200
        form = fields_in(page)
        assert form["key"] == key_id_of(ACME_KEY)
        assert (form["more"], form["tag.age"], form["tag.jornaya_id"]) == ("", "", "")
        for name in ("caller_number", "jornaya_id", "note"):
            assert SENT[name] not in page.body.decode()

    tell(tmp_path, story)
