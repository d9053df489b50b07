"""Who looks, and how much of the company's data that is: all of it, a publisher's own, or a buyer's own."""

from __future__ import annotations

from typing import Literal

from ringbid.accounts.actor import Actor, Role
from ringbid.call.ports import StoredCall
from ringbid.edge.web.office import Office
from ringbid.reservations.ports import StoredPing
from ringbid.values.ids import CampaignId, CompanyId, KeyId

View = Literal["owner", "publisher", "buyer"]


def view_of(actor: Actor) -> View:
    """Which version of a story is for them."""
    match actor.role:
        case Role.PUBLISHER:
            return "publisher"
        case Role.BUYER:
            return "buyer"
    return "owner"


def may_see_ping(actor: Actor, ping: StoredPing) -> bool:
    """A buyer sees no pings."""
    match view_of(actor):
        case "publisher":
            return actor.publisher_id is not None and ping.publisher_id == actor.publisher_id
        case "buyer":
            return False
    return True


def may_see_call(actor: Actor, call: StoredCall) -> bool:
    """A buyer sees the calls on which it was rung."""
    match view_of(actor):
        case "publisher":
            return actor.publisher_id is not None and call.publisher_id == actor.publisher_id
        case "buyer":
            return any(one.buyer_id == actor.buyer_id for one in call.state.attempts)
    return True


def detail_for_publishers(office: Office, key_id: KeyId) -> str:
    """How much the RTB key tells its publishers. A key that was removed tells reasons, as a new one does."""
    found = office.catalogs.snapshot.keys.get(key_id)
    return found.key.explain if found is not None else "reason"


def detail_of_call(office: Office, company_id: CompanyId, campaign_id: CampaignId, key_name: str | None) -> str:
    """The same for a call: of the key that it came by. A direct call came by none."""
    found = office.catalogs.snapshot.campaigns.get((company_id, campaign_id))
    keys = found.campaign.rtb_keys if found is not None else ()
    return next((key.explain for key in keys if key.name == key_name), "reason")
