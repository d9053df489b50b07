"""The ledger's tables, read: what was booked for a call, balances, statements, and whether all of it adds up.

Each question is one statement, and so about one moment, whatever is being booked meanwhile. `ledger` writes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from ringbid.ledger.entry import Account, Entry
from ringbid.ledger.ports import LARGEST_PAGE, Balance, LedgerProblem, Line
from ringbid.ledger.ports import Statement as AccountStatement
from ringbid.ledger.posting import Posting
from ringbid.store.ledger_schema import balance, ledger_entry, posting
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement
from ringbid.store.threads import Reading
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CallId, CompanyId
from ringbid.values.money import Money, format_micros

MOST_PROBLEMS = 100  # of each kind: who has more has the same ones again
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,18})", re.ASCII)
_entry = ledger_entry.c


def _sum_of(amount: ColumnElement[int]) -> ColumnElement[int]:
    """As an integer: PostgreSQL would make a decimal number of it, and a null where there is nothing."""
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)


_POSTINGS = Statement(
    select(posting, _entry.account, _entry.amount_micros)
    .join_from(posting, ledger_entry, _entry.posting_id == posting.c.id)
    .where(posting.c.call_id == bindparam("call_id"))
    .order_by(posting.c.id)
)
_BALANCES = Statement(
    select(balance.c.account, balance.c.currency, balance.c.balance_micros).where(
        balance.c.company_id == bindparam("company_id")
    )
)


def _make_statement() -> Statement:
    """The sums before the period, in it and before the page, and beside them the page's lines: at least one row."""
    of_account = and_(
        _entry.company_id == bindparam("company_id"),
        _entry.account == bindparam("account"),
        _entry.currency == bindparam("currency"),
        _entry.at_ms < bindparam("end_ms", type_=BigInteger()),
    )
    after_ms, after_id = bindparam("after_ms", type_=BigInteger()), bindparam("after_id", type_=BigInteger())
    before_page = or_(_entry.at_ms < after_ms, and_(_entry.at_ms == after_ms, _entry.posting_id <= after_id))
    sums = select(
        _sum_of(case((_entry.at_ms < bindparam("start_ms", type_=BigInteger()), _entry.amount_micros), else_=0)).label(
            "opening"
        ),
        _sum_of(case((before_page, _entry.amount_micros), else_=0)).label("before_page"),
        _sum_of(_entry.amount_micros).label("closing"),
    ).where(of_account)
    lines = (
        select(
            _entry.posting_id,
            _entry.at_ms,
            _entry.amount_micros,
            *(posting.c[name] for name in ("kind", "side", "call_id", "rule_id", "rule_version", "author", "note")),
        )
        .join_from(ledger_entry, posting, posting.c.id == _entry.posting_id)
        .where(of_account, _entry.at_ms >= after_ms, ~before_page)
        .order_by(_entry.at_ms, _entry.posting_id)
        .limit(bindparam("rows", type_=BigInteger()))
    )
    sums_, lines_ = sums.subquery("sums"), lines.subquery("lines")
    joined = sums_.outerjoin(lines_, true())
    return Statement(select(sums_, lines_).select_from(joined).order_by(lines_.c.at_ms, lines_.c.posting_id))


_STATEMENT = _make_statement()


def _make_differences() -> Statement:
    """What the entries of each balance add up to, less the balance, where that is not 0."""
    names = ("company_id", "account", "currency")
    counted = select(*(_entry[name] for name in names), _entry.amount_micros.label("micros"))
    kept = select(*(balance.c[name] for name in names), (-balance.c.balance_micros).label("micros"))
    both: FromClause = union_all(counted, kept).subquery("both")
    difference = cast(func.sum(both.c.micros), BigInteger)
    keys = [both.c[name] for name in names]
    return Statement(select(*keys, difference).group_by(*keys).having(difference != 0).order_by(*keys))


_DIFFERENCES = _make_differences()
_BAD_POSTINGS = Statement(
    select(posting.c.posting_key, func.count(_entry.account), _sum_of(_entry.amount_micros))
    .select_from(posting.outerjoin(ledger_entry, _entry.posting_id == posting.c.id))
    .group_by(posting.c.id, posting.c.posting_key)
    .having(or_(func.count(_entry.account) < 2, _sum_of(_entry.amount_micros) != 0))
    .order_by(posting.c.id)
    .limit(literal(MOST_PROBLEMS, BigInteger()))
)
_BAD_ENTRIES = Statement(
    select(_entry.posting_id, _entry.account, posting.c.posting_key)
    .select_from(ledger_entry.outerjoin(posting, posting.c.id == _entry.posting_id))
    .where(
        or_(
            posting.c.id.is_(None),
            posting.c.company_id != _entry.company_id,
            posting.c.currency != _entry.currency,
            posting.c.at_ms != _entry.at_ms,
        )
    )
    .order_by(_entry.posting_id, _entry.account)
    .limit(literal(MOST_PROBLEMS, BigInteger()))
)


