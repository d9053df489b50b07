"""`/ledger`: balances, the statement of an account, and every posting."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.amounts import Amount, amount_of
from ringbid.edge.api.v1.call_told import SideName
from ringbid.edge.api.v1.lists import Listing, query_of, told_of
from ringbid.edge.api.v1.paging import Cursor, Limit, Next, after_of, cursor_of, page
from ringbid.edge.api.v1.problems import invalid, not_found
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.entry import parse_account
from ringbid.ledger.ports import Line
from ringbid.reports.listing_fields import POSTINGS
from ringbid.reports.listing_rows import PostingRow
from ringbid.reports.statements import balance_rows, margins, month_to, period_of

_TAG = "Ledger"
_ACCOUNTS = "buyer/ID, publisher/ID, company/revenue or company/payout"
Account = Annotated[
    str,
    QueryParameter(
        max_length=200,
        description=f"Whose account: {_ACCOUNTS}.",
        pattern=r"^(buyer/.+|publisher/.+|company/revenue|company/payout)$",
    ),
]
CurrencyFilter = Annotated[
    str | None, QueryParameter(description="The company's currency where it is left out.", pattern="^[A-Z]{3}$")
]
Day = Annotated[
    date | None, QueryParameter(description="A day in the company's time zone, from 1970-01-02 to 9000-12-31.")
]


class BalanceTold(msgspec.Struct, frozen=True, kw_only=True):
    """A balance, and what it means in words. Below zero the account owes the company."""

    account: str
    owner: Literal["buyer", "publisher", "company"]
    balance: Amount
    meaning: str


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Every account on which something was booked, and what is left of the revenue after the payout."""

    data: list[BalanceTold]
    margins: list[Amount]


class LineTold(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an account, with the balance after it."""

    at: datetime
    kind: Literal["conversion", "adjustment", "void"]
    side: SideName
    call_uuid: str
    rule_id: str | None
    rule_version: str | None
    author: str
    note: str
    amount: Amount
    balance: Amount


class StatementPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a statement. `opening` and `closing` are the balances at the period's ends, whichever page this is."""

    account: str
    start: datetime
    end: datetime
    opening: Amount
    closing: Amount
    data: list[LineTold]
    next_cursor: Next


class PostingTold(msgspec.Struct, frozen=True, kw_only=True):
    """One posting, as it stands on the account of its buyer or publisher: below zero they owe it to the company."""

    at: datetime
    kind: Literal["conversion", "adjustment", "void"]
    side: SideName
    account: str
    amount: Amount
    call_uuid: str
    rule_id: str | None
    author: str
    note: str


class PostingPage(Listing, frozen=True, kw_only=True):
    """A page of postings."""

    data: list[PostingTold]


@operation("GET", "/ledger/postings", policy=Policy.READ, scope=Scope.LEDGER, tag=_TAG, listing=POSTINGS)
async def list_postings(request: WebRequest) -> Response[PostingPage]:
    """Everything that was booked, the newest first."""
    office, actor = office_of(request), actor_of(request)
    query = query_of(request, office, actor, POSTINGS)
    found = await office.listings.postings(actor.company_id, query)
    body = PostingPage(data=list(map(_posting, found.rows)), **told_of(request, POSTINGS, query, found))
    return page(request, body, body.next_cursor)


@operation("GET", "/ledger/balances", policy=Policy.READ, scope=Scope.LEDGER, tag=_TAG)
async def list_balances(request: WebRequest) -> Balances:
    """Who owes whom now."""
    balances = await office_of(request).ledger.balances(actor_of(request).company_id)
    rows = [
        BalanceTold(account=row.account, owner=row.owner, balance=amount_of(row.amount), meaning=row.meaning)
        for row in balance_rows(balances)
    ]
    return Balances(data=rows, margins=list(map(amount_of, margins(balances))))


@operation("GET", "/ledger/statement", policy=Policy.READ, scope=Scope.LEDGER, tag=_TAG)
async def read_statement(
    request: WebRequest,
    account: Account,
    currency: CurrencyFilter = None,
    first_day: Day = None,
    last_day: Day = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response[StatementPage]:
    """The statement of one account, the oldest line first.

    From `first_day` to `last_day`, both included; without them, the month until today.
    """
    office, actor = office_of(request), actor_of(request)
    view = office.catalogs.snapshot.companies.get(actor.company_id)
    if view is None:
        raise not_found()
    company = view.catalog.company
    parsed = parse_account(account)
    if parsed is None:
        raise invalid("account", actual=account, expected=_ACCOUNTS)
    last = last_day or office.clock.now().astimezone(ZoneInfo(company.time_zone)).date()
    first = first_day or month_to(last)
    if not date(1970, 1, 2) <= first <= last <= date(9000, 12, 31):
        raise invalid("first_day", actual=first, expected=f"from 1970-01-02 to last_day ({last}), before 9001")
    start, end = period_of(first, last, company.time_zone)
    found = await office.ledger.statement(
        actor.company_id,
        parsed,
        currency=currency or company.currency,
        start=start,
        end=end,
        after=after_of(request, cursor),
        limit=limit,
    )
    if found is None:
        raise invalid("cursor", actual=cursor, expected="the next_cursor of a page of this statement")
    following = cursor_of(request, found.next_after)
    body = StatementPage(
        account=account,
        start=start,
        end=end,
        opening=amount_of(found.opening),
        closing=amount_of(found.closing),
        data=list(map(_line, found.lines)),
        next_cursor=following,
    )
    return page(request, body, following)


def _line(line: Line) -> LineTold:
    return LineTold(
        at=line.at,
        kind=line.kind,
        side=line.side,
        call_uuid=line.call_id,
        rule_id=line.rule_id,
        rule_version=line.rule_version,
        author=line.author,
        note=line.note,
        amount=amount_of(line.amount),
        balance=amount_of(line.balance),
    )


def _posting(row: PostingRow) -> PostingTold:
    return PostingTold(
        at=row.at,
        kind=row.kind,
        side=row.side,
        account=row.account,
        amount=amount_of(row.amount),
        call_uuid=row.call_id,
        rule_id=row.rule_id,
        author=row.author,
        note=row.note,
    )


HANDLERS = [list_balances, list_postings, read_statement]
