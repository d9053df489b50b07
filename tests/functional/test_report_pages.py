"""Overview and reports: what they show, what their address holds, the same as a file and over the API; and what needs
attention."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import re
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from contract.test_funnels import ACME, any_journey, count
from ringbid.accounts.actor import Actor, Role
from ringbid.bootstrap import apply_to
from ringbid.edge.console.report_query import FILTERS
from ringbid.reports.attention import read_attention
from ringbid.reports.journey import AskOutcome, Journey, Step
from ringbid.store import journey_rows as rows
from ringbid.store.journeys import start_of
from ringbid.store.opening import Store
from ringbid.store.session import Session
from ringbid.values.clock import to_ms
from ringbid.values.ids import CompanyId
from ringbid.worker.snapshot import Catalogs
from support.catalogs import ACME_TEXT
from support.stores import StorePlace
from support.web import OWNER, FixedIdentities, make_office, web_client

ZONE = "America/New_York"
ACTORS: dict[str, Actor] = {
    "owner": OWNER,
    "analyst": replace(OWNER, role=Role.ANALYST),
    "foreign": replace(OWNER, company_id=CompanyId("umbrella")),
    "buyer": replace(OWNER, role=Role.BUYER),
    "publisher": replace(OWNER, role=Role.PUBLISHER),
}
Prepare = Callable[[Store, StorePlace], Awaitable[None]]


def today(place: StorePlace, size: int = 60) -> list[Journey]:
    """Journeys of the day of the test's clock."""
    chance = random.Random(5)
    made = [any_journey(chance, number, ACME) for number in range(size)]
    at = lambda number: to_ms(place.clock.now()) - number * 60_000  # noqa: E731 -- it is one expression
    return [
        replace(one, beginning=replace(one.beginning, at_ms=at(number), publisher_id="4321ABCD", campaign_id="auto"))
        for number, one in enumerate(made)
    ]


async def fill(store: Store, place: StorePlace) -> None:
    await keep(store, today(place))


async def keep(store: Store, journeys: list[Journey], asks: tuple[AskOutcome, ...] = ()) -> None:
    def write(session: Session) -> None:
        sums, written = rows.Sums(), []
        for one in journeys:
            start_ms = start_of(one.beginning.at_ms, ZONE)
            sums.add(one, start_ms)
            sums.add_asks(one.beginning, asks, start_ms)
            written.append(rows.journey_row(one, start_ms))
        session.insert(rows.WRITE, written)
        session.insert(rows.ADD_COUNTS, sums.rows())

    await store._folding.transact(write)


def visit(place: StorePlace, *paths: str, session: str = "owner", prepare: Prepare = fill) -> list[httpx.Response]:
    """The answers to `paths`, of a store with the example's catalog that `prepare` has filled."""

    async def story() -> list[httpx.Response]:
        async with place.open() as store:
            applied = await apply_to(store, ACME_TEXT, plan_only=False, applied_by="test")
            assert not applied.problems
            catalogs = Catalogs(store)
            await catalogs.refresh()
            await prepare(store, place)
            office = make_office(
                clock=place.clock,
                identities=FixedIdentities(ACTORS),
                catalogs=catalogs,
                reports=store.funnels,
                reservations=store.reservations,
                messages=store.outbox,
                posting_links=store.posting_links,
            )
            async with web_client(office, session=session) as browser:
                return [await browser.get(path) for path in paths]

    return asyncio.run(story())


def test_each_share_of_the_header_says_of_what_it_is(place: StorePlace) -> None:
    counts = count(today(place))
    for page in visit(place, "/", "/reports?period=today"):
        for said in (
            f"{counts.reserved} of {counts.all} pings and direct calls",
            f"{counts.delivered} of {counts.reserved} reserved",
            f"{counts.converted} of {counts.connected} connected",
        ):
            assert said in page.text


