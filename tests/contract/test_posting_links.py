"""Links to posting instructions, on both databases: found by their token while they hold, and by nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ringbid.accounts.posting_links import PostingLink, Progress, open_key, seal_key
from ringbid.store.opening import Store
from ringbid.values.author import Author
from ringbid.values.ids import CampaignId, CompanyId, PublisherId
from support.stores import StorePlace, run, settlement

ANN = Author(name="Ann", user_id="u1", via="session")
ACME, AUTO = CompanyId("acme"), CampaignId("auto-insurance")


def make_link(place: StorePlace, **more: object) -> PostingLink:
    link = PostingLink(
        link_id="p_1",
        company_id=ACME,
        campaign_id=AUTO,
        key_name="Default",
        publisher_id=PublisherId("PUB"),
        made_by="Ann",
        created_at=place.clock.now(),
        sealed_key=b"\x00sealed",
    )
    return replace(link, **more)  # type: ignore[arg-type]  # -- a test's own fields


def test_a_link_holds_until_it_expires_or_is_revoked(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        links = store.posting_links
        ends = place.clock.now() + timedelta(days=1)
        first, second = make_link(place, expires_at=ends), make_link(place, link_id="p_2")
        await links.make(first, token_hash="one", author=ANN)
        await links.make(second, token_hash="two", author=ANN)
        assert await links.find("one") == first
        assert await links.find("three") is None
        assert await links.of_campaign(ACME, AUTO) == (first, second)
        assert await links.of_campaign(CompanyId("beta"), AUTO) == ()
        place.clock.advance(86_401)
        assert await links.find("one") is None
        assert not await links.revoke(CompanyId("beta"), "p_2", author=ANN)
        assert await links.revoke(ACME, "p_2", author=ANN)
        assert not await links.revoke(ACME, "p_2", author=ANN)
        assert await links.find("two") is None
        paths = [change.entry.path for change in await store.audit.listing(ACME)]
        assert paths == ["campaigns[auto-insurance].posting_links[PUB]"] * 3

    run(place, story)


def test_a_key_is_sealed_with_the_link_alone() -> None:
    sealed = seal_key("the secret key", "token")
    assert b"secret" not in sealed
    assert open_key(sealed, "token") == "the secret key"
    assert open_key(sealed, "another") is None


def test_the_first_ping_since_a_link_was_made_is_seen_and_remembered(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        links = store.posting_links
        before = settlement(at=place.clock.now())
        await store.reservations.settle(before)
        place.clock.advance(1)
        link = make_link(place, company_id=before.company_id, campaign_id=before.campaign_id)
        link = replace(link, publisher_id=before.publisher_id)
        await links.make(link, token_hash="one", author=ANN)
        assert await links.look_for_ping(link) is None, "that one came before"
        place.clock.advance(1)
        at = place.clock.now()
        await store.reservations.settle(settlement(at=at))
        assert await links.look_for_ping(replace(link, publisher_id=PublisherId("other"))) is None
        assert await links.look_for_ping(link) == at
        place.clock.advance(3600)
        found = await links.find("one")
        assert found is not None
        assert await links.look_for_ping(found) == at, "also when it is long ago"

    run(place, story)


def test_how_far_a_company_has_come_with_its_links(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        links = store.posting_links
        assert await links.progress(ACME) == Progress()
        await links.make(make_link(place), token_hash="one", author=ANN)
        assert await links.progress(ACME) == Progress(links=1)
        assert await links.progress(CompanyId("beta")) == Progress()
        await links.revoke(ACME, "p_1", author=ANN)
        assert await links.progress(ACME) == Progress(links=1), "what was made was made"

    run(place, story)
