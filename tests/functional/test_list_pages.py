"""Pages with lists: what they show, how their address holds what is chosen, and the same as a file."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from ringbid.accounts.actor import Actor, Role
from ringbid.catalog.snapshot import EMPTY
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.clocks import START
from support.listed import fill, put_calls
from support.money import conversion
from support.outbox import message, put
from support.stores import StorePlace
from support.web import OWNER, FixedIdentities, make_office, web_client

PATHS = ("/pings", "/calls", "/deliveries")
FOREIGN = replace(OWNER, company_id=CompanyId("umbrella"))
MANAGER = replace(OWNER, role=Role.MANAGER)


def visit(
    place: StorePlace, *paths: str, session: str = "owner", prepare: Callable[[Store], Any] = fill
) -> list[httpx.Response]:
    """The answers to `paths`, asked one after the other of a store that `prepare` has filled."""

    async def story() -> list[httpx.Response]:
        async with place.open() as store:
            await prepare(store)
            actors: dict[str, Actor] = {"owner": OWNER, "foreign": FOREIGN}
            office = make_office(
                clock=place.clock,
                identities=FixedIdentities(actors),
                catalogs=SimpleNamespace(snapshot=EMPTY),
                listings=store.listings,
                messages=store.outbox,
                calls=store.calls,
                ledger=store.ledger,
                reservations=store.reservations,
            )
            async with web_client(office, session=session) as browser:
                return [await browser.get(path) for path in paths]

    return asyncio.run(story())


async def everything(store: Store) -> None:
    await fill(store)
    await put_calls(store, conversion("1.5"), conversion("1.2", side="payout"))
    await put(store, message(1), message(2))


async def nothing(store: Store) -> None:
    """What was prepared before is still there."""


@pytest.fixture
def place(sqlite_place: StorePlace) -> StorePlace:
    sqlite_place.clock.advance(90)
    return sqlite_place


def test_pings_are_shown_with_a_link_to_each_explanation(place: StorePlace) -> None:
    [answer] = visit(place, "/pings")
    assert answer.status_code == 200
    assert answer.text.count('href="/call_reservations/') == 50
    assert "54 pings" in answer.text


def test_the_next_page_follows_and_leads_back_to_the_newest(place: StorePlace) -> None:
    first, *_ = visit(place, "/pings?size=25&campaign_id=medicare")
    following = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "campaign_id=medicare" in following
    [second] = visit(place, following, prepare=nothing)
    assert second.text.count('href="/call_reservations/') == 5
    assert ">Newest</a>" in second.text


def test_filters_are_chips_that_can_be_taken_away_one_by_one(place: StorePlace) -> None:
    [answer] = visit(place, "/pings?campaign_id=medicare&duplicate=true&size=25")
    assert "Campaign: medicare" in answer.text
    assert 'href="/pings?duplicate=true&amp;size=25"' in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_what_is_wrong_in_the_address_is_said_and_nothing_is_shown(place: StorePlace, path: str) -> None:
    page, file = visit(place, f"{path}?colour=red&size=0", f"{path}.csv?colour=red")
    assert (page.status_code, file.status_code) == (422, 422)
    assert "has no filter &#39;colour&#39;" in page.text
    assert "Expected a number from 1 to 1000" in page.text


@pytest.mark.parametrize("path", PATHS)
def test_another_company_sees_nothing_of_it(place: StorePlace, path: str) -> None:
    page, file = visit(place, path, f"{path}.csv", session="foreign", prepare=everything)
    assert (page.status_code, file.status_code) == (200, 200)
    shown = page.text.count('href="/call_reservations/') if path == "/pings" else page.text.count('<th scope="row"')
    assert shown == (6 if path == "/pings" else 0)
    assert len(file.text.splitlines()) == 1 + shown


def test_a_file_holds_all_rows_and_phone_numbers_as_text(place: StorePlace) -> None:
    csv_file, xlsx_file = visit(place, "/pings.csv?size=25&status=reserved", "/pings.xlsx?status=reserved")
    assert csv_file.headers["content-type"] == "text/csv; charset=utf-8"
    assert csv_file.headers["content-disposition"].startswith('attachment; filename="pings-2026-03-04-')
    header, *rows = csv.reader(io.StringIO(csv_file.content.decode("utf-8-sig"), newline=""))
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert len(told) == 28
    assert {row["Status"] for row in told} == {"reserved"}
    assert {row["Caller"][:3] for row in told} == {"'+1"}
    with zipfile.ZipFile(io.BytesIO(xlsx_file.content)) as book:
        assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == 29


def test_a_file_of_many_pages_is_whole(place: StorePlace) -> None:
    [file] = visit(place, "/pings.csv", prepare=lambda store: fill(store, 2500))
    assert len(file.text.splitlines()) == 1 + 2250


def test_a_rejected_ping_says_which_reason_and_others_have_a_word_for_it(place: StorePlace) -> None:
    rejected, reserved = visit(place, "/pings?status=rejected", "/pings?status=reserved")
    assert "<code>campaign_paused</code>" in rejected.text
    assert "<code>reserved</code>" not in reserved.text


def test_the_same_question_to_the_api_is_shown(place: StorePlace) -> None:
    [answer] = visit(place, "/pings?status=rejected")
    assert "/api/v1/pings?status=rejected" in answer.text


def test_nobody_searches_without_being_signed_in(place: StorePlace) -> None:
    for answer in visit(place, *PATHS, session="nobody"):
        assert answer.status_code == 303


def test_a_list_is_read_at_the_store_s_time(place: StorePlace) -> None:
    [answer] = visit(place, "/pings?created=last_1h")
    assert "54 pings" in answer.text
    assert place.clock.now() > START
