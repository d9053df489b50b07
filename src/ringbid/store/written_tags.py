"""Tags that keys wrote for a caller before its call: kept until their time is over, read when the call is routed.

Used by `calls`, in its transactions; `call_tidying` flushes what has expired. Tags of a call that is known are in its
trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, func, select

from ringbid.call.ports import CallerOf
from ringbid.store.call_schema import written_tag
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Statement, database_now_ms, one_of
from ringbid.values.clock import to_ms

MOST_TAGS = 200  # for one caller

_KEEP = Insert(written_tag, replace=True)
# The later one wins where two have one name. `now_ms` is None where the database has a clock of its own.
_KEPT = Statement(
    select(written_tag.c.name, written_tag.c.value)
    .where(
        one_of(written_tag.c.subject, "subjects"),
        written_tag.c.expires_at_ms > func.coalesce(bindparam("now_ms", type_=BigInteger()), database_now_ms()),
        written_tag.c.written_at_ms >= bindparam("since_ms"),
    )
    .order_by(written_tag.c.written_at_ms)
)


def keep(
    session: Session, caller: CallerOf, tags: Mapping[str, str], *, now: datetime, written_by: str, keep_seconds: int
) -> bool:
    """Keep `tags` for so long, each in the place of an older one of its name; False where they are too many."""
    subject = _subject(caller, caller.publisher_id)
    session.lock([f"written {subject}"])
    now_ms = to_ms(now)
    [rows] = session.fetch((_KEPT, {"subjects": [subject], "now_ms": now_ms, "since_ms": 0}))
    if len({name for name, _ in rows} | set(tags)) > MOST_TAGS:
        return False
    expires_ms = now_ms + keep_seconds * 1000
    session.insert(
        _KEEP, [(subject, name, value, written_by, now_ms, expires_ms) for name, value in sorted(tags.items())]
    )
    return True


def read(session: Session, caller: CallerOf, since: datetime | None) -> dict[str, str]:
    """What is kept for this caller: for whichever publisher, and for the one whose call it is."""
    subjects = sorted({_subject(caller, ""), _subject(caller, caller.publisher_id)})
    since_ms = to_ms(since) if since is not None else 0
    now_ms = to_ms(session.clock.now()) if session.clock is not None else None
    [rows] = session.fetch((_KEPT, {"subjects": subjects, "now_ms": now_ms, "since_ms": since_ms}))
    return dict(rows)


def _subject(caller: CallerOf, publisher_id: str) -> str:
    """Under which name they are kept; no id has a slash in it."""
    return f"{caller.company_id}/{caller.campaign_id}/{publisher_id}/{caller.caller_number}"
