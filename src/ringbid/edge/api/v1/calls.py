"""`/calls`: the calls, and the whole story of one."""

from __future__ import annotations

from typing import Any

from litestar import Response

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.amounts import Amount, optional_amount
from ringbid.edge.api.v1.call_told import (
    BuyerCall,
    CallRow,
    CallTold,
    PublisherCall,
    tell_story,
    tell_story_to_buyer,
    tell_story_to_publisher,
)
from ringbid.edge.api.v1.lists import Listing, query_of, scope_of, told_of
from ringbid.edge.api.v1.paging import page
from ringbid.edge.api.v1.pings import UuidPath
from ringbid.edge.api.v1.problems import not_found
from ringbid.edge.api.v1.reasons_told import Told, told
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.api.v1.viewing import View, detail_of_call, may_see_call, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.listing_fields import CALLS, CALLS_OF_BUYER, CALLS_OF_PUBLISHER
from ringbid.reports.listing_rows import CallRow as ListedCall
from ringbid.reports.telling import find_call, story_of

_TAG = "Calls"


class CallInList(CallRow, frozen=True, kw_only=True):
    """A call, with what became of it and what is booked for it now.

    `revenue` and `payout` are null where it has not converted on that side. All three are null for who may not know.
    """

    ending: Told | None
    revenue: Amount | None
    payout: Amount | None


class CallPage(Listing, frozen=True, kw_only=True):
    """A page of calls."""

    data: list[CallInList]


@operation("GET", "/calls", policy=Policy.SIGNED_IN, scope=Scope.READ, tag=_TAG, listing=CALLS)
async def list_calls(request: WebRequest) -> Response[CallPage]:
    """Calls, the newest first.

    A publisher's or a buyer's key sees its own, and has no filters for what it is not told.
    """
    office, actor = office_of(request), actor_of(request)
    view = view_of(actor)
    kind = {"owner": CALLS, "publisher": CALLS_OF_PUBLISHER, "buyer": CALLS_OF_BUYER}[view]
    query = query_of(request, office, actor, kind)
    found = await office.listings.calls(scope_of(actor), query)
    listing = told_of(request, kind, query, found)
    body = CallPage(data=[_row(row, view) for row in found.rows], **listing)
    return page(request, body, body.next_cursor)


@operation("GET", "/calls/{uuid:str}", policy=Policy.SIGNED_IN, scope=Scope.READ, tag=_TAG)
async def tell_call(request: WebRequest, uuid: UuidPath) -> CallTold | PublisherCall | BuyerCall:
    """The whole story of a call, ping to money.

    How it was matched, every routing with each buyer's verdict, the attempts, what converted and was booked, what was
    told to whom. A publisher's key reads its own calls with safe reasons and its payout, a buyer's key the calls on
    which it was rung.
    """
    office, actor = office_of(request), actor_of(request)
    call = await find_call(office.calls, actor.company_id, uuid)
    if call is None or not may_see_call(actor, call):
        raise not_found()
    story = await story_of(
        call, calls=office.calls, pings=office.reservations, ledger=office.ledger, messages=office.messages
    )
    match view_of(actor):
        case "publisher":
            detail = detail_of_call(office, call.company_id, call.campaign_id, call.trace.key)
            return tell_story_to_publisher(story, detail, tags=actor.tags)
        case "buyer":
            assert actor.buyer_id is not None, "may_see_call has found it among the attempts"
            return tell_story_to_buyer(story, actor.buyer_id)
    return tell_story(story)


def _row(row: ListedCall, view: View) -> CallInList:
    phase: Any = row.phase  # one of the phases: the store checks it
    return CallInList(
        uuid=row.call_id,
        reservation_uuid=row.reservation_id,
        campaign_id=row.campaign_id,
        publisher_id=None if view == "buyer" else row.publisher_id or None,
        buyer_id=None if view == "publisher" else row.buyer_id,
        caller_number=row.caller_number,
        inbound_number=row.inbound_number,
        phase=phase,
        received_at=row.received_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        connected_seconds=row.duration_ms // 1000 if row.duration_ms is not None else None,
        ending=told(row.ending) if view == "owner" else None,
        revenue=None if view == "publisher" else optional_amount(row.revenue),
        payout=None if view == "buyer" else optional_amount(row.payout),
    )


HANDLERS = [list_calls, tell_call]
