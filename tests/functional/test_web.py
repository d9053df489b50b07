"""What every page and resource has in common: who is let in, how it fails, and what browsers are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from litestar import get

from ringbid.accounts.actor import Role
from ringbid.edge.web.app import build_web
from ringbid.edge.web.office import Office
from ringbid.reservations.ports import StoredPing
from ringbid.values.ids import CompanyId, PingId
from support.stored_pings import make_ping
from support.web import OWNER, FixedIdentities, make_office, web_client

PING = make_ping()


class OnePing:
    """A store with one ping in it."""

    async def find(self, ping_id: PingId) -> StoredPing | None:
        return PING if ping_id == PING.ping_id else None


def office(**actors: Any) -> Office:
    identities = FixedIdentities({"owner": replace(OWNER, company_id=PING.company_id), **actors})
    return make_office(identities=identities, reservations=OnePing())


def visit(path: str, *, session: str | None = "owner", **actors: Any) -> httpx.Response:
    async def story() -> httpx.Response:
        async with web_client(office(**actors), session=session) as browser:
            return await browser.get(path)

    return asyncio.run(story())


def test_a_page_shows_who_may_see_it() -> None:
    answer = visit(f"/call_reservations/{PING.ping_id}")
    assert (answer.status_code, PING.ping_id in answer.text) == (200, True)


def test_who_has_not_signed_in_is_led_to_do_so_and_back() -> None:
    answer = visit("/call_reservations/x?a=1&b=2", session=None)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/sign-in?next=/call_reservations/x%3Fa%3D1%26b%3D2",
    )


def test_a_role_that_may_not_see_a_page_is_told_so() -> None:
    buyer = replace(OWNER, company_id=PING.company_id, role=Role.BUYER)
    assert visit(f"/call_reservations/{PING.ping_id}", session="buyer", buyer=buyer).status_code == 403


def test_another_company_s_ping_answers_like_one_that_never_was() -> None:
    foreign = replace(OWNER, company_id=CompanyId("other"))
    there = visit(f"/call_reservations/{PING.ping_id}", session="other", other=foreign)
    nowhere = visit("/call_reservations/01890000-0000-7000-8000-000000000000", session="other", other=foreign)
    assert (there.status_code, there.text) == (404, nowhere.text)


def test_browsers_are_told_to_run_nothing_that_is_not_ours() -> None:
    headers = visit(f"/call_reservations/{PING.ping_id}").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_a_route_without_a_policy_is_not_served() -> None:
    @get("/open-door")
    async def open_door() -> str:
        return "come in"

    with pytest.raises(LookupError, match="has no policy"):
        build_web(office(), [open_door])
