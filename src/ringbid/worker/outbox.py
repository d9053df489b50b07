"""The sender: claims messages of the outbox, sends them, and records how it went before it forgets them.

Run by `bootstrap` beside the server. It goes in turns: one transaction writes down what was tried and claims what is
due, so that under load many results share one flush to the disk. A result is recorded after the answer, so a message
leaves at least once; a sender that was killed loses its leases, and the messages leave again under the same id.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from ringbid.buyers.protocol import Answer, Ask, Outbound
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Claimed, SenderStore, Tried, Turn, Wish
from ringbid.outbox.schedule import Next, next_of
from ringbid.outbox.signing import signed_headers
from ringbid.routing.bids import StartTask
from ringbid.settings import Outbox
from ringbid.values.clock import Clock
from ringbid.values.verdict import Refused

POLL_SECONDS = 1.0  # what other nodes enqueued is seen then; our own nudges us
STORE_PAUSE_SECONDS = 0.5  # after the store could not be used
FINISH_SECONDS = 5.0  # how long a sender that is stopped waits for answers
LEASE_TIMES = 2  # a send is over after its timeout; the rest is for recording it
ERROR_LENGTH = 300

_USER_INFO = re.compile(r"://[^/?#]*@")

_log = structlog.get_logger(__name__)


class Sender:
    """Sends until cancelled. `start_task` is `edge.tasks.start_awaited`: every task is awaited here.

    `tries` counts what came of tries in this process, for metrics.
    """

    def __init__(
        self,
        store: SenderStore,
        outbound: Outbound,
        *,
        settings: Outbox,
        clock: Clock,
        start_task: StartTask,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._outbound = outbound
        self._settings = settings
        self._clock = clock
        self._start_task = start_task
        self._chance = chance
        self._wake = asyncio.Event()
        self._sending: dict[asyncio.Task[None], str] = {}  # with each one's queue
        self._tried: list[Tried] = []
        self.tries: Counter[MessageState] = Counter()

    def nudge(self) -> None:
        """Something was enqueued or replayed: look now. Called after the commit, from the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Go on for ever. Cancelled, it waits a little for the answers that are due, and records them."""
        try:
            await self._adopt()
            while True:
                self._wake.clear()
                pause_seconds = await self._take_turn()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_seconds):
                        await self._wake.wait()
        finally:
            await self._finish()

    async def _adopt(self) -> None:
        try:
            adopted = await self._store.adopt()
        except Exception:  # noqa: BLE001 -- whatever it was, their leases run out all the same
            _log.exception("outbox_not_adopted")
        else:
            if adopted:
                _log.info("outbox_adopted", messages=adopted)

    async def _take_turn(self) -> float:
        """Record and claim, and start to send; how long to wait for the next turn, unless something happens before."""
        room = self._settings.concurrency - len(self._sending)
        if not room and not self._tried:
            return POLL_SECONDS
        try:
            turn = await self._record_and_claim(room)
        except Exception:  # noqa: BLE001 -- whatever it was, what was tried is kept for the next turn
            _log.exception("outbox_turn_failed")
            await asyncio.sleep(STORE_PAUSE_SECONDS)
            return 0
        for claimed in turn.claimed:
            task = self._start_task(self._send(claimed))
            self._sending[task] = claimed.queue
            task.add_done_callback(self._sent)
        if turn.due_in_ms is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(1, turn.due_in_ms) / 1000)

    async def _record_and_claim(self, room: int) -> Turn:
        settings = self._settings
        wish = Wish(
            room=room,
            most_per_queue=min(settings.endpoint_concurrency, settings.concurrency),
            lease_ms=round(settings.timeout_seconds * LEASE_TIMES * 1000),
            under_way=Counter(self._sending.values()),
        )
        turning = self._start_task(self._turn(wish))
        try:
            return await asyncio.shield(turning)
        except asyncio.CancelledError:
            # The store does it all the same: what it claims for us is given back, and nothing is recorded twice.
            with suppress(Exception):
                for claimed in (await turning).claimed:
                    self._tried.append(_tried(claimed, at=self._clock.now()))
            raise

    async def _turn(self, wish: Wish) -> Turn:
        tried, self._tried = self._tried, []
        try:
            return await self._store.turn(tried, wish)
        except BaseException:
            self._tried = tried + self._tried
            raise

    async def _send(self, claimed: Claimed) -> None:
        """One try. Whatever happens in it, its result is noted: a message that breaks us must not be sent for ever."""
        at, began = self._clock.now(), self._clock.monotonic()
        try:
            ask = _ask(claimed, timestamp=int(at.timestamp()))
            answer = await self._outbound.send(ask, ends_at=began + self._settings.timeout_seconds)
        except asyncio.CancelledError:
            self._tried.append(_tried(claimed, at=at))
            raise
        except Exception as error:  # noqa: BLE001 -- a bug, and this message's alone
            _log.exception("message_not_sent", message_id=claimed.message.message_id)
            self._note(claimed, at=at, began=began, answer=f"a bug: {type(error).__name__}")
        else:
            self._note(claimed, at=at, began=began, answer=answer)

    def _note(self, claimed: Claimed, *, at: datetime, began: float, answer: Answer | Refused | str) -> None:
        """`answer`: what came back, why nothing did, or the name of the bug that was met."""
        status, headers = (answer.status, answer.headers) if isinstance(answer, Answer) else (None, ())
        following = next_of(
            status=status,
            headers=headers,
            step=claimed.step,
            settings=self._settings,
            now=self._clock.now(),
            chance=self._chance(),
        )
        error = _in_words(answer) if isinstance(answer, Refused) else answer if isinstance(answer, str) else None
        took_ms = round((self._clock.monotonic() - began) * 1000)
        self._tried.append(_tried(claimed, at=at, took_ms=took_ms, status=status, error=error, following=following))
        self.tries[following.state] += 1
        if following.state in (MessageState.DEAD, MessageState.DISABLED):
            message = claimed.message
            _log.warning(
                f"message_{following.state.value}",
                message_id=message.message_id,
                company=message.company_id,
                endpoint=message.endpoint,
                status=status,
                error=error,
            )

    def _sent(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._wake.set()

    async def _finish(self) -> None:
        """Wait for what is under way, break off what takes too long, and record all of it."""
        sending = tuple(self._sending)
        if sending:
            await asyncio.wait(sending, timeout=FINISH_SECONDS)
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        if self._tried:
            try:
                await self._record_and_claim(0)
            except Exception:  # noqa: BLE001 -- the messages leave again, under the same ids
                _log.exception("outbox_not_recorded", messages=len(self._tried))


def _ask(claimed: Claimed, *, timestamp: int) -> Ask:
    """The request as it goes out now: its timestamp and signature are of this try."""
    message = claimed.message
    headers = signed_headers(
        message.headers, message.message_id, timestamp=timestamp, body=message.body, secrets=claimed.secrets
    )
    return Ask(
        webhook_name=message.endpoint, method=message.method, url=message.url, headers=headers, body=message.body
    )


def _tried(
    claimed: Claimed,
    *,
    at: datetime,
    took_ms: int = 0,
    status: int | None = None,
    error: str | None = None,
    following: Next | None = None,
) -> Tried:
    """`following` of None: it was broken off."""
    return Tried(
        message_id=claimed.message.message_id,
        lease=claimed.lease,
        at=at,
        took_ms=took_ms,
        status=status,
        error=error,
        state=None if following is None else following.state,
        retry_in_ms=None if following is None else following.in_ms,
    )


def _in_words(refused: Refused) -> str:
    text = refused.reason.code if refused.actual is None else f"{refused.reason.code}: {refused.actual}"
    return _USER_INFO.sub("://•••@", text)[:ERROR_LENGTH]
