"""Links from the terminal and invitations, in the store: each is used once, whoever races for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import AuditEntry, Author
from ringbid.accounts.claiming import Claimed, ClaimLink
from ringbid.accounts.companies import NewCompany
from ringbid.accounts.invitations import Accepted, Invitation, NewInvitation
from ringbid.accounts.people import Grant, NewUser, User
from ringbid.store.accounts_people import (
    LOCK,
    any_user,
    email_taken,
    find_user,
    grant_values,
    is_member,
    made_company,
    make_member,
    make_user,
    read_grant_row,
)
from ringbid.store.accounts_schema import app_user, claim_link, invitation, membership
from ringbid.store.audit import write_audit
from ringbid.store.catalogs import Changes, create_company
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.schema import catalog_change
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import CompanyId

_OWNER = Grant(role=Role.OWNER)
_TERMINAL = Author(name="the terminal")

_good_link = (
    (claim_link.c.token_hash == bindparam("token"))
    & claim_link.c.used_at_ms.is_(None)
    & (claim_link.c.expires_at_ms > bindparam("now_ms"))
)
_FIND_LINK = Statement(select(claim_link.c.user_id).where(_good_link))
_USE_LINK = Statement(update(claim_link).where(_good_link).values(used_at_ms=bindparam("now_ms")))
_INSERT_LINK = Insert(claim_link)
_DROP_CLAIMS = Statement(delete(claim_link).where(claim_link.c.user_id.is_(None)))
_DROP_LINKS_OF = Statement(delete(claim_link).where(claim_link.c.user_id == bindparam("of_user")))
_COMPANIES = Statement(select(catalog_change.c.company_id).distinct().order_by(catalog_change.c.company_id))
_owned = select(membership.c.company_id).where(membership.c.role == Role.OWNER.value)
_ORPHANS = Statement(
    select(catalog_change.c.company_id)
    .where(catalog_change.c.company_id.not_in(_owned))
    .distinct()
    .order_by(catalog_change.c.company_id)
)
_OPERATORS = Statement(
    select(app_user.c.user_id, app_user.c.email).where(app_user.c.operator == 1).order_by(app_user.c.user_id)
)

_OFFER_COLUMNS = (
    invitation.c.invitation_id,
    invitation.c.company_id,
    invitation.c.email,
    invitation.c.invited_by,
    invitation.c.created_at_ms,
    invitation.c.expires_at_ms,
    invitation.c.role,
    invitation.c.publisher_id,
    invitation.c.buyer_id,
    invitation.c.tags,
)
_good_offer = invitation.c.accepted_at_ms.is_(None) & (invitation.c.expires_at_ms > bindparam("now_ms"))
_of_token = invitation.c.token_hash == bindparam("token")
_FIND_OFFER = Statement(select(*_OFFER_COLUMNS).where(_good_offer, _of_token))
_OFFERS = Statement(
    select(*_OFFER_COLUMNS)
    .where(_good_offer, invitation.c.company_id == bindparam("of_company"))
    .order_by(invitation.c.created_at_ms.desc(), invitation.c.invitation_id)
)
_ACCEPT = Statement(update(invitation).where(_good_offer, _of_token).values(accepted_at_ms=bindparam("now_ms")))
_WITHDRAW = Statement(
    delete(invitation).where(
        _good_offer,
        invitation.c.company_id == bindparam("of_company"),
        invitation.c.invitation_id == bindparam("of_offer"),
    )
)
_OFFER = Statement(
    select(*_OFFER_COLUMNS).where(
        _good_offer,
        invitation.c.company_id == bindparam("of_company"),
        invitation.c.invitation_id == bindparam("of_offer"),
    )
)
_INSERT_OFFER = Insert(invitation)


class StoredLinks:
    """Keeps the promises of `accounts.ports.Links`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading, changes: Changes) -> None:
        self._writer = writer
        self._reading = reading
        self._changes = changes

    async def make_link(self, token_hash: str, *, user_id: str | None, lifetime: timedelta) -> None:
        def work(session: Session) -> None:
            if user_id is not None:
                session.write(_DROP_LINKS_OF, of_user=user_id)
            now_ms = read_now_ms(session)
            session.insert(_INSERT_LINK, [(token_hash, user_id, now_ms, now_ms + _ms(lifetime), None)])

        await self._writer.transact(work)

    async def find_link(self, token_hash: str) -> ClaimLink | None:
        def work(session: Session) -> ClaimLink | None:
            [rows] = session.fetch((_FIND_LINK, {"token": token_hash, "now_ms": read_now_ms(session)}))
            return ClaimLink(rows[0][0]) if rows else None

        return await self._reading.alone(work)

    async def claim(self, token_hash: str, owner: NewUser, company: NewCompany | None) -> Claimed:
        claimed = await self._writer.transact(partial(_claim, token_hash, owner, company))
        self._changes.tell()
        return claimed

    async def use_link(self, token_hash: str) -> User | None:
        return await self._writer.transact(partial(_use_link, token_hash))

    async def make_owner(self, owner: NewUser, company: NewCompany | None, *, author: Author) -> bool:
        def work(session: Session) -> bool:
            session.lock([LOCK])
            if email_taken(session, owner.email):
                return False
            if company is not None and create_company(
                session, company.company_id, company.document, applied_by=author.name
            ):
                write_audit(session, [made_company(company, author)], read_now_ms(session))
            _make_owner(session, owner, author)
            return True

        made = await self._writer.transact(work)
        self._changes.tell()
        return made

    async def adopt_companies(self) -> int:
        return await self._writer.transact(_adopt)

    async def invite(self, invitation: NewInvitation, *, lifetime: timedelta, author: Author) -> None:
        await self._writer.transact(partial(_invite, invitation, lifetime, author))

    async def find_invitation(self, token_hash: str) -> Invitation | None:
        return await self._reading.alone(partial(_find_offer, token_hash))

    async def invitations(self, company_id: CompanyId) -> tuple[Invitation, ...]:
        def work(session: Session) -> list[Row]:
            [rows] = session.fetch((_OFFERS, {"of_company": company_id, "now_ms": read_now_ms(session)}))
            return rows

        return tuple(map(_read_offer, await self._reading.alone(work)))

    async def withdraw(self, company_id: CompanyId, invitation_id: str, *, author: Author) -> bool:
        return await self._writer.transact(partial(_withdraw, company_id, invitation_id, author))

    async def accept(self, token_hash: str, *, user_id: str) -> Accepted:
        return await self._writer.transact(partial(_accept, token_hash, user_id))

    async def accept_as(self, token_hash: str, newcomer: NewUser) -> Accepted:
        return await self._writer.transact(partial(_accept_as, token_hash, newcomer))


