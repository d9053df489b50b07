"""Every version of the catalog: listed, compared, put in force again; and a change that was just made is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from ringbid.accounts.actor import Role
from ringbid.catalog.changing import Applied
from ringbid.catalog.editing import Set
from ringbid.values.author import Author
from support.asgi import Response
from support.catalog_desk import ACME, CatalogDesk, catalog_desk, fields_in
from support.web import OWNER, FixedIdentities

HISTORY = "/settings/history"
WHO = FixedIdentities({"owner": OWNER, "analyst": replace(OWNER, role=Role.ANALYST)})


def tell(folder: Path, story: Callable[[CatalogDesk], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with catalog_desk(folder, identities=WHO) as desk:
            await story(desk)

    asyncio.run(happen())


def said(response: Response) -> str:
    """The line that the next page shows."""
    return unquote(response.headers["set-cookie"].partition("flash=")[2].partition(";")[0])


async def set_name(desk: CatalogDesk, name: str) -> int:
    """Call alpha so; the version that has it."""
    edition = await desk.office.editor.read(ACME)
    assert edition is not None
    outcome = await desk.office.editor.change(
        Author(name="Ann"), ACME, edition.version, [Set("buyers[alpha].name", name)]
    )
    assert isinstance(outcome, Applied)
    return outcome.version


async def name_of_alpha(desk: CatalogDesk) -> str:
    return next(buyer.name for buyer in (await desk.catalog()).buyers if buyer.id == "alpha")


def test_versions_are_listed_with_who_made_them_and_what_each_changed(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        first, second = await set_name(desk, "One"), await set_name(desk, "Two")
        page = (await desk.get(HISTORY)).body.decode()
        assert page.index(f"version={second}") < page.index(f"version={first}") < page.index("version=1")
        assert "Ann" in page
        shown = (await desk.get(f"{HISTORY}/changes?version={second}")).body.decode()
        changed = shown.partition('id="changed"')[2].partition("</section>")[0]
        assert "buyers[alpha].name" in changed
        assert changed.index(">One<") < changed.index(">Two<")
        assert "This version is in force" in shown
        for nowhere in ("0", "99999", "-1"):
            assert (await desk.get(f"{HISTORY}/changes?version={nowhere}")).status == 404

    tell(tmp_path, story)


def test_an_earlier_version_is_put_in_force_again_as_one_more(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        was = await name_of_alpha(desk)
        await set_name(desk, "One")
        latest = await set_name(desk, "Two")
        page = await desk.get(f"{HISTORY}/changes?version=1")
        sent = {name: value for name, value in fields_in(page).items() if name in ("version", "base")}
        assert sent == {"version": "1", "base": str(latest)}
        answer = await desk.post(f"{HISTORY}/restore", sent)
        assert (answer.status, "Version 1 is in force again" in said(answer)) == (303, True)
        assert await name_of_alpha(desk) == was
        assert len(await desk.office.editor.versions(ACME)) == 4
        changes = await desk.office.people.audit.listing(ACME) if desk.office.people else []
        assert (changes[0].entry.path, changes[0].entry.after) == ("buyers[alpha].name", was)

    tell(tmp_path, story)


def test_nothing_is_restored_over_what_somebody_changed_meanwhile(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        seen = await set_name(desk, "One")
        await set_name(desk, "Two")
        answer = await desk.post(f"{HISTORY}/restore", {"version": "1", "base": str(seen)})
        assert "somebody changed the catalog meanwhile" in said(answer)
        assert await name_of_alpha(desk) == "Two"
        unknown = await desk.post(f"{HISTORY}/restore", {"version": "99999", "base": str(seen + 1)})
        assert "Not restored" in said(unknown)
        assert (await desk.post(f"{HISTORY}/restore", {"version": "x", "base": "1"})).status == 404

    tell(tmp_path, story)


def test_a_change_that_was_saved_is_undone_by_the_button_below_it(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        was = await name_of_alpha(desk)
        saved = await desk.save("/buyers/alpha", name="Renamed")
        assert await name_of_alpha(desk) == "Renamed"
        desk.cookies = saved.headers["set-cookie"].partition(";")[0]
        page = await desk.get(saved.headers["location"])
        assert b">Undo</button>" in page.body
        form = page.body.decode().partition('action="/settings/history/restore"')[2].partition("</form>")[0]
        sent = {
            name: form.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("version", "base", "back")
        }
        undone = await desk.post(f"{HISTORY}/restore", sent)
        assert (undone.status, undone.headers["location"]) == (303, saved.headers["location"])
        assert await name_of_alpha(desk) == was

    tell(tmp_path, story)


def test_an_analyst_reads_the_history_and_restores_nothing(tmp_path: Path) -> None:
    async def story(desk: CatalogDesk) -> None:
        version = await set_name(desk, "One")
        desk.session = "analyst"
        shown = await desk.get(f"{HISTORY}/changes?version=1")
        assert (shown.status, b"Restore version" in shown.body) == (200, False)
        answer = await desk.post(f"{HISTORY}/restore", {"version": "1", "base": str(version)})
        assert (answer.status, await name_of_alpha(desk)) == (403, "One")

    tell(tmp_path, story)
