"""One batch in one transaction: lock and read what its requests want to know, let each decide, write what changed.

`writer` runs the batches and commits them; the decisions are those of `reservations.taking` and `reservations.moving`.
Everything here works on the whole batch at once, because that is what makes a durable ping cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from ringbid.catalog.model import CapKind
from ringbid.outbox.message import Message
from ringbid.ping.events import messages_of_ping
from ringbid.reservations.books import (
    Books,
    EndedPing,
    Entry,
    KeptReply,
    OpenCaller,
    Request,
    Wanted,
    start_of_window_ms,
)
from ringbid.reservations.limits import NO_USAGE, WINDOWED, Usage
from ringbid.store import schema
from ringbid.store.outbox_writing import enqueue
from ringbid.store.rows import (
    PING_COLUMNS,
    RESERVATION_COLUMNS,
    caller_row,
    changes_of,
    ping_row,
    place_rows,
    read_entry,
    reservation_row,
)
from ringbid.store.session import RunAgain, Session
from ringbid.store.statements import Insert, Row, Statement, database_now_ms, one_of
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import PingId

_change, _held, _place = schema.catalog_change, schema.reservation, schema.place
_caller, _usage, _reply, _move = schema.open_caller, schema.usage, schema.idempotency, schema.reservation_move

# The newest catalog change, and the time.
HEAD = Statement(select(func.coalesce(func.max(_change.c.id), 0), database_now_ms()))
# The callers with an open reservation, among these.
_CALLERS = Statement(select(_caller).where(one_of(_caller.c.duplicate_key, "duplicate_keys")))
# The replies given under these keys; of each pair only both together count.
_REPLIES = Statement(select(_reply).where(one_of(_reply.c.key_id, "key_ids"), one_of(_reply.c.idem_key, "idem_keys")))
_RESERVATIONS = Statement(select(*RESERVATION_COLUMNS).where(one_of(_held.c.ping_id, "ping_ids")))
_PLACES_OF = Statement(select(_place.c.ping_id, _place.c.subject_id).where(one_of(_place.c.ping_id, "ping_ids")))
# How many places are taken with each of these subjects, and how many of them may still add to the windows.
_TAKEN = Statement(
    select(_place.c.subject_id, func.count(), func.sum(_place.c.waiting))
    .where(one_of(_place.c.subject_id, "subject_ids"), _place.c.expires_at_ms > bindparam("now_ms"))
    .group_by(_place.c.subject_id)
)
# How many calls were counted in these windows of these subjects.
_COUNTED = Statement(
    select(_usage.c.subject_id, _usage.c.kind, _usage.c.window_start_ms, _usage.c.counted).where(
        one_of(_usage.c.subject_id, "subject_ids"), one_of(_usage.c.window_start_ms, "starts_ms")
    )
)

_INSERT_PING = Insert(schema.ping)
_INSERT_RESERVATION = Insert(_held)
_INSERT_PLACE = Insert(_place)
_INSERT_MOVE = Insert(_move)
_INSERT_REPLY = Insert(_reply)
_REPLACE_CALLER = Insert(_caller, replace=True)
_ADD_USAGE = Insert(_usage, add="counted")
_UPDATE_RESERVATION = Statement(
    update(_held)
    .where(_held.c.ping_id == bindparam("ping"), _held.c.state == bindparam("from_state"))
    .values(
        state=bindparam("to_state"),
        counted=bindparam("counted_now"),
        ttl_seconds=bindparam("ttl"),
        expires_at_ms=bindparam("expires_ms"),
        confirmed_at_ms=bindparam("confirmed_ms"),
        ended_at_ms=bindparam("ended_ms"),
        extended=bindparam("extended_now"),
        in_windows=bindparam("in_windows_now"),
        live_until_ms=bindparam("live_until"),
        call_id=bindparam("call"),
        refused=bindparam("refused_for"),
    )
)
_DELETE_PLACES = Statement(delete(_place).where(one_of(_place.c.ping_id, "ping_ids")))
_DELETE_CALLERS = Statement(delete(_caller).where(one_of(_caller.c.duplicate_key, "duplicate_keys")))

assert _INSERT_PING.columns == PING_COLUMNS, "rows are made in the order of the columns"


def run_batch(session: Session, requests: Sequence[Request[Any]]) -> list[Any]:
    """The answers to `requests`, decided in their order. The transaction is begun here, and not yet committed.

    Raises RunAgain where the batch must be run again from its beginning.
    """
    session.begin()
    return decide_within(session, requests)


def decide_within(session: Session, requests: Sequence[Request[Any]]) -> list[Any]:
    """The same within a transaction that has begun already, for work that has more to write than these."""
    books = _open_books(session, requests, lock=True)
    answers = [request.decide(books) for request in requests]
    _write_ended(session, books)
    _write_reservations(session, books)
    _write_callers(session, books)
    return answers


def look_at(session: Session, requests: Sequence[Request[Any]]) -> list[Any]:
    """The answers to requests that change nothing, without a lock or a transaction."""
    books = _open_books(session, requests, lock=False)
    return [request.decide(books) for request in requests]


def _open_books(session: Session, requests: Sequence[Request[Any]], *, lock: bool) -> Books:
    """The books with all that `requests` want to know, as it is once the lock is ours."""
    wanted = Wanted()
    for request in requests:
        request.want(wanted)
    entries = _entries(_fetch(session, _entry_queries(wanted.ping_ids)))
    for request in requests if wanted.ping_ids else ():
        request.want_more(wanted, entries)
    first: dict[Statement, dict[str, Any]] = {}
    locked: set[str] = set()
    if lock and session.shared:
        locked = _lock_names(wanted, entries)
        session.lock(locked)
        first.update(_entry_queries(wanted.ping_ids))  # once more: what we read before the lock only named the locks
    if lock or session.clock is None:
        first[HEAD] = {}
    if wanted.duplicate_keys:
        first[_CALLERS] = {"duplicate_keys": list(wanted.duplicate_keys)}
    if wanted.replies:
        first[_REPLIES] = {
            "key_ids": list({key_id for key_id, _ in wanted.replies}),
            "idem_keys": list({key for _, key in wanted.replies}),
        }
    found = _fetch(session, first)
    head_version, server_now_ms = found[HEAD][0] if HEAD in found else (0, 0)
    now_ms = server_now_ms if session.clock is None else to_ms(session.clock.now())
    books = Books(now=from_ms(now_ms), head_version=head_version)
    books.entries = _entries(found) if _RESERVATIONS in found else entries
    if books.entries.keys() != entries.keys() or (locked and not locked.issuperset(_lock_names(wanted, books.entries))):
        raise RunAgain("a reservation was made, or took places, between our look at it and our lock")
    for key_id, key, fingerprint, status, body, _ in found.get(_REPLIES, ()):
        books.replies[key_id, key] = KeptReply(fingerprint, status, body)
    callers = [row for row in found.get(_CALLERS, ()) if row[2] > now_ms]
    _read_usage_and_originals(session, books, wanted, callers, now_ms=now_ms)
    return books


def _read_usage_and_originals(
    session: Session, books: Books, wanted: Wanted, callers: list[Row], *, now_ms: int
) -> None:
    """How full the subjects with caps are (nobody asks it of the others), and the reservations of open callers."""
    subjects = [subject for subject in wanted.subjects.values() if subject.caps.any]
    windows = {
        (subject.id, kind, start_of_window_ms(kind, now_ms, subject.zone))
        for subject in subjects
        for kind in WINDOWED
        if getattr(subject.caps, kind) is not None
    }
    queries = _entry_queries({row[1] for row in callers} - books.entries.keys())
    subject_ids = list({subject.id for subject in subjects})
    if subject_ids:
        queries[_TAKEN] = {"subject_ids": subject_ids, "now_ms": now_ms}
    if windows:
        queries[_COUNTED] = {"subject_ids": subject_ids, "starts_ms": list({start for _, _, start in windows})}
    found = _fetch(session, queries)
    books.entries.update(_entries(found))
    for duplicate_key, ping_id, _, duplicates in callers:
        if ping_id in books.entries:  # else it was flushed between two reads of a look
            books.callers[duplicate_key] = OpenCaller(ping_id, duplicates)
    taken = {subject_id: (places, int(waiting)) for subject_id, places, waiting in found.get(_TAKEN, ())}
    counted: dict[str, dict[CapKind, int]] = defaultdict(dict)
    for subject_id, kind, start_ms, calls in found.get(_COUNTED, ()):
        if (subject_id, kind, start_ms) in windows:
            counted[subject_id][kind] = calls
    books.usage = {subject.id: NO_USAGE for subject in wanted.subjects.values()}
    for subject_id in subject_ids:
        places, waiting = taken.get(subject_id, (0, 0))
        books.usage[subject_id] = Usage(places, waiting, counted.get(subject_id, NO_USAGE.counted))


def _lock_names(wanted: Wanted, entries: dict[PingId, Entry]) -> set[str]:
    """Everything that must not change while we decide. Places that an entry has are among it: moving their end without
    the lock of their subjects would let another process see them free at the very boundary."""
    names = {f"caller {key}" for key in wanted.duplicate_keys}
    names.update(f"reply {key_id} {key}" for key_id, key in wanted.replies)
    names.update(f"ping {ping_id}" for ping_id in wanted.ping_ids)
    names.update(subject.id for subject in wanted.subjects.values())
    names.update(subject_id for entry in entries.values() for subject_id in entry.subject_ids)
    return names


def _write_ended(session: Session, books: Books) -> None:
    """The pings that ended, what is told of them, and the replies that are kept for their Idempotency-Keys."""
    session.insert(_INSERT_PING, [ping_row(ended) for ended in books.ended])
    now_ms = to_ms(books.now)
    told = [message for ended in books.ended if ended.settlement.event_webhooks for message in _told(ended, books)]
    if told:
        enqueue(session, told, now_ms)
    replies = [(pair, books.replies[pair]) for pair in books.kept]
    session.insert(
        _INSERT_REPLY, [(*pair, reply.fingerprint, reply.status, reply.body, now_ms) for pair, reply in replies]
    )


def _told(ended: EndedPing, books: Books) -> tuple[Message, ...]:
    """What the company's event webhooks are told of the ping."""
    entry = books.entries.get(ended.settlement.ping_id)
    return messages_of_ping(ended, entry.reservation if entry is not None else None, books.now)