def _claim(token_hash: str, owner: NewUser, company: NewCompany | None, session: Session) -> Claimed:
    session.lock([LOCK])
    now_ms = read_now_ms(session)
    [rows] = session.fetch((_FIND_LINK, {"token": token_hash, "now_ms": now_ms}))
    if not rows or rows[0][0] is not None:
        return Claimed.OVER
    if any_user(session):
        return Claimed.ALREADY
    author = Author(name=owner.name, user_id=owner.user_id, via="session")
    if company is not None:
        if not create_company(session, company.company_id, company.document, applied_by=owner.name):
            return Claimed.COMPANY_TAKEN
        write_audit(session, [made_company(company, author)], now_ms)
    session.write(_USE_LINK, token=token_hash, now_ms=now_ms)
    _make_owner(session, replace(owner, operator=True), author)
    return Claimed.DONE


def _make_owner(session: Session, owner: NewUser, author: Author) -> None:
    """Make this user, owner of all companies that there are. No link claims the installation any more."""
    now_ms = read_now_ms(session)
    session.write(_DROP_CLAIMS)
    make_user(session, owner, now_ms)
    [companies] = session.fetch((_COMPANIES, {}))
    entries = []
    for (company_id,) in companies:
        make_member(session, owner.user_id, company_id, _OWNER, now_ms)
        entries.append(_made_member(company_id, owner.email, _OWNER, author))
    write_audit(session, entries, now_ms)


def _use_link(token_hash: str, session: Session) -> User | None:
    link = {"token": token_hash, "now_ms": read_now_ms(session)}
    [rows] = session.fetch((_FIND_LINK, link))
    if not rows or rows[0][0] is None or session.update_each(_USE_LINK, [link]) == 0:
        return None
    return find_user(session, rows[0][0])


