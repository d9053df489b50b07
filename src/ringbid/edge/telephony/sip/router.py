"""The router: a task of the server that answers Kamailio's questions and takes note of what it tells.

Started by `bootstrap`. It connects to Kamailio's evapi port, and again whenever that ends. Kamailio keeps questions and
events until they are answered and noted, and repeats them to whoever is connected: so nothing here has to survive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from ringbid.call.desk import CallDesk
from ringbid.call.ports import TakeBack
from ringbid.edge import tasks
from ringbid.edge.telephony.sip import messages
from ringbid.edge.telephony.sip.config import split_address
from ringbid.edge.telephony.sip.messages import Question, SentBack, Told
from ringbid.edge.telephony.sip.netstrings import NotNetstrings, frame, read_frame
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
from ringbid.settings import Sip
from ringbid.values.ids import PingId

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_BACK_SECONDS = 5.0  # how long a network may take to say whether it sends a caller back
_NOT_LIVE = frozenset({404, 410, 481})
_SILENT = 408  # the network has not answered
_REPEATED_WITHIN_SECONDS = 1.0  # what waits in Kamailio comes this soon after it is greeted

_log = structlog.get_logger(__name__)


class SipRouter:
    """Stands between Kamailio and the desk."""

    def __init__(self, desk: CallDesk, sip: Sip) -> None:
        self._desk = desk
        self._sip = sip
        self._under_way: set[str] = set()
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._returning: dict[str, asyncio.Future[int]] = {}
        self._connected = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        host, port = split_address(self._sip.router_address, name="router_address")
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError as error:
                _log.debug("sip_engine_unreachable", error=str(error))
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
                continue
            pause_seconds = _FIRST_PAUSE_SECONDS
            try:
                await self._serve(reader, writer)
            except (OSError, NotNetstrings) as error:
                _log.warning("sip_engine_lost", error=str(error))
            finally:
                self._connected.clear()
                self._writer = None
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            await asyncio.sleep(pause_seconds)

    async def wait_until_connected(self) -> None:
        """Returns once Kamailio has been greeted."""
        await self._connected.wait()

    async def wait_until_caught_up(self) -> None:
        """Returns once nothing waits that Kamailio asked or told before it was greeted, or after as long as a call may
        wait for its answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._sip.lookup_seconds):
                await self.wait_until_connected()
                await asyncio.sleep(_REPEATED_WITHIN_SECONDS)
                await self._idle.wait()

    async def hand_back(self, provider: str, provider_call_id: str, attempt_id: PingId) -> TakeBack:
        """Have the caller's network place the call again, so that it goes on with the next buyer (RFC 3515).

        `call.ports.Networks`, for the calls of this one network.
        """
        if not self._sip.refer or provider != messages.PROVIDER:
            return TakeBack.NOT_SUPPORTED
        if self._writer is None:
            return TakeBack.UNREACHABLE
        answered = self._returning.setdefault(attempt_id, asyncio.get_running_loop().create_future())
        self._writer.write(frame(messages.send_back(attempt_id)))
        try:
            async with asyncio.timeout(_BACK_SECONDS):
                code = await asyncio.shield(answered)
        except TimeoutError:
            return TakeBack.UNREACHABLE
        finally:
            self._returning.pop(attempt_id, None)
        _log.info("sip_call_sent_back", call=provider_call_id, attempt=attempt_id, code=code)
        if code < 300:
            return TakeBack.DONE
        if code == _SILENT:
            return TakeBack.UNREACHABLE
        return TakeBack.NOT_LIVE if code in _NOT_LIVE else TakeBack.NOT_SUPPORTED

    def _sent_back(self, told: SentBack) -> None:
        waiting = self._returning.get(told.back)
        if waiting is not None and not waiting.done():
            waiting.set_result(told.code)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(messages.hello()))
        self._writer = writer
        self._connected.set()
        _log.info("sip_engine_connected")
        while True:
            payload = await read_frame(reader)
            if payload is None:
                return
            try:
                message = messages.read_message(payload)
            except msgspec.DecodeError:
                _log.exception("sip_engine_unreadable", payload=payload[:200])
                continue
            if isinstance(message, SentBack):
                self._sent_back(message)
                continue
            name = message.ask if isinstance(message, Question) else message.event
            if name in self._under_way:
                continue  # it was repeated because we are slow
            self._under_way.add(name)
            self._idle.clear()
            tasks.start(self._handle(message, name, writer), name=f"sip {message.kind}")

    async def _handle(self, message: Question | Told, name: str, writer: asyncio.StreamWriter) -> None:
        """One message, after the earlier ones of the same call: the events of a call must not overtake its arrival."""
        try:
            work = self._answer(message) if isinstance(message, Question) else self._note(message)
            answer = await self._in_turn(messages.call_id_of(message), work)
        except (StoreUnavailable, StoreOverloaded, TimeoutError) as error:
            # Kamailio repeats it, or has given the call up.
            _log.warning("sip_message_waits", kind=message.kind, error=repr(error))
            return
        finally:
            self._under_way.discard(name)
            if not self._under_way:
                self._idle.set()
        if not writer.is_closing():
            writer.write(frame(answer))

    async def _answer(self, question: Question) -> bytes:
        call_id, at = messages.call_id_of(question), messages.asked_at(question)
        async with asyncio.timeout(self._sip.lookup_seconds):
            for failure in messages.failures_in(question):
                await self._desk.report(failure)
            before = messages.record_before(question)
            if before is not None:
                await self._desk.report(before)
            if question.kind == "arrive":
                routing = await self._desk.arrive(messages.to_arrival(question, self._sip))
            else:
                routing = await self._desk.go_on(messages.PROVIDER, call_id)
            for failure in messages.undialled(routing, call_id=call_id, at=at, sip=self._sip):
                _log.warning("sip_attempt_not_possible", attempt=failure.attempt_id)
                await self._desk.report(failure)
        return messages.to_answer(question, routing, self._sip)

    async def _note(self, told: Told) -> bytes:
        await self._desk.report(messages.to_event(told))
        return messages.noted(told)

    async def _in_turn(self, call_id: str, work: Coroutine[Any, Any, bytes]) -> bytes:
        lock, waiting = self._turns.get(call_id, (asyncio.Lock(), 0))
        self._turns[call_id] = (lock, waiting + 1)
        try:
            async with lock:
                return await work
        finally:
            work.close()
            lock, waiting = self._turns.pop(call_id)
            if waiting > 1:
                self._turns[call_id] = (lock, waiting - 1)
