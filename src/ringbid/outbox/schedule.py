"""What follows from a try: delivered, tried again later, given up, or an endpoint that wants no more. Pure.

Used by `worker.outbox`. The times between tries are the owner's setting; each is spread a little, so that messages that
failed together do not come back together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from ringbid.outbox.message import MessageState
from ringbid.settings import Outbox
from ringbid.values.clock import to_ms

LONGEST_RETRY_AFTER_SECONDS = 86_400
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Next:
    """What a try makes of its message; `in_ms` from now, where it is WAITING for another try."""

    state: MessageState
    in_ms: int | None = None


def next_of(
    *, status: int | None, headers: Iterable[tuple[str, str]], step: int, settings: Outbox, now: datetime, chance: float
) -> Next:
    """What follows from the answer's `status` (None: there was no answer) at a message's try number `step`, from 0.

    `chance` is from 0 to 1: where in the spread the next try falls.
    """
    if status is not None and 200 <= status <= 299:
        return Next(MessageState.DELIVERED)
    if status == HTTPStatus.GONE:
        return Next(MessageState.DISABLED)
    if step >= len(settings.retry_seconds):
        return Next(MessageState.DEAD)
    spread = 1 + settings.spread_percent / 100 * (2 * chance - 1)
    pause_ms = round(settings.retry_seconds[step] * spread * 1000)
    return Next(MessageState.WAITING, max(pause_ms, _retry_after_ms(headers, now)))


def _retry_after_ms(headers: Iterable[tuple[str, str]], now: datetime) -> int:
    """What the receiver asks for, in seconds or as a date, up to a day; 0 where it says nothing that can be read."""
    value = next((value.strip() for name, value in headers if name.lower() == "retry-after"), "")
    wanted_ms = int(value) * 1000 if _SECONDS.fullmatch(value) else _milliseconds_until(value, now)
    return max(0, min(wanted_ms, LONGEST_RETRY_AFTER_SECONDS * 1000))


def _milliseconds_until(http_date: str, now: datetime) -> int:
    try:
        at = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return 0
    return to_ms(at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - to_ms(now)


def pick(due: Iterable[tuple[str, str]], *, room: int, most_per_queue: int, under_way: Mapping[str, int]) -> list[str]:
    """Of the messages that are `due` (id and queue, oldest first) those that may be sent now, beside what is
    `under_way` in each queue.

    A queue takes at most its share of the room, so that a slow endpoint does not hold up the others.
    """
    picked: list[str] = []
    counts = dict(under_way)
    for message_id, queue in due:
        count = counts.get(queue, 0)
        if len(picked) < room and count < most_per_queue:
            picked.append(message_id)
            counts[queue] = count + 1
    return picked
