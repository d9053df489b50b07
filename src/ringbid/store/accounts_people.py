"""Users and their memberships, in the store. `accounts` puts it together with its siblings."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, delete, func, or_, select, update

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import AuditEntry, Author
from ringbid.accounts.companies import NewCompany
from ringbid.accounts.people import Grant, Member, Membership, NewUser, User
from ringbid.accounts.ports import MemberChange
from ringbid.store.accounts_schema import app_session, app_user, membership
from ringbid.store.audit import write_audit
from ringbid.store.catalogs import Changes, create_company
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import BuyerId, CompanyId, PublisherId

# Whoever makes a user, or the first one, keeps others from doing so until the end of the transaction.
LOCK = "accounts"

USER_COLUMNS = (
    app_user.c.user_id,
    app_user.c.email,
    app_user.c.name,
    app_user.c.password_hash,
    app_user.c.totp_secret,
    app_user.c.totp_on,
    app_user.c.totp_step,
)
GRANT_COLUMNS = (membership.c.role, membership.c.publisher_id, membership.c.buyer_id, membership.c.tags)
_MEMBERSHIP_COLUMNS = (membership.c.user_id, membership.c.company_id, *GRANT_COLUMNS)
_OWNER = Role.OWNER.value

_of_user = app_user.c.user_id == bindparam("of_user")
_member = (membership.c.user_id == bindparam("of_user")) & (membership.c.company_id == bindparam("of_company"))
_users: Select[Any] = select(*USER_COLUMNS)
_ANY_USER = Statement(select(app_user.c.user_id).limit(1))
_BY_EMAIL = Statement(_users.where(app_user.c.email == bindparam("email")))
BY_ID = Statement(_users.where(_of_user))
_OWNERS = Statement(
    _users.where(app_user.c.user_id.in_(select(membership.c.user_id).where(membership.c.role == _OWNER))).order_by(
        app_user.c.email
    )
)
_MEMBERSHIPS = Statement(
    select(*_MEMBERSHIP_COLUMNS).where(membership.c.user_id == bindparam("of_user")).order_by(membership.c.company_id)
)
_seen = select(func.max(app_session.c.seen_at_ms)).where(app_session.c.user_id == app_user.c.user_id).scalar_subquery()
_MEMBERS = Statement(
    select(
        app_user.c.user_id,
        app_user.c.email,
        app_user.c.name,
        membership.c.created_at_ms,
        app_user.c.totp_on,
        _seen,
        *GRANT_COLUMNS,
    )
    .join_from(membership, app_user, membership.c.user_id == app_user.c.user_id)
    .where(membership.c.company_id == bindparam("of_company"))
    .order_by(func.lower(app_user.c.name), app_user.c.email)
)
_MEMBER = Statement(
    select(app_user.c.email, *GRANT_COLUMNS)
    .join_from(membership, app_user, membership.c.user_id == app_user.c.user_id)
    .where(_member)
)
_COUNT_OWNERS = Statement(
    select(func.count())
    .select_from(membership)
    .where(membership.c.company_id == bindparam("of_company"), membership.c.role == _OWNER)
)
_INSERT_USER = Insert(app_user)
_REPLACE_MEMBERSHIP = Insert(membership, replace=True)
_CHANGE_MEMBER = Statement(
    update(membership)
    .where(_member)
    .values(
        role=bindparam("new_role"),
        publisher_id=bindparam("new_publisher"),
        buyer_id=bindparam("new_buyer"),
        tags=bindparam("new_tags"),
    )
)
_REMOVE_MEMBER = Statement(delete(membership).where(_member))
_END_SESSIONS_HERE = Statement(
    delete(app_session).where(
        app_session.c.user_id == bindparam("of_user"),
        or_(app_session.c.company_id == bindparam("of_company"), app_session.c.company_id.is_(None)),
    )
)
_SET_PASSWORD = Statement(update(app_user).where(_of_user).values(password_hash=bindparam("new_hash")))
END_OTHER_SESSIONS = Statement(
    delete(app_session).where(
        app_session.c.user_id == bindparam("of_user"), app_session.c.session_id != bindparam("keep")
    )
)
_CHANGE_USER = Statement(
    update(app_user).where(_of_user).values(name=bindparam("new_name"), email=bindparam("new_email"))
)


class StoredPeople:
    """Keeps the promises of `accounts.ports.People`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading, changes: Changes) -> None:
        self._writer = writer
        self._reading = reading
        self._changes = changes

    async def any_user(self) -> bool:
        return await self._reading.alone(any_user)

    async def user_of_email(self, email: str) -> User | None:
        [rows] = await self._reading.alone(lambda session: session.fetch((_BY_EMAIL, {"email": email})))
        return read_user(rows[0]) if rows else None

    async def user(self, user_id: str) -> User | None:
        return await self._reading.alone(lambda session: find_user(session, user_id))

    async def owners(self) -> tuple[User, ...]:
        [rows] = await self._reading.alone(lambda session: session.fetch((_OWNERS, {})))
        return tuple(map(read_user, rows))

    async def memberships(self, user_id: str) -> tuple[Membership, ...]:
        [rows] = await self._reading.alone(lambda session: session.fetch((_MEMBERSHIPS, {"of_user": user_id})))
        return tuple(
            Membership(user_id=user_id, company_id=CompanyId(company_id), grant=read_grant_row(tuple(granted)))
            for _, company_id, *granted in rows
        )

    async def members(self, company_id: CompanyId) -> tuple[Member, ...]:
        [rows] = await self._reading.alone(lambda session: session.fetch((_MEMBERS, {"of_company": company_id})))
        return tuple(map(_read_member, rows))

    async def change_member(self, company_id: CompanyId, user_id: str, grant: Grant, *, author: Author) -> MemberChange:
        return await self._writer.transact(partial(_change_member, company_id, user_id, grant, author))

    async def remove_member(self, company_id: CompanyId, user_id: str, *, author: Author) -> MemberChange:
        return await self._writer.transact(partial(_change_member, company_id, user_id, None, author))

    async def set_password(
        self, user_id: str, password_hash: str, *, keep_session: str, company_id: CompanyId, author: Author
    ) -> None:
        def work(session: Session) -> None:
            session.write(_SET_PASSWORD, of_user=user_id, new_hash=password_hash)
            session.write(END_OTHER_SESSIONS, of_user=user_id, keep=keep_session)
            write_user_entry(session, user_id, company_id, author, "password", "changed")

        await self._writer.transact(work)

    async def change_user(
        self, user_id: str, *, name: str, email: str, company_id: CompanyId, author: Author
    ) -> bool:  # fmt: skip
        def work(session: Session) -> bool:
            session.lock([LOCK])
            user = find_user(session, user_id)
            if user is None or (email != user.email and email_taken(session, email)):
                return False
            session.write(_CHANGE_USER, of_user=user_id, new_name=name, new_email=email)
            changes = [("name", user.name, name), ("email", user.email, email)]
            entries = [
                AuditEntry(
                    company_id=company_id,
                    author=author,
                    path=f"users[{user.email}].{what}",
                    before=before,
                    after=after,
                )
                for what, before, after in changes
                if before != after
            ]
            write_audit(session, entries, read_now_ms(session))
            return True

        return await self._writer.transact(work)

    async def add_company(self, company: NewCompany, *, owner_id: str, author: Author) -> bool:
        def work(session: Session) -> bool:
            if not create_company(session, company.company_id, company.document, applied_by=author.name):
                return False
            now_ms = read_now_ms(session)
            make_member(session, owner_id, company.company_id, Grant(role=Role.OWNER), now_ms)
            write_audit(session, [made_company(company, author)], now_ms)
            return True

        made = await self._writer.transact(work)
        if made:
            self._changes.tell()
        return made


