"""`/calls`: the calls, and the whole story of one."""

from __future__ import annotations

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.call_told import (
    BuyerCall,
    CallTold,
    PublisherCall,
    tell_story,
    tell_story_to_buyer,
    tell_story_to_publisher,
)
from ringbid.edge.api.v1.pings import UuidPath
from ringbid.edge.api.v1.problems import not_found
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.api.v1.viewing import detail_of_call, may_see_call, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.telling import find_call, story_of

_TAG = "Calls"


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


HANDLERS = [tell_call]
