"""The one way out: every HTTP request of the program goes through `OutboundClient.send`, with all guards on.

Made by `bootstrap`; called by the ping flow through `buyers.protocol.Outbound`. Its reasons, and what was measured, are
in docs/adr/0004-own-outbound-client.md. In short: one deadline over everything, the address that is dialled is the one
that was judged, no redirects, no proxies, no decompression, a limit for whatever the other side can make long.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge.outbound.addresses import forbidden
from ringbid.edge.outbound.connection import Connection, timed_out, tls_failed
from ringbid.edge.outbound.endpoint import Endpoint, parse_endpoint
from ringbid.edge.outbound.names import RememberingResolver, Resolver
from ringbid.edge.outbound.pool import IDLE_SECONDS, Pool
from ringbid.edge.outbound.wire import request_bytes, split_url
from ringbid.settings import Outbound
from ringbid.values.clock import Clock
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Dialler = Callable[[str, int], Awaitable[socket.socket]]  # an address as text and a port, to a connected socket

MAX_ENDPOINTS = 10_000
# A ping cancels its late asks when their time is up, maybe a moment before our own timer: that is a time-out too.
_TIMER_SLACK_SECONDS = 0.02

_FAILURES = frozenset({Reason.ASK_TIMED_OUT, Reason.ASK_UNREACHABLE, Reason.ASK_NAME_UNRESOLVED, Reason.ASK_TLS_FAILED})


async def dial(address: str, port: int) -> socket.socket:
    """A TCP connection to `address`, which is an IP address: nothing is resolved here. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


