"""What the call flow needs from outside, and the values that pass between it and the store.

`store.calls` keeps the promises of `Calls`: each method is one transaction, in which the call, its places, its money
and its messages are written together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from ringbid.buyers.protocol import Outbound
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.state import CallState
from ringbid.call.trace import CallTrace
from ringbid.catalog.model import Campaign
from ringbid.catalog.snapshot import CompanyView, Snapshot
from ringbid.ledger.posting import Posting
from ringbid.outbox.message import Message
from ringbid.reservations.books import Request
from ringbid.reservations.calling import CallTake, Claimed, NotOpen
from ringbid.reservations.ports import Reservations, StoredPing
from ringbid.routing.bids import StartTask
from ringbid.routing.plan import CampaignPlan
from ringbid.values.clock import Clock
from ringbid.values.ids import CallId, CampaignId, CompanyId, PingId, PublisherId, RandomBytes
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as it is kept."""

    call_id: CallId
    company_id: CompanyId
    campaign_id: CampaignId
    provider: str
    provider_call_id: str
    reservation_id: PingId | None
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    inbound_number: str
    received_at: datetime
    state: CallState
    trace: CallTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLook:
    """What the store knows when a call arrives. `existing`: the same call has arrived before. `ping`: the newest ping
    of this caller for this number, or the one that the SIP address names, with its reservation."""

    now: datetime
    existing: StoredCall | None
    ping: StoredPing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Everything that one event, postback or check does to a call, to be written in one transaction. `row` names the
    row of the table that decided; `requests` move reservations; `converted` are callers to be remembered, by the plain
    text of their dedupe key."""

    state: CallState
    row: str
    requests: tuple[Request[Any], ...] = ()
    postings: tuple[Posting, ...] = ()
    messages: tuple[Message, ...] = ()
    converted: tuple[str, ...] = ()
    check_at_ms: int | None = None


class Lookups(Protocol):
    """What a reaction may ask while it is made, inside the transaction."""

    @property
    def now(self) -> datetime:
        """The store's clock."""
        ...

    def last_converted_ms(self, dedupe_key: str) -> int | None:
        """When the caller that this text names converted last."""
        ...


React: TypeAlias = Callable[[StoredCall, CallEvent, Lookups], Reaction]
Change: TypeAlias = Callable[[StoredCall, Lookups], Reaction | Refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A call as it shall be written."""

    state: CallState
    trace: CallTrace
    messages: tuple[Message, ...] = ()
    check_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A call to be written down, with the places it takes. `draft` makes the call of what was taken; it is pure, and
    called inside the transaction. `react` handles events that came before the call was known."""

    call_id: CallId
    arrival: Arrival
    company_id: CompanyId
    campaign_id: CampaignId
    reservation_id: PingId | None
    publisher_id: PublisherId
    received_at: datetime
    take: CallTake | None
    draft: Callable[[StoredCall, Claimed, datetime], Draft]
    react: React


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Further places for a call that is known."""

    call_id: CallId
    take: CallTake
    draft: Callable[[StoredCall, Claimed, datetime], Draft]


class Calls(Protocol):
    """The store's promises to calls. `now` is always the store's clock. Raises StoreOverloaded and StoreUnavailable."""

    async def look(self, arrival: Arrival) -> CallLook:
        """What is known of an arrival, without a lock. Decides nothing for good."""
        ...

    async def open(self, opening: Opening) -> StoredCall | NotOpen:
        """Write a call down, claim its reservation and take its places. The call that is there, where it arrived
        before; NotOpen, with nothing done, where its reservation has ended meanwhile."""
        ...

    async def take_more(self, more: More) -> StoredCall:
        """Take further places for a call."""
        ...

    async def report(self, event: CallEvent, react: React) -> str:
        """Handle an event once. The row that handled it; `parked` where its call is not known yet, `told_before`."""
        ...

    async def change(self, call_id: CallId, change: Change) -> StoredCall | Refused:
        """Change a call by what is no event of its provider. Refused: CALL_UNKNOWN, or what `change` refuses."""
        ...

    async def find(self, call_id: CallId) -> StoredCall | None:
        """A call, or None."""
        ...

    async def find_by_provider(self, provider: str, provider_call_id: str) -> StoredCall | None:
        """The call that its provider names so, or None."""
        ...

    async def due(self) -> list[CallId]:
        """Some calls that must be looked at again now."""
        ...

    async def written_tags(self, company_id: CompanyId, caller_number: PhoneNumber | None) -> Mapping[str, str]:
        """Tags that keys have written for this caller."""
        ...


class CallPlans(Protocol):
    """The compiled catalogs as they stand now."""

    @property
    def snapshot(self) -> Snapshot: ...

    def plan_for(self, company: CompanyView, campaign: Campaign) -> CampaignPlan:
        """The compiled plan of a campaign."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTools:
    """Store, webhooks, catalogs, clock and chance. `on_message`: a message was written and may leave at once."""

    calls: Calls
    reservations: Reservations
    outbound: Outbound
    plans: CallPlans
    clock: Clock
    random_bytes: RandomBytes
    start_task: StartTask
    on_message: Callable[[], None]
