"""`/pings`: the RTB log with its filters, and the explanation of one ping."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import PathParameter

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.amounts import Amount, optional_amount
from ringbid.edge.api.v1.lists import Listing, query_of, scope_of, told_of
from ringbid.edge.api.v1.paging import page
from ringbid.edge.api.v1.ping_told import (
    PingStatus,
    PingTold,
    PublisherPing,
    ReservationState,
    tell_ping,
    tell_ping_to_publisher,
)
from ringbid.edge.api.v1.problems import not_found
from ringbid.edge.api.v1.reasons_told import Told
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.api.v1.viewing import detail_for_publishers, may_see_ping, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.listing_fields import PINGS, PINGS_OF_PUBLISHER
from ringbid.reports.listing_rows import PingRow
from ringbid.reports.telling import find_ping

_TAG = "Pings"
UuidPath = Annotated[str, PathParameter(description="A uuid, as a ping's answer names it.")]


class PingInList(msgspec.Struct, frozen=True, kw_only=True):
    """A ping, with what has become of it. `call_uuid` is the call that claimed its reservation; `seconds` what brings
    the payout; `took_ms` how long its answer took.

    A publisher is not told `key_id`, `buyer_id` and `revenue`, and reads reasons that are safe for publishers."""

    uuid: str
    call_uuid: str | None
    created_at: datetime
    campaign_id: str
    key_id: str | None
    publisher_id: str
    buyer_id: str | None
    caller_number: str | None
    caller_city: str | None
    caller_state: str | None
    caller_zip: str | None
    caller_country: str | None
    status: PingStatus
    reason: Told
    state: ReservationState | None
    revenue: Amount | None
    payout: Amount | None
    seconds: int | None
    took_ms: int | None
    duplicate_original_uuid: str | None
    duplicate_order: int | None
    expires_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None


class PingPage(Listing, frozen=True, kw_only=True):
    """A page of pings."""

    data: list[PingInList]


@operation("GET", "/pings", policy=Policy.PINGS, scope=Scope.PINGS, tag=_TAG, listing=PINGS)
async def list_pings(request: WebRequest) -> Response[PingPage]:
    """The RTB log: pings, the newest first.

    A publisher's key sees its own, and has no filters for what it is not told.
    """
    office, actor = office_of(request), actor_of(request)
    view = view_of(actor)
    kind = PINGS if view == "owner" else PINGS_OF_PUBLISHER
    query = query_of(request, office, actor, kind)
    found = await office.listings.pings(scope_of(actor), query)
    listing = told_of(request, kind, query, found)
    body = PingPage(data=[_row(row, safe=view != "owner") for row in found.rows], **listing)
    return page(request, body, body.next_cursor)


@operation("GET", "/pings/{uuid:str}", policy=Policy.SIGNED_IN, scope=Scope.PINGS, tag=_TAG)
async def explain_ping(request: WebRequest, uuid: UuidPath) -> PingTold | PublisherPing:
    """Why a ping ended as it did.

    The owner reads every buyer's verdict with what was found and what was expected, every ask with its answer, and each
    tag with where it came from. A publisher's key reads its own pings, with reasons that are safe for publishers.
    Records of pings are flushed after a day by default.
    """
    office, actor = office_of(request), actor_of(request)
    ping = await find_ping(office.reservations, actor.company_id, uuid)
    if ping is None or not may_see_ping(actor, ping):
        raise not_found()
    if view_of(actor) == "owner":
        return tell_ping(ping)
    return tell_ping_to_publisher(ping, detail_for_publishers(office, ping.key_id), tags=actor.tags)


def _row(row: PingRow, *, safe: bool) -> PingInList:
    told: Any = row  # status and state are among what the store checks
    return PingInList(
        uuid=row.ping_id,
        call_uuid=row.call_id,
        created_at=row.received_at,
        campaign_id=row.campaign_id,
        key_id=None if safe else row.key_id,
        publisher_id=row.publisher_id,
        buyer_id=None if safe else row.buyer_id,
        caller_number=row.caller_number,
        caller_city=row.caller_place.city,
        caller_state=row.caller_place.state,
        caller_zip=row.caller_place.zip_code,
        caller_country=row.caller_place.country,
        status=told.status,
        reason=Told(code=row.reason.safe_code, text=row.reason.safe_text)
        if safe
        else Told(code=row.reason.code, text=row.reason.text),
        state=told.state.value if told.state is not None else None,
        revenue=None if safe else optional_amount(row.revenue),
        payout=optional_amount(row.payout),
        seconds=row.seconds,
        took_ms=row.took_ms,
        duplicate_original_uuid=row.duplicate_of,
        duplicate_order=row.duplicate_order,
        expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
    )


HANDLERS = [list_pings, explain_ping]
