"""Conversions by hand, adjustments and voids over `/api/v1`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.api_v1 import NOWHERE, Api, api_world
from support.stores import StorePlace

ONE = {"idempotency-key": "one"}


def play(place: StorePlace, story: Callable[[Api], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with api_world(place) as api:
            await story(api)

    asyncio.run(happen())


def dollars(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "USD"}


async def balance(api: Api, account: str) -> str:
    rows = (await api.get("/ledger/balances")).json()["data"]
    return str(next(row["balance"]["amount"] for row in rows if row["account"] == account))


async def correct(api: Api, what: str, **body: Any) -> Any:
    return await api.send("POST", f"/calls/{api.call}/{what}", json=body)


def test_a_call_is_adjusted_voided_and_converted_again(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        assert await balance(api, "buyer/alpha") == "-1.5"
        answer = await correct(api, "adjustments", side="revenue", set_to=dollars("2.25"), note="agreed")
        assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "call_uuid": api.call,
            "side": "revenue",
            "author": "Olga Owner",
            "note": "agreed",
            "changes": [{"account": "buyer/alpha", "amount": dollars("0.75")}],
        }
        assert await balance(api, "buyer/alpha") == "-2.25"
        answer = await correct(api, "adjustments", side="revenue", change_by=dollars("-0.25"), note="a little less")
        assert answer.json()["changes"] == [{"account": "buyer/alpha", "amount": dollars("-0.25")}]
        answer = await correct(api, "voids", side="revenue", note="a wrong number")
        assert answer.json()["changes"] == [{"account": "buyer/alpha", "amount": dollars("-2")}]
        assert await balance(api, "buyer/alpha") == "0"
        answer = await correct(api, "conversions", side="revenue", amount="1.173", note="it was right after all")
        assert (answer.status_code, answer.json()["changes"][0]["amount"]) == (201, dollars("1.173"))
        assert await balance(api, "buyer/alpha") == "-1.173"
        booked = (await api.get(f"/calls/{api.call}")).json()["booked"]
        kinds = [one["kind"] for one in booked if one["side"] == "revenue"]
        assert kinds == ["conversion", "adjustment", "adjustment", "void", "conversion"]
        audited = (await api.get(f"/audit?path=calls[{api.call}].revenue&sort=oldest")).json()["data"]
        assert {(one["name"], one["via"]) for one in audited} == {("Olga Owner", "api")}
        assert [(one["before"], one["after"]) for one in audited] == [
            ("buyer/alpha 1.5 USD", "buyer/alpha 2.25 USD: agreed"),
            ("buyer/alpha 2.25 USD", "buyer/alpha 2 USD: a little less"),
            ("buyer/alpha 2 USD", "nothing: a wrong number"),
            (None, "buyer/alpha 1.173 USD: it was right after all"),
        ]

    play(place, story)


def test_sent_again_with_its_key_it_books_nothing_more(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        path, body = f"/calls/{api.call}/adjustments", {"side": "revenue", "change_by": dollars("1"), "note": "more"}
        answers = [await api.send("POST", path, json=body, headers=ONE) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        api.world.clock.advance(90_000)  # longer than the answer is kept
        answers.append(await api.send("POST", path, json=body, headers=ONE))
        assert [one.status_code for one in answers] == [201, 201, 201]
        assert await balance(api, "buyer/alpha") == "-2.5"

    play(place, story)


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("conversions", {"side": "revenue", "note": "again"}, 409, "conversion_decided"),
        ("conversions", {"side": "revenue", "note": "x", "attempt": 9}, 409, "call_not_taken"),
        ("conversions", {"side": "revenue", "note": "x", "amount": "1.1234567"}, 422, "request_invalid"),
        ("adjustments", {"side": "revenue", "note": "x"}, 422, "request_invalid"),
        ("adjustments", {"side": "revenue", "note": " ", "set_to": dollars("1")}, 422, "note_invalid"),
        ("adjustments", {"side": "revenue", "note": "x", "set_to": dollars("1.5")}, 422, "amount_unchanged"),
        ("adjustments", {"side": "revenue", "note": "x", "set_to": dollars("-1")}, 422, "amount_out_of_range"),
        (
            "adjustments",
            {"side": "payout", "note": "x", "set_to": dollars("1") | {"currency": "EUR"}},
            422,
            "adjustment_currency_differs",
        ),
        (
            "adjustments",
            {"side": "payout", "note": "x", "change_by": dollars("1"), "account": "me"},
            422,
            "request_invalid",
        ),
        ("voids", {"side": "margin", "note": "x"}, 422, "request_invalid"),
        ("voids", {"side": "revenue", "note": "x", "amount": "1"}, 422, "request_invalid"),
    ],
)
def test_what_cannot_be_booked_says_why(
    sqlite_place: StorePlace, what: str, body: dict[str, Any], status: int, code: str
) -> None:
    async def story(api: Api) -> None:
        answer = await correct(api, what, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await balance(api, "buyer/alpha") == "-1.5"

    play(sqlite_place, story)


def test_only_who_may_correct_the_company_s_own_calls_does(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        body = {"side": "revenue", "note": "mine"}
        for by, status in (("manager", 201), ("analyst", 403), ("publisher", 403), ("buyer", 403), ("stranger", 404)):
            answer = await api.send("POST", f"/calls/{api.call}/voids", json=body, by=by)
            assert answer.status_code == status, by
        assert (await api.send("POST", f"/calls/{NOWHERE}/voids", json=body)).status_code == 404

    play(sqlite_place, story)
