"""The entries and balances of the postings that `bench.million` has written: in one statement each, in the database."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, func, insert, literal_column, select, union_all

from ringbid.store.call_schema import call
from ringbid.store.ledger_schema import balance, ledger_entry, posting
from ringbid.store.session import Session
from ringbid.store.statements import Statement

REVENUE_MICROS, PAYOUT_MICROS = 12_500_000, 10_000_000


def _micros(*, own: bool) -> ColumnElement[int]:
    """What a posting's line is of: the company's own, or its partner's."""
    revenue, payout = (str(micros if own else -micros) for micros in (REVENUE_MICROS, -PAYOUT_MICROS))
    is_revenue = posting.c.side == literal_column("'revenue'")
    return case((is_revenue, literal_column(revenue, BigInteger)), else_=literal_column(payout, BigInteger))


_is_revenue = posting.c.side == literal_column("'revenue'")
_own_account = literal_column("'company/'", Text).concat(posting.c.side)
_partner_account = case(
    (_is_revenue, literal_column("'buyer/'", Text).concat(call.c.buyer_id)),
    else_=literal_column("'publisher/'", Text).concat(call.c.publisher_id),
)
_missing = and_(
    call.c.uuid == posting.c.call_id,
    ~select(ledger_entry.c.posting_id).where(ledger_entry.c.posting_id == posting.c.id).exists(),
)
_lines = union_all(
    *(
        select(
            posting.c.id, account, posting.c.company_id, posting.c.currency, posting.c.at_ms, _micros(own=own)
        ).where(_missing)
        for account, own in ((_own_account, True), (_partner_account, False))
    )
)
_ENTRIES = Statement(insert(ledger_entry).from_select([column.name for column in ledger_entry.columns], _lines))
_entry = ledger_entry.c
_sums = select(_entry.company_id, _entry.account, _entry.currency, func.sum(_entry.amount_micros))
_sums = _sums.where(
    ~select(balance.c.account)
    .where(
        balance.c.company_id == _entry.company_id,
        balance.c.account == _entry.account,
        balance.c.currency == _entry.currency,
    )
    .exists()
).group_by(_entry.company_id, _entry.account, _entry.currency)
_BALANCES = Statement(insert(balance).from_select([column.name for column in balance.columns], _sums))


def book(session: Session) -> None:
    """Write them, where they are missing."""
    session.write(_ENTRIES)
    session.write(_BALANCES)
