"""The console's pages of the catalog: everything is shown, saved by the rules of the file, and found by its setting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from ringbid.accounts.actor import Role
from ringbid.catalog.file_fields import catalog_fields
from ringbid.catalog.paths import identity
from ringbid.catalog.snapshot import key_id_of
from ringbid.reports.settings_links import setting_link
from ringbid.values.ids import PingId
from support.asgi import Response
from support.catalog_desk import CatalogDesk, catalog_desk, fields_in, ids_in
from support.catalogs import ACME
from support.web import OWNER, FixedIdentities

KEYS = "/campaigns/auto-insurance/keys/edit"
PING = PingId("018fc4a9-0000-7000-8000-000000000001")


def tell(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]], **more: Any) -> None:
    async def happen() -> None:
        async with catalog_desk(folder, **more) as desk:
            await story(desk)

    asyncio.run(happen())


def settings_of(tree: dict[str, object], path: str = "") -> list[str]:
    """Every path of the catalog that a setting may name: fields, lists and what is in them."""
    found: list[str] = []
    for name, value in tree.items():
        at = f"{path}.{name}" if path else name
        found.append(at)
        if isinstance(value, dict) and name not in {"headers", "outputs", "tags", "body"}:
            found += settings_of(value, at)
        elif isinstance(value, list):
            for index, thing in enumerate(value):
                if isinstance(thing, dict):
                    found += settings_of(thing, f"{at}[{identity(name, thing, index)}]")
    return found


def told(response: Response) -> str:
    return response.body.decode()


def test_every_setting_leads_to_a_page_that_has_its_field(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        lost = []
        pages: dict[str, Response] = {}
        settings = [
            path
            for path in settings_of(catalog_fields(ACME))
            if not path.endswith((".key_sha256", "].id", "company.id"))
        ]
        assert len(settings) > 150
        for setting in settings:
            link = setting_link(setting, ping_id=PING)
            assert link is not None, setting
            path, _, anchor = link.partition("#")
            page = pages.get(path) or await desk.get(path)
            pages[path] = page
            if page.status != 200 or (anchor and anchor not in ids_in(page)):
                lost.append(f"{setting} → {link}: {page.status}")
        assert not lost, "\n".join(lost)

    tell(tmp_path, story)


def test_whoever_opened_a_setting_from_a_refused_ping_is_led_back_to_it_by_saving(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = str(setting_link("buyers[alpha].caps.concurrency", ping_id=PING)).partition("#")[0]
        assert f'href="/call_reservations/{PING}">Cancel' in told(await desk.get(path))
        saved = await desk.save(path, caps__concurrency="7")
        assert (saved.status, saved.headers["location"]) == (303, f"/call_reservations/{PING}")
        refused = await desk.save(path, caps__concurrency="many")
        assert refused.status == 422
        assert f'href="/call_reservations/{PING}">Cancel' in told(refused)

    tell(tmp_path, story)


@pytest.mark.parametrize("ping", ["", "//evil.example", "../logout", f"{PING}/.."])
def test_what_is_no_ping_leads_nowhere(ping: str, tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        saved = await desk.save(f"/buyers/alpha?ping={ping}", caps__concurrency="7")
        assert (saved.status, saved.headers["location"]) == (303, "/buyers")

    tell(tmp_path, story)


@pytest.mark.parametrize("setting", ["outbound.allow_private", "outbound.ports", "outbound.breaker_failures"])
def test_a_setting_of_the_server_leads_to_the_page_that_explains_it(setting: str, tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path, _, anchor = str(setting_link(setting)).partition("#")
        page = await desk.get(path)
        assert (page.status, anchor in ids_in(page)) == (200, True)

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "path",
    [
        "/buyers/alpha",
        "/buyers/bravo",
        "/buyer-groups/edit?name=overflow",
        "/publishers/PUB-OFF",
        "/settings/catalog",
        "/settings/tags/edit?name=age",
        "/campaigns/auto-insurance",
        "/campaigns/auto-insurance/routing",
        "/campaigns/auto-insurance/routing/edit?name=alpha",
        f"{KEYS}?name=Default",
        "/campaigns/auto-insurance/numbers/edit?name=%2B18885551234",
        "/campaigns/auto-insurance/conversions/edit?name=charlie%20pays%20what%20it%20bids",
        "/campaigns/auto-insurance/webhooks/edit?name=charlie%20bid",
        "/campaigns/auto-insurance/webhooks/edit?name=tell%20the%20publisher",
    ],
)
def test_saving_a_page_as_it_is_changes_nothing(path: str, tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        response = await desk.save(path)
        assert response.status == 303, told(response)
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_a_saved_field_is_in_force_and_nothing_else_changes(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        filters = "caller_state in CA, NV\nage >= 21"
        response = await desk.save(
            "/buyers/alpha", caps__daily="7", hours="Mon-Fri 9:00-17:00", filters=filters, holidays="US-CA"
        )
        assert (response.status, response.headers["location"]) == (303, "/buyers")
        alpha, before = (await desk.catalog()).buyers[0], ACME.buyers[0]
        assert (alpha.caps.daily, alpha.holidays, len(alpha.filters)) == (7, "US-CA", 2)
        assert replace(alpha, caps=before.caps, hours=before.hours, filters=before.filters, holidays=None) == before, (
            "the rest is as it was"
        )

    tell(tmp_path, story)


def test_of_several_buyers_those_whose_boxes_are_ticked_are_taken(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        path = "/buyer-groups/edit?name=overflow"
        before = (await desk.catalog()).buyer_groups[0]
        page = await desk.get(path)
        assert fields_in(page)["buyers"] == ["", "alpha", "delta"]
        assert "Bravo Health (bravo)" in told(page)
        await desk.save(path, buyers=["", "delta", "bravo"])
        assert (await desk.catalog()).buyer_groups[0] == replace(before, buyers=("delta", "bravo"))
        rule = "/campaigns/auto-insurance/conversions/edit?name=charlie%20pays%20what%20it%20bids"
        await desk.save(rule, buyer="")
        [free] = [one for one in (await desk.catalog()).campaigns[0].conversions if one.name.startswith("charlie")]
        assert free.buyers == ()

    tell(tmp_path, story)


def test_a_box_that_is_no_choice_is_refused_with_what_was_ticked(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        refused = await desk.save("/buyer-groups/edit?name=overflow", buyers=["", "alpha", "nobody"])
        assert refused.status == 422
        assert fields_in(refused)["buyers"] == ["", "alpha", "nobody"]
        assert "nobody (not there)" in told(refused)
        assert 'aria-invalid="true" autofocus' in told(refused)

    tell(tmp_path, story)


def test_what_is_wrong_stands_at_its_field_with_what_was_written(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        response = await desk.save("/buyers/alpha", caps__daily="many", filters="age is old")
        assert response.status == 422
        assert 'id="caps-daily-error"' in told(response)
        assert 'id="filters-error"' in told(response)
        assert fields_in(response)["caps.daily"] == "many"
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_pausing_asks_first_with_the_calls_on_the_line(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        asked = await desk.save("/buyers/alpha", paused="true")
        assert asked.status == 200
        assert "0 calls are on the line now" in told(asked)
        assert not (await desk.catalog()).buyers[0].paused
        done = await desk.post("/buyers/alpha", fields_in(asked) | {"do": "save"})
        assert done.status == 303, told(done)
        assert (await desk.catalog()).buyers[0] == replace(ACME.buyers[0], paused=True)
        resumed = await desk.post("/buyers/alpha/pause", {"paused": "false"})
        assert resumed.status == 303
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_a_save_over_somebody_else_s_shows_both(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        form = fields_in(await desk.get("/buyers/alpha")) | {"do": "save", "ring_seconds": "25"}
        await desk.save("/buyers/alpha", caps__daily="9")
        conflict = await desk.post("/buyers/alpha", form)
        assert conflict.status == 409
        assert "buyers[alpha].caps.daily" in told(conflict)
        shown = fields_in(conflict)
        assert (shown["caps.daily"], shown["ring_seconds"]) == ("9", "25"), "theirs, and what was written"
        assert (await desk.post("/buyers/alpha", shown | {"do": "save"})).status == 303
        alpha = (await desk.catalog()).buyers[0]
        assert (alpha.caps.daily, alpha.ring_seconds) == (9, 25)

    tell(tmp_path, story)


def test_things_are_added_and_removed(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        added = await desk.save("/buyers/new", id="echo", name="Echo", number="+12025550105", caps__concurrency="3")
        assert added.status == 303, told(added)
        routed = await desk.save("/campaigns/auto-insurance/routing/edit", buyer="echo", priority="2")
        assert routed.status == 303, told(routed)
        catalog = await desk.catalog()
        assert (catalog.buyers[-1].id, catalog.buyers[-1].caps.concurrency) == ("echo", 3)
        assert catalog.campaigns[0].routing.buyers[-1].buyer == "echo"
        refused = await desk.post("/buyers/echo", {"do": "remove"})
        assert refused.status == 422, "a campaign still routes to it"
        assert "campaigns[auto-insurance].routing.buyers[echo].buyer" in told(refused)
        form = {"do": "remove", "confirmed": "yes"}
        assert (await desk.post("/campaigns/auto-insurance/routing/edit?name=echo", form)).status == 303
        assert (await desk.post("/buyers/echo", form)).status == 303
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_a_new_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        shown = await desk.save(KEYS, name="Second", ttl_seconds="20")
        assert shown.status == 200
        secret = fields_in(shown)["secret"]
        key = (await desk.catalog()).campaigns[0].rtb_keys[-1]
        assert (key.name, key.ttl_seconds, key.id) == ("Second", 20, key_id_of(secret))
        assert secret not in told(await desk.get(f"{KEYS}?name=Second"))
        assert secret not in told(await desk.get("/catalog/yaml"))

    tell(tmp_path, story)


def test_a_rule_is_moved_and_renamed(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = "/campaigns/auto-insurance/conversions"
        moved = await desk.post(f"{page}/edit?name=alpha%20and%20delta", {"do": "move 0"})
        assert moved.status == 303
        saved = await desk.save(f"{page}/edit?name=alpha%20and%20delta", name="A/D [x]", payout="70%", seconds="60")
        assert saved.status == 303, told(saved)
        rules = (await desk.catalog()).campaigns[0].conversions
        assert [rule.name for rule in rules][:2] == ["A/D [x]", "charlie pays what it bids"]
        assert "A/D [x]" in told(await desk.get(page))
        assert (await desk.get(f"{page}/edit?name=A%2FD%20%5Bx%5D")).status == 200

    tell(tmp_path, story)


def test_the_picture_of_a_key_follows_its_fields(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        picture = told(await desk.get("/key-picture?timeout_seconds=1&ttl_seconds=30"))
        assert "Buyers get 0.9 s, the publisher has its answer within 1 s, and the number is held 30 s" in picture
        assert "Buyers get 4.8 s" in told(await desk.get("/key-picture?timeout_seconds=soon&ttl_seconds="))

    tell(tmp_path, story)


def test_a_thing_and_the_whole_catalog_are_edited_as_yaml(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        form = fields_in(await desk.get("/catalog/yaml?path=buyers%5Bbravo%5D"))
        text = form["text"].replace("Bravo Health", "Bravo Plus")
        planned = await desk.post("/catalog/yaml", form | {"text": text, "do": "plan"})
        assert "buyers[bravo].name" in told(planned)
        assert await desk.catalog() == ACME
        assert (await desk.post("/catalog/yaml", form | {"text": text, "do": "save"})).status == 303
        assert (await desk.catalog()).buyers[1].name == "Bravo Plus"
        late = await desk.post("/catalog/yaml", form | {"do": "save"})
        assert late.status == 409
        whole = fields_in(await desk.get("/catalog/yaml"))
        broken = await desk.post("/catalog/yaml", whole | {"text": whole["text"] + "\nbuyers: 5\n", "do": "save"})
        assert broken.status == 422
        back = whole["text"].replace("Bravo Plus", "Bravo Health")
        assert (await desk.post("/catalog/yaml", whole | {"text": back, "do": "save"})).status == 303
        assert await desk.catalog() == ACME

    tell(tmp_path, story)


def test_an_analyst_sees_everything_and_changes_nothing(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        desk.session = "analyst"
        page = await desk.get("/buyers/alpha")
        assert page.status == 200
        assert 'value="save"' not in told(page)
        assert (await desk.post("/buyers/alpha", {"do": "remove", "confirmed": "yes"})).status == 403

    analyst = replace(OWNER, role=Role.ANALYST)
    tell(tmp_path, story, identities=FixedIdentities({"owner": OWNER, "analyst": analyst}))


def test_buyers_are_shown_with_their_state_and_caps(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = told(await desk.get("/buyers"))
        for words in ("Alpha Insurance", "0 of 2", "0 of 100", "resets", "Overflow desk", "open"):
            assert words in page, words
        for path in ("/campaigns", "/publishers", "/numbers", "/settings/tags", "/campaigns/auto-insurance/webhooks"):
            assert (await desk.get(path)).status == 200, path
        assert "No conversion rule of any campaign pays publisher PUB-FREE" in told(await desk.get("/campaigns"))
        for path in ("/campaigns/auto-insurance", "/campaigns/auto-insurance/conversions"):
            assert "No rule of this campaign pays publisher PUB-FREE" in told(await desk.get(path)), path

    tell(tmp_path, story)


def test_a_buyer_s_page_says_how_it_stands_and_how_its_address_answers(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        page = told(await desk.get("/buyers/alpha"))
        assert "<h1>Alpha Insurance</h1>" in page
        for words in ("0 of 2", "0 of 100", "Group Overflow desk", "It was not asked for a bid lately."):
            assert words in page, words
        for name in ("publishers/4321ABCD", "campaigns/auto-insurance/keys/edit?name=Default", "buyers/alpha"):
            [*links] = re.findall(r'href="(/(?:pings|calls|reports)\?[^"]+)"', told(await desk.get(f"/{name}")))
            assert links, name
            for link in links:
                answer = await desk.get(unescape(link))
                assert answer.status == 200, f"{link} is no question that the list answers"

    tell(tmp_path, story)
