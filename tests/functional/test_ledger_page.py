"""`/ledger`: postings by every filter, what they come to, as files and over the API, and the way there from a call."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ringbid.accounts.actor import Actor
from ringbid.reports.listing import ListQuery
from ringbid.store import list_reading
from ringbid.store.opening import Store
from ringbid.values.ids import CallId, CompanyId
from support.listed import put_calls
from support.money import ACME, adjust_to, conversion
from support.stores import StorePlace
from support.web import OWNER, FixedIdentities, make_office, web_client

OTHER_CALL = CallId("019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a02")
SCOPED = replace(OWNER, scopes=frozenset({"ledger"}))
READER = replace(OWNER, scopes=frozenset({"read"}))
FOREIGN = replace(OWNER, company_id=CompanyId("umbrella"))


def tell(place: StorePlace, story: Callable[[Store, Any], Awaitable[None]], *, session: str = "owner") -> None:
    """Over a store in which alpha was charged 1.5, adjusted to 1.2, and 4321ABCD is paid 1; another call brought 2."""

    async def happen() -> None:
        async with place.open() as store:
            booked = (conversion("1.5"), conversion("1", side="payout"), conversion("2", call=OTHER_CALL))
            await put_calls(store, *booked)
            await store.ledger.correct(adjust_to("1.2"))
            actors: dict[str, Actor] = {"owner": SCOPED, "reader": READER, "foreign": FOREIGN}
            office = make_office(
                clock=place.clock,
                identities=FixedIdentities(actors),
                listings=store.listings,
                ledger=store.ledger,
            )
            async with web_client(office, session=session) as browser:
                await story(store, browser)

    asyncio.run(happen())


def test_every_posting_is_shown_with_what_all_of_them_come_to_and_who_owes_whom(place: StorePlace) -> None:
    async def story(_: Store, browser: Any) -> None:
        page = (await browser.get("/ledger")).text
        assert page.count('<a href="/calls/') == 4
        totals = page.partition('id="totals"')[2].partition("</section>")[0]
        assert "3.20" in totals  # revenue: 1.2 and 2
        assert "1.00" in totals
        assert "2.20" in totals
        assert "alpha owes 3.20 USD" in page
        assert "4321ABCD is owed 1.00 USD" in page
        assert "agreed by phone" in page

    tell(place, story)


def test_filters_narrow_the_postings_their_sums_and_the_files(place: StorePlace) -> None:
    async def story(_: Store, browser: Any) -> None:
        page = (await browser.get(f"/ledger?call_id={OTHER_CALL}")).text
        assert page.count('<a href="/calls/') == 1
        assert "2.00" in page.partition('id="totals"')[2].partition("</section>")[0]
        told = await browser.get("/ledger.csv?account=buyer/alpha&kind=conversion")
        header, *rows = csv.reader(io.StringIO(told.content.decode("utf-8-sig"), newline=""))
        assert [dict(zip(header, row, strict=True))["Amount"] for row in rows] == ["-2", "-1.5"]
        assert (await browser.get("/ledger.xlsx?side=payout")).content[:2] == b"PK"
        assert (await browser.get("/ledger?account=nobody")).status_code == 422

    tell(place, story)


def test_sums_of_more_than_is_worth_adding_up_say_so(sqlite_place: StorePlace) -> None:
    async def story(store: Store, browser: Any) -> None:
        few = list_reading.MOST_SUMMED
        try:
            list_reading.MOST_SUMMED = 2
            totals = await store.listings.posting_totals(ACME, ListQuery(filters={}))
            assert (totals.postings, totals.exact) == (2, False)
            assert "newest 2 postings only" in (await browser.get("/ledger")).text
        finally:
            list_reading.MOST_SUMMED = few
        assert (await store.listings.posting_totals(ACME, ListQuery(filters={}))).exact

    tell(sqlite_place, story)


def test_another_company_sees_nothing_of_it(sqlite_place: StorePlace) -> None:
    async def story(_: Store, browser: Any) -> None:
        page = (await browser.get("/ledger")).text
        assert "alpha" not in page
        assert "Nothing was booked" in page
        assert (await browser.get(f"/api/v1/ledger/postings?call_id={OTHER_CALL}")).json()["data"] == []

    tell(sqlite_place, story, session="foreign")


def test_a_key_reads_postings_with_the_scope_of_the_ledger_alone(sqlite_place: StorePlace) -> None:
    async def story(_: Store, browser: Any) -> None:
        path = "/api/v1/ledger/postings?kind=adjustment"
        told = (await browser.get(path, headers={"authorization": "Bearer owner"})).json()
        [line] = told["data"]
        assert (line["account"], line["amount"]["amount"], line["note"]) == ("buyer/alpha", "0.3", "agreed by phone")
        for refused in (path, "/ledger.csv"):
            assert (await browser.get(refused, headers={"authorization": "Bearer reader"})).status_code == 403

    tell(sqlite_place, story)
