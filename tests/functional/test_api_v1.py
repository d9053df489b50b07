"""The API for programs: what its resources tell, whom they tell it, and how a wrong request ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from support.api_v1 import NOWHERE, Api, api_world
from support.outbox import message, put
from support.stores import StorePlace

Story = Callable[[Api], Awaitable[None]]


def play(place: StorePlace, story: Story) -> None:
    async def happen() -> None:
        async with api_world(place) as api:
            await story(api)

    asyncio.run(happen())


def test_a_ping_is_explained_with_every_verdict(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        told = (await api.get(f"/pings/{api.ping}")).json()
        assert (told["view"], told["status"], told["reason"]["code"]) == ("owner", "reserved", "reserved")
        assert {one["buyer_id"] for one in told["buyers"]} == {"alpha", "bravo", "delta"}
        assert told["reservation"]["revenue"] == {"amount": "1.5", "currency": "USD"}
        assert {"key": "source", "values": ["radio"], "source": "ping"} in told["tags"]

    play(sqlite_place, story)


def test_a_publisher_reads_its_own_ping_without_buyers_and_with_granted_tags_alone(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        answer = await api.get(f"/pings/{api.ping}", by="publisher")
        told = answer.json()
        assert (told["view"], told["payout"]["amount"], [one["key"] for one in told["tags"]]) == (
            "publisher",
            "1.173",
            ["source"],
        )
        assert "alpha" not in answer.text
        assert "1.5" not in answer.text

    play(sqlite_place, story)


@pytest.mark.parametrize("kind", ["pings", "calls"])
def test_what_is_somebody_else_s_answers_like_what_never_was(sqlite_place: StorePlace, kind: str) -> None:
    async def story(api: Api) -> None:
        known = {"pings": api.ping, "calls": api.call}[kind]
        for stranger in ("stranger", "other publisher", "other buyer"):
            there = await api.get(f"/{kind}/{known}", by=stranger)
            nowhere = await api.get(f"/{kind}/{NOWHERE}", by=stranger)
            assert (there.status_code, there.content) == (404, nowhere.content)
            assert (await api.get(f"/{kind}/no-uuid", by=stranger)).content == nowhere.content

    play(sqlite_place, story)


def test_a_call_is_told_from_ping_to_money(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        told = (await api.get(f"/calls/{api.call}")).json()
        assert (told["ending"]["code"], told["revenue"]["amount"], told["payout"]["amount"]) == (
            "converted",
            "1.5",
            "1.173",
        )
        assert [one["account"] for one in told["booked"]] == ["buyer/alpha", "publisher/4321ABCD"]
        assert {one["endpoint"] for one in told["sent"]} >= {"converted", "call_ended"}

    play(place, story)


def test_a_buyer_reads_its_own_attempts_and_no_payout(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        answer = await api.get(f"/calls/{api.call}", by="buyer")
        told = answer.json()
        assert (told["view"], told["revenue"]["amount"], told["call"]["publisher_id"]) == ("buyer", "1.5", None)
        assert "1.173" not in answer.text
        assert "4321ABCD" not in answer.text

    play(sqlite_place, story)


def test_the_log_of_pings_is_filtered(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        everything = (await api.get("/pings")).json()["data"]
        assert [one["status"] for one in everything] == ["rejected", "reserved"]
        [reserved] = (await api.get("/pings", status="reserved", buyer_id="alpha", revenue_min="1.5")).json()["data"]
        assert (reserved["uuid"], reserved["call_uuid"], reserved["state"]) == (api.ping, api.call, "done")
        assert reserved["payout"] == {"amount": "1.173", "currency": "USD"}
        assert (await api.get("/pings", publisher_id="PUB-TWO")).json()["data"] == []

    play(place, story)


def test_portal_keys_list_their_own_and_not_what_they_must_not_know(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        [ping] = (await api.get("/pings", by="publisher")).json()["data"]
        assert (ping["uuid"], ping["buyer_id"], ping["revenue"], ping["key_id"]) == (api.ping, None, None, None)
        [call] = (await api.get("/calls", by="publisher")).json()["data"]
        assert (call["buyer_id"], call["revenue"], call["payout"]["amount"]) == (None, None, "1.173")
        [call] = (await api.get("/calls", by="buyer")).json()["data"]
        assert (call["publisher_id"], call["payout"], call["revenue"]["amount"]) == (None, None, "1.5")
        assert call["ending"] is None
        [call] = (await api.get("/calls")).json()["data"]
        assert call["ending"] == (await api.get(f"/calls/{api.call}")).json()["ending"]
        assert call["ending"]["code"] == "converted"
        for somebody in ("other publisher", "other buyer", "stranger"):
            assert (await api.get("/calls", by=somebody)).json()["data"] == []
        refused = await api.get("/pings", by="publisher", buyer_id="alpha")
        assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "buyer_id")
        assert (await api.get("/pings", by="buyer")).status_code == 403

    play(sqlite_place, story)


def test_balances_and_a_statement_add_up(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        balances = (await api.get("/ledger/balances")).json()
        assert balances["margins"] == [{"amount": "0.327", "currency": "USD"}]
        statement = (await api.get("/ledger/statement", account="buyer/alpha")).json()
        assert (statement["closing"]["amount"], [one["amount"]["amount"] for one in statement["data"]]) == (
            "-1.5",
            ["-1.5"],
        )

    play(place, story)


def test_pages_lead_to_each_other_and_show_everything_once(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        everything = [one["id"] for one in (await api.get("/deliveries")).json()["data"]]
        assert len(everything) > 3
        seen, query = [], {"limit": 2}
        while True:
            answer = await api.get("/deliveries", **query)
            page = answer.json()
            seen += [one["id"] for one in page["data"]]
            if page["next_cursor"] is None:
                assert "link" not in answer.headers
                break
            query = {"limit": 2, "cursor": page["next_cursor"]}
            assert answer.headers["link"] == f'</api/v1/deliveries?limit=2&cursor={page["next_cursor"]}>; rel="next"'
        assert seen == everything

    play(place, story)


def test_a_cursor_of_another_list_is_refused(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        cursor = (await api.get("/deliveries", limit=1)).json()["next_cursor"]
        for query in ({"cursor": cursor, "state": "dead"}, {"cursor": "nonsense"}, {"cursor": cursor[:-3]}):
            answer = await api.get("/deliveries", **query)
            assert (answer.status_code, answer.json()["errors"][0]["at"]) == (422, "cursor")

    play(sqlite_place, story)


def test_a_delivery_of_which_no_request_could_be_made_is_not_sent_again(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        lost = message(unsendable="found 'é', expected ASCII")
        await put(api.world.store, lost)
        shown = (await api.get(f"/deliveries/{lost.message_id}")).json()
        assert (shown["delivery"]["state"], shown["delivery"]["last_error"]) == ("dead", "found 'é', expected ASCII")
        again = await api.send("POST", f"/deliveries/{lost.message_id}/replay")
        assert (again.status_code, again.json()["fix"]) == (
            409,
            "Mend the webhook in the catalog: the next one is sent.",
        )

    play(sqlite_place, story)


def test_a_delivery_is_shown_and_sent_again(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        [first, *_] = (await api.get("/deliveries")).json()["data"]
        shown = (await api.get(f"/deliveries/{first['id']}")).json()
        assert shown["delivery"] == first
        again = await api.send("POST", f"/deliveries/{first['id']}/replay")
        assert (again.status_code, again.json()["delivery"]["state"]) == (200, "waiting")
        changes = (await api.get("/audit?path=deliveries")).json()["data"]
        [(path, before, after)] = [(one["path"], one["before"], one["after"]) for one in changes]
        assert (path, before, after) == (f"deliveries[{first['id']}]", first["state"], "waiting")
        foreign = await api.send("POST", f"/deliveries/{first['id']}/replay", by="stranger")
        nowhere = await api.send("POST", "/deliveries/msg_0/replay", by="stranger")
        assert (foreign.status_code, foreign.content) == (404, nowhere.content)

    play(sqlite_place, story)


@pytest.mark.parametrize(
    ("path", "at", "code", "expected"),
    [
        (
            "/deliveries?stat=dead",
            "stat",
            "unknown_parameter",
            "call_id, created, created_from, created_to, cursor, ",
        ),
        ("/deliveries?state=gone", "state", "request_invalid", "one of waiting, delivered, dead, disabled"),
        ("/deliveries?sort=newest&sort=oldest", "sort", "request_invalid", "once"),
        ("/pings?status=reserved&status=gone", "status", "request_invalid", "one of reserved, rejected, no-target"),
        ("/calls?phase=", "phase", "request_invalid", "a value"),
        ("/deliveries?limit=0", "limit", "request_invalid", "from 1 to 1000"),
        ("/ledger/statement?account=buyer/a&limit=1001", "limit", "request_invalid", "<= 1000"),
        ("/deliveries?call_id=1", "call_id", "request_invalid", "the uuid of a call"),
        ("/ledger/statement?account=nobody/x", "account", "request_invalid", "publisher/"),
        ("/ledger/statement", "account", "request_invalid", ""),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(
    sqlite_place: StorePlace, path: str, at: str, code: str, expected: str
) -> None:
    async def story(api: Api) -> None:
        answer = await api.get(path)
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert (problem["code"], problem["type"]) == (code, f"/api/v1/problems/{code}")
        [wrong] = problem["errors"]
        assert wrong["at"] == at
        assert expected in wrong["expected"]

    play(sqlite_place, story)


def test_who_sends_no_key_or_may_not_is_told_so(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        nobody = await api.get("/ledger/balances", by=None)
        assert (nobody.status_code, nobody.json()["code"]) == (401, "not_signed_in")
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        publisher = await api.get("/ledger/balances", by="publisher")
        assert (publisher.status_code, publisher.json()["code"]) == (403, "not_allowed")

    play(sqlite_place, story)


def test_every_code_is_explained_at_the_address_that_problems_name(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        problem = (await api.get(f"/pings/{NOWHERE}")).json()
        explained = await api.client.get(problem["type"])
        assert (explained.status_code, explained.json()["code"]) == (200, "not_found")
        assert (await api.get("/problems/buyer_closed", by=None)).json()["fault"] is not None

    play(sqlite_place, story)


def test_an_address_that_is_not_there_answers_with_a_problem(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        answer = await api.get("/nothing")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        wrong_method = await api.send("DELETE", f"/pings/{api.ping}")
        assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")

    play(sqlite_place, story)