def any_user(session: Session) -> bool:
    [rows] = session.fetch((_ANY_USER, {}))
    return bool(rows)


def find_user(session: Session, user_id: str) -> User | None:
    [rows] = session.fetch((BY_ID, {"of_user": user_id}))
    return read_user(rows[0]) if rows else None


def email_taken(session: Session, email: str) -> bool:
    [rows] = session.fetch((_BY_EMAIL, {"email": email}))
    return bool(rows)


def make_user(session: Session, new: NewUser, now_ms: int) -> None:
    values = {
        "user_id": new.user_id,
        "email": new.email,
        "name": new.name,
        "password_hash": new.password_hash,
        "totp_on": 0,
        "totp_step": 0,
        "operator": int(new.operator),
        "created_at_ms": now_ms,
    }
    session.insert(_INSERT_USER, [tuple(values.get(column.name) for column in _INSERT_USER.columns)])


def make_member(session: Session, user_id: str, company_id: CompanyId, grant: Grant, now_ms: int) -> None:
    session.insert(_REPLACE_MEMBERSHIP, [(user_id, company_id, *grant_values(grant), now_ms)])


def is_member(session: Session, user_id: str, company_id: CompanyId) -> bool:
    [rows] = session.fetch((_MEMBER, {"of_user": user_id, "of_company": company_id}))
    return bool(rows)


