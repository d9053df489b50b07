"""`/calls`: every call with any filter, as a page and as a file. `call_page` shows one."""

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
from ringbid.reports.listing_fields import CALLS
from ringbid.reports.listing_rows import CallRow

FIRST = ("search", "created", "campaign_id", "publisher_id", "buyer_id", "phase", "converted")
COLUMNS = (
    Column("Time", key="created"),
    Column("State"),
    Column("Campaign"),
    Column("Publisher"),
    Column("Caller"),
    Column("Number"),
    Column("Buyer"),
    Column("Talked", numeric=True),
    Column("Revenue", numeric=True, hint="What is booked now"),
    Column("Payout", numeric=True, hint="What is booked now"),
)
HEADER = (
    *("Time", "UUID", "Phase", "Reason", "Campaign", "Publisher", "Buyer", "Caller", "Number", "Reservation"),
    *("Answered", "Ended", "Talked seconds", "Revenue", "Payout", "Currency"),
)


@get("/calls", opt={"policy": Policy.READ}, name="calls")
async def list_calls(request: WebRequest) -> Response[str]:
    """A page of the list."""
    asked = _asked(request)
    found = None
    if not asked.problems:
        found = await office_of(request).listings.calls(scope_of(request), asked.query, count=True)
    drawn = page(
        request,
        "calls.html",
        title="Calls",
        status=asked.status,
        columns=COLUMNS,
        table=asked.table(found, "calls"),
        names=names_of(company_of(request)),
    )
    return await draw_beside(request, drawn)


@get("/calls.csv", opt={"policy": Policy.READ}, name="calls-csv")
async def calls_as_csv(request: WebRequest) -> Stream:
    """All that fit, as CSV."""
    return _file(request, "csv")


@get("/calls.xlsx", opt={"policy": Policy.READ}, name="calls-xlsx")
async def calls_as_xlsx(request: WebRequest) -> Stream:
    """All that fit, as a workbook."""
    return _file(request, "xlsx")


def _asked(request: WebRequest) -> Asked:
    return read_asked(request, CALLS, first=FIRST, api="/api/v1/calls")


def _file(request: WebRequest, kind: FileFormat) -> Stream:
    asked = _asked(request)
    if asked.problems:
        raise ClientException(asked.problems[0].text, status_code=422)
    return stream_file(request, asked, kind, read=office_of(request).listings.calls, header=HEADER, row_of=file_row)


def file_row(row: CallRow) -> Row:
    """In the order of HEADER."""
    booked = row.revenue or row.payout
    return (
        *(row.received_at, row.call_id, row.phase, row.ending.code, row.campaign_id, row.publisher_id, row.buyer_id),
        *(row.caller_number, row.inbound_number, row.reservation_id, row.answered_at, row.ended_at),
        None if row.duration_ms is None else row.duration_ms // 1000,
        *(row.revenue, row.payout, booked.currency if booked is not None else None),
    )


HANDLERS = [list_calls, calls_as_csv, calls_as_xlsx]
