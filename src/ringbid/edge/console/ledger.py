"""`/ledger`: what was booked, with any filter, as a page and as a file; what it comes to, and who owes whom."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.exceptions import ClientException
from litestar.response import Stream, Template

from ringbid.accounts.keys import Scope as KeyScope
from ringbid.accounts.policy import Policy
from ringbid.edge.console.lists import Asked, company_of, names_of, read_asked, stream_file
from ringbid.edge.console.pages import page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.export import FileFormat, Row
from ringbid.reports.listing import ListQuery, Page, Scope
from ringbid.reports.listing_fields import POSTINGS
from ringbid.reports.listing_rows import PostingRow
from ringbid.reports.statements import balance_rows, margins

_READ: dict[str, Any] = {"policy": Policy.READ, "scope": KeyScope.LEDGER}
FIRST = ("created", "account", "side", "kind", "call_id")
COLUMNS = (
    Column("Time", key="created"),
    Column("Kind"),
    Column("Account"),
    Column("Amount", numeric=True, hint="Below zero, they owe it to the company; above, it is owed to them"),
    Column("Call"),
    Column("Rule"),
    Column("Who and why"),
)
HEADER = ("Time", "Kind", "Side", "Account", "Amount", "Currency", "Call", "Rule", "Who", "Why")
_TOTALS = (
    *(Column("Currency"), Column("Postings", numeric=True), Column("Revenue", numeric=True)),
    *(Column("Payout", numeric=True), Column("Margin", numeric=True)),
)
_BALANCES = (Column("Account"), Column("Balance", numeric=True), Column("That is"))


@get("/ledger", opt=_READ, name="ledger")
async def show_ledger(request: WebRequest) -> Template:
    """A page of the postings that fit, their sums, and every balance."""
    asked, office, company_id = _asked(request), office_of(request), actor_of(request).company_id
    found, totals = None, None
    if not asked.problems:
        found = await office.listings.postings(company_id, asked.query, count=True)
        totals = await office.listings.posting_totals(company_id, asked.query)
    balances = await office.ledger.balances(company_id)
    return page(
        request,
        "ledger.html",
        title="Ledger",
        status=asked.status,
        columns=COLUMNS,
        table=asked.table(found, "postings"),
        names=names_of(company_of(request)),
        totals=totals,
        total_columns=_TOTALS,
        balances=balance_rows(balances),
        balance_columns=_BALANCES,
        margins=margins(balances),
    )


@get("/ledger.csv", opt=_READ, name="ledger-csv")
async def ledger_as_csv(request: WebRequest) -> Stream:
    """All that fit, as CSV."""
    return _file(request, "csv")


@get("/ledger.xlsx", opt=_READ, name="ledger-xlsx")
async def ledger_as_xlsx(request: WebRequest) -> Stream:
    """All that fit, as a workbook."""
    return _file(request, "xlsx")


def _asked(request: WebRequest) -> Asked:
    return read_asked(request, POSTINGS, first=FIRST, api="/api/v1/ledger/postings")


def _file(request: WebRequest, kind: FileFormat) -> Stream:
    asked, listings = _asked(request), office_of(request).listings
    if asked.problems:
        raise ClientException(asked.problems[0].text, status_code=422)

    async def read(scope: Scope, query: ListQuery) -> Page[PostingRow]:
        return await listings.postings(scope.company_id, query)

    return stream_file(request, asked, kind, read=read, header=HEADER, row_of=file_row)


def file_row(row: PostingRow) -> Row:
    """In the order of HEADER."""
    return (
        *(row.at, row.kind, row.side, row.account, row.amount, row.amount.currency),
        *(row.call_id, row.rule_id, row.author, row.note),
    )


HANDLERS = [show_ledger, ledger_as_csv, ledger_as_xlsx]