class OutboundClient:
    """Implements `buyers.protocol.Outbound`; lives in one event loop."""

    def __init__(
        self, settings: Outbound, clock: Clock, *, resolver: Resolver | None = None, dialler: Dialler = dial
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._resolve = resolver if resolver is not None else RememberingResolver(clock)
        self._dial = dialler
        self._pools: dict[str, Pool] = {}  # by every spelling of an origin that was used
        self._open: set[Connection] = set()
        self._gone = asyncio.Event()  # after `aclose`: no connection is left
        # Reading the system's authorities takes a while; a file of the owner's must be there from the start.
        self._tls = None if settings.ca_file is None else _tls_context(settings.ca_file)
        self._tidy_at = 0.0
        self._closed = False

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        """The answer to `ask`, whatever its status, or why there is none. `ends_at`: monotonic seconds of the clock.

        Refused: ASK_… for an ask that could not be made or was not answered, BID_UNREADABLE for an answer that breaks
        HTTP's rules or ours. Cancelled freely: the ask's connection is closed.
        """
        now = self._clock.monotonic()
        origin, target = split_url(ask.url)
        pool = self._pool_of(origin, now)
        if isinstance(pool, Refused):
            return pool
        request = request_bytes(ask, target, pool.authority)
        if isinstance(request, Refused):
            return request
        if ends_at <= now:
            return timed_out("no time left to ask")
        refused = pool.breaker.refuse_or_admit(now)
        if refused is not None:
            return refused
        try:
            result = await self._exchange(pool, request, now=now, ends_at=ends_at)
        except asyncio.CancelledError:
            now = self._clock.monotonic()
            if now >= ends_at - _TIMER_SLACK_SECONDS:
                pool.breaker.failed(now)
            else:
                pool.breaker.abandoned()
            raise
        self._note(pool, result)
        return result

    def _note(self, pool: Pool, result: Answer | Refused) -> None:
        """Tell the breaker how it went. An unreadable answer is one: the endpoint stands."""
        if result.status >= 500 if isinstance(result, Answer) else result.reason in _FAILURES:
            pool.breaker.failed(self._clock.monotonic())
        elif isinstance(result, Answer) or result.reason is Reason.BID_UNREADABLE:
            pool.breaker.succeeded()
        else:
            pool.breaker.abandoned()

    async def aclose(self) -> None:
        """Close every connection; what is under way ends as ASK_UNREACHABLE."""
        self._closed = True
        for connection in tuple(self._open):
            connection.close()
        if self._open:
            await self._gone.wait()

    async def _exchange(self, pool: Pool, request: bytes, *, now: float, ends_at: float) -> Answer | Refused:
        """One ask over an idle connection or a new one, within the deadline."""
        if not pool.take_permit():
            try:
                async with asyncio.timeout(ends_at - now):
                    await pool.wait_for_permit()
            except TimeoutError:
                return timed_out("all connections to the host in use")
            now = self._clock.monotonic()
        try:
            connection = pool.take_idle()
            if connection is not None:
                result = await connection.exchange(request, ends_at - now)
                # The other side closed an idle connection while our ask was on its way, and read nothing or forgot it:
                # once more, on a connection that is new. An ask may be heard twice (the page named above says why).
                if self._closed or not connection.dropped:
                    pool.keep(connection, self._clock.monotonic())
                    return result
            fresh = await self._connect(pool.endpoint, ends_at=ends_at)
            if isinstance(fresh, Refused):
                return fresh
            result = await fresh.exchange(request, self._seconds_until(ends_at))
            pool.keep(fresh, self._clock.monotonic())
            return result
        finally:
            pool.give_permit_back()

    async def _connect(self, endpoint: Endpoint, *, ends_at: float) -> Connection | Refused:
        """A new connection to an address of `endpoint`; the next address is tried where one does not answer."""
        try:
            async with asyncio.timeout(self._seconds_until(ends_at)):
                addresses = await self._addresses_of(endpoint)
        except TimeoutError:
            return timed_out("the host's name not resolved")
        if isinstance(addresses, Refused):
            return addresses
        failed = timed_out("no connection")
        for index, address in enumerate(addresses):
            share = self._seconds_until(ends_at) / (len(addresses) - index)
            try:
                async with asyncio.timeout(share):
                    opened = await self._open_connection(endpoint, address)
            except TimeoutError:
                failed = timed_out("no connection")
                continue
            if isinstance(opened, Connection):
                return opened
            failed = opened
        return failed

    async def _addresses_of(self, endpoint: Endpoint) -> tuple[str, ...] | Refused:
        """What may be dialled for `endpoint`. A name with one forbidden address is refused altogether: whoever mixes
        them hopes that the other one is dialled."""
        addresses = (endpoint.host,) if endpoint.is_address else await self._resolve(endpoint.host)
        if not addresses:
            return Refused(Reason.ASK_NAME_UNRESOLVED, actual=endpoint.host, expected="a name that resolves")
        for address in addresses:
            network = forbidden(address, allow_private=self._settings.allow_private)
            if network is not None:
                return Refused(
                    Reason.ASK_ADDRESS_FORBIDDEN,
                    actual=f"{endpoint.host} is in {network}",
                    expected="a public address",
                    setting="outbound.allow_private",
                )
        return addresses

    async def _open_connection(self, endpoint: Endpoint, address: str) -> Connection | Refused:
        secure = endpoint.scheme == "https"
        if secure and self._tls is None:
            self._tls = _tls_context()
        try:
            sock = await self._dial(address, endpoint.port)
        except OSError as error:
            return Refused(Reason.ASK_UNREACHABLE, actual=_in_words(error), expected="a connection")
        connection = Connection(limit_bytes=self._settings.answer_limit_bytes, on_lost=self._lost)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls if secure else None,
                server_hostname=endpoint.host if secure else None,
            )
        except OSError as error:
            return tls_failed(error)
        self._open.add(connection)
        if self._closed:
            connection.close()
        return connection

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if self._closed and not self._open:
            self._gone.set()

    def _pool_of(self, origin: str, now: float) -> Pool | Refused:
        if self._closed:
            return Refused(Reason.ASK_UNREACHABLE, actual="the client is closed", expected="a running server")
        if now >= self._tidy_at:
            self._tidy(now)
        pool = self._pools.get(origin)
        if pool is None:
            endpoint = parse_endpoint(origin, self._settings)
            if isinstance(endpoint, Refused):
                return endpoint
            if len(self._pools) >= MAX_ENDPOINTS:
                return Refused(
                    Reason.ASK_UNREACHABLE, actual="too many hosts at once", expected=f"at most {MAX_ENDPOINTS}"
                )
            pool = self._pools.get(str(endpoint)) or Pool(endpoint, self._settings)
            self._pools[origin] = self._pools[str(endpoint)] = pool
        pool.last_used = now
        return pool

    def _tidy(self, now: float) -> None:
        self._tidy_at = now + IDLE_SECONDS
        forgotten = {pool for pool in set(self._pools.values()) if pool.tidy(now)}
        self._pools = {origin: pool for origin, pool in self._pools.items() if pool not in forgotten}

    def _seconds_until(self, ends_at: float) -> float:
        return max(0.0, ends_at - self._clock.monotonic())


def _tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Always verifying, name and chain. Raises OSError where `ca_file` cannot be read."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _in_words(error: OSError) -> str:
    """The class of a failure, as the system words it, without addresses."""
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
