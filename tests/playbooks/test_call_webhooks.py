"""Webhooks of a call: those that it is held for, and those that are only told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ringbid.buyers.protocol import Ask
from ringbid.call.instruction import Refuse
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.call_stage import Stage, act, verdicts
from support.call_world import arrival_of, dials
from support.store_clients import rows_of
from support.stores import StorePlace

SCORED = [{"tag": "score", "operator": ">=", "value": 50}]
RADIO = "+18885551234"


def held(on: str, **fields: Any) -> dict[str, Any]:
    """A catalog in which a call is held for one webhook."""
    hook = {"name": "held", "on": on, "hold_seconds": 2, "url": "http://127.0.0.1:9/held", **fields}
    return {"campaigns[cars].webhooks": [hook]}


def urls_of(place: StorePlace, webhook: str) -> list[str]:
    """The queries that were sent of this webhook, in order."""
    rows = rows_of(place, f"select request from outbox where endpoint = 'cars/{webhook}' order by id")
    return [msgspec.json.decode(bytes(request))["url"].partition("?")[2] for (request,) in rows]


def rung(world_answer: Any) -> list[str]:
    return [dial.buyer_id for dial in dials(world_answer)]


def test_what_is_answered_before_a_call_is_routed_decides_who_may_have_it(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {"score": 49}}}
        assert rung(await world.arrive()) == ["bravo"]
        call = await world.stored()
        assert (call.trace.tags["score"].value, call.trace.tags["score"].source) == ("49", "held")
        [ask] = call.trace.routings[0].asks
        assert (ask.webhook, ask.status) == ("held", 200)

    act(sqlite_place, story, **held("call_received", outputs={"score": "score"}), **{"buyers[alpha].filters": SCORED})


def test_a_call_that_a_held_webhook_declines_goes_no_further_and_its_trace_says_why(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {"ok": False}}}
        answer = await world.arrive()
        assert isinstance(answer, Refuse)
        assert (answer.reason, answer.code) == (Reason.BUYER_DECLINED, 603)
        trace = (await world.stored()).trace
        assert trace.actual == "ok is false"
        assert [ask.reason for ask in trace.routings[0].asks] == ["buyer_declined"]

    act(sqlite_place, story, **held("call_received", accept="ok"))


@pytest.mark.parametrize("on", ["call_received", "buyer_selected"])
def test_a_held_webhook_that_does_not_answer_in_time_stops_nothing(sqlite_place: StorePlace, on: str) -> None:
    async def story(stage: Stage) -> None:
        assert rung(await stage.world.arrive()) == ["alpha"]
        [ask] = (await stage.world.stored()).trace.routings[0].asks
        assert ask.reason == "ask_timed_out"

    act(sqlite_place, story, **held(on, accept="ok"))


@pytest.mark.parametrize("on", ["call_received", "buyer_selected"])
def test_a_call_is_held_no_longer_than_its_network_waits(sqlite_place: StorePlace, on: str) -> None:
    async def story(stage: Stage) -> None:
        arrival = replace(arrival_of(stage.world, "call-1"), patience_seconds=4.0)
        assert rung(await stage.world.desk.arrive(arrival)) == ["alpha"]
        [ask] = (await stage.world.stored()).trace.routings[0].asks
        assert ask.detail == "no answer after 3800 ms"

    act(sqlite_place, story, **held(on, hold_seconds=20))


def test_all_that_a_call_is_held_for_at_one_time_is_within_what_its_network_waits(
    sqlite_place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world

        async def answer_never(_: Ask, *, ends_at: float) -> Refused:
            world.clock.advance(ends_at - world.clock.monotonic())
            return Refused(Reason.ASK_TIMED_OUT, actual="the clock moved on")

        monkeypatch.setattr(world.outbound, "send", answer_never)
        began_at = world.clock.monotonic()
        arrival = replace(arrival_of(world, "call-1"), patience_seconds=4.0)
        assert rung(await world.desk.arrive(arrival)) == ["alpha"]
        assert len((await world.stored()).trace.routings[0].asks) == 2
        assert world.clock.monotonic() - began_at < 4.0

    both = [held(on, hold_seconds=20)["campaigns[cars].webhooks"][0] for on in ("call_received", "buyer_selected")]
    both[1]["name"] = "selected"
    act(sqlite_place, story, **{"campaigns[cars].webhooks": both})


def test_what_a_buyer_answers_when_it_is_selected_is_there_for_its_forward_filters(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {"score": 49}}}
        assert rung(await world.arrive()) == ["bravo"]
        assert verdicts(await world.stored())["alpha"] == "filter_not_matched"

    selected = held("buyer_selected", buyer="alpha", outputs={"score": "score"})
    act(sqlite_place, story, **selected, **{"buyers[alpha].forward_filters": SCORED})


def test_it_colours_what_is_told_of_this_buyer_later(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {"score": 77}}}
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        assert urls_of(sqlite_place, "answered") == ["score=77"]

    hooks = held("buyer_selected", outputs={"score": "score"})["campaigns[cars].webhooks"]
    hooks += [{"name": "answered", "on": "answered", "method": "GET", "url": "http://127.0.0.1:9/a?score=[score]"}]
    act(sqlite_place, story, **{"campaigns[cars].webhooks": hooks})


def test_the_buyer_is_told_who_calls_just_before_it_is_dialled(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {}}}
        [dial] = dials(await world.arrive())
        [ask] = world.outbound.asks
        assert ask.url.partition("?")[2] == f"b=alpha&n=%2B12025550101&a=1&k={dial.call_key}&c={dial.call_uuid}"
        await world.tell("failed", attempt=dial, cause="busy")
        await world.desk.go_on("sip", "call-1")
        assert world.outbound.asks[1].url.partition("?")[2].startswith("b=bravo&n=%2B12025550102&a=2&")

    url = "http://127.0.0.1:9/s?b=[buyer_id]&n=[buyer_number]&a=[attempt_number]&k=[call_key]&c=[call_uuid]"
    act(sqlite_place, story, **held("buyer_selected", url=url))


def test_a_buyer_that_declines_when_it_is_selected_is_passed_over_and_not_asked_again(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"alpha held": {"json": {"ok": False}}, "bravo held": {"json": {"ok": True}}}
        answer = await world.arrive()
        assert rung(answer) == ["bravo"]
        [dial] = dials(answer)
        await world.tell("failed", attempt=dial, cause="busy")
        assert rung(await world.desk.go_on("sip", "call-1")) == ["delta"]
        assert [ask.webhook_name for ask in world.outbound.asks] == ["alpha held", "bravo held"]
        assert verdicts(await world.stored()) == {"alpha": "buyer_declined", "bravo": "buyer_busy", "delta": "rings"}

    hooks = [
        held("buyer_selected", buyer=buyer, accept="ok", name=f"{buyer} held")["campaigns[cars].webhooks"][0]
        for buyer in ("alpha", "bravo")
    ]
    act(sqlite_place, story, **{"campaigns[cars].webhooks": hooks})


def test_a_buyer_whose_turn_somebody_wants_to_know_of_is_told_of_only_when_it_is_dialled(
    sqlite_place: StorePlace,
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        answer = await world.arrive(most_steps=3)
        assert rung(answer) == ["alpha"], "bravo is dialled when the network asks again"
        assert urls_of(sqlite_place, "selected") == []
        [dial] = dials(answer)
        await world.tell("failed", attempt=dial, cause="busy")
        assert rung(await world.desk.go_on("sip", "call-1")) == ["bravo", "delta"]
        assert urls_of(sqlite_place, "selected") == ["b=bravo&a=2"]

    selected = {"name": "selected", "on": "buyer_selected", "buyer": "bravo", "method": "GET"}
    selected["url"] = "http://127.0.0.1:9/s?b=[buyer_id]&a=[attempt_number]"
    act(sqlite_place, story, **{"campaigns[cars].webhooks": [selected]})


def test_the_turn_of_a_buyer_without_a_free_place_is_told_to_nobody(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.arrive("first", caller="+12125550199")
        assert rung(await world.arrive()) == ["bravo"]
        assert stage.outcomes_of("call-1").told.count("buyer_selected") == 1

    act(sqlite_place, story, **{"buyers[alpha].caps": {"concurrency": 1}})


def test_each_webhook_tells_what_is_known_at_its_time(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive(dialled=RADIO))
        await world.talk(dial, 95.9)
        call = await world.stored()
        about = f"call={call.call_id}&source=radio&caller=%2B12125550123"
        assert urls_of(sqlite_place, "call_received") == [about]
        of_buyer = f"{about}&buyer=alpha&key={dial.call_key}"
        assert urls_of(sqlite_place, "buyer_selected") == urls_of(sqlite_place, "answered") == [of_buyer]
        money = f"{of_buyer}&payout=1.173&revenue=1.5&seconds=95&talked=95&by=caller&why=converted"
        assert urls_of(sqlite_place, "converted") == [f"{money}&side=revenue", f"{money}&side=payout"]
        assert urls_of(sqlite_place, "call_ended") == [money]

    address = "http://127.0.0.1:9/w?call=[call_uuid]&source=[source]&caller=[caller_number]"
    of_buyer = f"{address}&buyer=[buyer_id]&key=[call_key]"
    money = "&payout=[payout]&revenue=[revenue]&seconds=[seconds]&talked=[duration_seconds]&by=[ended_by]&why=[reason]"
    hooks = [{"name": "call_received", "on": "call_received", "method": "GET", "url": address}]
    hooks += [{"name": one, "on": one, "method": "GET", "url": of_buyer} for one in ("buyer_selected", "answered")]
    hooks += [{"name": "call_ended", "on": "call_ended", "method": "GET", "url": of_buyer + money}]
    converted = {"name": "converted", "on": "converted", "method": "GET", "side": "both"}
    hooks += [converted | {"url": f"{of_buyer}{money}&side=[side]"}]
    own = {"campaigns[cars].numbers[+18885551234].publisher": "4321ABCD"}
    act(sqlite_place, story, **own, **{"campaigns[cars].webhooks": hooks})


FORGED = {"payout": "50", "revenue": "99", "currency": "EUR", "reason": "converted", "call_duration": "600"}
FORGED |= {"buyer_id": "alpha", "call_key": "guessed", "affiliate_id": "PUB-TWO"}


def test_no_parameter_of_a_ping_stands_in_for_what_a_call_that_nobody_took_brought(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.ping(**FORGED)
        await stage.change(**end, **{f"buyers[{one}].paused": True for one in ("alpha", "bravo", "delta")})
        assert isinstance(await stage.world.arrive(), Refuse)
        told = "payout=0&revenue=0&in=USD&why=call_not_taken&talked=&buyer=&key=&from=4321ABCD"
        assert urls_of(sqlite_place, "end") == [told]

    url = "http://127.0.0.1:9/e?payout=[payout]&revenue=[revenue]&in=[currency]&why=[reason]&talked=[call_duration]"
    url += "&buyer=[buyer_id]&key=[call_key]&from=[affiliate_id]"
    end = {"campaigns[cars].webhooks": [{"name": "end", "on": "call_ended", "method": "GET", "url": url}]}
    act(sqlite_place, story, **end)


def test_a_forward_filter_takes_from_its_buyers_webhook_what_that_is_to_answer(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping(score="99")
        world.outbound.answers = {"held": {"json": {}}}
        answer = await world.arrive()
        assert rung(answer) == ["bravo"]
        assert verdicts(await world.stored())["alpha"] == "answer_tag_missing"
        assert world.outbound.asks[-1].url.endswith("held?score=99"), "it is told what the publisher says"

    url = "http://127.0.0.1:9/held?score=[score]"
    selected = held("buyer_selected", buyer="alpha", outputs={"score": "score"}, url=url)
    declared = {"tags": [{"key": "score", "type": "number"}]}
    act(sqlite_place, story, **selected, **declared, **{"buyers[alpha].forward_filters": SCORED})


def test_the_end_is_told_with_its_duration_although_the_end_was_heard_before_the_record(
    sqlite_place: StorePlace,
) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        world.clock.advance(40)
        await world.tell("ended")
        assert urls_of(sqlite_place, "end") == []
        await world.tell("record", attempt=dial, seconds=40.0, ended_by="buyer")
        assert urls_of(sqlite_place, "end") == ["talked=40&why=call_too_short"]

    url = "http://127.0.0.1:9/e?talked=[duration_seconds]&why=[reason]"
    end = {"name": "end", "on": "call_ended", "method": "GET", "url": url}
    act(sqlite_place, story, **{"campaigns[cars].webhooks": [end]})


def test_what_no_request_can_be_made_of_is_kept_with_the_reason_and_all_else_is_sent(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.ping(source="José")
        [dial] = dials(await world.arrive())
        await world.talk(dial, 5.0)
        rows = rows_of(sqlite_place, "select endpoint, state, last_error from outbox order by endpoint")
        why = r"found Jos\u00e9, expected at most 8192 visible ASCII characters; see "
        why += "campaigns[cars].webhooks[b].headers.X-Source"
        assert rows == [("cars/a", "waiting", None), ("cars/b", "dead", why)]
        assert urls_of(sqlite_place, "a") == ["source=Jos%C3%A9"]

    hooks = [{"name": name, "on": "call_ended", "url": "http://127.0.0.1:9/e?source=[source]"} for name in "ab"]
    hooks[1] |= {"headers": {"X-Source": "[source]"}}
    act(sqlite_place, story, **{"campaigns[cars].webhooks": hooks})


def test_where_the_recording_is_is_told_with_the_end(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        await world.tell("record", attempt=dial, seconds=5.0, recording_url="https://api.example.com/RE1")
        assert urls_of(sqlite_place, "end") == ["at=https%3A%2F%2Fapi.example.com%2FRE1"]

    end = {"name": "end", "on": "call_ended", "method": "GET", "url": "http://127.0.0.1:9/e?at=[call_recording_url]"}
    act(sqlite_place, story, **{"campaigns[cars].webhooks": [end]})


def test_an_end_whose_record_does_not_come_is_told_without_it_after_ten_minutes(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        await world.tell("ended")
        world.clock.advance(601)
        await stage.check()
        assert urls_of(sqlite_place, "end") == ["talked=&why=record_missing"]
        [attempt] = (await world.stored()).state.attempts
        assert attempt.revenue.reason == Reason.RECORD_MISSING.code
        await world.tell("record", attempt=dial, seconds=95.0)
        assert (await world.balances())["buyer/alpha"] == "-1.5 USD"
        assert len(urls_of(sqlite_place, "end")) == 1

    url = "http://127.0.0.1:9/e?talked=[duration_seconds]&why=[reason]"
    end = {"name": "end", "on": "call_ended", "method": "GET", "url": url}
    act(sqlite_place, story, **{"campaigns[cars].webhooks": [end]})


def test_a_webhook_of_one_buyer_tells_of_no_other(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        for number, call in enumerate(("call-1", "call-2")):
            [dial] = dials(await world.arrive(call, caller=f"+1212555017{number}"))
            await world.talk(dial, 95.0, call)
            await stage.change(**mine, **{"buyers[alpha].paused": True})
        assert urls_of(sqlite_place, "mine") == ["buyer=alpha"]

    hook = {"name": "mine", "on": "converted", "buyer": "alpha", "method": "GET", "side": "revenue"}
    mine = {"campaigns[cars].webhooks": [hook | {"url": "http://127.0.0.1:9/m?buyer=[buyer_id]"}]}
    act(sqlite_place, story, **mine)


def test_a_call_that_its_caller_gives_up_while_a_webhook_holds_it_rings_nobody_more(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        world.outbound.answers = {"held": {"json": {}}}
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause="busy")
        world.outbound.answers = {}
        next_answer = world.tools.start_task(world.desk.go_on("sip", "call-1"))
        await asyncio.sleep(0)
        await world.tell("abandoned")
        answer = await next_answer
        assert isinstance(answer, Refuse)
        assert answer.reason is Reason.CALLER_HUNG_UP
        outcome = stage.outcomes_of("call-1")
        assert (outcome.places, outcome.reservations) == (0, {"done"})

    act(sqlite_place, story, **held("buyer_selected"))


def test_a_call_that_arrives_again_while_it_is_held_is_written_down_and_told_of_once(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        first, second = await asyncio.gather(stage.world.arrive(), stage.world.arrive())
        assert first == second
        assert stage.outcomes_of("call-1").told == ("told",)

    hooks = held("call_received")["campaigns[cars].webhooks"]
    hooks += [{"name": "told", "on": "call_received", "method": "GET", "url": "http://127.0.0.1:9/t"}]
    act(sqlite_place, story, **{"campaigns[cars].webhooks": hooks})
