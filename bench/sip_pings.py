"""Reserves a place for each caller, as fast as the server answers, before those callers call."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from bench.connection import Connection
from bench.pings import ping_request

_CONNECTIONS = 32


class _Reply(msgspec.Struct):
    status: str


class NotReserved(Exception):  # noqa: N818 -- what has happened, named as such
    """A ping did not lead to a reservation; the message has its answer."""


async def reserve(port: int, key: str, *, first_caller: int, callers: int) -> None:
    """Ping for that many callers, numbered as in `bench.pings`. Raises NotReserved."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    left = deque(range(first_caller, first_caller + callers))
    answered = 0

    def fail(what: str) -> None:
        if not done.done():
            done.set_exception(NotReserved(what))

    def on_answer(connection: Connection, status: int, body: bytes) -> None:
        nonlocal answered
        answered += 1
        connection.intended_at = None
        try:
            reserved = status == 200 and msgspec.json.decode(body, type=_Reply).status == "reserved"
        except msgspec.DecodeError:
            reserved = False
        if not reserved:
            fail(f"{status} {body[:200]!r}")
        elif left:
            send(connection)
        elif answered == callers and not done.done():
            done.set_result(None)

    def send(connection: Connection) -> None:
        connection.send(ping_request(key, left.popleft()), intended_at=loop.time())

    connections = []
    for _ in range(min(_CONNECTIONS, callers)):
        connection = Connection(on_answer, lambda _: fail("the server closed a connection"))
        await loop.create_connection(lambda made=connection: made, "127.0.0.1", port)  # type: ignore[misc]  # -- a lambda's default
        connections.append(connection)
    for connection in connections:
        send(connection)
    try:
        await done
    finally:
        for connection in connections:
            connection.close()
