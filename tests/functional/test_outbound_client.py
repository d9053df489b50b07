"""The outbound client against real servers on loopback: connections, deadlines, cancellation, failures."""

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
    in_turn,
    open_client,
    run,
)

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


def reason_of(result: Answer | Refused) -> Reason:
    assert isinstance(result, Refused), result
    return result.reason


# Connections


@LOOPS
def test_fifty_asks_at_once_lose_none_and_the_next_fifty_use_the_same_connections(loop: str) -> None:
    async def story() -> None:
        async with HostileServer(buyers.echo) as server, open_client() as client:
            for turn in range(3):
                bodies = [b"%d of turn %d" % (number, turn) for number in range(50)]
                asks = [ask_to(server.url, body=body) for body in bodies]
                answers = await asyncio.gather(*(client.send(ask, ends_at=in_good_time()) for ask in asks))
                assert [answer.body for answer in answers if isinstance(answer, Answer)] == bodies
            assert server.connections <= 50
            assert len(server.requests) == 150

    run(story(), loop=loop)


def test_one_host_gets_no_more_connections_than_it_may() -> None:
    async def story() -> None:
        async with HostileServer(buyers.echo) as server, open_client(connections_per_host=3) as client:
            asks = [ask_to(server.url, body=b"%d" % number) for number in range(20)]
            answers = await asyncio.gather(*(client.send(ask, ends_at=in_good_time()) for ask in asks))
            assert [answer.body for answer in answers if isinstance(answer, Answer)] == [ask.body for ask in asks]
            assert server.most_at_once <= 3

    run(story())


def test_who_waits_for_a_connection_waits_no_longer_than_its_deadline() -> None:
    async def story() -> None:
        heard = asyncio.Event()

        async def silent(visit: Visit) -> None:
            heard.set()
            await buyers.silence(visit)

        async with HostileServer(silent) as server, open_client(connections_per_host=1) as client:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(client.send(ask_to(server.url), ends_at=in_good_time()))
                await heard.wait()
                second = await client.send(ask_to(server.url), ends_at=in_seconds(0.5))
                assert not first.done()
                first.cancel()
            assert reason_of(second) is Reason.ASK_TIMED_OUT
            assert isinstance(second, Refused)
            assert second.actual == "all connections to the host in use"
            assert server.connections == 1

    run(story())


def test_a_get_is_sent_as_it_is_built() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server, open_client() as client:
            ask = ask_to(f"{server.url}?a=1#part", method="GET", body=b"", headers=[("X-A", "b")])
            assert isinstance(await client.send(ask, ends_at=in_good_time()), Answer)
            assert server.requests == [b"GET /bid?a=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nX-A: b\r\n\r\n" % server.port]

    run(story())


@LOOPS
def test_an_idle_connection_that_the_other_side_closed_costs_one_more_try(loop: str) -> None:
    async def story() -> None:
        async with HostileServer(in_turn(buyers.normal, buyers.closing_at_once)) as server, open_client() as client:
            for _ in range(2):
                assert isinstance(await client.send(ask_to(server.url), ends_at=in_good_time()), Answer)
            assert server.connections == 2
            assert len(server.requests) == 3

    run(story(), loop=loop)


@LOOPS
def test_a_connection_that_was_closed_while_it_idled_is_not_used(loop: str) -> None:
    async def story() -> None:
        async def answer_and_leave(visit: Visit) -> None:
            await buyers.normal(visit)
            visit.writer.close()

        async with HostileServer(answer_and_leave) as server, open_client() as client:
            for number in (1, 2):
                assert isinstance(await client.send(ask_to(server.url), ends_at=in_good_time()), Answer)
                await server.all_gone()
                for _ in range(20):
                    await asyncio.sleep(0)  # the client hears of the farewell in one of the loop's next rounds
                assert server.connections == number

    run(story(), loop=loop)


def test_a_new_connection_that_is_closed_without_an_answer_is_not_tried_again() -> None:
    async def story() -> None:
        async with HostileServer(buyers.closing_at_once) as server, open_client() as client:
            result = await client.send(ask_to(server.url), ends_at=in_good_time())
            assert reason_of(result) is Reason.ASK_UNREACHABLE
            assert len(server.requests) == 1

    run(story())


def test_an_ask_whose_answer_has_begun_is_not_sent_again() -> None:
    async def story() -> None:
        async with HostileServer(in_turn(buyers.normal, buyers.half_a_body)) as server, open_client() as client:
            await client.send(ask_to(server.url), ends_at=in_good_time())
            result = await client.send(ask_to(server.url), ends_at=in_good_time())
            assert reason_of(result) is Reason.ASK_UNREACHABLE
            assert len(server.requests) == 2

    run(story())


def test_an_ask_that_timed_out_on_an_idle_connection_is_not_sent_again() -> None:
    async def story() -> None:
        async with HostileServer(in_turn(buyers.normal, buyers.silence)) as server, open_client() as client:
            await client.send(ask_to(server.url), ends_at=in_good_time())
            result = await client.send(ask_to(server.url), ends_at=in_seconds(1))
            assert reason_of(result) is Reason.ASK_TIMED_OUT
            assert len(server.requests) == 2

    run(story())


