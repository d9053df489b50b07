"""What happens to a call whose question is not answered at once: the server is slow, wrong, away, or one of several."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringbid.call.event import Arrival
from ringbid.call.instruction import Routing
from ringbid.edge.telephony.sip.netstrings import frame
from ringbid.reservations.ports import StoreUnavailable
from support.sip_desk import WAIT_SECONDS, FakeDesk, connect, dial
from support.sip_scenarios import buyer, caller, cancelling_caller
from support.sip_stage import Stage, perform, until


def test_a_call_waits_only_so_long_for_a_slow_server_and_is_told_when_to_try_again(tmp_path: Path) -> None:
    async def never(_: Arrival) -> Routing:
        await asyncio.Event().wait()
        raise AssertionError

    desk = FakeDesk(decide=never)

    async def play(stage: Stage) -> None:
        told = (await stage.call(caller(final=503))).check().received()
        assert "Retry-After: 5" in told[-1]
        [unanswered] = await desk.wait_for("unanswered")
        assert unanswered.code == 503
        assert (unanswered.at - desk.arrivals[0].at).total_seconds() > 0.8

    perform(play, tmp_path, desk, lookup_seconds=1.0)


def test_a_question_is_asked_again_while_the_store_is_away(tmp_path: Path) -> None:
    tried = 0

    async def third_time(_: Arrival) -> Routing:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise StoreUnavailable
        return connect((attempt,))

    desk = FakeDesk(decide=third_time)
    attempt = dial("sip:set.below")

    async def play(stage: Stage) -> None:
        nonlocal attempt
        attempt = dial(stage.buyer_uri(1))
        await stage.buyer(1, buyer())
        (await stage.call(caller())).check()
        await desk.wait_for("answered")
        assert tried == 3

    perform(play, tmp_path, desk)


@pytest.mark.parametrize(
    "answer", [b"\xff\x00 nonsense", b'{"do":"juggle","ask":"%b"}', b'{"do":"connect","ask":"%b"}']
)
def test_a_router_that_talks_nonsense_costs_the_call_a_503_and_nothing_else(tmp_path: Path, answer: bytes) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        host, _, port = stage.settings.sip.router_address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(frame(b'{"do":"hello"}'))
        calling = await stage.start_call(caller(final=503))
        question = await reader.readuntil(b'"kind"')
        ask = question.partition(b'"ask":"')[2].partition(b'"')[0]
        writer.write(frame(answer.replace(b"%b", ask)))
        (await calling).check()
        writer.close()
        await stage.connect_router()
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())
        (await stage.call(caller())).check()

    perform(play, tmp_path, desk, router=False, lookup_seconds=3.0)


def test_a_call_that_comes_while_no_server_is_there_waits_for_one(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())
        calling = await stage.start_call(caller())
        await stage.wait_for_questions(1)
        await stage.connect_router()
        (await calling).check()
        await desk.wait_for("ended")
        assert len(desk.arrivals) == 1

    perform(play, tmp_path, desk, router=False, lookup_seconds=WAIT_SECONDS)


def test_a_call_that_no_server_can_answer_ends_with_503(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        (await stage.call(caller(final=503))).check()

    perform(play, tmp_path, desk, router=False, lookup_seconds=0.6)


def test_a_question_outlives_the_server_that_took_it(tmp_path: Path) -> None:
    gone = FakeDesk()
    desk = FakeDesk()

    async def never(_: Arrival) -> Routing:
        await asyncio.Event().wait()
        raise AssertionError

    gone.decide = never

    async def play(stage: Stage) -> None:
        await stage.connect_router(gone)
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())
        calling = await stage.start_call(caller())
        await gone.wait_for_arrivals()
        await stage.disconnect_routers()
        await stage.connect_router(desk)
        (await calling).check()
        await desk.wait_for("ended")
        assert [arrival.provider_call_id for arrival in desk.arrivals] == [gone.arrivals[0].provider_call_id]

    perform(play, tmp_path, desk, router=False, lookup_seconds=WAIT_SECONDS)


def test_one_of_two_servers_is_asked_and_the_other_takes_over(tmp_path: Path) -> None:
    first, second = FakeDesk(), FakeDesk()

    async def play(stage: Stage) -> None:
        routers = [await stage.connect_router(first), await stage.connect_router(second)]
        for desk in (first, second):
            desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(), calls=2)
        (await stage.call(caller(talk_ms=50))).check()
        assert len(first.arrivals) + len(second.arrivals) == 1
        asked, other, task = (first, second, routers[0]) if first.arrivals else (second, first, routers[1])
        task.cancel()
        await asyncio.wait([task])
        (await stage.call(caller(talk_ms=50))).check()
        assert len(other.arrivals) == 1
        await other.wait_for("ended")
        assert len(asked.arrivals) == 1

    perform(play, tmp_path, first, router=False)


def test_an_invite_that_is_repeated_while_it_waits_is_one_call(tmp_path: Path) -> None:
    asked = asyncio.Event()
    go_on = asyncio.Event()

    async def wait(_: Arrival) -> Routing:
        asked.set()
        await go_on.wait()
        return desk.first

    desk = FakeDesk(decide=wait)

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer())

        async def repeated() -> bool:
            return stage.seen().count("INVITE sip:") >= 4

        calling = await stage.start_call(caller(repeats=3))
        await asked.wait()
        await until(repeated, "three repetitions")
        go_on.set()
        (await calling).check()
        assert len(desk.arrivals) == 1

    perform(play, tmp_path, desk)


def test_a_caller_who_hangs_up_while_the_question_waits_is_answered_at_once(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def wait(_: Arrival) -> Routing:
        await go_on.wait()
        return desk.first

    desk = FakeDesk(decide=wait)

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        finished = (await stage.call(cancelling_caller(after_ms=200, ringing=False))).check()
        go_on.set()
        [abandoned] = await desk.wait_for("abandoned")
        assert abandoned.provider_call_id in finished.messages
        (await stage.call(cancelling_caller(after_ms=0, ringing=False))).check()

    perform(play, tmp_path, desk, no_sign_seconds=2.0)


def test_a_caller_who_hangs_up_while_the_desk_looks_for_more_is_answered_at_once(tmp_path: Path) -> None:
    hung_up = asyncio.Event()

    class Slow(FakeDesk):
        async def go_on(self, provider: str, provider_call_id: str) -> Routing:
            await super().go_on(provider, provider_call_id)
            await hung_up.wait()
            return connect((dial("sip:nobody@127.0.0.1:9"),))

    desk = Slow()

    async def play(stage: Stage) -> None:
        desk.first = connect((dial(stage.buyer_uri(1)),))
        await stage.buyer(1, buyer(code=486))
        (await stage.call(cancelling_caller(after_ms=4000, ringing=True))).check()
        hung_up.set()
        await desk.wait_for("abandoned")
        assert len(desk.asked_again) == 1
        assert [event.attempt_id for event in desk.told("failed")] == [desk.first.steps[0][0].attempt_id]

    perform(play, tmp_path, desk, lookup_seconds=WAIT_SECONDS)


def test_a_call_that_nobody_ever_takes_ends_cleanly(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        plans = [connect(*((dial(stage.buyer_uri(1)),) for _ in range(3))) for _ in range(12)]
        desk.first, desk.later = plans[0], plans[1:]
        (await stage.call(caller(final=503))).check()
        [unanswered] = await desk.wait_for("unanswered")
        assert unanswered.code == 503
        tried = {event.attempt_id for event in desk.told("failed")}
        assert len(tried) >= 20
        await stage.wait_until_over()

    perform(play, tmp_path, desk, no_sign_seconds=0.1)


def test_a_name_or_a_call_id_with_quotes_reaches_the_desk_whole(tmp_path: Path) -> None:
    desk = FakeDesk()

    async def play(stage: Stage) -> None:
        odd = caller(final=480, from_='"a \\" , } ] \' $ru" <sip:+12025550123@[local_ip]:[local_port]>')
        (await stage.call(odd, "-cid_str", "a\"b\\c{d}%u'$(ru)@%s")).check()
        [arrival] = desk.arrivals
        assert arrival.provider_call_id == f"a\"b\\c{{d}}1'$(ru)@{stage.carrier}"
        assert arrival.caller_number == "+12025550123"

    perform(play, tmp_path, desk)
