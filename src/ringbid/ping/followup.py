"""What a publisher does with an open reservation: confirm it, release it, let it wait longer.

Given a reservation's uuid and the key that pinged it; the store makes each move at most once.
"""

from __future__ import annotations

from functools import partial

from ringbid.catalog.snapshot import KeyView
from ringbid.ping.ports import PingTools
from ringbid.reservations.reservation import Reservation
from ringbid.routing.plan import subjects_of
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


async def confirm(ping_id: PingId, view: KeyView, tools: PingTools) -> Reservation | Refused:
    """The call is coming: the reservation counts under the caps from now on."""
    return await tools.reservations.confirm(ping_id, key_id=view.key.id, subjects_of=partial(subjects_of, view.company))


async def release(ping_id: PingId, view: KeyView, tools: PingTools) -> Reservation | Refused:
    """The call is not coming: the place is free again."""
    return await tools.reservations.release(ping_id, key_id=view.key.id)


async def extend(ping_id: PingId, view: KeyView, tools: PingTools, *, ttl_text: str) -> Reservation | Refused:
    """The call needs longer: wait until `ttl_text` seconds after the reservation, at most twice the key's TTL."""
    most = 2 * view.key.ttl_seconds
    ttl_seconds = int(ttl_text) if ttl_text.isascii() and ttl_text.isdigit() and len(ttl_text) < 10 else 0
    if not 1 <= ttl_seconds <= most:
        return Refused(Reason.TTL_INVALID, actual=ttl_text[:40], expected=f"a whole number from 1 to {most}")
    return await tools.reservations.extend(ping_id, key_id=view.key.id, ttl_seconds=ttl_seconds)