def _write_reservations(session: Session, books: Books) -> None:
    """Reservations, their places and moves, and the calls that were counted."""
    if books.changed:
        changes = [changes_of(before, books.entries[ping_id]) for ping_id, before in books.changed.items()]
        changed = session.update_each(_UPDATE_RESERVATION, changes)
        assert changed == len(changes), (
            f"of {len(changes)} reservations {len(changes) - changed} moved without our lock"
        )
    opened = [books.entries[ping_id] for ping_id in books.opened]
    session.insert(_INSERT_RESERVATION, [reservation_row(entry) for entry in opened])
    places = [row for entry in opened for row in place_rows(entry)]
    given_up = []
    for ping_id, before in books.changed.items():
        had, has = place_rows(before), place_rows(books.entries[ping_id])
        if had != has:
            places += has
            given_up += [ping_id] if had else []
    if given_up:
        session.write(_DELETE_PLACES, ping_ids=given_up)
    session.insert(_INSERT_PLACE, places)
    session.insert(
        _INSERT_MOVE,
        [(move.ping_id, move.to_state.value, move.from_state.value, to_ms(move.at), move.by) for move in books.moves],
    )
    session.insert(_ADD_USAGE, [(subject, start, kind, more) for (subject, kind, start), more in books.counted.items()])


