"""Messages into the outbox, in the transaction of their cause: called by whoever writes the cause."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ringbid.outbox.message import Message, MessageState
from ringbid.outbox.ports import queue_of
from ringbid.store.outbox_schema import outbox
from ringbid.store.outbox_turn import Request
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row

# An event's id is made of the fact that it tells: one that is there already was told by whoever noticed it first.
_INSERT = Insert(outbox, unless="message_id")


def enqueue(session: Session, messages: Iterable[Message], at_ms: int) -> None:
    """Write `messages`, due at once, in the transaction that `session` is in: they leave if their cause is committed.

    `at_ms` is the store's time. Nothing is read: a disabled endpoint is seen when they are claimed. Then `nudge` the
    sender, so that they leave without waiting for its poll.
    """
    session.insert(_INSERT, [_row_of(message, at_ms) for message in messages])


def _row_of(message: Message, at_ms: int) -> Row:
    request = Request(method=message.method, url=message.url, headers=message.headers, body=message.body)
    values = {
        "message_id": message.message_id,
        "company_id": message.company_id,
        "call_id": message.call_id,
        "kind": message.kind,
        "endpoint": message.endpoint,
        "queue": queue_of(message.company_id, message.endpoint),
        "request": msgspec.json.encode(request),
        "created_at_ms": at_ms,
        "state": MessageState.WAITING.value,
        "tries": 0,
        "step": 0,
        "next_at_ms": at_ms,
    }
    if message.unsendable is not None:
        never = {"state": MessageState.DEAD.value, "next_at_ms": None, "ended_at_ms": at_ms}
        values |= never | {"last_error": message.unsendable}
    return tuple(values.get(column.name) for column in _INSERT.columns)