def test_header_table_file_and_api_say_the_same_numbers(place: StorePlace) -> None:
    page, as_csv, as_xlsx, api = visit(place, "/reports", "/reports.csv", "/reports.xlsx", "/api/v1/reports")
    counts = count(today(place))
    assert page.status_code == 200
    assert f">{counts.pings}<" in page.text
    [header, row] = list(csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    told = dict(zip(header, row, strict=True))
    assert (told["publisher"], int(told["Pings"]), int(told["Converted"])) == (
        "4321ABCD",
        counts.pings,
        counts.converted,
    )
    assert round(float(told["Revenue (USD)"]) * 1_000_000) == counts.revenue_micros
    assert zipfile.ZipFile(io.BytesIO(as_xlsx.content)).testzip() is None
    body = api.json()
    assert [row["counts"] for row in body["data"]] == [body["total"]["counts"]]
    assert body["total"]["counts"]["pings"] == counts.pings
    assert sum(one["count"] for one in body["endings"]) == counts.all


def test_page_and_api_say_of_how_many_conversions_the_money_is_left_out(sqlite_place: StorePlace) -> None:
    async def in_euros(store: Store, place: StorePlace) -> None:
        sold = next(one for one in today(place) if one.step >= Step.CONVERTED)
        await keep(store, [replace(sold, booked=replace(sold.booked, currency="EUR"))])

    page, api = visit(sqlite_place, "/reports", "/api/v1/reports", prepare=in_euros)
    assert "1 conversion is in another currency, and its money is not in here." in page.text
    assert api.json()["other_currencies"] == 1
    assert api.json()["total"]["counts"]["converted"] == 1


def test_every_link_of_a_report_leads_to_a_report(sqlite_place: StorePlace) -> None:
    paths = ["/reports", "/reports?group=reason", "/reports?group=tag%3Aage", "/reports?group=day&period=7d"]
    found: set[str] = set()
    for page in visit(sqlite_place, *paths):
        found |= {unescape(link) for link in re.findall(r'href="(/reports[^"]*)"', page.text)}
    assert len(found) > 20
    for link, answer in zip(sorted(found), visit(sqlite_place, *sorted(found)), strict=True):
        assert answer.status_code == 200, link


@pytest.mark.parametrize("name", [*FILTERS, "group", "period", "from", "to", "sort", "size", "cursor", "heat"])
def test_a_hostile_address_gets_a_page_and_not_a_mistake(sqlite_place: StorePlace, name: str) -> None:
    hostile = ["<script>alert(1)</script>", "%00", "9" * 30, "-1", "tag:", "a:b", "''", "2026-02-30", "x" * 5000]
    for answer in visit(sqlite_place, *(f"/reports?{name}={value}" for value in hostile)):
        assert answer.status_code in (200, 422)
        assert "<script>alert" not in answer.text


def test_what_cannot_be_asked_is_said(sqlite_place: StorePlace) -> None:
    page, api, unknown = visit(
        sqlite_place, "/reports?group=state&number=%2B1844", "/api/v1/reports?group=moon", "/api/v1/reports?colour=red"
    )
    assert (page.status_code, "cannot be filtered by number too" in page.text) == (422, True)
    assert (api.status_code, api.json()["errors"][0]["at"]) == (422, "group")
    assert unknown.status_code == 422


def test_another_company_sees_nothing_of_it(sqlite_place: StorePlace) -> None:
    overview, report = visit(sqlite_place, "/", "/api/v1/reports", session="foreign")
    assert overview.status_code == 200
    assert "Lead Gen" not in overview.text
    assert (report.json()["data"], report.json()["total"]["counts"]["pings"]) == ([], 0)


@pytest.mark.parametrize(("session", "status"), [("analyst", 200), ("buyer", 403), ("publisher", 403)])
def test_reports_are_for_the_company_s_own_people(sqlite_place: StorePlace, session: str, status: int) -> None:
    answers = visit(sqlite_place, "/", "/reports", "/reports.csv", "/api/v1/reports", session=session)
    assert {answer.status_code for answer in answers} == {status}


def test_the_overview_compares_with_yesterday_up_to_the_same_hour(sqlite_place: StorePlace) -> None:
    async def two_days(store: Store, place: StorePlace) -> None:
        now_ms = to_ms(place.clock.now())
        [one] = today(place, 1)
        moments = [now_ms - 3_600_000, now_ms - 86_400_000 - 3_600_000, now_ms - 86_400_000 + 3_600_000]
        journeys = [
            replace(one, beginning=replace(one.beginning, uuid=f"u-{at_ms}", at_ms=at_ms, direct=False))
            for at_ms in [*moments, moments[0] + 1]
        ]
        await keep(store, journeys)

    [page] = visit(sqlite_place, "/", prepare=two_days)
    assert "+100.0 % in number" in page.text  # two against the one before this hour


def count_queries(place: StorePlace, size: int) -> dict[str, int]:
    """How many statements each page takes."""

    async def story() -> dict[str, int]:
        async with place.open() as store:
            await apply_to(store, ACME_TEXT, plan_only=False, applied_by="test")
            catalogs = Catalogs(store)
            await catalogs.refresh()
            if size:
                await keep(store, today(place, size), (AskOutcome("alpha", "ask_timed_out"),))
            office = make_office(
                clock=place.clock,
                identities=FixedIdentities(ACTORS),
                catalogs=catalogs,
                reports=store.funnels,
                reservations=store.reservations,
                messages=store.outbox,
                posting_links=store.posting_links,
            )
            sessions: list[Any] = [store._reading._session, store._browsing._session]  # type: ignore[attr-defined]  # -- SQLite's
            counted: dict[str, int] = {}
            async with web_client(office) as browser:
                for path in ("/", "/reports", "/reports?group=reason", "/reports?group=hour&period=30d"):
                    asked: list[str] = []
                    for session in sessions:
                        session._connection.set_trace_callback(asked.append)
                    assert (await browser.get(path)).status_code == 200
                    counted[path] = len(asked)
            return counted

    return asyncio.run(story())


def test_a_page_takes_as_many_queries_with_much_as_with_nothing(sqlite_place: StorePlace) -> None:
    nothing, much = count_queries(sqlite_place, 0), count_queries(sqlite_place, 500)
    assert nothing == much
    assert much["/reports"] == 1
    assert much["/"] < 10


def attention(place: StorePlace, prepare: Prepare, change: Callable[[str], str] = str) -> list[str]:
    async def story() -> list[str]:
        async with place.open() as store:
            applied = await apply_to(store, change(ACME_TEXT), plan_only=False, applied_by="test")
            assert not applied.problems, applied.problems
            catalogs = Catalogs(store)
            await catalogs.refresh()
            await prepare(store, place)
            found = await read_attention(
                catalogs.snapshot.companies[ACME],
                place.clock.now(),
                recent=store.funnels,
                usage=store.reservations,
                messages=store.outbox,
            )
            return [f"{one.text} {one.path}" for one in found]

    return asyncio.run(story())


def test_a_buyer_that_times_out_needs_attention(place: StorePlace) -> None:
    async def slow(store: Store, place: StorePlace) -> None:
        await keep(store, today(place, 15), (AskOutcome("alpha", "ask_timed_out"), AskOutcome("alpha", "answered")))

    found = attention(place, slow)
    assert any(
        "did not answer in time in 50.0 % of the last day's asks (15 of 30). /buyers/alpha" in one for one in found
    )


def test_a_publisher_whose_pings_bring_no_call_needs_attention(place: StorePlace) -> None:
    async def in_vain(store: Store, place: StorePlace) -> None:
        few = [one for one in today(place, 200) if one.step < 5]
        await keep(store, few)

    async def with_calls(store: Store, place: StorePlace) -> None:
        await keep(store, today(place, 200))

    assert any(
        "and not one call arrived. /reports?group=reason&publisher=4321ABCD" in one for one in attention(place, in_vain)
    )
    assert not any("and not one call arrived" in one for one in attention(place, with_calls))


def test_a_publisher_without_a_rule_needs_attention(sqlite_place: StorePlace) -> None:
    async def nothing(store: Store, place: StorePlace) -> None:
        pass

    more = lambda text: text.replace("publishers:\n", "publishers:\n  - {id: NO-RULE, name: New One}\n", 1)  # noqa: E731 -- it is one expression
    found = attention(sqlite_place, nothing, more)
    assert any("NO-RULE" in one and one.endswith(" /campaigns") for one in found)


def test_nothing_that_is_a_day_old_needs_attention(sqlite_place: StorePlace) -> None:
    async def long_ago(store: Store, place: StorePlace) -> None:
        await keep(store, today(place, 50), (AskOutcome("alpha", "ask_timed_out"),))
        place.clock.advance(timedelta(days=2).total_seconds())

    assert not any("alpha" in one for one in attention(sqlite_place, long_ago))
