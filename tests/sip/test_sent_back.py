"""Callers that their network sends back to us (REFER): the buyer hung up early, or handed the call back. The network
places a new call, and it is the same call of ours, which goes on with the next buyer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ringbid.call.event import CallEvent
from ringbid.call.instruction import Dial
from ringbid.call.ports import CallQuery, TakeBack
from ringbid.call.state import Phase
from ringbid.store.engine_tables import EngineTables
from ringbid.values.ids import CompanyId
from ringbid.values.reason import Reason
from support.call_world import NUMBER, call_world
from support.sip_desk import FakeDesk, connect, dial
from support.sip_records import reconciler, rows_of
from support.sip_scenarios import buyer, caller, referred_caller
from support.sip_stage import Stage, perform
from support.stores import StorePlace


def token(one: Dial) -> str:
    return token_of(one.attempt_id)


def token_of(attempt_id: str) -> str:
    return f"back-{attempt_id}"


def records_known(desk: FakeDesk) -> list[CallEvent]:
    told = {event.event_id: event for event in desk.told("record")}
    return [event for name, event in told.items() if name in desk.known_when_asked_again[0]]


async def lose_a_call_early(stage: Stage, desk: FakeDesk, scenario: str, *, strict: bool = True) -> tuple[Dial, Dial]:
    """A call whose first buyer hangs up early, and the second one, who waits for it. `strict`: the caller's scenario
    says all that its network does."""
    early, next_one = dial(stage.buyer_uri(1), recover_below_seconds=10), dial(stage.buyer_uri(2))
    desk.first, desk.later = connect((early,)), [connect((next_one,))]
    answering = await stage.buyer(1, buyer(hangs_up_after_ms=300))
    await stage.buyer(2, buyer())
    if strict:
        (await stage.call(scenario)).check()
    else:
        await stage.call(scenario, "-default_behaviors", "none")
    (await answering).check()
    return early, next_one


async def check_the_next_buyer_takes_it(stage: Stage, desk: FakeDesk, first: Dial, second: Dial) -> None:
    """The caller comes back, is connected to the second buyer, and hangs up: all of it is the first call's."""
    [name] = {event.provider_call_id for event in desk.events}
    (await stage.call(caller(), dialled=token(first))).check()
    assert desk.asked_again == [name]
    assert len(desk.arrivals) == 1
    [record] = records_known(desk)
    assert (record.attempt_id, record.ended_by) == (first.attempt_id, "buyer")
    after = next(event for event in desk.told("answered") if event.attempt_id == second.attempt_id)
    assert record.started_at is not None
    assert record.started_at < record.at < after.at, "its talk is over before the next one's begins"
    [ended] = await desk.wait_for("ended")
    assert (ended.attempt_id, ended.ended_by) == (second.attempt_id, "caller")
    assert {event.attempt_id for event in desk.told("answered")} == {first.attempt_id, second.attempt_id}
    assert {event.provider_call_id for event in desk.events} == {name}


