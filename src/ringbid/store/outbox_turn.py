"""One turn of the outbox's sender in one transaction: how tries went is written down, then messages are claimed.

`outbox` hands it to the writer. Nodes on one database take turns under a lock; a claimed message has a lease, so that
nobody else sends it until that ends. What an answer means was decided by `outbox.schedule`; here it meets what others
did with the message meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Select, bindparam, func, literal_column, select, update

from ringbid.outbox.message import Message, MessageState, is_event_endpoint
from ringbid.outbox.ports import Claimed, Tried, Turn, Wish, queue_of
from ringbid.outbox.schedule import pick
from ringbid.outbox.signing import new_secret
from ringbid.store.call_schema import secret
from ringbid.store.outbox_schema import outbox, outbox_endpoint, outbox_try
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement, database_now_ms, one_of
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CompanyId

LOCK = "outbox"

# Written out, not bound: a partial index serves only a query that says its condition in so many words.
WAITING = outbox.c.state == literal_column("'waiting'")
_now: BindParameter[int] = bindparam("now_ms")
_in_queue = outbox.c.queue == bindparam("of_queue")

_NOW = Statement(select(database_now_ms()))


def _heads() -> Select[Any]:
    """Each queue in which something waits, and when its first message is due. It steps from queue to queue by the
    index: a queue of a million costs no more than one of three."""
    first = select(func.min(outbox.c.queue).label("queue")).where(WAITING)
    queues = first.cte("queues", recursive=True)
    following = select(func.min(outbox.c.queue)).where(WAITING, outbox.c.queue > queues.c.queue).scalar_subquery()
    queues = queues.union_all(select(following).where(queues.c.queue.is_not(None)))
    next_at_ms = select(func.min(outbox.c.next_at_ms)).where(WAITING, outbox.c.queue == queues.c.queue)
    return select(queues.c.queue, next_at_ms.scalar_subquery()).where(queues.c.queue.is_not(None))


HEADS = Statement(_heads())
_KEPT_BACK = Statement(select(outbox_endpoint.c.company_id, outbox_endpoint.c.endpoint))
# The first messages of a queue that are due.
_DUE = Statement(
    select(outbox.c.next_at_ms, outbox.c.id, outbox.c.message_id, outbox.c.queue)
    .where(WAITING, _in_queue, outbox.c.next_at_ms <= _now)
    .order_by(outbox.c.next_at_ms, outbox.c.id)
    .limit(bindparam("most"))
)
_CLAIM = Statement(
    update(outbox)
    .where(one_of(outbox.c.message_id, "message_ids"))
    .values(lease=bindparam("new_lease"), next_at_ms=bindparam("lease_ends_ms"))
)
_MESSAGES = Statement(
    select(
        outbox.c.message_id,
        outbox.c.company_id,
        outbox.c.call_id,
        outbox.c.kind,
        outbox.c.endpoint,
        outbox.c.request,
        outbox.c.step,
    )
    .where(one_of(outbox.c.message_id, "message_ids"))
    .order_by(outbox.c.id)
)
_KEEP_BACK = Statement(
    update(outbox)
    .where(WAITING, _in_queue)
    .values(state=MessageState.DISABLED.value, next_at_ms=None, lease=None, ended_at_ms=_now)
)
_STANDINGS = Statement(
    select(
        outbox.c.message_id,
        outbox.c.company_id,
        outbox.c.endpoint,
        outbox.c.state,
        outbox.c.tries,
        outbox.c.step,
        outbox.c.next_at_ms,
        outbox.c.lease,
        outbox.c.ended_at_ms,
        outbox.c.last_status,
        outbox.c.last_error,
    ).where(one_of(outbox.c.message_id, "message_ids"))
)
_CHANGED = ("state", "tries", "step", "next_at_ms", "lease", "ended_at_ms", "last_status", "last_error")
_WRITE_STANDING = Statement(
    update(outbox)
    .where(outbox.c.message_id == bindparam("of_message"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_INSERT_TRY = Insert(outbox_try)
_DISABLE_ENDPOINT = Insert(outbox_endpoint, replace=True)
_SECRETS = Statement(select(secret.c.name, secret.c.value).where(one_of(secret.c.name, "names")))
_INSERT_SECRET = Insert(secret)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the column `request` holds, as JSON; the body in base64."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a message stands: a row of _STANDINGS."""

    message_id: str
    company_id: str
    endpoint: str
    state: str
    tries: int
    step: int
    next_at_ms: int | None
    lease: str | None
    ended_at_ms: int | None
    last_status: int | None
    last_error: str | None


def take_turn(session: Session, tried: Sequence[Tried], wish: Wish, *, lease: str) -> Turn:
    """Record what was `tried`, then claim under `lease` what is due."""
    session.lock([LOCK])
    now_ms = read_now_ms(session)
    if tried:
        _record(session, tried, now_ms)
    if wish.room <= 0:
        return Turn()
    message_ids, due_in_ms = _claim(session, wish, now_ms, lease=lease)
    claimed = _read_claimed(session, message_ids, lease=lease, now_ms=now_ms) if message_ids else ()
    return Turn(claimed=claimed, due_in_ms=due_in_ms)


def read_now_ms(session: Session) -> int:
    """The store's time."""
    if session.clock is not None:
        return to_ms(session.clock.now())
    [[(now_ms,)]] = session.fetch((_NOW, {}))
    return int(now_ms)


def read_secrets(session: Session, names: Iterable[str], now_ms: int) -> dict[str, tuple[str, ...]]:
    """The signing secrets of these names, newest first; made where there are none. Under the lock."""
    wanted = dict.fromkeys(names)
    [rows] = session.fetch((_SECRETS, {"names": list(wanted)}))
    found = {name: tuple(value.split()) for name, value in rows}
    made = {name: new_secret(os.urandom) for name in wanted if name not in found}
    session.insert(_INSERT_SECRET, [(name, value, now_ms) for name, value in made.items()])
    return found | {name: (value,) for name, value in made.items()}


