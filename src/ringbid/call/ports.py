"""What the call flow needs from outside, and the values that pass between it and the store.

`store.calls` keeps the promises of `Calls`: each method is one transaction, in which the call, its places, its money
and its messages are written together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeAlias

from ringbid.accounts.audit import AuditEntry
from ringbid.buyers.protocol import Outbound
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.state import CallState, Phase
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
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, PingId, PublisherId, RandomBytes
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
    text of their dedupe key. `trace`: where tags were written to it; None: it stays. `audit`: what a person changed."""

    state: CallState
    row: str
    trace: CallTrace | None = None
    requests: tuple[Request[Any], ...] = ()
    postings: tuple[Posting, ...] = ()
    messages: tuple[Message, ...] = ()
    converted: tuple[str, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
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

    def postings_of(self, call: StoredCall) -> tuple[Posting, ...]:
        """Everything booked for the call so far, in the order in which it was booked."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerOf:
    """A caller of a campaign: to one publisher, or (where `publisher_id` is empty) to any."""

    company_id: CompanyId
    campaign_id: CampaignId
    publisher_id: PublisherId
    caller_number: PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQuery:
    """Which calls to list, the newest first. What is None may be any."""

    company_id: CompanyId | None = None
    campaign_id: CampaignId | None = None
    publisher_id: PublisherId | None = None
    buyer_id: BuyerId | None = None  # who answered last
    caller_number: PhoneNumber | None = None
    phase: Phase | None = None
    limit: int = 25


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

    async def find_by_uuid(self, uuid: PingId) -> StoredCall | None:
        """The call of this uuid, else the newest that came with the reservation of this uuid."""
        ...

    async def find_of_caller(self, caller: CallerOf) -> Sequence[StoredCall]:
        """The newest few calls of a caller, the newest first."""
        ...

    async def due(self) -> list[CallId]:
        """Some calls that must be looked at again now."""
        ...

    async def keep_tags(self, caller: CallerOf, tags: Mapping[str, str], *, written_by: str, keep_seconds: int) -> bool:
        """Keep tags for the calls of a caller that are to come; False, with nothing kept, where they are too many."""
        ...

    async def written_tags(self, caller: CallerOf, *, since: datetime | None = None) -> Mapping[str, str]:
        """Tags that keys have written for this caller, for any publisher and for this one; only those that were
        written after `since`, where it is given."""
        ...


class TakeBack(Enum):
    """What a phone network makes of the order to take a call back from its buyer."""

    DONE = "done"  # the buyer's leg ends; its record follows, and then the network asks where the call goes on
    NOT_SUPPORTED = "not supported"  # this network cannot, or its settings lack what it needs
    NOT_LIVE = "not live"  # it has no such call on the line
    UNREACHABLE = "unreachable"  # it did not take the order


class Networks(Protocol):
    """Orders to the phone networks. None of them raises for what the network does or does not do."""

    async def hand_back(self, provider: str, provider_call_id: str, attempt_id: PingId) -> TakeBack:
        """Take a connected call from the buyer of this attempt, and keep the caller on the line. The same order may
        come again. The attempt's record must reach the desk before it is asked for the next buyer (`CallDesk.go_on`);
        no `ended` may, since the call goes on."""
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
