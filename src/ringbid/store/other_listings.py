"""Lists of what calls leave behind: the ledger's postings, and the outbox's messages.

`reports.listing_fields` has their filters: POSTINGS and DELIVERIES.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal_column, select

from ringbid.outbox.ports import Listed
from ringbid.reports.listing import ListQuery, Page
from ringbid.reports.listing_rows import PostingRow, PostingSum, PostingTotals
from ringbid.store.ledger_schema import ledger_entry, posting
from ringbid.store.list_reading import Source, one_or_more, values_of
from ringbid.store.outbox import LISTED, listed
from ringbid.store.outbox_schema import outbox
from ringbid.store.session import Session
from ringbid.store.statements import Row
from ringbid.values.clock import from_ms
from ringbid.values.ids import CompanyId
from ringbid.values.money import Money

_posting, _entry, _message = posting.c, ledger_entry.c, outbox.c
_OF_COMPANY: ColumnElement[str] = literal_column("'company/%'")


def posting_page(session: Session, company_id: CompanyId, query: ListQuery, *, count: bool) -> Page[PostingRow]:
    """A page of the company's postings."""
    return _POSTINGS.page(session, query, _values(company_id, query), count=count)


def posting_totals(session: Session, company_id: CompanyId, query: ListQuery) -> PostingTotals:
    """What all postings that fit come to. A posting's amount stands on the account of a buyer, who owes what is below
    zero, or of a publisher, who is owed what is above."""
    rows, exact = _POSTINGS.sums(session, replace(query, after=None), _values(company_id, query))
    of_currency: dict[str, dict[str, tuple[int, int]]] = {}
    for currency, side, count, micros in rows:
        of_currency.setdefault(currency, {})[side] = (count, micros)
    sums = []
    for currency, sides in sorted(of_currency.items()):
        (owed_count, owed), (paid_count, paid) = (sides.get(side, (0, 0)) for side in ("revenue", "payout"))
        sums.append(
            PostingSum(postings=owed_count + paid_count, revenue=Money(-owed, currency), payout=Money(paid, currency))
        )
    return PostingTotals(sums=tuple(sums), postings=sum(one.postings for one in sums), exact=exact)


def delivery_page(session: Session, company_id: CompanyId, query: ListQuery, *, count: bool) -> Page[Listed]:
    """A page of the company's messages."""
    return _DELIVERIES.page(session, query, _values(company_id, query), count=count)


def _values(company_id: CompanyId, query: ListQuery) -> dict[str, Any]:
    return {**values_of(query.filters), "company_id": company_id}


def _read_posting(row: Row, _now: datetime) -> PostingRow:
    at_ms, number, kind, side, call_id, rule_id, author, note, currency, account, micros = row
    return PostingRow(
        number=number,
        at=from_ms(at_ms),
        account=account,
        amount=Money(micros, currency),
        kind=kind,
        side=side,
        call_id=call_id,
        rule_id=rule_id,
        author=author,
        note=note,
    )


def _read_message(row: Row, _now: datetime) -> Listed:
    return listed(tuple(row[2:]))


# A posting is between one account of the company and one of somebody else.
_others = select(func.min(_entry.account)).where(_entry.posting_id == _posting.id, _entry.account.not_like(_OF_COMPANY))
_amount = (
    select(func.min(_entry.amount_micros))
    .where(_entry.posting_id == _posting.id, _entry.account.not_like(_OF_COMPANY))
    .correlate(posting)
)
_on_account = exists(
    select(literal_column("1"))
    .where(and_(_entry.posting_id == _posting.id, _entry.account == bindparam("account")))
    .correlate(posting)
)
_POSTINGS = Source(
    table=posting,
    joined=posting,
    at_ms=_posting.at_ms,
    number=_posting.id,
    columns=(
        *(_posting.at_ms, _posting.id, _posting.kind, _posting.side, _posting.call_id, _posting.rule_id),
        *(_posting.author, _posting.note, _posting.currency),
        *(_others.correlate(posting).scalar_subquery(), _amount.scalar_subquery()),
    ),
    company=_posting.company_id == bindparam("company_id"),
    indexed={"call_id": _posting.call_id == bindparam("call_id")},
    looked_at={
        "account": _on_account,
        **one_or_more(_posting.kind, "kind"),
        "side": _posting.side == bindparam("side"),
    },
    found=frozenset({"call_id"}),
    read=_read_posting,
    summed=(_posting.currency, _posting.side, _amount.scalar_subquery()),
)
_DELIVERIES = Source(
    table=outbox,
    joined=outbox,
    at_ms=_message.created_at_ms,
    number=_message.id,
    columns=(_message.created_at_ms, _message.id, *LISTED),
    company=_message.company_id == bindparam("company_id"),
    indexed={
        **one_or_more(_message.state, "state"),
        "kind": _message.kind == bindparam("kind"),
        "call_id": _message.call_id == bindparam("call_id"),
        "message_id": _message.message_id == bindparam("message_id"),
    },
    looked_at={"endpoint": _message.endpoint == bindparam("endpoint")},
    found=frozenset({"call_id", "message_id"}),
    read=_read_message,
)
