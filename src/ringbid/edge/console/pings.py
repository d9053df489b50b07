"""`/pings`: every ping with any filter, as a page and as a file. A row leads to the ping's explanation."""

from __future__ import annotations

from litestar import Response, get
from litestar.exceptions import ClientException
from litestar.response import Stream

from ringbid.accounts.policy import Policy
from ringbid.edge.console.lists import Asked, company_of, names_of, read_asked, scope_of, stream_file
from ringbid.edge.console.pages import draw_beside, page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, office_of
from ringbid.reports.export import FileFormat, Row
from ringbid.reports.listing_fields import PINGS
from ringbid.reports.listing_rows import PingRow

FIRST = ("search", "created", "campaign_id", "publisher_id", "buyer_id", "status", "reason")
COLUMNS = (
    Column("Time", key="created"),
    Column("Result"),
    Column("Campaign"),
    Column("Publisher"),
    Column("Caller"),
    Column("Place"),
    Column("Buyer"),
    Column("Revenue", numeric=True, hint="What its reservation promised"),
    Column("Payout", numeric=True, hint="What its reservation promised"),
    Column("Reservation"),
    Column("Took", numeric=True),
)
HEADER = (
    *("Time", "UUID", "Status", "Reason", "Campaign", "Publisher", "RTB key", "Caller", "State", "City", "Zip"),
    *("Country", "Buyer", "Revenue", "Payout", "Currency", "Seconds", "Reservation", "Expires", "Confirmed", "Ended"),
    *("Call", "Duplicate of", "Duplicate order", "Took ms"),
)


@get("/pings", opt={"policy": Policy.READ}, name="pings")
async def list_pings(request: WebRequest) -> Response[str]:
    """A page of the list."""
    asked = _asked(request)
    found = None
    if not asked.problems:
        found = await office_of(request).listings.pings(scope_of(request), asked.query, count=True)
    drawn = page(
        request,
        "pings.html",
        title="Pings",
        status=asked.status,
        columns=COLUMNS,
        table=asked.table(found, "pings"),
        names=names_of(company_of(request)),
    )
    return await draw_beside(request, drawn)


@get("/pings.csv", opt={"policy": Policy.READ}, name="pings-csv")
async def pings_as_csv(request: WebRequest) -> Stream:
    """All that fit, as CSV."""
    return _file(request, "csv")


@get("/pings.xlsx", opt={"policy": Policy.READ}, name="pings-xlsx")
async def pings_as_xlsx(request: WebRequest) -> Stream:
    """All that fit, as a workbook."""
    return _file(request, "xlsx")


def _asked(request: WebRequest) -> Asked:
    return read_asked(request, PINGS, first=FIRST, api="/api/v1/pings")


def _file(request: WebRequest, kind: FileFormat) -> Stream:
    asked = _asked(request)
    if asked.problems:
        raise ClientException(asked.problems[0].text, status_code=422)
    return stream_file(request, asked, kind, read=office_of(request).listings.pings, header=HEADER, row_of=file_row)


def file_row(row: PingRow) -> Row:
    """In the order of HEADER."""
    place = row.caller_place
    return (
        *(row.received_at, row.ping_id, row.status, row.reason.code, row.campaign_id, row.publisher_id, row.key_id),
        *(row.caller_number, place.state, place.city, place.zip_code, place.country, row.buyer_id),
        *(row.revenue, row.payout, row.revenue.currency if row.revenue is not None else None, row.seconds),
        *(row.state.value if row.state is not None else None, row.expires_at, row.confirmed_at, row.ended_at),
        *(row.call_id, row.duplicate_of, row.duplicate_order, row.took_ms),
    )


HANDLERS = [list_pings, pings_as_csv, pings_as_xlsx]
