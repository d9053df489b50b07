"""The audit log on both databases: what is kept, whose it is, and how it is listed."""

from __future__ import annotations

import pytest

from ringbid.accounts.audit import AuditEntry, Author
from ringbid.store.audit import write_audit
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.clocks import START
from support.stores import StorePlace, run

ACME = CompanyId("acme")
OLGA = Author(name="Olga Owner", user_id="u-1", via="session")
TERMINAL = Author(name="root")


def entry(path: str = "buyers[alpha].paused", *, company_id: CompanyId = ACME, author: Author = OLGA) -> AuditEntry:
    return AuditEntry(company_id=company_id, author=author, path=path, before="no", after="yes")


def test_a_change_is_kept_with_who_when_from_and_to(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.audit.record([entry()])
        [change] = await store.audit.listing(ACME)
        assert (change.at, change.entry) == (START, entry())

    run(place, story)


def test_the_newest_changes_come_first_and_pages_go_on_where_the_last_one_ended(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.audit.record([entry(f"a[{number}]") for number in range(5)])
        first = await store.audit.listing(ACME, limit=3)
        rest = await store.audit.listing(ACME, limit=3, before=first[-1].number)
        assert [change.entry.path for change in first + rest] == ["a[4]", "a[3]", "a[2]", "a[1]", "a[0]"]

    run(place, story)


def test_a_company_sees_its_own_changes_only(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.audit.record([entry("mine"), entry("theirs", company_id=CompanyId("other"))])
        assert [change.entry.path for change in await store.audit.listing(ACME)] == ["mine"]

    run(place, story)


def test_changes_can_be_looked_for_by_who_made_them_and_by_what_they_are_of(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.audit.record([entry("buyers[a_b]"), entry("buyers[axb]"), entry("users[x]", author=TERMINAL)])
        by_olga = await store.audit.listing(ACME, user_id="u-1")
        of_buyer = await store.audit.listing(ACME, path="buyers[a_b")
        assert [change.entry.path for change in by_olga] == ["buyers[axb]", "buyers[a_b]"]
        assert [change.entry.path for change in of_buyer] == ["buyers[a_b]"]

    run(place, story)


def test_an_entry_of_a_change_that_was_rolled_back_never_was(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        def change(session: object) -> None:
            write_audit(session, [entry()], 0)  # type: ignore[arg-type]  # -- as the writer calls it
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store._writer.transact(change)
        assert await store.audit.listing(ACME) == []

    run(place, story)