@pytest.mark.parametrize(
    "oddity",
    [
        buyers.raw(buyers.answer(b"{}") + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n666"),
        buyers.raw(buyers.answer(b"{}") + b"rubbish"),
        buyers.raw(buyers.answer(b"{}", b"connection: close\r\n")),
        buyers.raw(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
        buyers.raw(b"HTTP/1.1 200 OK\r\n\r\n{}", then_close=True),
    ],
)
def test_after_any_oddity_a_connection_carries_no_other_ask(oddity: buyers.Behaviour) -> None:
    async def story() -> None:
        async with HostileServer(oddity) as server, open_client() as client:
            for _ in range(3):
                result = await client.send(ask_to(server.url), ends_at=in_good_time())
                assert isinstance(result, Answer)
                assert result.body == b"{}"
            assert server.connections == 3

    run(story())


def test_a_connection_that_idled_long_is_not_used_again() -> None:
    async def story() -> None:
        clock = StandingClock()
        async with HostileServer(buyers.normal) as server, open_client(clock=clock) as client:
            for _ in range(2):
                assert isinstance(await client.send(ask_to(server.url), ends_at=clock.seconds + 60), Answer)
            assert server.connections == 1
            clock.seconds += 16
            assert isinstance(await client.send(ask_to(server.url), ends_at=clock.seconds + 60), Answer)
            assert server.connections == 2

    run(story())


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def story() -> None:
        async with HostileServer(buyers.normal) as server, open_client() as client:
            assert isinstance(await client.send(ask_to(server.url), ends_at=in_good_time()), Answer)

    run(story())


# Deadlines and cancellation


def test_with_no_time_left_nobody_is_asked() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server, open_client() as client:
            assert reason_of(await client.send(ask_to(server.url), ends_at=in_seconds(0))) is Reason.ASK_TIMED_OUT
            assert server.connections == 0

    run(story())


def test_a_name_that_takes_too_long_ends_at_the_deadline() -> None:
    async def story() -> None:
        async def never(host: str) -> tuple[str, ...]:
            await asyncio.Event().wait()
            return (host,)

        async with open_client(resolver=never) as client:
            result = await client.send(ask_to("http://slow.test/"), ends_at=in_seconds(0.5))
            assert reason_of(result) is Reason.ASK_TIMED_OUT
            assert isinstance(result, Refused)
            assert result.actual == "the host's name not resolved"

    run(story())


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server:

            async def both(_: str) -> tuple[str, ...]:
                return ("10.0.0.1", "10.0.0.2", "127.0.0.1")

            async def dial(address: str, port: int) -> buyers.socket.socket:
                if address == "10.0.0.1":
                    await asyncio.Event().wait()
                if address == "10.0.0.2":
                    raise ConnectionRefusedError
                return await buyers.dial(address, port)

            async with open_client(resolver=both, dialler=dial) as client:
                result = await client.send(ask_to(f"http://buyer.test:{server.port}/"), ends_at=in_seconds(3))
                assert isinstance(result, Answer)

    run(story())


@LOOPS
def test_a_cancelled_ask_closes_its_connection_and_the_next_is_well(loop: str) -> None:
    async def story() -> None:
        heard = asyncio.Event()

        async def silent_then_well(visit: Visit) -> None:
            if visit.server.connections > 1:
                await buyers.normal(visit)
                return
            heard.set()
            await buyers.silence(visit)

        async with HostileServer(silent_then_well) as server, open_client(connections_per_host=1) as client:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(client.send(ask_to(server.url), ends_at=in_good_time()))
                await heard.wait()
                asking.cancel()
            await server.all_gone()
            assert isinstance(await client.send(ask_to(server.url), ends_at=in_good_time()), Answer)

    run(story(), loop=loop)


@LOOPS
@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 5, 8])
def test_cancelling_at_any_moment_leaves_no_connection_behind(loop: str, rounds: int) -> None:
    async def story() -> None:
        async with HostileServer(buyers.silence) as server, open_client() as client:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(client.send(ask_to(server.url), ends_at=in_good_time()))
                for _ in range(rounds):
                    await asyncio.sleep(0)
                asking.cancel()
            await client.aclose()
            await server.all_gone()

    run(story(), loop=loop)


@LOOPS
def test_closing_the_client_ends_what_is_under_way_and_refuses_what_comes(loop: str) -> None:
    async def story() -> None:
        heard = asyncio.Event()

        async def silent(visit: Visit) -> None:
            heard.set()
            await buyers.silence(visit)

        async with HostileServer(silent) as server, open_client() as client:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(client.send(ask_to(server.url), ends_at=in_good_time()))
                await heard.wait()
                await client.aclose()
            assert reason_of(asking.result()) is Reason.ASK_UNREACHABLE
            assert reason_of(await client.send(ask_to(server.url), ends_at=in_good_time())) is Reason.ASK_UNREACHABLE
            assert len(server.requests) == 1

    run(story(), loop=loop)


# Failures


def test_a_port_that_nobody_listens_on_is_unreachable_in_words_without_addresses() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server:
            url = server.url
        async with open_client() as client:
            assert await client.send(ask_to(url), ends_at=in_good_time()) == Refused(
                Reason.ASK_UNREACHABLE, actual="connection refused", expected="a connection"
            )

    run(story())


def test_a_name_that_does_not_exist_is_unresolved() -> None:
    async def story() -> None:
        async def nothing(_: str) -> tuple[str, ...]:
            return ()

        async with open_client(resolver=nothing) as client:
            result = await client.send(ask_to("http://nobody.test/"), ends_at=in_good_time())
            assert reason_of(result) is Reason.ASK_NAME_UNRESOLVED

    run(story())


def test_what_must_not_go_out_is_refused_before_anybody_is_connected() -> None:
    async def story() -> None:
        async with HostileServer(buyers.normal) as server, open_client() as client:
            ask = ask_to(server.url, headers=[("X-A", "b\r\nX-C: d")])
            assert reason_of(await client.send(ask, ends_at=in_good_time())) is Reason.ASK_UNBUILDABLE
            assert server.connections == 0

    run(story())
