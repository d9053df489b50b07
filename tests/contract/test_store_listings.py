"""Lists of pings and calls: every filter finds what it says, pages follow each other without a gap, and no page costs
more questions than another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ringbid.reports.listing import Cursor, ListKind, ListQuery, Page, Scope, read_query
from ringbid.reports.listing_fields import CALLS, DELIVERIES, PINGS, POSTINGS
from ringbid.reports.listing_rows import PingRow
from ringbid.reservations.ports import CallerPlace
from ringbid.reservations.reservation import State
from ringbid.store import call_listing, list_reading, ping_listing
from ringbid.store.opening import Store
from ringbid.store.session import Session
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.ids import BuyerId, CallId, CompanyId, PublisherId
from ringbid.values.reason import Reason
from support.clocks import START
from support.listed import fill, put_calls
from support.money import BRAVO, CALL, conversion
from support.outbox import message, put
from support.stores import KEY, StorePlace, caller, run, settlement

ACME = Scope(company_id=CompanyId("acme"))
UTC_ZONE = ZoneInfo("UTC")


def query(kind: ListKind = PINGS, /, *, after: Cursor | None = None, **given: str) -> ListQuery:
    read = read_query(kind, list(given.items()), now=START + timedelta(hours=1), zone=UTC_ZONE)
    assert isinstance(read, ListQuery), read
    return replace(read, after=after)


async def all_pages(store: Store, asked: ListQuery, scope: Scope = ACME) -> list[PingRow]:
    rows: list[PingRow] = []
    page = await store.listings.pings(scope, asked)
    rows += page.rows
    while page.next is not None:
        page = await store.listings.pings(scope, replace(asked, after=page.next))
        rows += page.rows
    return rows


def test_a_row_tells_what_was_stored(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        uuids = await fill(store, 10)
        [row] = (await store.listings.pings(ACME, query(search=uuids[3]))).rows
        assert (row.ping_id, row.received_at, row.key_id) == (uuids[3], START + timedelta(seconds=3), KEY)
        assert (row.reason, row.status, row.state, row.buyer_id) == (Reason.RESERVED, "reserved", State.HELD, "alpha")
        assert (str(row.revenue), str(row.payout), row.seconds, row.took_ms) == ("1.5 USD", "1.173 USD", 95, 3)
        assert row.caller_place == CallerPlace("CA", "US", "Town", "90210")
        assert row.expires_at == START + timedelta(seconds=15)
        duplicate, _ = (await store.listings.pings(ACME, query(duplicate="true"))).rows
        assert (duplicate.ping_id, duplicate.duplicate_of, duplicate.duplicate_order) == (uuids[7], uuids[6], 1)
        assert (duplicate.revenue, duplicate.state) == (None, None)

    run(place, story)


FILTERS: dict[str, tuple[dict[str, str], Callable[[PingRow], bool]]] = {
    "none": ({}, lambda row: True),
    "campaign": ({"campaign_id": "medicare"}, lambda row: row.campaign_id == "medicare"),
    "publishers": ({"publisher_id[]": "pub-1,pub-3"}, lambda row: row.publisher_id in ("pub-1", "pub-3")),
    "buyer": ({"buyer_id": "alpha"}, lambda row: row.buyer_id == "alpha"),
    "key": ({"key_id": KEY}, lambda row: True),
    "another key": ({"key_id": "ab" * 32}, lambda row: False),
    "reserved": ({"status": "reserved"}, lambda row: row.status == "reserved"),
    "rejected": ({"status": "rejected"}, lambda row: row.status == "rejected"),
    "two statuses": ({"status": "rejected,no-target"}, lambda row: row.status != "reserved"),
    "reason": ({"reason": "campaign_paused"}, lambda row: row.reason is Reason.CAMPAIGN_PAUSED),
    "duplicate": ({"duplicate": "true"}, lambda row: row.duplicate_of is not None),
    "no duplicate": ({"duplicate": "false"}, lambda row: row.duplicate_of is None),
    "state": ({"caller_state": "ca,ny"}, lambda row: row.caller_place.state in ("CA", "NY")),
    "country": ({"caller_country": "CA"}, lambda row: False),
    "caller": ({"search": "(212) 200-0004"}, lambda row: row.caller_number == caller(4)),
    "revenue": ({"revenue_min": "1.5", "revenue_max": "2"}, lambda row: row.revenue is not None),
    "too much revenue": ({"revenue_min": "1.500001"}, lambda row: False),
    "payout": ({"payout_min": "1", "payout_max": "1.173"}, lambda row: row.payout is not None),
    "held": ({"state": "held"}, lambda row: row.state is State.HELD),
    "released or expired": (
        {"state": "released,expired", "campaign_id": "medicare"},
        lambda row: row.campaign_id == "medicare" and row.state in (State.RELEASED, State.EXPIRED),
    ),
    "period": (
        {"created_from": "2026-03-04T15:00:10Z", "created_to": "2026-03-04T15:00:20Z"},
        lambda row: timedelta(seconds=10) <= row.received_at - START < timedelta(seconds=20),
    ),
    "relative": ({"created": "last_60m"}, lambda row: True),
}


@pytest.mark.parametrize("stretch", [10**6, 7], ids=["one stretch", "many stretches"])
@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_every_filter_finds_exactly_what_it_says(
    place: StorePlace, sort: str, stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_reading, "INDEXED_STRETCH", stretch)
    monkeypatch.setattr(list_reading, "LOOKED_AT_STRETCH", min(stretch, 3))

    async def story(store: Store) -> None:
        uuids = await fill(store)
        await store.reservations.release(uuids[3], key_id=KEY)
        place.clock.advance(15)
        later = await fill(store, 6)
        everything = await all_pages(store, query(sort=sort, size="1000"))
        assert len(everything) == len([*uuids, *later]) * 9 // 10
        times = [row.received_at for row in everything]
        assert times == sorted(times, reverse=sort == "newest")
        for name, (given, fits) in FILTERS.items():
            expected = [row.ping_id for row in everything if fits(row)]
            for size in ("4", "1000"):
                found = await all_pages(store, query(**given, sort=sort, size=size))
                assert [row.ping_id for row in found] == expected, (name, size)

    run(place, story)


def test_who_sees_one_publisher_or_buyer_sees_nothing_of_others(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await fill(store)
        own = await all_pages(store, query(), replace(ACME, publisher_id=PublisherId("pub-1")))
        assert {row.publisher_id for row in own} == {"pub-1"}
        sold = await all_pages(store, query(), replace(ACME, buyer_id=BuyerId("alpha")))
        assert {row.buyer_id for row in sold} == {"alpha"}
        assert await all_pages(store, query(), Scope(company_id=CompanyId("nobody"))) == []

    run(place, story)


def test_a_count_is_exact_where_all_was_searched_and_says_so_where_not(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(store: Store) -> None:
        await fill(store)
        page = await store.listings.pings(ACME, query(campaign_id="medicare", size="5"), count=True)
        assert page.count is not None
        assert (page.count.number, page.count.exact, page.searched_to) == (30, True, None)
        second = await store.listings.pings(ACME, query(campaign_id="medicare", after=page.next), count=True)
        assert second.count is None
        monkeypatch.setattr(list_reading, "INDEXED_STRETCH", 20)
        page = await store.listings.pings(ACME, query(campaign_id="medicare"), count=True)
        assert page.count is not None
        assert (len(page.rows), page.count.number, page.count.exact) == (12, 12, False)
        assert page.searched_to == page.rows[-1].received_at

    run(place, story)


def test_a_ping_with_a_publisher_that_cannot_be_is_stored_and_is_nobody_s(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        stranger = "é" * 1000
        await store.reservations.settle(replace(settlement(at=START), publisher_id=PublisherId(stranger)))
        [row] = await all_pages(store, query())
        assert row.publisher_id == "é" * 63 + "…"

    run(place, story)


class CountingReading:
    """Counts the statements that lists send."""

    def __init__(self, store: Store) -> None:
        self.reading = store.listings._reading
        self.statements = 0

    async def alone(self, work: Callable[[Session], Any]) -> Any:
        def counted(session: Session) -> Any:
            fetch = session.fetch

            def count_and_fetch(*queries: Any) -> Any:
                self.statements += len(queries)
                return fetch(*queries)

            session.fetch = count_and_fetch  # type: ignore[method-assign]  # -- to see what is sent
            try:
                return work(session)
            finally:
                del session.fetch

        return await self.reading.alone(counted)


@pytest.mark.parametrize(
    "given", [{}, {"campaign_id": "medicare"}, {"state": "held"}, {"search": "+12122000001"}], ids=str
)
def test_a_page_takes_the_same_number_of_statements_however_much_is_stored(
    place: StorePlace, given: dict[str, str]
) -> None:
    async def story(store: Store) -> None:
        reading = CountingReading(store)
        store.listings._reading = reading  # type: ignore[assignment]  # -- it is asked `alone` only
        counts = []
        for more in (10, 990):
            await fill(store, more)
            before = reading.statements
            await store.listings.pings(ACME, query(**given, size="1000"), count=True)
            counts.append(reading.statements - before)
        assert max(counts) <= 4

    run(place, story)


CONVERTED = (conversion("1.5"), conversion("1.2", side="payout"))


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ({}, range(12, -1, -1)),
        ({"sort": "oldest", "size": "3"}, range(3)),
        ({"campaign_id": "medicare", "duration_min": "50", "duration_max": "90"}, (9, 7, 5)),
        ({"phase": "ringing"}, (12,)),
        ({"buyer_id": "alpha", "publisher_id": "pub-1"}, (9, 5, 1)),
        ({"search": caller(4)}, (4,)),
        ({"search": "019ab0c4-1111-7c41-9a52-000000000005"}, (5,)),
        ({"search": CALL}, (0,)),
        ({"converted": "true"}, (0,)),
        ({"converted": "false", "size": "2"}, (12, 11)),
        ({"inbound_number": "+18444021146", "size": "1"}, (12,)),
    ],
    ids=str,
)
def test_calls_are_listed_with_what_they_brought(place: StorePlace, given: dict[str, str], numbers: Any) -> None:
    async def story(store: Store) -> None:
        await put_calls(store, *CONVERTED)
        page = await store.listings.calls(ACME, query(CALLS, **given), count=True)
        assert [int(row.caller_number[-3:]) for row in page.rows if row.caller_number] == list(numbers)
        for row in page.rows:
            expected = ("1.5 USD", "1.2 USD") if row.call_id == CALL else ("None", "None")
            assert (str(row.revenue), str(row.payout)) == expected

    run(place, story)


def test_what_a_call_brought_is_to_a_buyer_what_it_owes_itself_and_to_a_publisher_its_payout(
    place: StorePlace,
) -> None:
    shared, paid = (CallId(f"019ab0c4-0000-7c41-9a52-{index:012d}") for index in (1, 5))
    booked = (
        conversion("2", call=shared, account=BRAVO),
        conversion("1.5", call=shared, attempt=2),
        conversion("1.2", call=paid, side="payout"),
    )

    async def story(store: Store) -> None:
        await put_calls(store, *booked)
        for scope, own in (
            (replace(ACME, buyer_id=BuyerId("alpha")), {shared: "1.5 USD"}),
            (replace(ACME, publisher_id=PublisherId("pub-1")), {paid: "1.2 USD"}),
        ):
            calls = (await store.listings.calls(scope, query(CALLS))).rows
            brought = {one.call_id: str(one.revenue if scope.buyer_id else one.payout) for one in calls}
            assert {call: amount for call, amount in brought.items() if amount != "None"} == own
            yes = (await store.listings.calls(scope, query(CALLS, converted="true"))).rows
            no = (await store.listings.calls(scope, query(CALLS, converted="false"))).rows
            assert {one.call_id for one in yes} == own.keys()
            assert {one.call_id for one in no} == brought.keys() - own.keys()

    run(place, story)


def test_postings_are_listed_by_account_kind_and_call(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await put_calls(store, *CONVERTED)
        page = await store.listings.postings(ACME.company_id, query(POSTINGS), count=True)
        told = [(row.account, str(row.amount), row.kind, row.side) for row in page.rows]
        assert told == [
            ("publisher/4321ABCD", "1.2 USD", "conversion", "payout"),
            ("buyer/alpha", "-1.5 USD", "conversion", "revenue"),
        ]
        for given, found in (
            ({"account": "buyer/alpha"}, 1),
            ({"account": "company/payout"}, 1),
            ({"kind": "void"}, 0),
            ({"side": "payout"}, 1),
            ({"call_id": CALL}, 2),
        ):
            asked = query(POSTINGS, **given)
            assert len((await store.listings.postings(ACME.company_id, asked)).rows) == found, given
        assert (await store.listings.postings(CompanyId("other"), query(POSTINGS))).rows == ()

    run(place, story)


def test_deliveries_are_listed_by_state_and_endpoint(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first, second = message(1), message(2)
        await put(store, first, second)
        page: Page[Any] = await store.listings.deliveries(ACME.company_id, query(DELIVERIES), count=True)
        assert [row.message_id for row in page.rows] == [second.message_id, first.message_id]
        for given, found in (
            ({"state": "waiting"}, 2),
            ({"state": "dead,delivered"}, 0),
            ({"endpoint": first.endpoint}, 2),
            ({"endpoint": "no such"}, 0),
            ({"message_id": first.message_id}, 1),
            ({"kind": first.kind}, 2),
        ):
            asked = query(DELIVERIES, **given)
            assert len((await store.listings.deliveries(ACME.company_id, asked)).rows) == found, given

    run(place, story)


def test_the_time_of_a_page_is_the_store_s(place: StorePlace) -> None:
    async def story(store: Store) -> datetime:
        return (await store.listings.pings(ACME, query())).as_of

    assert run(place, story) == START


def test_the_newest_pings_are_read_after_a_number(place: StorePlace) -> None:
    async def story(store: Store) -> None:
        await fill(store, 12)
        newest = await store.listings.pings_after(ACME.company_id, None, 3)
        everything = await store.listings.pings_after(ACME.company_id, 0, 100)
        assert everything[-3:] == newest
        assert len(everything) == 10  # two of twelve are another company's
        numbers = [row.number for row in everything]
        assert numbers == sorted(numbers)
        assert await store.listings.pings_after(ACME.company_id, numbers[-2], 100) == newest[-1:]

    run(place, story)


def test_a_search_reads_the_index_alone_and_in_its_order(sqlite_place: StorePlace) -> None:
    """Whatever it is filtered by: rows are long, and a sort would need all of them."""
    plans = []
    lite = sqlite3.connect(sqlite_place.settings.data / FILE_NAME)
    for source in (ping_listing._PINGS, call_listing._CALLS):
        for name in source.indexed.keys() - source.found:
            asked = list_reading._statements(source, frozenset({name}), True)
            for statement in (asked.count, asked.end):
                text, values = statement.prepare("sqlite", {})
                plans.append((name, [row[3] for row in lite.execute(f"explain query plan {text}", values)]))
    lite.close()
    assert len(plans) > 40
    for name, plan in plans:
        [search] = [step for step in plan if "_listing" in step]
        assert "USING COVERING INDEX" in search, (name, plan)
        assert not any("TEMP B-TREE" in step for step in plan), (name, plan)
