"""Performing work on a session: batches and transactions, committed once, whatever the database does meanwhile.

`threads` calls `perform` with what waited. A failure is an outcome like any other: one bug fails its own caller, and an
unreachable database fails those who asked while it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from ringbid.reservations.books import Request
from ringbid.reservations.ports import StoreUnavailable
from ringbid.store.batch import look_at, run_batch
from ringbid.store.session import ConnectionLost, RunAgain, Session

_RUNS = 5  # of one transaction that keeps losing against others, or its connection

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Work that gets a transaction of its own."""

    work: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Alone:
    """Work that runs outside any transaction."""

    work: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The outcome of work that raised."""

    error: Exception


Task = Request[Any] | InTransaction | Alone
Together = Callable[[Session, list[Request[Any]]], list[Any]]


def perform(session: Session, tasks: list[Task], together: Together) -> list[Any]:
    """The outcome of each task: its answer, or Failed. All requests are done `together`, and so is all work that wants
    a transaction, where nobody else writes to the database."""
    requests = [task for task in tasks if not isinstance(task, InTransaction | Alone)]
    works = [task for task in tasks if isinstance(task, InTransaction)]
    outcomes = iter(_isolated(session, requests, together) if requests else ())
    worked = iter(_transact_all(session, works))
    return [
        next(worked)
        if isinstance(task, InTransaction)
        else _outcome_of(session, task)
        if isinstance(task, Alone)
        else next(outcomes)
        for task in tasks
    ]


def write_together(session: Session, requests: list[Request[Any]]) -> list[Any]:
    """The answers to `requests`, all in one transaction, which is committed."""
    return _commit_once(session, lambda: run_batch(session, requests))


def read_together(session: Session, requests: list[Request[Any]]) -> list[Any]:
    """The answers to `requests`, which change nothing."""
    return _read_again(session, lambda: look_at(session, requests))


def _isolated(session: Session, requests: list[Request[Any]], together: Together) -> list[Any]:
    """The outcomes of `requests`. Where one of them raises, each is done by itself: a bug fails only its caller."""
    try:
        return together(session, requests)
    except StoreUnavailable as error:
        return [Failed(StoreUnavailable(*error.args)) for _ in requests]  # each its own: tracebacks grow on their way
    except Exception as error:  # noqa: BLE001 -- whatever it is, the one who asked for it gets it
        if len(requests) == 1:
            return [Failed(error)]
        _log.exception("batch_failed", requests=len(requests))
        return [outcome for request in requests for outcome in _isolated(session, [request], together)]


def _transact_all(session: Session, works: list[InTransaction]) -> list[object]:
    """The outcomes of `works`. Without other writers they share one commit, and so one flush to the disk: each keeps to
    itself within it. With others each commits alone, because it takes locks as it goes."""
    if session.shared or len(works) < 2:
        return [_outcome_of(session, work) for work in works]

    def begin_and_work() -> list[object]:
        session.begin()
        return [_within(session, work) for work in works]

    try:
        return _commit_once(session, begin_and_work)
    except StoreUnavailable as error:
        return [Failed(StoreUnavailable(*error.args)) for _ in works]
    except Exception:  # noqa: BLE001 -- the database gave it all up: whose fault it was shows when each is alone
        _log.exception("works_failed", works=len(works))
        return [_outcome_of(session, work) for work in works]


def _within(session: Session, task: InTransaction) -> object:
    """The outcome of one piece of work within a transaction that others share: a bug in it undoes itself only."""
    session.mark()
    try:
        answer = task.work(session)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it is, the one who asked for it gets it
        session.back_to_mark()
        return Failed(error)
    return answer


def _outcome_of(session: Session, task: InTransaction | Alone) -> object:
    def begin_and_work() -> object:
        session.begin()
        return task.work(session)

    try:
        if isinstance(task, InTransaction):
            return _commit_once(session, begin_and_work)
        return _read_again(session, lambda: task.work(session))
    except Exception as error:  # noqa: BLE001 -- whatever it is, the one who asked for it gets it
        return Failed(error)


def _commit_once(session: Session, transaction: Callable[[], Answer]) -> Answer:
    """Run `transaction` and commit it; again from its beginning where it left nothing behind.

    A COMMIT whose answer was lost is the one case that cannot be seen from here: the database is asked once it is back.
    """
    for _ in range(_RUNS):
        try:
            answer = transaction()
        except RunAgain:
            session.rollback()
            continue
        except ConnectionLost:
            _reopened(session, lambda: None)
            continue
        except BaseException:
            session.rollback()
            raise
        try:
            session.commit()
        except ConnectionLost:
            if _reopened(session, session.committed):
                return answer
        except RunAgain:
            session.rollback()
        except BaseException:
            session.rollback()
            raise
        else:
            return answer
    raise StoreUnavailable(f"a transaction did not go through in {_RUNS} runs")


def _read_again(session: Session, read: Callable[[], Answer]) -> Answer:
    """What `read` returns; again, on a new connection, where the connection broke."""
    try:
        return read()
    except ConnectionLost:
        return _reopened(session, read)


def _reopened(session: Session, ask: Callable[[], Answer]) -> Answer:
    """What `ask` returns on a new connection; on yet another one, where that broke in turn."""
    for _ in range(_RUNS):
        try:
            session.reopen()
            return ask()
        except ConnectionLost:
            continue
    raise StoreUnavailable(f"the connection broke {_RUNS} times in a row")