def _write_callers(session: Session, books: Books) -> None:
    """Who waits with an open reservation now, and who does so no more."""
    gone = [key for key in books.changed_callers if key not in books.callers]
    if gone:
        session.write(_DELETE_CALLERS, duplicate_keys=gone)
    here = [key for key in books.changed_callers if key in books.callers]
    session.insert(_REPLACE_CALLER, [caller_row(key, books) for key in here])


def _entry_queries(ping_ids: Iterable[PingId]) -> dict[Statement, dict[str, Any]]:
    wanted = list(ping_ids)
    return {_RESERVATIONS: {"ping_ids": wanted}, _PLACES_OF: {"ping_ids": wanted}} if wanted else {}


def _entries(found: dict[Statement, list[Row]]) -> dict[PingId, Entry]:
    subject_ids: dict[PingId, tuple[str, ...]] = {}
    for ping_id, subject_id in found.get(_PLACES_OF, ()):
        subject_ids[ping_id] = (*subject_ids.get(ping_id, ()), subject_id)
    return {row[0]: read_entry(row, subject_ids.get(row[0], ())) for row in found.get(_RESERVATIONS, ())}


def _fetch(session: Session, queries: dict[Statement, dict[str, Any]]) -> dict[Statement, list[Row]]:
    return dict(zip(queries, session.fetch(*queries.items()), strict=True)) if queries else {}
