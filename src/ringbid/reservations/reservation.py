"""A reservation: a place held with one buyer for one caller, and the moves it can make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, KeyId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.verdict import Refused


class State(Enum):
    """held → confirmed → live → done; expired, released and rejected are ends too.

    A held or confirmed reservation whose `expires_at` has passed on the store's clock *is* expired, whatever its row
    says.
    """

    HELD = "held"
    CONFIRMED = "confirmed"
    LIVE = "live"
    DONE = "done"
    EXPIRED = "expired"
    RELEASED = "released"
    REJECTED = "rejected"

    @property
    def open(self) -> bool:
        """Does it still wait for its call?"""
        return self in (State.HELD, State.CONFIRMED)


# Every legal move; anything else changes nothing and is answered with the state that is.
MOVES: dict[State, frozenset[State]] = {
    State.HELD: frozenset({State.CONFIRMED, State.LIVE, State.EXPIRED, State.RELEASED, State.REJECTED}),
    State.CONFIRMED: frozenset({State.LIVE, State.EXPIRED, State.RELEASED, State.REJECTED}),
    State.LIVE: frozenset({State.DONE}),
    State.DONE: frozenset(),
    State.EXPIRED: frozenset(),
    State.RELEASED: frozenset(),
    State.REJECTED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Times are aware UTC, by the store's clock. `counted`: does it take a place under the caps now? `refused`: why it
    could not be confirmed, of one that ended as rejected."""

    ping_id: PingId
    company_id: CompanyId
    campaign_id: CampaignId
    key_id: KeyId
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    buyer_id: BuyerId
    buyer_number: str
    inbound_number: str  # what the publisher was told to dial: E.164, or a sip: URI
    quote: Quote
    state: State
    counted: bool
    ttl_seconds: int
    reserved_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    extended: bool = False
    call_id: CallId | None = None  # the call that claimed it, or made it to try one more buyer
    refused: Refused | None = None

    def state_at(self, now: datetime) -> State:
        """The state as it is at `now` on the store's clock: an open reservation past `expires_at` is expired."""
        return State.EXPIRED if self.state.open and self.expires_at <= now else self.state

    def at(self, now: datetime) -> Reservation:
        """This reservation as it stands at `now` on the store's clock."""
        if self.state_at(now) is self.state:
            return self
        return replace(self, state=State.EXPIRED, counted=False, ended_at=self.expires_at)
