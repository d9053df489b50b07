"""The audit log, written in the transaction of the change that it tells of, and listed.

`write_audit` is called by whoever changes something in the store; `StoredAudit` keeps the promises of `accounts.audit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select

from ringbid.accounts.audit import AuditedChange, AuditEntry, Author
from ringbid.store.accounts_schema import audit
from ringbid.store.outbox_turn import read_now_ms
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row, Statement
from ringbid.store.threads import Reading, SessionThread
from ringbid.values.clock import from_ms
from ringbid.values.ids import CompanyId

MOST_LISTED = 1001  # a page of a thousand, and whether there is another one

_INSERT = Insert(audit)


def write_audit(session: Session, entries: Sequence[AuditEntry], at_ms: int) -> None:
    """Keep `entries` within the transaction that `session` is in; `at_ms` is the store's time."""
    session.insert(_INSERT, [_row_of(entry, at_ms) for entry in entries])


class StoredAudit:
    """Writes raise StoreOverloaded and StoreUnavailable."""

    def __init__(self, *, writer: SessionThread[Any], reading: Reading) -> None:
        self._writer = writer
        self._reading = reading

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        if entries:
            await self._writer.transact(lambda session: write_audit(session, entries, read_now_ms(session)))

    async def listing(
        self,
        company_id: CompanyId,
        *,
        before: int | None = None,
        after: int | None = None,
        user_id: str | None = None,
        path: str | None = None,
        limit: int = 50,
    ) -> list[AuditedChange]:
        given = {"before": before, "after": after, "of_user": user_id, "of_path": path or None}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        statement = _list_statement(frozenset(values))
        values |= {"of_company": company_id, "most": min(limit, MOST_LISTED)}
        [rows] = await self._reading.alone(lambda session: session.fetch((statement, values)))
        return [_change_of(row) for row in rows]


@cache
def _list_statement(filters: frozenset[str]) -> Statement:
    of_path = bindparam("of_path", type_=audit.c.path.type)
    conditions = {
        "before": audit.c.id < bindparam("before"),
        "after": audit.c.id > bindparam("after"),
        "of_user": audit.c.user_id == bindparam("of_user"),
        "of_path": func.substr(audit.c.path, 1, func.length(of_path)) == of_path,
    }
    chosen = [conditions[name] for name in sorted(filters)]
    return Statement(
        select(audit)
        .where(audit.c.company_id == bindparam("of_company"), *chosen)
        .order_by(audit.c.id if "after" in filters else audit.c.id.desc())
        .limit(bindparam("most"))
    )


def _row_of(entry: AuditEntry, at_ms: int) -> Row:
    author = entry.author
    return (
        entry.company_id,
        at_ms,
        author.user_id,
        author.name,
        author.via,
        entry.path,
        entry.before,
        entry.after,
    )


def _change_of(row: Row) -> AuditedChange:
    number, company_id, at_ms, user_id, name, via, path, before, after = row
    author = Author(name=name, user_id=user_id, via=via)
    entry = AuditEntry(company_id=CompanyId(company_id), author=author, path=path, before=before, after=after)
    return AuditedChange(number=number, at=from_ms(at_ms), entry=entry)
