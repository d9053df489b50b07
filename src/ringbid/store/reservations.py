"""The store's side of `reservations.ports`: each method is one request to the writer, or to where reads go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from ringbid.reservations import moving
from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import IdempotencyUse, Look, Settled, Settlement, StoredPing, SubjectsOf
from ringbid.reservations.reservation import Reservation
from ringbid.reservations.taking import Take, TakeLook
from ringbid.store import schema
from ringbid.store.batch import look_at
from ringbid.store.rows import PING_COLUMNS, RESERVATION_COLUMNS, read_ping
from ringbid.store.session import Session
from ringbid.store.statements import Statement, database_now_ms
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import KeyId, PingId
from ringbid.values.verdict import Refused

# A ping with its reservation, and the time.
_FIND = Statement(
    select(database_now_ms(), *PING_COLUMNS, *RESERVATION_COLUMNS)
    .select_from(schema.ping.outerjoin(schema.reservation, schema.reservation.c.ping_id == schema.ping.c.uuid))
    .where(schema.ping.c.uuid == bindparam("ping_id"))
)


class StoredReservations:
    """Keeps the promises of `reservations.ports.Reservations`. Writes raise StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def look(
        self,
        *,
        key_id: KeyId,
        duplicate_key: str | None,
        subjects: tuple[Subject, ...],
        idempotency: IdempotencyUse | None,
    ) -> Look:
        request = TakeLook(key_id=key_id, duplicate_key=duplicate_key, subjects=subjects, idempotency=idempotency)
        return await self._reading.ask(request)

    async def settle(self, settlement: Settlement) -> Settled:
        return await self._writer.ask(Take(settlement))

    async def rehearse(self, settlement: Settlement) -> Settled:
        """How the ping would end now, for `ping.trying`. Alone: others that look would see its place as taken."""
        take = Take(settlement)

        def decide(session: Session) -> Settled:
            [settled] = look_at(session, [take])
            assert isinstance(settled, Settled)
            return settled

        return await self._reading.alone(decide)

    async def confirm(self, ping_id: PingId, *, key_id: KeyId, subjects_of: SubjectsOf) -> Reservation | Refused:
        return await self._writer.ask(moving.Confirm(ping_id, subjects_of, key_id))

    async def release(self, ping_id: PingId, *, key_id: KeyId) -> Reservation | Refused:
        return await self._writer.ask(moving.Release(ping_id, key_id))

    async def extend(self, ping_id: PingId, *, key_id: KeyId, ttl_seconds: int) -> Reservation | Refused:
        return await self._writer.ask(moving.Extend(ping_id, key_id, ttl_seconds))

    async def claim(
        self, ping_id: PingId, *, subjects_of: SubjectsOf, max_duration_seconds: int
    ) -> Reservation | Refused:
        return await self._writer.ask(moving.Claim(ping_id, subjects_of, max_duration_seconds))

    async def count(self, ping_id: PingId, *, subjects_of: SubjectsOf) -> None:
        await self._writer.ask(moving.Count(ping_id, subjects_of))

    async def finish(self, ping_id: PingId) -> Reservation | Refused:
        return await self._writer.ask(moving.Finish(ping_id))

    async def find(self, ping_id: PingId) -> StoredPing | None:
        return await self._reading.alone(lambda session: find_ping(session, ping_id))


def find_ping(session: Session, ping_id: PingId) -> StoredPing | None:
    """A ping's record with its reservation as it stands now; None where there is none."""
    [rows] = session.fetch((_FIND, {"ping_id": ping_id}))
    if not rows:
        return None
    server_now_ms, *row = rows[0]
    now = from_ms(server_now_ms) if session.clock is None else session.clock.now()
    return read_ping(tuple(row), now=now)
