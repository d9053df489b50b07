"""`ringbid call`: the newest calls, and a conversion that a person decides, with and without a running server."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbid.call.by_hand import ByHand, convert_call
from ringbid.call.ports import CallQuery
from ringbid.call.state import Phase
from ringbid.cli import calls
from ringbid.ledger.correcting import Void
from ringbid.store import ledger as stored_ledger
from ringbid.values.author import Author
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.call_world import CALLER, dials
from support.calls_api import CHANGE, SECRETS, Front, calls_front
from support.scenario import catalog_text
from support.server import running_server
from support.store_clients import rows_of
from support.stores import StorePlace

ANY: dict[str, Any] = dict.fromkeys(("company", "campaign", "publisher", "buyer", "caller", "phase", "database"))
ANN = Author(name="ann")
OTHER_CALLER = "+13105550142"


def happen(place: StorePlace, story: Callable[[Front], Awaitable[Any]], **change: Any) -> Any:
    """What `story` returns over a fresh store."""

    async def run() -> Any:
        async with calls_front(place, **change) as front:
            return await story(front)

    return asyncio.run(run())


async def too_short(front: Front, call: str = "call-1") -> CallId:
    """A call that delta took, and that was too short to convert."""
    dial = await front.connect(call)
    await front.hang_up(dial, 94.9, call)
    return dial.call_uuid


async def by_hand(front: Front, call_id: CallId, side: str = "revenue", **facts: Any) -> Any:
    wanted = ByHand(**{"call_id": call_id, "side": side, "author": ANN, "note": "the talk was cut off", **facts})
    tools = front.world.tools
    return await convert_call(tools.calls, wanted, plans=tools.plans, random_bytes=tools.random_bytes)


DELTA_ONLY: dict[str, Any] = {"buyers[bravo].paused": True}


def test_a_person_converts_what_did_not_convert_and_the_call_says_so(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        assert await front.world.balances() == {}
        done = await by_hand(front, call_id)
        assert (done.attempt, done.account, str(done.amount)) == (1, "buyer/delta", "1.5 USD")
        outcome = (await front.world.stored()).state.attempts[0].revenue
        assert (outcome.outcome, outcome.reason, outcome.actual) == ("converted", "converted_by_hand", "by ann")
        assert await front.world.balances() == {"buyer/delta": "-1.5 USD", "company/revenue": "1.5 USD"}
        [posting] = await front.world.store.ledger.postings_of(CompanyId("acme"), call_id)
        assert (posting.kind, posting.author, posting.note) == ("conversion", "ann", "the talk was cut off")

    happen(place, story, **DELTA_ONLY)


def test_conversions_by_hand_are_in_the_audit_log_with_what_stood_and_what_stands(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        for note in ("the talk was cut off", "and again"):  # the second is refused: the first stands
            await by_hand(front, call_id, note=note)
        await by_hand(front, call_id, "payout", amount_micros=1)
        payout, revenue = (
            change.entry for change in await front.world.store.audit.listing(CompanyId("acme"), path="calls[")
        )
        assert (revenue.author, revenue.path) == (ANN, f"calls[{call_id}].revenue")
        assert (revenue.before, revenue.after) == (None, "buyer/delta 1.5 USD: the talk was cut off")
        assert payout.after == "publisher/4321ABCD 0.000001 USD: the talk was cut off"

    happen(place, story, **DELTA_ONLY)


def test_a_conversion_by_hand_and_its_audit_entry_are_written_together_or_not_at_all(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def story(front: Front) -> None:
        call_id = await too_short(front)
        audit = front.world.store.audit
        with monkeypatch.context() as patch:
            patch.setattr(stored_ledger, "post_all", fail)
            with pytest.raises(ZeroDivisionError):
                await by_hand(front, call_id)
        assert await audit.listing(CompanyId("acme"), path="calls[") == []
        await by_hand(front, call_id)
        assert len(await audit.listing(CompanyId("acme"), path="calls[")) == 1

    happen(place, story, **DELTA_ONLY)


def test_a_side_is_converted_once_by_whomever(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        answers = await asyncio.gather(*(by_hand(front, call_id, amount_micros=2_000_000) for _ in range(3)))
        refused = [one for one in answers if isinstance(one, Refused)]
        assert [one.reason for one in refused] == [Reason.CONVERSION_DECIDED] * 2
        assert (await front.world.balances())["buyer/delta"] == "-2 USD"

    happen(place, story, **DELTA_ONLY)


def test_a_record_that_comes_after_a_person_decided_changes_nothing(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await by_hand(front, dial.call_uuid, amount_micros=0)
        await front.hang_up(dial, 200)
        balances = await front.world.balances()
        assert (balances["buyer/delta"], balances["publisher/4321ABCD"]) == ("0 USD", "1.173 USD")

    happen(sqlite_place, story, **DELTA_ONLY)


def test_a_payout_that_waits_for_the_revenue_follows_it(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        dial = await front.connect()
        await front.hang_up(dial)
        await by_hand(front, dial.call_uuid)
        assert (await front.world.balances())["publisher/4321ABCD"] == "15 USD"
        assert (await front.ask("/conversions", key="Sales", call_uuid=dial.call_uuid)).json["code"] == (
            "conversion_decided"
        )

    split = [
        {"name": "owed", "side": "revenue", "on": "postback", "postback_seconds": 600, "revenue": 20},
        {"name": "paid", "side": "payout", "on": "revenue", "payout": 15},
    ]
    happen(sqlite_place, story, **{"campaigns[0].conversions": split})


@pytest.mark.parametrize("side", ["revenue", "payout"])
def test_a_payout_that_the_revenue_had_missed_follows_it_too(sqlite_place: StorePlace, side: str) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        attempt = (await front.world.stored()).state.attempts[0]
        assert attempt.payout.reason == "revenue_missed"
        await by_hand(front, call_id, side)
        paid = {"company/payout": "-15 USD", "publisher/4321ABCD": "15 USD"}
        owed = {"buyer/delta": "-20 USD", "company/revenue": "20 USD"} if side == "revenue" else {}
        assert await front.world.balances() == paid | owed

    split = [
        {"name": "owed", "side": "revenue", "seconds": 95, "revenue": 20},
        {"name": "paid", "side": "payout", "on": "revenue", "payout": 15},
    ]
    happen(sqlite_place, story, **DELTA_ONLY, **{"campaigns[0].conversions": split})


def test_what_was_voided_may_be_converted_again(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        await by_hand(front, call_id)
        void = Void(
            company_id=CompanyId("acme"), call_id=call_id, side="revenue", key="v", author=ANN, note="by mistake"
        )
        await front.world.store.ledger.correct(void)
        assert not isinstance(await by_hand(front, call_id, amount_micros=700_000), Refused)
        assert (await front.world.balances())["buyer/delta"] == "-0.7 USD"

    happen(place, story, **DELTA_ONLY)


def test_conversions_by_hand_are_told_like_any_other(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        call_id = await too_short(front)
        await by_hand(front, call_id, "payout")
        [message] = await front.world.store.outbox.listing(limit=5)
        assert message.endpoint.endswith("tell the publisher")

    happen(sqlite_place, story, **DELTA_ONLY)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"attempt": 2}, Reason.CALL_NOT_TAKEN),
        ({"attempt": 0}, Reason.CALL_NOT_TAKEN),
        ({"note": " "}, Reason.NOTE_INVALID),
        ({"amount_micros": -1}, Reason.AMOUNT_OUT_OF_RANGE),
        ({"amount_micros": 10**30}, Reason.AMOUNT_OUT_OF_RANGE),
        ({"call_id": CallId("01959f3a-0000-7000-8000-000000000000")}, Reason.CALL_UNKNOWN),
    ],
)
def test_what_cannot_be_converted_is_refused(sqlite_place: StorePlace, facts: dict[str, Any], reason: Reason) -> None:
    async def story(front: Front) -> None:
        refused = await by_hand(front, **{"call_id": await too_short(front), **facts})
        assert isinstance(refused, Refused)
        assert refused.reason is reason
        assert await front.world.balances() == {}

    happen(sqlite_place, story, **DELTA_ONLY)


def test_a_call_of_no_publisher_pays_none(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        refused = await by_hand(front, await too_short(front), "payout", amount_micros=1)
        assert refused.reason is Reason.PUBLISHER_UNKNOWN

    happen(sqlite_place, story, **DELTA_ONLY, **{"campaigns[0].numbers[0].publisher": None})


def test_calls_are_listed_newest_first_by_whatever_is_asked(place: StorePlace) -> None:
    async def story(front: Front) -> None:
        first = await too_short(front)
        front.world.clock.advance(1)
        [ringing] = dials(await front.world.arrive("call-2", caller=OTHER_CALLER))
        second = ringing.call_uuid

        async def found(**query: Any) -> list[CallId]:
            return [one.call_id for one in await front.world.store.calls.list_calls(CallQuery(**query))]

        assert await found() == [second, first]
        assert await found(limit=1) == [second]
        assert await found(caller_number=CALLER) == [first]
        assert await found(buyer_id=BuyerId("delta")) == [first]
        assert await found(phase=Phase.RINGING, publisher_id=PublisherId("4321ABCD")) == [second]
        assert await found(company_id=CompanyId("acme"), campaign_id=CampaignId("auto-insurance")) == [second, first]
        assert await found(company_id=CompanyId("other")) == []

    happen(place, story, **DELTA_ONLY)


def convert(data: Path, call_id: CallId, **facts: Any) -> None:
    plain = {"side": "revenue", "amount": None, "note": "agreed by phone", "author": None, "attempt": None}
    calls.convert(call_id, **{**plain, **facts}, data=data, database=None)


def listed(data: Path, capsys: pytest.CaptureFixture[str], **query: Any) -> list[dict[str, Any]]:
    capsys.readouterr()
    calls.list_calls(**{**ANY, "limit": 25, "as_json": True, **query}, data=data)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_the_commands_work_without_a_server(sqlite_place: StorePlace, capsys: pytest.CaptureFixture[str]) -> None:
    call_id = happen(sqlite_place, too_short, **DELTA_ONLY)
    data = sqlite_place.settings.data
    capsys.readouterr()
    convert(data, call_id, amount="2.25", author="ann")
    audited = rows_of(sqlite_place, "select author, via, path, after_value from audit where path like 'calls%'")
    assert audited == [("ann", "terminal", f"calls[{call_id}].revenue", "buyer/delta 2.25 USD: agreed by phone")]
    assert capsys.readouterr().out == "Booked: revenue of 2.25 USD (attempt 1, buyer/delta)\n"
    [row] = listed(data, capsys)
    assert (row["uuid"], row["revenue"], row["payout"], row["duration_ms"]) == (call_id, "2.25", "0", 94_900)
    calls.list_calls(**ANY, limit=25, as_json=False, data=data)
    assert call_id in capsys.readouterr().out
    assert listed(data, capsys, caller="(310) 555-0142") == []
    with pytest.raises(typer.Exit):
        convert(data, call_id)
    assert "decided already" in capsys.readouterr().err


@pytest.mark.parametrize("facts", [{"amount": "1.2345678"}, {"amount": "much"}])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, facts: dict[str, str]) -> None:
    with pytest.raises(typer.BadParameter):
        convert(tmp_path, CallId("01959f3a-0000-7000-8000-000000000000"), **facts)


def test_a_uuid_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter):
        convert(tmp_path, CallId("the last one"))


def test_a_running_server_converts_and_takes_requests_about_calls(
    sqlite_place: StorePlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_id = happen(sqlite_place, too_short, **DELTA_ONLY)
    data, catalog = sqlite_place.settings.data, tmp_path / "acme.yaml"
    catalog.write_text(catalog_text({"change": {**CHANGE, **DELTA_ONLY}}))
    with running_server(catalog, data=data) as server:
        convert(data, call_id)
        query = f"key={SECRETS['Plain']}&caller_number=2125550123&age=44"
        with urllib.request.urlopen(f"{server.base_url}/data_writing?{query}", timeout=30) as answer:
            assert json.load(answer)["status"] == "call not found, tags stored"
        [row] = listed(data, capsys)
    assert row["revenue"] == "1.5"
