"""The sender against a store and receivers by script, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge import tasks
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Claimed, Tried, Turn, Wish
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Outbox
from ringbid.values.clock import from_ms
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from ringbid.worker.outbox import FINISH_SECONDS, Sender
from support.outbox import message
from support.virtual_time import NOON, VirtualClock, VirtualLoop

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = Outbox(timeout_seconds=10, concurrency=4, endpoint_concurrency=2, spread_percent=0)


@dataclass
class ScriptedStore:
    """Gives each turn what the test put into `due`, and remembers what it was told."""

    happened: asyncio.Event
    due: list[Claimed] = field(default_factory=list)
    told: list[Tried] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    fails: int = 0  # so many turns fail
    takes_seconds: float = 0

    async def adopt(self) -> int:
        return 0

    async def turn(self, tried: Sequence[Tried], wish: Wish) -> Turn:
        if self.takes_seconds:
            await asyncio.sleep(self.takes_seconds)
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("away")
        self.told += tried
        self.wishes.append(wish)
        claimed, self.due = self.due[: wish.room], self.due[wish.room :]
        self.happened.set()
        return Turn(claimed=tuple(claimed))


Receive = Callable[[Ask], Coroutine[Any, Any, Answer | Refused]]


@dataclass
class Receiver:
    """An Outbound."""

    happened: asyncio.Event
    receive: Receive
    asks: list[Ask] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        self.asks.append(ask)
        self.deadlines.append(ends_at)
        self.happened.set()
        return await self.receive(ask)


def answering(status: int, *headers: tuple[str, str]) -> Receive:
    async def receive(_ask: Ask) -> Answer:
        return Answer(status=status, headers=headers, body=b"")

    return receive


def claimed(number: int = 1, *, step: int = 0) -> Claimed:
    return Claimed(message=message(number), lease=f"lease-{number}", step=step, secrets=(SECRET,))


@dataclass
class Scene:
    happened: asyncio.Event
    store: ScriptedStore
    receiver: Receiver
    clock: VirtualClock
    sender: Sender
    running: asyncio.Task[None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the sender go on until `condition` holds."""
        while not condition():
            self.happened.clear()
            await self.happened.wait()

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.wait([self.running])


def play(
    story: Callable[[Scene], Coroutine[Any, Any, None]],
    receive: Receive,
    *due: Claimed,
    fails: int = 0,
    takes_seconds: float = 0,
) -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)

    async def happen() -> None:
        happened = asyncio.Event()
        store = ScriptedStore(happened, list(due), fails=fails, takes_seconds=takes_seconds)
        receiver = Receiver(happened, receive)
        sender = Sender(store, receiver, settings=SETTINGS, clock=clock, start_task=tasks.start_awaited)
        scene = Scene(happened, store, receiver, clock, sender, tasks.start(sender.run(), name="sender"))
        try:
            await story(scene)
        finally:
            await scene.stop()

    try:
        loop.run_until_complete(asyncio.wait_for(happen(), 10_000))
    finally:
        loop.close()


def test_a_try_is_signed_afresh_and_keeps_its_id_and_request() -> None:
    first = claimed()

    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 1)
        scene.store.due.append(first)
        await scene.until(lambda: len(scene.store.told) == 2)
        one, two = (dict(ask.headers) for ask in scene.receiver.asks)
        assert one["webhook-id"] == two["webhook-id"] == first.message.message_id
        assert one["webhook-timestamp"] != two["webhook-timestamp"]
        assert one["Authorization"] == "Bearer hunter2"
        for ask in scene.receiver.asks:
            assert (ask.method, ask.url, ask.body) == (first.message.method, first.message.url, first.message.body)
            headers = dict(ask.headers)
            at = from_ms(int(headers["webhook-timestamp"]) * 1000)
            expected = Webhook(SECRET).sign(headers["webhook-id"], at, ask.body.decode())
            assert headers["webhook-signature"] == expected

    play(story, answering(200), first)


def test_a_delivery_is_told_under_its_lease() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 1)
        [told] = scene.store.told
        assert (told.state, told.status, told.error, told.lease) == (MessageState.DELIVERED, 204, None, "lease-1")
        assert (told.at, told.took_ms) == (NOON, 3000)

    async def slowly(_ask: Ask) -> Answer:
        await asyncio.sleep(3)
        return Answer(status=204, headers=(), body=b"")

    play(story, slowly, claimed())


