"""The outbound client's circuit breaker, by real failures of real servers."""

from __future__ import annotations

import asyncio

import pytest

from ringbid.buyers.protocol import Answer
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support import hostile_server as buyers
from support.hostile_server import (
    HostileServer,
    StandingClock,
    Visit,
    ask_to,
    in_good_time,
    in_seconds,
    open_client,
    run,
)


def reason_of(result: Answer | Refused) -> Reason:
    assert isinstance(result, Refused), result
    return result.reason


def test_an_endpoint_that_keeps_failing_is_left_alone_and_then_probed() -> None:
    async def story() -> None:
        clock = StandingClock()
        well = False

        async def failing(visit: Visit) -> None:
            await (buyers.normal(visit) if well else visit.write(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"))

        changes = {"breaker_failures": 3, "breaker_open_seconds": 10.0}
        async with HostileServer(failing) as server, open_client(clock=clock, **changes) as client:

            async def send(path: str = "/") -> Answer | Refused:
                url = f"http://127.0.0.1:{server.port}{path}"
                return await client.send(ask_to(url), ends_at=clock.seconds + 60)

            for _ in range(3):
                assert isinstance(await send(), Answer)
            left_alone = await send("/another/path")
            assert reason_of(left_alone) is Reason.ASK_BREAKER_OPEN
            assert isinstance(left_alone, Refused)
            assert (left_alone.actual, left_alone.expected) == ("3 failures in a row", "fewer than 3")
            assert len(server.requests) == 3
            clock.seconds += 10
            assert isinstance(await send(), Answer)
            assert reason_of(await send()) is Reason.ASK_BREAKER_OPEN
            clock.seconds += 10
            well = True
            for _ in range(5):
                assert isinstance(await send(), Answer)

    run(story())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}/", Reason.ASK_TIMED_OUT),
        ("http://nobody.test/", Reason.ASK_NAME_UNRESOLVED),
        ("http://127.0.0.1:1/", Reason.ASK_UNREACHABLE),
    ],
)
def test_time_outs_and_unreachable_hosts_count_as_failures(url: str, reason: Reason) -> None:
    async def story() -> None:
        async def nothing(_: str) -> tuple[str, ...]:
            return ()

        async with HostileServer(buyers.silence) as server, open_client(resolver=nothing, breaker_failures=2) as client:
            ask = ask_to(url.format(port=server.port))
            seconds = 0.05 if reason is Reason.ASK_TIMED_OUT else 60
            reasons = [reason_of(await client.send(ask, ends_at=in_seconds(seconds))) for _ in range(3)]
            assert reasons == [reason, reason, Reason.ASK_BREAKER_OPEN]

    run(story())


def test_refused_addresses_and_unreadable_answers_do_not_open_the_breaker() -> None:
    async def story() -> None:
        async with HostileServer(buyers.random_bytes) as server, open_client(breaker_failures=1) as client:
            for url, reason in ((server.url, Reason.BID_UNREADABLE), ("http://0.0.0.0/", Reason.ASK_ADDRESS_FORBIDDEN)):
                for _ in range(3):
                    assert reason_of(await client.send(ask_to(url), ends_at=in_good_time())) is reason

    run(story())


@pytest.mark.parametrize(("seconds_left", "third"), [(60.0, Reason.ASK_TIMED_OUT), (0.01, Reason.ASK_BREAKER_OPEN)])
def test_a_cancellation_counts_as_a_failure_only_when_the_time_was_up(seconds_left: float, third: Reason) -> None:
    async def story() -> None:
        clock = StandingClock()
        heard = asyncio.Event()

        async def silent(visit: Visit) -> None:
            heard.set()
            await buyers.silence(visit)

        async with HostileServer(silent) as server, open_client(clock=clock, breaker_failures=2) as client:
            for _ in range(2):
                heard.clear()
                async with asyncio.TaskGroup() as group:
                    asking = group.create_task(client.send(ask_to(server.url), ends_at=clock.seconds + 60))
                    await heard.wait()
                    clock.seconds += 60 - seconds_left
                    asking.cancel()
            assert reason_of(await client.send(ask_to(server.url), ends_at=clock.seconds + 0.05)) is third

    run(story())
