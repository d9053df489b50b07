"""The store's side of `accounts.posting_links.PostingLinks`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from ringbid.accounts.audit import AuditEntry
from ringbid.accounts.posting_links import PostingLink, Progress
from ringbid.store.audit import write_audit
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.posting_schema import posting_link
from ringbid.store.schema import ping
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.author import Author
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CampaignId, CompanyId, PublisherId

# How far back a look for a first ping goes: whoever waits for one looks every few seconds, and more pings than a few
# minutes have are not read for it.
_LOOKS_BACK = timedelta(minutes=5)

_holds = posting_link.c.revoked_at_ms.is_(None) & (
    posting_link.c.expires_at_ms.is_(None) | (posting_link.c.expires_at_ms > bindparam("now_ms"))
)
_INSERT = Insert(posting_link)
_FIND = Statement(select(posting_link).where(posting_link.c.token_hash == bindparam("token_hash"), _holds))
_OF_CAMPAIGN = Statement(
    select(posting_link)
    .where(
        posting_link.c.company_id == bindparam("of_company"),
        posting_link.c.campaign_id == bindparam("of_campaign"),
        _holds,
    )
    .order_by(posting_link.c.created_at_ms.desc(), posting_link.c.link_id)
)
_PROGRESS = Statement(
    select(func.count(), func.min(posting_link.c.first_ping_at_ms)).where(
        posting_link.c.company_id == bindparam("of_company")
    )
)
_of_id = (posting_link.c.company_id == bindparam("of_company")) & (posting_link.c.link_id == bindparam("of_link"))
_FIND_ID = Statement(select(posting_link).where(_of_id, posting_link.c.revoked_at_ms.is_(None)))
_REVOKE = Statement(update(posting_link).where(_of_id).values(revoked_at_ms=bindparam("now_ms")))
_FIRST_PING = Statement(
    select(ping.c.received_at_ms)
    .where(
        ping.c.company_id == bindparam("of_company"),
        ping.c.received_at_ms >= bindparam("since_ms"),
        ping.c.campaign_id == bindparam("of_campaign"),
        ping.c.publisher_id == bindparam("of_publisher"),
    )
    .order_by(ping.c.received_at_ms)
    .limit(1)
)
_SEEN = Statement(
    update(posting_link)
    .where(_of_id, posting_link.c.first_ping_at_ms.is_(None))
    .values(first_ping_at_ms=bindparam("seen_at_ms"))
)


class StoredPostingLinks:
    """Keeps the promises of `accounts.posting_links.PostingLinks`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def make(self, link: PostingLink, *, token_hash: str, author: Author) -> None:
        def work(session: Session) -> None:
            session.insert(_INSERT, [_row(link, token_hash)])
            write_audit(session, [_entry(link, author, after=f"key {link.key_name}")], read_now_ms(session))

        await self._writer.transact(work)

    async def find(self, token_hash: str) -> PostingLink | None:
        def work(session: Session) -> PostingLink | None:
            [rows] = session.fetch((_FIND, {"token_hash": token_hash, "now_ms": read_now_ms(session)}))
            return _link(rows[0]) if rows else None

        return await self._reading.alone(work)

    async def of_campaign(self, company_id: CompanyId, campaign_id: CampaignId) -> tuple[PostingLink, ...]:
        def work(session: Session) -> tuple[PostingLink, ...]:
            values = {"of_company": company_id, "of_campaign": campaign_id, "now_ms": read_now_ms(session)}
            [rows] = session.fetch((_OF_CAMPAIGN, values))
            return tuple(_link(row) for row in rows)

        return await self._reading.alone(work)

    async def progress(self, company_id: CompanyId) -> Progress:
        def work(session: Session) -> Progress:
            [[(links, seen)]] = session.fetch((_PROGRESS, {"of_company": company_id}))
            return Progress(int(links), None if seen is None else from_ms(seen))

        return await self._reading.alone(work)

    async def revoke(self, company_id: CompanyId, link_id: str, *, author: Author) -> bool:
        def work(session: Session) -> bool:
            session.lock([f"posting_link/{link_id}"])
            key = {"of_company": company_id, "of_link": link_id}
            [rows] = session.fetch((_FIND_ID, key))
            if not rows:
                return False
            now_ms = read_now_ms(session)
            link = _link(rows[0])
            session.write(_REVOKE, **key, now_ms=now_ms)
            write_audit(session, [_entry(link, author, before=f"key {link.key_name}")], now_ms)
            return True

        return await self._writer.transact(work)

    async def look_for_ping(self, link: PostingLink) -> datetime | None:
        if link.first_ping_at is not None:
            return link.first_ping_at

        def look(session: Session) -> int | None:
            since_ms = max(to_ms(link.created_at), read_now_ms(session) - int(_LOOKS_BACK.total_seconds() * 1000))
            values = {
                "of_company": link.company_id,
                "since_ms": since_ms,
                "of_campaign": link.campaign_id,
                "of_publisher": link.publisher_id,
            }
            [rows] = session.fetch((_FIRST_PING, values))
            return int(rows[0][0]) if rows else None

        seen_at_ms = await self._reading.alone(look)
        if seen_at_ms is None:
            return None
        key = {"of_company": link.company_id, "of_link": link.link_id}
        await self._writer.transact(lambda session: session.write(_SEEN, **key, seen_at_ms=seen_at_ms))
        return from_ms(seen_at_ms)


def _row(link: PostingLink, token_hash: str) -> Row:
    return (
        link.link_id,
        token_hash,
        link.company_id,
        link.campaign_id,
        link.key_name,
        link.publisher_id,
        link.made_by,
        to_ms(link.created_at),
        None if link.expires_at is None else to_ms(link.expires_at),
        None,
        link.sealed_key,
        None,
    )


def _link(row: Row) -> PostingLink:
    link_id, _, company_id, campaign_id, key_name, publisher_id, made_by, created, expires, _, sealed, seen = row
    return PostingLink(
        link_id=link_id,
        company_id=CompanyId(company_id),
        campaign_id=CampaignId(campaign_id),
        key_name=key_name,
        publisher_id=PublisherId(publisher_id),
        made_by=made_by,
        created_at=from_ms(created),
        expires_at=None if expires is None else from_ms(expires),
        sealed_key=None if sealed is None else bytes(sealed),
        first_ping_at=None if seen is None else from_ms(seen),
    )


def _entry(link: PostingLink, author: Author, *, before: str | None = None, after: str | None = None) -> AuditEntry:
    path = f"campaigns[{link.campaign_id}].posting_links[{link.publisher_id}]"
    return AuditEntry(company_id=link.company_id, author=author, path=path, before=before, after=after)
