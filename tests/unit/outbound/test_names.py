"""The resolver's memory: short, one question at a time for each name, and unharmed by those who stop waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime

import pytest

from ringbid.edge.outbound.names import REMEMBERED_SECONDS, RememberingResolver, resolve_by_system
from ringbid.values.clock import EPOCH


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return EPOCH

    def monotonic(self) -> float:
        return self.seconds


class Names:
    """A resolver that counts its questions and answers when it is let."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        await self.free.wait()
        return self.answers.pop(0)


def run(test: Coroutine[object, object, None]) -> None:
    asyncio.run(test)


def test_a_name_is_asked_for_once_in_its_time_and_again_after_it() -> None:
    async def story() -> None:
        clock, names = Clock(), Names(("1.1.1.1",), ("2.2.2.2",))
        resolve = RememberingResolver(clock, names)
        assert await resolve("a.test") == ("1.1.1.1",)
        clock.seconds = REMEMBERED_SECONDS - 0.1
        assert await resolve("a.test") == ("1.1.1.1",)
        clock.seconds = REMEMBERED_SECONDS
        assert await resolve("a.test") == ("2.2.2.2",)

    run(story())


def test_a_failure_is_not_remembered() -> None:
    async def story() -> None:
        resolve = RememberingResolver(Clock(), Names((), ("1.1.1.1",)))
        assert await resolve("a.test") == ()
        assert await resolve("a.test") == ("1.1.1.1",)

    run(story())


def test_many_who_ask_at_once_share_one_question_and_one_who_leaves_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        names = Names(("1.1.1.1",))
        names.free.clear()
        resolve = RememberingResolver(Clock(), names)
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(resolve("a.test")) for _ in range(20)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
            names.free.set()
        assert waiting[0].cancelled()
        assert {task.result() for task in waiting[1:]} == {("1.1.1.1",)}
        assert names.asked == ["a.test"]

    run(story())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_system_s_resolver_gives_addresses_as_text(host: str) -> None:
    assert {"127.0.0.1", "::1"} & set(asyncio.run(resolve_by_system(host)))


def test_a_name_that_no_system_can_encode_has_no_addresses() -> None:
    assert asyncio.run(resolve_by_system("a" * 70 + ".test")) == ()
