"""Where the event loop hands its work to a session: a thread with a bounded queue, or the loop's own thread.

What waits is drained into one batch, `transactions` performs it, and all its answers go back at once. One thread
writes; on PostgreSQL another one reads, while SQLite is read where the loop runs: a read there takes microseconds.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

import structlog

from ringbid.reservations.books import Request
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
from ringbid.store.session import Session
from ringbid.store.transactions import Alone, Failed, InTransaction, Task, Together, perform, read_together

LARGEST_BATCH = 200

Answer = TypeVar("Answer")
AnySession = TypeVar("AnySession", bound=Session)
_Waiting = tuple[Task, asyncio.Future[Any]]

_log = structlog.get_logger(__name__)


class Reading(Protocol):
    """Where reads go."""

    async def ask(self, request: Request[Answer]) -> Answer:
        """The answer to a request that changes nothing."""
        ...

    async def alone(self, work: Callable[[Session], Answer]) -> Answer:
        """What `work` returns."""
        ...

    def close(self) -> None: ...


class SessionThread(Generic[AnySession]):
    """A thread, its session, and a bounded queue of work for it.

    What is awaited raises StoreOverloaded where too much waits, and StoreUnavailable where the database did not take
    the work. Cancelling the caller does not take the work back.
    """

    def __init__(
        self,
        session: AnySession,
        *,
        name: str,
        most_waiting: int,
        together: Together,
    ) -> None:
        self._session = session
        self._most_waiting = most_waiting
        self._together = together
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def ask(self, request: Request[Answer]) -> Answer:
        """The answer to `request`, once the batch that it came into is committed."""
        answer: Answer = await self._put(request)
        return answer

    async def transact(self, work: Callable[[AnySession], Answer]) -> Answer:
        """What `work` returns, run in a transaction of its own, once that is committed."""
        answer: Answer = await self._put(InTransaction(work))
        return answer

    async def alone(self, work: Callable[[AnySession], Answer]) -> Answer:
        """What `work` returns, run outside any transaction."""
        answer: Answer = await self._put(Alone(work))
        return answer

    def close(self) -> None:
        """Finish what waits, then end the thread and the session. Blocks until then; again, it does nothing."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            self._session.close()

    def _put(self, task: Task) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._queue.qsize() >= self._most_waiting:
            raise StoreOverloaded(f"{self._most_waiting} pieces of work are waiting")
        future = asyncio.get_running_loop().create_future()
        self._queue.put((task, future))
        return future

    def _run(self) -> None:
        open_ = True
        while open_:
            waiting, open_ = self._drain()
            if waiting:
                outcomes = perform(self._session, [task for task, _ in waiting], self._together)
                _give_back([future for _, future in waiting], outcomes)

    def _drain(self) -> tuple[list[_Waiting], bool]:
        """Whatever waits, at least one piece of it, and whether more may come after."""
        waiting: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            waiting.append(item)
            if len(waiting) == LARGEST_BATCH:
                return waiting, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return waiting, True
        return waiting, False


class SessionHere:
    """The same for reads on SQLite, in the event loop's own thread.

    Requests of one round of the loop are answered together at its end: nobody waits for it, and busy rounds share their
    queries.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: list[_Waiting] = []

    async def ask(self, request: Request[Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer_all)
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((request, future))
        return await future

    async def alone(self, work: Callable[[Session], Answer]) -> Answer:
        return work(self._session)

    def close(self) -> None:
        self._session.close()

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        outcomes = perform(self._session, [request for request, _ in waiting], read_together)
        _resolve([(future, outcome) for (_, future), outcome in zip(waiting, outcomes, strict=True)])


def _give_back(futures: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
    """Hand over all outcomes, with one call into each event loop (there is one, but in tests)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
    for future, outcome in zip(futures, outcomes, strict=True):
        by_loop[future.get_loop()].append((future, outcome))
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:  # the loop was closed before its answers came
            _log.warning("answers_without_a_loop", answers=len(pairs))


def _resolve(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in pairs:
        if future.done():  # cancelled meanwhile
            continue
        if isinstance(outcome, Failed):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)