def _adopt(session: Session) -> int:
    session.lock([LOCK])
    orphans, operators = session.fetch((_ORPHANS, {}), (_OPERATORS, {}))
    now_ms = read_now_ms(session)
    for (company_id,) in orphans:
        for user_id, email in operators:
            make_member(session, user_id, company_id, _OWNER, now_ms)
            write_audit(session, [_made_member(company_id, email, _OWNER, _TERMINAL)], now_ms)
    return len(orphans) if operators else 0


def _invite(new: NewInvitation, lifetime: timedelta, author: Author, session: Session) -> None:
    now_ms = read_now_ms(session)
    values = (
        new.token_hash,
        new.invitation_id,
        new.company_id,
        new.email,
        *grant_values(new.grant),
        author.name,
        now_ms,
        now_ms + _ms(lifetime),
        None,
    )
    session.insert(_INSERT_OFFER, [values])
    entry = AuditEntry(
        company_id=new.company_id, author=author, path=f"invitations[{new.email}]", after=new.grant.describe()
    )
    write_audit(session, [entry], now_ms)


def _find_offer(token_hash: str, session: Session) -> Invitation | None:
    [rows] = session.fetch((_FIND_OFFER, {"token": token_hash, "now_ms": read_now_ms(session)}))
    return _read_offer(rows[0]) if rows else None


def _withdraw(company_id: CompanyId, invitation_id: str, author: Author, session: Session) -> bool:
    now_ms = read_now_ms(session)
    which = {"of_company": company_id, "of_offer": invitation_id, "now_ms": now_ms}
    [rows] = session.fetch((_OFFER, which))
    if not rows or session.update_each(_WITHDRAW, [which]) == 0:
        return False
    offer = _read_offer(rows[0])
    entry = AuditEntry(
        company_id=company_id, author=author, path=f"invitations[{offer.email}]", before=offer.grant.describe()
    )
    write_audit(session, [entry], now_ms)
    return True


def _accept(token_hash: str, user_id: str, session: Session) -> Accepted:
    offer, user = _find_offer(token_hash, session), find_user(session, user_id)
    if offer is None or user is None:
        return Accepted.OVER
    session.lock([f"members {offer.company_id}"])
    if is_member(session, user_id, offer.company_id):
        return Accepted.MEMBER_ALREADY
    return _join(session, token_hash, offer, Author(name=user.name, user_id=user_id, via="session"), user.email)


def _accept_as(token_hash: str, newcomer: NewUser, session: Session) -> Accepted:
    session.lock([LOCK])
    offer = _find_offer(token_hash, session)
    if offer is None:
        return Accepted.OVER
    if email_taken(session, newcomer.email):
        return Accepted.EMAIL_TAKEN
    author = Author(name=newcomer.name, user_id=newcomer.user_id, via="session")
    joined = _join(session, token_hash, offer, author, newcomer.email)
    if joined is Accepted.JOINED:
        make_user(session, newcomer, read_now_ms(session))
    return joined


def _join(session: Session, token_hash: str, offer: Invitation, author: Author, email: str) -> Accepted:
    now_ms = read_now_ms(session)
    if session.update_each(_ACCEPT, [{"token": token_hash, "now_ms": now_ms}]) == 0:
        return Accepted.OVER
    assert author.user_id is not None, "who accepts is a user"
    make_member(session, author.user_id, offer.company_id, offer.grant, now_ms)
    write_audit(session, [_made_member(offer.company_id, email, offer.grant, author)], now_ms)
    return Accepted.JOINED


def _made_member(company_id: CompanyId, email: str, grant: Grant, author: Author) -> AuditEntry:
    return AuditEntry(company_id=company_id, author=author, path=f"users[{email}]", after=grant.describe())


def _read_offer(row: Row) -> Invitation:
    invitation_id, company_id, email, invited_by, created_at_ms, expires_at_ms, *granted = row
    return Invitation(
        invitation_id=invitation_id,
        company_id=CompanyId(company_id),
        email=email,
        grant=read_grant_row(tuple(granted)),
        invited_by=invited_by,
        created_at=from_ms(created_at_ms),
        expires_at=from_ms(expires_at_ms),
    )


def _ms(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)
