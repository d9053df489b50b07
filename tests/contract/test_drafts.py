"""Drafts, on both databases: the newest is kept, for the person and company that wrote it."""

from __future__ import annotations

from dataclasses import replace

from ringbid.accounts.drafts import KeptDraft, Whose
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.stores import StorePlace, run

OLGA = Whose(CompanyId("acme"), "u1")


def test_the_newest_draft_is_kept_for_its_writer_alone(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        drafts = store.drafts
        assert await drafts.read(OLGA) is None
        await drafts.keep(OLGA, {"name": "Solar", "step": "0"})
        place.clock.advance(5)
        await drafts.keep(OLGA, {"name": 'Sölar "one"', "step": "1"})
        assert await drafts.read(OLGA) == KeptDraft({"name": 'Sölar "one"', "step": "1"}, place.clock.now())
        assert await drafts.read(replace(OLGA, user_id="u2")) is None
        assert await drafts.read(replace(OLGA, company_id=CompanyId("beta"))) is None

    run(place, story)


def test_a_forgotten_draft_is_gone(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await store.drafts.keep(OLGA, {"name": "Solar"})
        await store.drafts.keep(replace(OLGA, user_id="u2"), {"name": "Roofs"})
        await store.drafts.forget(OLGA)
        await store.drafts.forget(OLGA)
        assert await store.drafts.read(OLGA) is None
        assert await store.drafts.read(replace(OLGA, user_id="u2")) is not None

    run(place, story)
