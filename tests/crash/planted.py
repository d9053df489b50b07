"""Bugs to plant into a server: each breaks one promise as a real mistake would, and the auditor must find it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import delete

from ringbid.edge.api import answering
from ringbid.ping import request
from ringbid.reservations import books
from ringbid.store import schema, tidying
from ringbid.store.sqlite import SqliteSession
from ringbid.store.statements import Statement, one_of


@dataclass(frozen=True)
class Plant:
    """`sow` breaks the product in this process; `found_as` is how the auditor must call it."""

    sow: Callable[[], None]
    found_as: str


def _check_caps_only_before_the_lock() -> None:
    """Check, then act: the look before the asks decides alone, the transaction no longer looks."""
    books.refuse_if_full = lambda *_: None  # type: ignore[attr-defined]  # -- the name is the module's own


def _keep_places_too_long() -> None:
    """Places that outlive their reservation, and a sweeper that looks for them in the wrong column."""
    books.Entry.places_until = property(  # type: ignore[method-assign,assignment]  # -- that is the bug
        lambda entry: entry.reservation.expires_at + timedelta(hours=1)
    )
    wrong = delete(schema.place).where(one_of(schema.place.c.subject_id, "ping_ids"))
    tidying._DELETE_PLACES = Statement(wrong)  # type: ignore[misc]  # -- that is the bug


def _forget_idempotency_keys() -> None:
    """A retry is a new ping. The answers are slow, so that nearly all kills come between commit and answer."""
    request._idempotency = lambda *_: None
    _send_late()


def _send_late() -> None:
    send_reply = answering.send_reply

    async def late(*arguments: Any, **keywords: Any) -> None:
        await asyncio.sleep(0.2)
        await send_reply(*arguments, **keywords)

    answering.send_reply = late


def _answer_before_the_commit() -> None:
    """Many batches in one transaction, each answered as if it were durable."""
    begin, commit = SqliteSession.begin, SqliteSession.commit
    answered = count(1)

    def begin_once(session: SqliteSession) -> None:
        if not session._connection.in_transaction:
            begin(session)

    def commit_seldom(session: SqliteSession) -> None:
        if next(answered) % 20 == 0:
            commit(session)

    SqliteSession.begin, SqliteSession.commit = begin_once, commit_seldom  # type: ignore[method-assign]  # -- the bug


PLANTED = {
    "answered before the commit": Plant(_answer_before_the_commit, "lost: "),
    "caps checked only before the lock": Plant(_check_caps_only_before_the_lock, "oversold"),
    "idempotency keys forgotten": Plant(_forget_idempotency_keys, "times, after"),
    "places kept too long": Plant(_keep_places_too_long, "leaked"),
}
