"""The store's side of `ledger.disputes.Disputes`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from ringbid.accounts.audit import AuditEntry
from ringbid.ledger.disputes import MOST_LISTED, Dispute
from ringbid.store.audit import write_audit
from ringbid.store.ledger_schema import dispute
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.author import Author
from ringbid.values.clock import from_ms
from ringbid.values.ids import BuyerId, CallId, CompanyId

_of_company = dispute.c.company_id == bindparam("of_company")
_of_call = _of_company & (dispute.c.call_id == bindparam("of_call"))
_order = (dispute.c.closed_at_ms.is_not(None), dispute.c.opened_at_ms.desc(), dispute.c.call_id)
_INSERT = Insert(dispute)
_FIND = Statement(select(dispute).where(_of_call))
_ALL = Statement(select(dispute).where(_of_company).order_by(*_order).limit(MOST_LISTED))
_OF_BUYER = Statement(
    select(dispute).where(_of_company, dispute.c.buyer_id == bindparam("of_buyer")).order_by(*_order).limit(MOST_LISTED)
)
_CLOSE = Statement(
    update(dispute)
    .where(_of_call)
    .values(closed_at_ms=bindparam("now_ms"), closed_by=bindparam("by"), answer=bindparam("words"))
)


class StoredDisputes:
    """Keeps the promises of `ledger.disputes.Disputes`."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def open_dispute(
        self, company_id: CompanyId, call_id: CallId, *, buyer_id: BuyerId, reason: str, author: Author
    ) -> bool:
        def work(session: Session) -> bool:
            session.lock([f"dispute/{call_id}"])
            if _find(session, company_id, call_id) is not None:
                return False
            now_ms = read_now_ms(session)
            session.insert(_INSERT, [(company_id, call_id, buyer_id, reason, now_ms, author.name, None, None, None)])
            write_audit(session, [_entry(company_id, call_id, author, None, f"open: {reason}")], now_ms)
            return True

        return await self._writer.transact(work)

    async def close_dispute(self, company_id: CompanyId, call_id: CallId, *, answer: str, author: Author) -> bool:
        def work(session: Session) -> bool:
            session.lock([f"dispute/{call_id}"])
            found = _find(session, company_id, call_id)
            if found is None or not found.open:
                return False
            now_ms = read_now_ms(session)
            key = {"of_company": company_id, "of_call": call_id}
            session.update_each(_CLOSE, [{**key, "now_ms": now_ms, "by": author.name, "words": answer}])
            before, after = f"open: {found.reason}", f"closed: {answer}"
            write_audit(session, [_entry(company_id, call_id, author, before, after)], now_ms)
            return True

        return await self._writer.transact(work)

    async def find_dispute(self, company_id: CompanyId, call_id: CallId) -> Dispute | None:
        return await self._reading.alone(lambda session: _find(session, company_id, call_id))

    async def disputes(self, company_id: CompanyId, *, buyer_id: BuyerId | None = None) -> tuple[Dispute, ...]:
        statement, values = _ALL, {"of_company": str(company_id)}
        if buyer_id is not None:
            statement, values = _OF_BUYER, {**values, "of_buyer": buyer_id}
        [rows] = await self._reading.alone(lambda session: session.fetch((statement, values)))
        return tuple(_read(row) for row in rows)


def _find(session: Session, company_id: CompanyId, call_id: CallId) -> Dispute | None:
    [rows] = session.fetch((_FIND, {"of_company": company_id, "of_call": call_id}))
    return _read(rows[0]) if rows else None


def _entry(company_id: CompanyId, call_id: CallId, author: Author, before: str | None, after: str) -> AuditEntry:
    path = f"calls[{call_id}].dispute"
    return AuditEntry(company_id=company_id, author=author, path=path, before=before, after=after)


def _read(row: Row) -> Dispute:
    company_id, call_id, buyer_id, reason, opened_at_ms, opened_by, closed_at_ms, closed_by, answer = row
    return Dispute(
        company_id=CompanyId(company_id),
        call_id=CallId(call_id),
        buyer_id=BuyerId(buyer_id),
        reason=reason,
        opened_at=from_ms(opened_at_ms),
        opened_by=opened_by,
        closed_at=from_ms(closed_at_ms) if closed_at_ms is not None else None,
        closed_by=closed_by,
        answer=answer,
    )