def secret_name(company_id: str, endpoint: str | None = None) -> str:
    """What the secrets are called that messages to an endpoint are signed with: an event webhook has its own, so that
    none of their receivers can speak for us to another; all webhooks of campaigns share the company's."""
    own = endpoint is not None and is_event_endpoint(endpoint)
    return f"webhook/{company_id}/{endpoint}" if own else f"webhook/{company_id}"


def _claim(session: Session, wish: Wish, now_ms: int, *, lease: str) -> tuple[list[str], int | None]:
    """The messages that are ours now; and when the first one of a queue is due of which none is yet."""
    heads, disabled = session.fetch((HEADS, {}), (_KEPT_BACK, {}))
    kept_back = {queue_of(*endpoint) for endpoint in disabled}
    for queue in kept_back.intersection(queue for queue, _ in heads):
        session.write(_KEEP_BACK, of_queue=queue, now_ms=now_ms)
    shares = {
        queue: wish.most_per_queue - wish.under_way.get(queue, 0)
        for queue, next_at_ms in sorted(heads, key=itemgetter(1))
        if next_at_ms <= now_ms and queue not in kept_back
    }
    asked = [queue for queue, share in shares.items() if share > 0][: wish.room]
    pages = session.fetch(*((_DUE, {"of_queue": queue, "now_ms": now_ms, "most": shares[queue]}) for queue in asked))
    due = sorted(row for page in pages for row in page)
    picked = pick(
        [(message_id, queue) for _, _, message_id, queue in due],
        room=wish.room,
        most_per_queue=wish.most_per_queue,
        under_way=wish.under_way,
    )
    if picked:
        session.write(_CLAIM, message_ids=picked, new_lease=lease, lease_ends_ms=now_ms + wish.lease_ms)
    later = [next_at_ms for _, next_at_ms in heads if next_at_ms > now_ms]
    return picked, min(later) - now_ms if later else None


def _read_claimed(session: Session, message_ids: list[str], *, lease: str, now_ms: int) -> tuple[Claimed, ...]:
    [rows] = session.fetch((_MESSAGES, {"message_ids": message_ids}))
    names = {row[0]: secret_name(row[1], row[4]) for row in rows}
    secrets = read_secrets(session, names.values(), now_ms)
    claimed = []
    for message_id, company_id, call_id, kind, endpoint, document, step in rows:
        request = msgspec.json.decode(document, type=Request)
        message = Message(
            message_id=message_id,
            company_id=CompanyId(company_id),
            call_id=None if call_id is None else CallId(call_id),
            kind=kind,
            endpoint=endpoint,
            method=request.method,
            url=request.url,
            headers=request.headers,
            body=request.body,
        )
        claimed.append(Claimed(message=message, lease=lease, step=step, secrets=secrets[names[message_id]]))
    return tuple(claimed)


def _record(session: Session, tried: Sequence[Tried], now_ms: int) -> None:
    """Write down each try, what it made of its message, and which endpoints want no more."""
    [rows] = session.fetch((_STANDINGS, {"message_ids": [one.message_id for one in tried]}))
    standings = {row[0]: _Standing(*row) for row in rows}
    tries = []
    gone: dict[tuple[str, str], str] = {}
    for one in tried:
        before = standings.get(one.message_id)
        if before is None:  # flushed meanwhile
            continue
        after = standings[one.message_id] = _after(before, one, now_ms)
        if one.state is not None:
            tries.append((one.message_id, after.tries, to_ms(one.at), one.took_ms, one.status, one.error))
        if one.state is MessageState.DISABLED:
            gone[before.company_id, before.endpoint] = f"it answered {one.status} to {one.message_id}"
    session.insert(_INSERT_TRY, tries)
    session.update_each(_WRITE_STANDING, [_changes(standing) for standing in standings.values()])
    _disable(session, gone, now_ms)


def _disable(session: Session, gone: dict[tuple[str, str], str], now_ms: int) -> None:
    session.insert(_DISABLE_ENDPOINT, [(*endpoint, now_ms, why) for endpoint, why in gone.items()])
    for endpoint in gone:
        session.write(_KEEP_BACK, of_queue=queue_of(*endpoint), now_ms=now_ms)


def _after(before: _Standing, tried: Tried, now_ms: int) -> _Standing:
    """How a message stands after a try. A delivery counts whoever made it; a failure only where nobody else has taken
    the message over, since the lease ended."""
    ours = before.lease == tried.lease
    if tried.state is None:
        return replace(before, lease=None, next_at_ms=now_ms) if ours else before
    after = replace(before, tries=before.tries + 1, last_status=tried.status, last_error=tried.error)
    if tried.state is MessageState.DELIVERED:
        return after if before.state == tried.state.value else _ended(after, tried.state, now_ms)
    if not ours:
        return after
    after = replace(after, step=before.step + 1)
    if tried.state is not MessageState.WAITING:
        return _ended(after, tried.state, now_ms)
    assert tried.retry_in_ms is not None, "what waits has a time"
    return replace(after, lease=None, next_at_ms=now_ms + tried.retry_in_ms)


def _ended(standing: _Standing, state: MessageState, now_ms: int) -> _Standing:
    return replace(standing, state=state.value, next_at_ms=None, lease=None, ended_at_ms=now_ms)


def _changes(standing: _Standing) -> dict[str, object]:
    return {"of_message": standing.message_id} | {f"new_{name}": getattr(standing, name) for name in _CHANGED}