def test_a_failure_is_told_with_its_pause() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 1)
        [told] = scene.store.told
        assert (told.state, told.status, told.retry_in_ms) == (MessageState.WAITING, 503, 1_800_000)

    play(story, answering(503, ("retry-after", "10")), claimed(step=2))


def test_no_answer_is_told_with_its_reason() -> None:
    async def refuse(_ask: Ask) -> Refused:
        return Refused(Reason.ASK_TIMED_OUT, actual="no answer")

    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 1)
        [told] = scene.store.told
        assert (told.state, told.status) == (MessageState.WAITING, None)
        assert told.error == f"{Reason.ASK_TIMED_OUT.code}: no answer"
        assert scene.receiver.deadlines == [SETTINGS.timeout_seconds]

    play(story, refuse, claimed())


def test_a_message_that_meets_a_bug_fails_like_others_and_is_not_sent_for_ever() -> None:
    async def stumble(_ask: Ask) -> Answer:
        raise ZeroDivisionError

    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 1)
        [told] = scene.store.told
        assert (told.state, told.error) == (MessageState.DEAD, "a bug: ZeroDivisionError")

    play(story, stumble, claimed(step=7))


def test_no_more_are_under_way_than_the_settings_say_and_the_store_is_told_of_those_that_are() -> None:
    gate = asyncio.Event()

    async def wait(_ask: Ask) -> Answer:
        await gate.wait()
        return Answer(status=200, headers=(), body=b"")

    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.receiver.asks) == 4)
        await asyncio.sleep(30)
        assert len(scene.receiver.asks) == 4
        assert [wish.room for wish in scene.store.wishes] == [4]
        gate.set()
        await scene.until(lambda: len(scene.store.told) == 6)
        assert max(sum(wish.under_way.values()) + wish.room for wish in scene.store.wishes) == 4
        assert {wish.most_per_queue for wish in scene.store.wishes} == {2}

    play(story, wait, *(claimed(number) for number in range(6)))


def test_a_nudge_lets_a_fresh_message_leave_without_waiting_for_the_poll() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.wishes) == 1)
        await asyncio.sleep(0.01)
        scene.store.due.append(claimed())
        before = scene.clock.monotonic()
        scene.sender.nudge()
        await scene.until(lambda: len(scene.receiver.asks) == 1)
        assert scene.clock.monotonic() - before < 0.01

    play(story, answering(200))


def test_without_a_nudge_the_poll_finds_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.wishes) == 1)
        scene.store.due.append(claimed())
        await scene.until(lambda: len(scene.receiver.asks) == 1)
        assert scene.clock.monotonic() <= 1.1

    play(story, answering(200))


def test_results_are_kept_while_the_store_is_away() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.receiver.asks) == 2)
        scene.store.fails = 3
        await scene.until(lambda: len(scene.store.told) == 2)
        assert [told.state for told in scene.store.told] == [MessageState.DELIVERED] * 2
        assert scene.store.fails == 0

    async def slowly(ask: Ask) -> Answer:
        await asyncio.sleep(2)
        return await answering(200)(ask)  # type: ignore[return-value]  # -- it answers

    play(story, slowly, claimed(1), claimed(2))


def test_a_sender_that_is_stopped_records_the_answers_that_come_and_gives_back_what_takes_too_long() -> None:
    async def by_number(ask: Ask) -> Answer:
        slow = dict(ask.headers)["webhook-id"] == late.message.message_id
        await asyncio.sleep(FINISH_SECONDS * 2 if slow else FINISH_SECONDS / 2)
        return Answer(status=200, headers=(), body=b"")

    late, soon = claimed(1), claimed(2)

    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.receiver.asks) == 2)
        await scene.stop()
        assert {told.message_id: told.state for told in scene.store.told} == {
            late.message.message_id: None,
            soon.message.message_id: MessageState.DELIVERED,
        }
        assert scene.store.wishes[-1].room == 0

    play(story, by_number, late, soon)


def test_what_the_store_claims_while_the_sender_is_stopped_is_given_back() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(0.5)
        await scene.stop()
        assert [(told.lease, told.state) for told in scene.store.told] == [("lease-1", None)]
        assert scene.receiver.asks == []

    play(story, answering(200), claimed(), takes_seconds=1)


def test_tries_are_counted_by_what_came_of_them() -> None:
    async def story(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.told) == 2)
        assert scene.sender.tries == {MessageState.WAITING: 1, MessageState.DEAD: 1}

    play(story, answering(500), claimed(1), claimed(2, step=7))