def made_company(company: NewCompany, author: Author) -> AuditEntry:
    return AuditEntry(company_id=company.company_id, author=author, path="company", after=company.name)


def read_user(row: Row) -> User:
    """From USER_COLUMNS."""
    user_id, email, name, password_hash, totp_secret, totp_on, totp_step = row
    return User(
        user_id=user_id,
        email=email,
        name=name,
        password_hash=password_hash,
        totp_secret=totp_secret,
        totp_on=bool(totp_on),
        totp_step=totp_step,
    )


def grant_values(grant: Grant) -> Row:
    """In the order of GRANT_COLUMNS."""
    tags = msgspec.json.encode(sorted(grant.tags)).decode()
    return (grant.role.value, grant.publisher_id, grant.buyer_id, tags)


def read_grant_row(row: Row) -> Grant:
    """From GRANT_COLUMNS."""
    role, publisher_id, buyer_id, tags = row
    return Grant(
        role=Role(role),
        publisher_id=None if publisher_id is None else PublisherId(publisher_id),
        buyer_id=None if buyer_id is None else BuyerId(buyer_id),
        tags=frozenset(msgspec.json.decode(tags, type=list[str])),
    )


def write_user_entry(
    session: Session, user_id: str, company_id: CompanyId, author: Author, what: str, after: str
) -> None:
    """Into the audit log: something of a user that has no value to show is `after` now."""
    user = find_user(session, user_id)
    path = f"users[{user.email if user is not None else user_id}].{what}"
    entry = AuditEntry(company_id=company_id, author=author, path=path, after=after)
    write_audit(session, [entry], read_now_ms(session))


def _change_member(
    company_id: CompanyId, user_id: str, grant: Grant | None, author: Author, session: Session
) -> MemberChange:
    """Make a member something else, or (None) nothing any more."""
    session.lock([f"members {company_id}"])
    who = {"of_user": user_id, "of_company": company_id}
    found, [(owners,)] = session.fetch((_MEMBER, who), (_COUNT_OWNERS, who))
    if not found:
        return MemberChange.UNKNOWN
    email, *granted = found[0]
    before = read_grant_row(tuple(granted))
    if before.role is Role.OWNER and owners == 1 and (grant is None or grant.role is not Role.OWNER):
        return MemberChange.LAST_OWNER
    if grant is None:
        session.write(_REMOVE_MEMBER, **who)
        session.write(_END_SESSIONS_HERE, **who)
    else:
        role, publisher_id, buyer_id, tags = grant_values(grant)
        session.write(
            _CHANGE_MEMBER, **who, new_role=role, new_publisher=publisher_id, new_buyer=buyer_id, new_tags=tags
        )
    if grant != before:
        entry = AuditEntry(
            company_id=company_id,
            author=author,
            path=f"users[{email}]",
            before=before.describe(),
            after=None if grant is None else grant.describe(),
        )
        write_audit(session, [entry], read_now_ms(session))
    return MemberChange.DONE


def _read_member(row: Row) -> Member:
    user_id, email, name, created_at_ms, totp_on, seen_at_ms, *granted = row
    return Member(
        user_id=user_id,
        email=email,
        name=name,
        grant=read_grant_row(tuple(granted)),
        since=from_ms(created_at_ms),
        totp_on=bool(totp_on),
        seen_at=None if seen_at_ms is None else from_ms(seen_at_ms),
    )
