"""Applying catalogs and hearing of changes, on both databases."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

from ringbid.catalog.plan import Change
from ringbid.catalog.ports import CatalogMoved, KeyTaken, StoredDocument
from ringbid.store.opening import Store
from ringbid.values.author import Author
from ringbid.values.ids import CompanyId, KeyId
from support.store_clients import rows_of
from support.stores import StorePlace, run

ACME, BETA = CompanyId("acme"), CompanyId("beta")
KEYS = [KeyId("1" * 64), KeyId("2" * 64)]


def test_a_store_without_a_catalog_is_at_version_zero(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.catalog_version() == 0
        assert await store.catalog_heads() == (0, [])

    run(place, story)


def test_each_company_has_its_newest_document_in_force(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        assert await store.apply_catalog(ACME, "acme 1", applied_by="ann") == 1
        assert await store.apply_catalog(BETA, "beta 1", applied_by="bob") == 2
        assert await store.apply_catalog(ACME, "acme 2 “ü”", applied_by="ann") == 3
        assert await store.catalog_heads() == (3, [("acme", "acme 2 “ü”"), ("beta", "beta 1")])
        assert await store.catalog_version() == 3

    run(place, story)
    query = "select id, company_id, document, applied_by from catalog_change order by id"
    assert rows_of(place, query) == [
        (1, "acme", "acme 1", "ann"),
        (2, "beta", "beta 1", "bob"),
        (3, "acme", "acme 2 “ü”", "ann"),
    ]


def test_applying_the_document_in_force_changes_nothing(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        for _ in range(2):
            assert await store.apply_catalog(ACME, "one", applied_by="ann") == 1
        await store.apply_catalog(BETA, "beta", applied_by="bob")
        assert await store.apply_catalog(ACME, "one", applied_by="ann") == 2, "the version that has it"

    run(place, story)
    assert rows_of(place, "select count(*) from catalog_change") == [(2,)]


def test_a_change_is_made_for_one_version_and_no_other(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        async def change(text: str, base_version: int | None) -> int:
            return await store.change_catalog(
                ACME, text, author=Author(name="ann"), key_ids=(), changes=(), base_version=base_version
            )

        assert await store.catalog_document(ACME) is None
        assert await change("one", 0) == 1
        await store.apply_catalog(BETA, "beta", applied_by="bob")
        assert await change("two", 1) == 3, "another company's change is none of this one's"
        for late in (0, 1, 2):
            with pytest.raises(CatalogMoved):
                await change("three", late)
        assert await store.catalog_document(ACME) == StoredDocument(3, "two")
        assert await store.catalog_document(ACME, 1) == StoredDocument(1, "one")
        assert await store.catalog_document(ACME, 2) is None, "a foreign version is none"

    run(place, story)


def test_what_a_change_changes_is_in_the_audit_log_with_its_author(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        author = Author(name="Ann", user_id="u1", via="session")
        changes = (
            Change("changed", "buyers[a].paused", "false", "true"),
            Change("removed", "tags[b]", "key: \x00", None),
        )
        for _ in range(2):
            await store.change_catalog(
                ACME, "one", author=author, key_ids=(), changes=changes, base_version=None
            )  # fmt: skip
        with pytest.raises(CatalogMoved):
            await store.change_catalog(ACME, "two", author=author, key_ids=(), changes=changes, base_version=0)
        entries = [change.entry for change in await store.audit.listing(ACME)]
        assert [(entry.path, entry.before, entry.after) for entry in entries] == [
            ("tags[b]", "key: \\x00", None),
            ("buyers[a].paused", "false", "true"),
        ], "once, in the transaction of the change"
        assert entries[0].author == author

    run(place, story)


def test_a_key_belongs_to_one_company(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.apply_catalog(ACME, "one", applied_by="ann", key_ids=KEYS)
        with pytest.raises(KeyTaken, match="1 of the RTB keys of beta"):
            await store.apply_catalog(BETA, "beta", applied_by="bob", key_ids=KEYS[1:])
        assert await store.catalog_heads() == (1, [("acme", "one")])
        await store.apply_catalog(ACME, "two", applied_by="ann", key_ids=KEYS[:1])
        assert await store.apply_catalog(BETA, "beta", applied_by="bob", key_ids=KEYS[1:]) == 3, "acme gave it up"

    run(place, story)


def test_a_waiter_hears_of_a_change_and_else_waits_for_the_time_it_gave(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.wait_for_catalog_change(0.01)
        waiting = asyncio.gather(store.wait_for_catalog_change(60))
        assert not (await asyncio.wait([waiting], timeout=0.05))[0], "nothing has changed"
        while not waiting.done():  # until the waiter listens, a change may pass it by
            await store.apply_catalog(ACME, f"document {await store.catalog_version()}", applied_by="ann")
        await waiting

    run(place, story)


def test_on_postgresql_another_process_is_heard(postgres_place: StorePlace) -> None:
    """Another store stands for it: nothing but the database is between the two."""

    async def story(store: Store) -> None:
        await store.wait_for_catalog_change(0.01)
        await asyncio.to_thread(
            run, postgres_place, lambda other: other.apply_catalog(ACME, "from elsewhere", applied_by="bob")
        )
        async with asyncio.timeout(60):
            await store.wait_for_catalog_change(120)
        assert await store.catalog_heads() == (1, [("acme", "from elsewhere")])

    run(postgres_place, story)


def test_a_waiter_listens_again_after_its_connection_broke(postgres_place: StorePlace) -> None:
    url = postgres_place.settings.database
    assert url is not None

    async def story(store: Store) -> None:
        await store.wait_for_catalog_change(0.01)
        with psycopg.connect(url, autocommit=True) as administrator:
            query = (
                "select pg_terminate_backend(pid, 60000) from pg_stat_activity"  # and wait until it is gone
                " where query = 'LISTEN ringbid_catalog' and datname = current_database()"
            )
            assert administrator.execute(query).fetchall() == [(True,)]
        for _ in range(3):
            await store.wait_for_catalog_change(0.01)
        await store.apply_catalog(ACME, "one", applied_by="ann")
        async with asyncio.timeout(60):
            await store.wait_for_catalog_change(120)

    run(postgres_place, story)


def test_processes_that_apply_at_once_take_turns(postgres_place: StorePlace) -> None:
    versions: list[object] = []

    def apply(company: str) -> None:
        for number in range(10):
            text = f"{company} {number}"
            versions.append(
                run(
                    postgres_place,
                    lambda store: store.apply_catalog(CompanyId(company), text, applied_by="x"),  # noqa: B023 -- run ends before the loop goes on
                )
            )

    threads = [threading.Thread(target=apply, args=(company,)) for company in ("acme", "beta")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 21))