def test_a_caller_whose_buyer_hangs_up_early_gets_the_next_one(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        early, next_one = await lose_a_call_early(stage, desk, referred_caller())
        await check_the_next_buyer_takes_it(stage, desk, early, next_one)

    perform(play, tmp_path, desk, refer=True)


def test_a_network_that_hangs_up_itself_when_it_was_told_to_call_again_has_not_ended_the_call(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        early, next_one = await lose_a_call_early(stage, desk, referred_caller(hangs_up_first=True), strict=False)
        assert desk.told("ended") == []
        await check_the_next_buyer_takes_it(stage, desk, early, next_one)

    perform(play, tmp_path, desk, refer=True)


def test_a_call_that_is_handed_back_leaves_its_buyer_and_gets_the_next_one(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        first, next_one = dial(stage.buyer_uri(1)), dial(stage.buyer_uri(2))
        desk.first, desk.later = connect((first,)), [connect((next_one,))]
        answering = await stage.buyer(1, buyer())
        await stage.buyer(2, buyer())
        calling = await stage.start_call(referred_caller())
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()
        done = await stage.routers[0].hand_back("sip", answered.provider_call_id, first.attempt_id)
        assert done is TakeBack.DONE
        (await calling).check()
        (await answering).check()
        await stage.wait_until_over()
        await check_the_next_buyer_takes_it(stage, desk, first, next_one)

    perform(play, tmp_path, desk, refer=True)


def catalog(stage: Stage) -> dict[str, Any]:
    """Alpha gets every call first, and loses it where it hangs up early."""
    numbers = {"alpha": stage.buyer_uri(1), "delta": stage.buyer_uri(2)}
    early = {"alpha": {"recover_below_seconds": 30}}
    return {
        "company": {"id": "acme", "name": "Acme", "time_zone": "UTC", "currency": "USD"},
        "buyers": [{"id": name, "name": name, "number": to, **early.get(name, {})} for name, to in numbers.items()],
        "campaigns": [
            {
                "id": "auto",
                "name": "Auto",
                "numbers": [{"number": NUMBER}],
                "routing": {"buyers": [{"buyer": name, "priority": n} for n, name in enumerate(numbers, 1)]},
                "conversions": [{"name": "one", "seconds": 3, "revenue": 2, "payout": 1}],
            }
        ],
    }


def test_both_buyers_of_a_call_that_came_back_are_judged_by_their_own_records(
    tmp_path: Path, sqlite_place: StorePlace
) -> None:
    """The whole way: the desk, the store and the money behind real calls."""

    async def play(stage: Stage) -> None:
        async with call_world(sqlite_place, real_time=True, catalog=catalog(stage)) as world:
            await stage.connect_router(world.desk)
            for number in (1, 2):
                await stage.buyer(number, buyer(hangs_up_after_ms=300 if number == 1 else None))
            (await stage.call(referred_caller(), dialled=NUMBER)).check()
            records = reconciler(stage, world.desk)
            await records.read_records()
            [call] = await world.store.calls.list_calls(CallQuery(company_id=CompanyId("acme")))
            first = call.state.attempts[0]
            assert (call.state.phase, first.buyer_id, first.reason) == (
                Phase.RINGING, "alpha", Reason.BUYER_HUNG_UP_EARLY.code,
            )  # fmt: skip
            (await stage.call(caller(talk_ms=3100), dialled=token_of(first.attempt_id))).check()
            await records.read_records()
            [call] = await world.store.calls.list_calls(CallQuery(company_id=CompanyId("acme")))
            assert call.state.phase is Phase.ENDED
            assert [one.buyer_id for one in call.state.attempts if one.recorded] == ["alpha", "delta"]
            assert not call.state.open_attempts
            assert await world.balances() == {"buyer/delta": "-2 USD", "company/revenue": "2 USD"}

    perform(play, tmp_path, FakeDesk(), refer=True, router=False)


def test_its_record_is_no_end_of_the_call_and_is_read_once(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        early, next_one = await lose_a_call_early(stage, desk, referred_caller())
        records = reconciler(stage, desk)
        await records.read_records()
        [in_the_log] = desk.told("record")
        assert desk.told("ended") == []
        await check_the_next_buyer_takes_it(stage, desk, early, next_one)
        assert desk.told("record") == [in_the_log, in_the_log], "the question told the very same record"
        await records.read_records()
        assert [event.ended_by for event in desk.told("record")[2:]] == ["caller"]

    perform(play, tmp_path, desk, refer=True)


def test_with_a_database_its_records_have_the_name_of_the_first_call(tmp_path: Path, engine_database: str) -> None:
    desk = FakeDesk()
    table = EngineTables(engine_database)

    async def play(stage: Stage) -> None:
        early, next_one = await lose_a_call_early(stage, desk, referred_caller())
        await check_the_next_buyer_takes_it(stage, desk, early, next_one)
        rows = await rows_of(table, 2)
        name = desk.arrivals[0].provider_call_id
        found = {(row[1], row[2], row[5]) for row in rows}  # in whichever order Kamailio came to write them
        assert found == {(name, early.attempt_id, "back"), (name, next_one.attempt_id, "caller")}

    perform(play, tmp_path, desk, refer=True, database=engine_database)
    table.close()


@pytest.mark.parametrize(
    ("code", "done"), [(603, TakeBack.NOT_SUPPORTED), (0, TakeBack.UNREACHABLE)], ids=["refuses", "is silent"]
)
def test_a_network_that_does_not_send_its_caller_back_leaves_the_call_as_it_was(
    tmp_path: Path, code: int, done: TakeBack
) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        only = dial(stage.buyer_uri(1))
        desk.first = connect((only,))
        answering = await stage.buyer(1, buyer())
        calling = await stage.start_call(referred_caller(code=code, talk_ms=3000))
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()
        assert await stage.routers[0].hand_back("sip", answered.provider_call_id, only.attempt_id) is done
        (await calling).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "caller"
        assert ended.at - answered.at > timedelta(seconds=3)
        assert desk.asked_again == []

    perform(play, tmp_path, desk, refer=True, no_sign_seconds=1.0)


def test_a_caller_that_cannot_be_kept_is_hung_up_on_as_its_buyer_did(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1), recover_below_seconds=10),))
        answering = await stage.buyer(1, buyer(hangs_up_after_ms=300))
        (await stage.call(referred_caller(code=603, talk_ms=None))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "buyer"
        await stage.wait_until_over()

    perform(play, tmp_path, desk, refer=True)


def test_a_buyer_that_hangs_up_late_ends_the_call(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1), recover_below_seconds=1),))
        answering = await stage.buyer(1, buyer(hangs_up_after_ms=2100))
        (await stage.call(caller(waits_for_bye=True))).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "buyer"

    perform(play, tmp_path, desk, refer=True)


def test_without_refer_an_early_end_is_an_end_and_nothing_is_handed_back(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        only = dial(stage.buyer_uri(1), recover_below_seconds=10)
        desk.first = connect((only,))
        answering = await stage.buyer(1, buyer(hangs_up_after_ms=4000))
        calling = await stage.start_call(caller(waits_for_bye=True))
        [answered] = await desk.wait_for("answered")
        await stage.wait_until_talking()
        done = await stage.routers[0].hand_back("sip", answered.provider_call_id, only.attempt_id)
        assert done is TakeBack.NOT_SUPPORTED
        (await calling).check()
        (await answering).check()
        [ended] = await desk.wait_for("ended")
        assert ended.ended_by == "buyer"

    perform(play, tmp_path, desk)


def test_a_call_that_is_over_cannot_be_handed_back(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        only = dial(stage.buyer_uri(1))
        desk.first = connect((only,))
        await stage.buyer(1, buyer())
        (await stage.call(caller())).check()
        [ended] = await desk.wait_for("ended")
        done = await stage.routers[0].hand_back("sip", ended.provider_call_id, only.attempt_id)
        assert done is TakeBack.NOT_LIVE

    perform(play, tmp_path, desk, refer=True)


def test_nobody_comes_back_who_was_not_sent(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=480), dialled=token(dial("sip:nobody@example.test")))).check()
        assert desk.asked_again == []
        assert len(desk.arrivals) == 1

    perform(play, tmp_path, desk, refer=True)
