"""Sessions, in the store. A session is good while it is neither idle for too long nor too old, by the store's clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, select, update

from ringbid.accounts.people import Membership, User
from ringbid.accounts.sessions import IDLE, ListedSession, NewSession, OpenSession, Visit
from ringbid.reservations.ports import StoreOverloaded
from ringbid.store.accounts_people import END_OTHER_SESSIONS, GRANT_COLUMNS, USER_COLUMNS, read_grant_row, read_user
from ringbid.store.accounts_schema import app_session, app_user, membership
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import CompanyId

_MOST_LETTERS = 200
_IDLE_MS = IDLE // timedelta(milliseconds=1)

_INSERT = Insert(app_session)
_END_BY_TOKEN = Statement(delete(app_session).where(app_session.c.token_hash == bindparam("token")))
_DROP_OLD = Statement(delete(app_session).where(app_session.c.expires_at_ms <= bindparam("now_ms")))
_good = (app_session.c.expires_at_ms > bindparam("now_ms")) & (app_session.c.seen_at_ms > bindparam("idle_since_ms"))
_of_token = app_session.c.token_hash == bindparam("token")
_FIND = Statement(
    select(
        app_session.c.session_id,
        app_session.c.company_id,
        app_session.c.created_at_ms,
        app_session.c.seen_at_ms,
        app_session.c.by_link,
        *USER_COLUMNS,
        *GRANT_COLUMNS,
    )
    .join_from(app_session, app_user, app_session.c.user_id == app_user.c.user_id)
    .join(
        membership,
        and_(membership.c.user_id == app_session.c.user_id, membership.c.company_id == app_session.c.company_id),
    )
    .where(_of_token, _good, app_session.c.state == "open")
)
_COMPANIES = Statement(
    select(membership.c.company_id)
    .join_from(app_session, membership, membership.c.user_id == app_session.c.user_id)
    .where(_of_token)
    .order_by(membership.c.company_id)
)
_FIND_WAITING = Statement(
    select(*USER_COLUMNS)
    .join_from(app_session, app_user, app_session.c.user_id == app_user.c.user_id)
    .where(_of_token, _good, app_session.c.state == "code", app_user.c.totp_on == 1)
)
_SEEN = Statement(
    update(app_session)
    .where(app_session.c.session_id == bindparam("of_session"))
    .values(seen_at_ms=bindparam("now_ms"))
)
_OF_USER = Statement(
    select(
        app_session.c.session_id,
        app_session.c.created_at_ms,
        app_session.c.seen_at_ms,
        app_session.c.address,
        app_session.c.browser,
    )
    .where(_good, app_session.c.state == "open", app_session.c.user_id == bindparam("of_user"))
    .order_by(app_session.c.seen_at_ms.desc(), app_session.c.session_id)
)
_END = Statement(
    delete(app_session).where(
        app_session.c.user_id == bindparam("of_user"), app_session.c.session_id == bindparam("of_session")
    )
)
_is_member = (
    select(membership.c.user_id)
    .where(membership.c.user_id == app_session.c.user_id, membership.c.company_id == bindparam("to_company"))
    .exists()
)
_SWITCH = Statement(
    update(app_session)
    .where(app_session.c.session_id == bindparam("of_session"), app_session.c.state == "open", _is_member)
    .values(company_id=bindparam("to_company"))
)


class StoredSessions:
    """Keeps the promises of `accounts.ports.Sessions`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def open_session(self, session: NewSession, *, replaces: str | None = None) -> None:
        def work(connection: Session) -> None:
            now_ms = read_now_ms(connection)
            connection.write(_DROP_OLD, now_ms=now_ms)
            if replaces is not None:
                connection.write(_END_BY_TOKEN, token=replaces)
            connection.insert(_INSERT, [_row_of(session, now_ms)])

        await self._writer.transact(work)

    async def find_session(self, token_hash: str) -> OpenSession | None:
        def work(connection: Session) -> OpenSession | None:
            now_ms = read_now_ms(connection)
            which = {"token": token_hash}
            rows, companies = connection.fetch((_FIND, {**which, **_good_at(now_ms)}), (_COMPANIES, which))
            company_ids = tuple(CompanyId(company_id) for (company_id,) in companies)
            return _read_session(rows[0], company_ids, now_ms) if rows else None

        return await self._reading.alone(work)

    async def find_waiting(self, token_hash: str) -> User | None:
        def work(connection: Session) -> User | None:
            [rows] = connection.fetch((_FIND_WAITING, {"token": token_hash, **_good_at(read_now_ms(connection))}))
            return read_user(rows[0]) if rows else None

        return await self._reading.alone(work)

    async def note_seen(self, session_id: str) -> None:
        with suppress(StoreOverloaded):  # when it was last seen is worth no refusal
            await self._writer.transact(
                lambda connection: connection.write(_SEEN, of_session=session_id, now_ms=read_now_ms(connection))
            )

    async def sessions_of(self, user_id: str) -> tuple[ListedSession, ...]:
        def work(connection: Session) -> list[Row]:
            [rows] = connection.fetch((_OF_USER, {"of_user": user_id, **_good_at(read_now_ms(connection))}))
            return rows

        return tuple(
            ListedSession(
                session_id=session_id,
                created_at=from_ms(created_at_ms),
                seen_at=from_ms(seen_at_ms),
                visit=Visit(address=address, browser=browser),
            )
            for session_id, created_at_ms, seen_at_ms, address, browser in await self._reading.alone(work)
        )

    async def end_session(self, user_id: str, session_id: str) -> bool:
        which = {"of_user": user_id, "of_session": session_id}
        return await self._writer.transact(lambda connection: connection.update_each(_END, [which]) > 0)

    async def end_sessions(self, user_id: str, *, keep_session: str) -> int:
        which = {"of_user": user_id, "keep": keep_session}
        return await self._writer.transact(lambda connection: connection.update_each(END_OTHER_SESSIONS, [which]))

    async def switch_company(self, session_id: str, company_id: CompanyId) -> bool:
        which = {"of_session": session_id, "to_company": company_id}
        return await self._writer.transact(lambda connection: connection.update_each(_SWITCH, [which]) > 0)


def _good_at(now_ms: int) -> dict[str, int]:
    return {"now_ms": now_ms, "idle_since_ms": now_ms - _IDLE_MS}


def _row_of(new: NewSession, now_ms: int) -> Row:
    return (
        new.token_hash,
        new.session_id,
        new.user_id,
        new.company_id,
        new.state,
        int(new.by_link),
        now_ms,
        now_ms,
        now_ms + new.lifetime // timedelta(milliseconds=1),
        new.visit.address[:_MOST_LETTERS],
        new.visit.browser[:_MOST_LETTERS],
    )


def _read_session(row: Row, company_ids: tuple[CompanyId, ...], now_ms: int) -> OpenSession:
    session_id, company_id, created_at_ms, seen_at_ms, by_link, *rest = row
    user = read_user(tuple(rest[: len(USER_COLUMNS)]))
    grant = read_grant_row(tuple(rest[len(USER_COLUMNS) :]))
    return OpenSession(
        session_id=session_id,
        user=user,
        membership=Membership(user_id=user.user_id, company_id=CompanyId(company_id), grant=grant),
        company_ids=company_ids,
        created_at=from_ms(created_at_ms),
        seen_at=from_ms(seen_at_ms),
        by_link=bool(by_link),
        now=from_ms(now_ms),
    )