class LedgerReading:
    """Keeps the promises of `ledger.ports.LedgerReads`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def postings_of(self, company_id: CompanyId, call_id: CallId) -> tuple[Posting, ...]:
        return await self._reading.alone(lambda session: postings_of(session, call_id, company_id=company_id))

    async def balances(self, company_id: CompanyId) -> tuple[Balance, ...]:
        return await self._reading.alone(lambda session: balances(session, company_id))

    async def statement(
        self,
        company_id: CompanyId,
        account: Account,
        *,
        currency: str,
        start: datetime,
        end: datetime,
        after: str | None = None,
        limit: int = LARGEST_PAGE,
    ) -> AccountStatement | None:
        read = lambda session: statement(  # noqa: E731 -- it is one call, with what it was given
            session, company_id, account, currency=currency, start=start, end=end, after=after, limit=limit
        )
        return await self._reading.alone(read)

    async def verify(self) -> tuple[LedgerProblem, ...]:
        return await self._reading.alone(verify)


def postings_of(session: Session, call_id: CallId, *, company_id: CompanyId | None = None) -> tuple[Posting, ...]:
    """Everything booked for a call, in the order of booking; nothing where it is not a call of `company_id`."""
    [rows] = session.fetch((_POSTINGS, {"call_id": call_id}))
    of_posting: dict[int, list[Row]] = {}
    for row in rows:
        if company_id is None or row[2] == company_id:
            of_posting.setdefault(row[0], []).append(row)
    return tuple(map(_read_posting, of_posting.values()))


def balances(session: Session, company_id: CompanyId) -> tuple[Balance, ...]:
    """Every balance of the company."""
    [rows] = session.fetch((_BALANCES, {"company_id": company_id}))
    return tuple(Balance(account, Money(micros, currency)) for account, currency, micros in sorted(rows))


def statement(
    session: Session,
    company_id: CompanyId,
    account: Account,
    *,
    currency: str,
    start: datetime,
    end: datetime,
    after: str | None = None,
    limit: int = LARGEST_PAGE,
) -> AccountStatement | None:
    """A page of the account's statement; None where `after` is no cursor of ours."""
    assert 0 < limit <= LARGEST_PAGE, "a page has from 1 to LARGEST_PAGE lines"
    found = _CURSOR.fullmatch(after) if after is not None else None
    if after is not None and found is None:
        return None
    start_ms = to_ms(start)
    after_ms, after_id = (int(found[1]), int(found[2])) if found is not None else (start_ms, 0)
    if after_ms < start_ms:  # a cursor of an earlier period
        after_ms, after_id = start_ms, 0
    values = {
        "company_id": company_id,
        "account": account,
        "currency": currency,
        "start_ms": start_ms,
        "end_ms": to_ms(end),
        "after_ms": after_ms,
        "after_id": after_id,
        "rows": limit + 1,
    }
    [rows] = session.fetch((_STATEMENT, values))
    opening, running, closing, *_ = rows[0]
    lines = []
    for _, _, _, posting_id, at_ms, micros, kind, side, call_id, rule_id, rule_version, author, note in rows[:limit]:
        if posting_id is None:  # the one row of a page without lines
            continue
        running += micros
        lines.append(
            Line(
                at=from_ms(at_ms),
                kind=kind,
                side=side,
                call_id=call_id,
                rule_id=rule_id,
                rule_version=rule_version,
                author=author,
                note=note,
                amount=Money(micros, currency),
                balance=Money(running, currency),
            )
        )
    return AccountStatement(
        company_id=company_id,
        account=account,
        start=start,
        end=end,
        opening=Money(opening, currency),
        closing=Money(closing, currency),
        lines=tuple(lines),
        next_after=f"{rows[limit - 1][4]}-{rows[limit - 1][3]}" if len(rows) > limit else None,
    )


def verify(session: Session) -> tuple[LedgerProblem, ...]:
    """Count everything again; the first problems of each kind."""
    problems = []
    for key, count, micros in session.fetch((_BAD_POSTINGS, {}))[0]:
        text = f"posting {key} has {count} entries that sum to {format_micros(micros)}, not to 0"
        problems.append(LedgerProblem("posting", text))
    for posting_id, account, key in session.fetch((_BAD_ENTRIES, {}))[0]:
        wrong = "belongs to no posting" if key is None else f"has another company, currency or time than posting {key}"
        problems.append(LedgerProblem("entry", f"entry {posting_id} on {account} {wrong}"))
    for company_id, account, currency, micros in differences(session)[:MOST_PROBLEMS]:
        text = (
            f"the balance of {account} ({company_id}) differs from its entries by {format_micros(-micros)} {currency}"
        )
        problems.append(LedgerProblem("balance", text))
    return tuple(problems)


def differences(session: Session) -> list[Row]:
    """Company, account, currency and the micros that are missing in the balance, where it is wrong."""
    [rows] = session.fetch((_DIFFERENCES, {}))
    return rows


def _read_posting(rows: list[Row]) -> Posting:
    _, key, company_id, call_id, kind, side, rule_id, rule_version, currency, _, author, note, _, _ = rows[0]
    facts: dict[str, Any] = {"kind": kind, "side": side, "rule_id": rule_id, "rule_version": rule_version}
    entries = tuple(
        Entry(account, Money(micros, currency)) for *_, account, micros in sorted(rows, key=lambda row: row[-2])
    )
    return Posting(
        posting_key=key,
        company_id=company_id,
        call_id=call_id,
        currency=currency,
        author=author,
        note=note,
        entries=entries,
        **facts,
    )
