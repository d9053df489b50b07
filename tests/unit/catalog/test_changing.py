"""Changing a catalog in force: against the version it was read at, for one company, with what the store says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbid.catalog.changing import Applied, CatalogEditor, Conflict, Edition, Invalid
from ringbid.catalog.editing import Add, Set
from ringbid.settings import Settings
from ringbid.store.opening import Store
from ringbid.values.author import Author
from ringbid.values.ids import CompanyId
from support.catalogs import ACME_TEXT
from support.clocks import JumpingClock
from support.stores import StorePlace, run

ACME = CompanyId("acme")
ANN = Author(name="Ann", user_id="u1", via="session")


@pytest.fixture
def place(tmp_path: Path) -> StorePlace:
    return StorePlace("sqlite", Settings(data=tmp_path), JumpingClock())


def test_a_change_is_in_force_under_a_new_version(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        editor = CatalogEditor(store)
        assert await editor.read(ACME) is None
        first = await editor.rewrite(ANN, ACME, 0, ACME_TEXT)
        assert isinstance(first, Applied)
        second = await editor.change(ANN, ACME, first.version, [Set("buyers[alpha].paused", True)])
        assert isinstance(second, Applied)
        assert [(change.path, change.after) for change in second.changes] == [("buyers[alpha].paused", "true")]
        edition = await editor.read(ACME)
        assert edition is not None
        assert (edition.version, edition.catalog) == (second.version, second.catalog)
        assert edition.catalog.buyers[0].paused

    run(place, story)


def test_a_change_of_an_older_version_is_a_conflict_that_tells_what_others_did(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        editor = CatalogEditor(store)
        first = await editor.rewrite(ANN, ACME, 0, ACME_TEXT)
        assert isinstance(first, Applied)
        await editor.change(ANN, ACME, first.version, [Set("buyers[alpha].paused", True)])
        found = await editor.change(ANN, ACME, first.version, [Set("buyers[bravo].paused", True)])
        assert isinstance(found, Conflict)
        assert [change.path for change in found.changes] == ["buyers[alpha].paused"]
        assert found.version == first.version + 1
        late = await editor.rewrite(ANN, ACME, 0, ACME_TEXT)
        assert isinstance(late, Conflict), "who thinks that there is none overwrites nothing"

    run(place, story)


def test_a_change_that_others_overtake_while_it_is_written_is_a_conflict(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first = await CatalogEditor(store).rewrite(ANN, ACME, 0, ACME_TEXT)
        assert isinstance(first, Applied)

        class Overtaken(CatalogEditor):
            async def read(self, company_id: CompanyId, version: int | None = None) -> Edition | None:
                edition = await super().read(company_id, version)
                if edition is not None and edition.version == first.version:
                    other = CatalogEditor(store)
                    await other.change(ANN, ACME, first.version, [Set("company.name", "Overtaken")])
                return edition

        found = await Overtaken(store).change(ANN, ACME, first.version, [Set("buyers[bravo].paused", True)])
        assert isinstance(found, Conflict)
        assert [change.path for change in found.changes] == ["company.name"]

    run(place, story)


def test_problems_and_plans_change_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        editor = CatalogEditor(store)
        nobody = await editor.change(ANN, ACME, 0, [Set("company.name", "X")])
        assert isinstance(nobody, Invalid)
        first = await editor.rewrite(ANN, ACME, 0, ACME_TEXT)
        assert isinstance(first, Applied)
        wrong = await editor.change(ANN, ACME, first.version, [Set("buyers[alpha].paused", "maybe")])
        assert isinstance(wrong, Invalid)
        add = Add("campaigns[auto-insurance].rtb_keys", {"name": "Second"})
        planned = await editor.change(ANN, ACME, first.version, [add], plan_only=True)
        assert isinstance(planned, Applied)
        assert planned.changes
        assert planned.new_keys == (), "a key that is only planned is not shown"
        same = await editor.change(ANN, ACME, first.version, [Set("buyers[alpha].paused", False)])
        assert same == Applied(version=first.version, catalog=first.catalog, changes=())
        assert await store.catalog_version() == first.version

    run(place, story)


def test_what_another_company_has_is_refused(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        editor = CatalogEditor(store)
        await editor.rewrite(ANN, ACME, 0, ACME_TEXT)
        beta = CompanyId("beta")
        made = await editor.rewrite(ANN, beta, 0, "company: {id: beta}\ncampaigns: [{id: one}]")
        assert isinstance(made, Applied)
        found = await editor.change(
            ANN, beta, made.version, [Add("campaigns[one].numbers", {"number": "+18444021146"})]
        )
        assert isinstance(found, Invalid)
        assert [problem.path for problem in found.problems] == ["campaigns[one].numbers[+18444021146].number"]

    run(place, story)
