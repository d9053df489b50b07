"""Permits: as many asks at once as there may be connections, in the order they came, and none lost."""

from __future__ import annotations

import asyncio

from ringbid.edge.outbound.endpoint import Endpoint
from ringbid.edge.outbound.pool import FORGOTTEN_SECONDS, Pool
from ringbid.settings import Outbound


def pool_of(connections: int) -> Pool:
    return Pool(Endpoint("http", "h.test", 80, False), Outbound(connections_per_host=connections))


def test_there_are_as_many_permits_as_connections() -> None:
    pool = pool_of(2)
    assert [pool.take_permit() for _ in range(3)] == [True, True, False]
    pool.give_permit_back()
    assert pool.take_permit()


def test_a_permit_goes_to_whoever_waits_longest_and_past_those_who_left() -> None:
    async def story() -> None:
        pool = pool_of(1)
        assert pool.take_permit()
        served: list[str] = []

        async def wait(name: str) -> None:
            await pool.wait_for_permit()
            served.append(name)

        async with asyncio.TaskGroup() as group:
            first, second, _ = (group.create_task(wait(name)) for name in ("first", "second", "third"))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.sleep(0)
            pool.give_permit_back()
            await first
            assert served == ["first"]
            assert not pool.take_permit()
            pool.give_permit_back()
        assert served == ["first", "third"]

    asyncio.run(story())


def test_a_permit_that_comes_in_the_moment_of_a_cancellation_is_passed_on() -> None:
    async def story() -> None:
        pool = pool_of(1)
        assert pool.take_permit()
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(pool.wait_for_permit())
            staying = group.create_task(pool.wait_for_permit())
            await asyncio.sleep(0)
            pool.give_permit_back()
            leaving.cancel()
            await staying
        pool.give_permit_back()
        assert pool.take_permit()

    asyncio.run(story())


def test_an_endpoint_nobody_uses_is_forgotten_but_not_while_it_is_in_use() -> None:
    pool = pool_of(1)
    assert not pool.tidy(FORGOTTEN_SECONDS)
    assert pool.tidy(FORGOTTEN_SECONDS + 1)
    assert pool.take_permit()
    assert not pool.tidy(FORGOTTEN_SECONDS + 1)
