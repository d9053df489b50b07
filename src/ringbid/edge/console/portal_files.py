"""The lists of both portals as CSV and XLSX: what fits the page's own filters, and the columns that it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from litestar import get
from litestar.exceptions import ClientException
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.edge.console.portal_lists import asked, tools_of, zone_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports import portal
from ringbid.reports.export import MEDIA_TYPES, FileFormat, Row, stream_csv, stream_xlsx
from ringbid.reports.listing import LARGEST_PAGE, ListKind, ListQuery, Page, Scope
from ringbid.reports.listing_fields import CALLS_OF_BUYER, CALLS_OF_PUBLISHER, PINGS_OF_PUBLISHER
from ringbid.reports.listing_rows import CallRow, PingRow

_PINGS = ("Received", "UUID", "Campaign", "Caller", "Outcome", "Code", "Reservation", "Payout", "Currency", "Seconds")
_CALLS = ("Received", "UUID", "Campaign", "Caller", "Number", "Talked seconds", "Payout", "Currency")
_BUYER_CALLS = ("Received", "UUID", "Campaign", "Caller", "Talked seconds", "Price", "Currency")
_Pages = AsyncIterator[Sequence[Row]]


def _files(
    path: str, policy: Policy, kind: ListKind, header: Sequence[str], pages: Callable[[WebRequest, ListQuery], _Pages]
) -> list[ControllerRouterHandler]:
    """The handlers of the list at `path` as files."""

    def answer(request: WebRequest, file_format: FileFormat) -> Stream:
        query, problems = asked(request, kind)
        if problems:
            raise ClientException(problems[0].text, status_code=422)
        stream = stream_csv if file_format == "csv" else stream_xlsx
        rows = pages(request, replace(query, size=LARGEST_PAGE, after=None))
        name = f"{kind.name}-{office_of(request).clock.now():%Y-%m-%d-%H%M}.{file_format}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Stream(
            stream(header, rows, ZoneInfo(zone_of(request))), media_type=MEDIA_TYPES[file_format], headers=headers
        )

    @get(f"{path}.csv", opt={"policy": policy}, name=f"{path}.csv")
    async def as_csv(request: WebRequest) -> Stream:
        return answer(request, "csv")

    @get(f"{path}.xlsx", opt={"policy": policy}, name=f"{path}.xlsx")
    async def as_xlsx(request: WebRequest) -> Stream:
        return answer(request, "xlsx")

    return [as_csv, as_xlsx]


def _scope(request: WebRequest) -> Scope:
    """Its own rows: the policy lets in those alone that are somebody's."""
    actor = actor_of(request)
    assert actor.publisher_id is not None or actor.buyer_id is not None, "a portal is a publisher's or a buyer's"
    return Scope(company_id=actor.company_id, publisher_id=actor.publisher_id, buyer_id=actor.buyer_id)


async def _pings(request: WebRequest, query: ListQuery) -> _Pages:
    following: ListQuery | None = query
    while following is not None:
        page: Page[PingRow] = await tools_of(request).listings.pings(_scope(request), following)
        yield [_ping_row(portal.publisher_ping(row)) for row in page.rows]
        following = replace(following, after=page.next) if page.next is not None else None


async def _calls(request: WebRequest, query: ListQuery, row_of: Callable[[CallRow], Row]) -> _Pages:
    read: Callable[[Scope, ListQuery], Awaitable[Page[CallRow]]] = tools_of(request).listings.calls
    following: ListQuery | None = query
    while following is not None:
        page = await read(_scope(request), following)
        yield list(map(row_of, page.rows))
        following = replace(following, after=page.next) if page.next is not None else None


def _publisher_calls(request: WebRequest, query: ListQuery) -> _Pages:
    return _calls(request, query, lambda row: _call_row(portal.publisher_call(row)))


def _buyer_calls(request: WebRequest, query: ListQuery) -> _Pages:
    return _calls(request, query, lambda row: _buyer_row(portal.buyer_call(row)))


def _ping_row(ping: portal.PublisherPing) -> Row:
    """In the order of _PINGS."""
    return (
        *(ping.received_at, ping.ping_id, ping.campaign_id, ping.caller_number, ping.outcome.word, ping.code),
        ping.standing.word if ping.standing is not None else None,
        *(ping.payout, ping.payout.currency if ping.payout is not None else None, ping.seconds),
    )


def _call_row(call: portal.PublisherCall) -> Row:
    """In the order of _CALLS."""
    return (
        *(call.received_at, call.call_id, call.campaign_id, call.caller_number, call.inbound_number),
        *(_seconds(call.duration_ms), call.payout, call.payout.currency if call.payout is not None else None),
    )


def _buyer_row(call: portal.BuyerCall) -> Row:
    """In the order of _BUYER_CALLS."""
    return (
        *(call.received_at, call.call_id, call.campaign_id, call.caller_number),
        *(_seconds(call.duration_ms), call.price, call.price.currency if call.price is not None else None),
    )


def _seconds(duration_ms: int | None) -> int | None:
    return None if duration_ms is None else duration_ms // 1000


HANDLERS: list[ControllerRouterHandler] = [
    *_files("/portal/publisher/pings", Policy.PUBLISHER_PORTAL, PINGS_OF_PUBLISHER, _PINGS, _pings),
    *_files("/portal/publisher/calls", Policy.PUBLISHER_PORTAL, CALLS_OF_PUBLISHER, _CALLS, _publisher_calls),
    *_files("/portal/buyer/calls", Policy.BUYER_PORTAL, CALLS_OF_BUYER, _BUYER_CALLS, _buyer_calls),
]
