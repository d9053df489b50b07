"""The catalog of one company, as frozen values: what `ringbid apply FILE` says, with every default filled in.

Made by `catalog.validate` from YAML or from the stored document; read by everything below the edge. The names and
defaults are those of `examples/acme.yaml`, which is a contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from ringbid.values.ids import BuyerId, CampaignId, CompanyId, GroupId, KeyId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import ConvertsOn, CountedFrom

TagType = Literal["text", "number", "boolean", "date"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Operator = Literal[
    "==", "!=", ">", ">=", "<", "<=", "in", "not in", "contains", "starts with", "=~", "exists", "missing"
]
CapKind = Literal["concurrency", "hourly", "daily", "monthly", "total"]
Strategy = Literal["priority", "bid", "performance"]
Explain = Literal["none", "reason", "buyers"]
WebhookTrigger = Literal["passthrough", "call_received", "buyer_selected", "answered", "converted", "call_ended"]
Side = Literal["both", "revenue", "payout"]  # the buyer's side of the money, the publisher's, or both
AccessRight = Literal["write_tags", "convert", "hand_back"]
EventType = Literal[
    "ping.reserved",
    "ping.rejected",
    "reservation.expired",
    "call.started",
    "call.connected",
    "call.ended",
    "conversion.created",
    "conversion.adjusted",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
FilterScalar = str | int | Decimal | bool | date


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDeclaration:
    """A tag the company knows; an undeclared tag is kept as text."""

    key: str
    type: TagType = "text"
    required: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    id: PublisherId
    name: str
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most calls at once, and per wall-clock hour, day, month and ever; None: no limit."""

    concurrency: int | None = None
    hourly: int | None = None
    daily: int | None = None
    monthly: int | None = None
    total: int | None = None

    @property
    def any(self) -> bool:
        return not (self.concurrency is self.hourly is self.daily is self.monthly is self.total is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterval:
    """Open on these weekdays from `open_minute` to `close_minute` of the local day.

    Minutes are 0 to 1440. Where `close_minute` <= `open_minute`, the interval passes midnight into the next day.
    """

    days: tuple[Weekday, ...]
    open_minute: int
    close_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`tag` `operator` `value`. `value` is a tuple where the file has a list (any of them), else None or one scalar."""

    tag: str
    operator: Operator
    value: FilterScalar | tuple[FilterScalar, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who takes calls and pays. `number` is E.164, a `sip:` URI, or has [tags] in it."""

    id: BuyerId
    name: str
    number: str
    time_zone: str  # the company's where the file says nothing
    hours: tuple[OpenInterval, ...] | None = None  # None: always open
    holidays: str | None = None  # such as US or US-CA
    caps: Caps = field(default_factory=Caps)
    cap_counts: Literal["connected", "converted"] = "connected"
    ring_seconds: int = 30
    max_duration_seconds: int = 14400
    recover_below_seconds: int = 0  # the next buyer gets a call on which this one hung up earlier; 0: it stays ended
    filters: tuple[Filter, ...] = ()
    forward_filters: tuple[Filter, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerGroup:
    """A member's call counts against the group's caps too. Its windows are on the company's wall clock."""

    id: GroupId
    name: str
    buyers: tuple[BuyerId, ...]
    caps: Caps = field(default_factory=Caps)
    ring: Literal["one_at_a_time", "all_at_once"] = "one_at_a_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundNumber:
    """A number publishers transfer calls to. Its publisher and tags are those of direct calls, never of an RTB call."""

    number: PhoneNumber
    publisher: PublisherId | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `pings` of each publisher in any `per_seconds`."""

    pings: int
    per_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RtbKey:
    """The secret in a ping's URL, kept only as its SHA-256 (`id`), with what it allows."""

    id: KeyId
    name: str = "Default"
    ttl_seconds: int = 15
    timeout_seconds: Decimal = Decimal(5)
    inbound_number: PhoneNumber | None = None
    tag_prefix: str = ""
    allow_no_caller_number: bool = False
    count_on_reserve: bool = False
    route_only_to_reserved_buyer: bool = False
    duplicate_scope: Literal["key", "campaign"] = "key"
    explain: Explain = "reason"
    rate_limit: RateLimit | None = None
    after_expiry: Literal["route_as_direct", "route_unpaid", "reject"] = "route_as_direct"
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedBuyer:
    """A buyer's place in a campaign: lower `priority` first, `weight` shares calls within a level."""

    buyer: BuyerId
    priority: int = 1
    weight: int = 1
    expected_earnings_micros: int = 0  # per call; what `performance` ranks by until calls exist


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    strategy: Strategy = "priority"
    buyers: tuple[RoutedBuyer, ...] = ()
    performance_window_seconds: int = 604800  # how far back `performance` looks
    recovery_attempts: int = 1  # how often one call may go on after a buyer hung up early (`recover_below_seconds`)


@dataclass(frozen=True, slots=True)
class FixedAmount:
    micros: int


@dataclass(frozen=True, slots=True)
class TagAmount:
    """An amount (or seconds) read from a tag when the quote is made."""

    tag: str


@dataclass(frozen=True, slots=True)
class PercentAmount:
    """A percentage of the revenue; only for payouts."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class FixedSeconds:
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRule:
    """What a call is worth. The first rule, in the file's order, that matches buyer, publisher and filters decides, for
    each side of the money by itself: `side` both is a rule of either.

    `buyers` and `publishers` empty: any. `version` is a hash of the rule's content: editing a rule makes a new version.
    A rule of one side has no amount of the other. `on` revenue, of the payout side alone: when the buyer's side does.
    """

    id: RuleId  # made of the rule's name, unique in its campaign
    version: str
    name: str
    buyers: tuple[BuyerId, ...] = ()
    publishers: tuple[PublisherId, ...] = ()
    filters: tuple[Filter, ...] = ()
    side: Side = "both"
    on: ConvertsOn = "timer"
    start: CountedFrom = "answered"
    seconds: FixedSeconds | TagAmount = FixedSeconds(90)
    revenue: FixedAmount | TagAmount = FixedAmount(0)
    payout: FixedAmount | TagAmount | PercentAmount = FixedAmount(0)
    postback_seconds: int = 600
    dedupe_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request we send. `url`, `headers`, `body` are templates with [tokens]; `accept` and `outputs` are JMESPath.

    An answer is read, and waited for, on passthrough and where a call is held for it (`hold_seconds`).
    """

    name: str
    on: WebhookTrigger
    buyer: BuyerId | None = None
    hold_seconds: int = 0  # how long a call waits for the answer; 0: nobody waits
    side: Side = "payout"  # of `converted`: whose conversion is told; both: each by itself
    method: Literal["GET", "POST"] = "POST"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: object = None  # None, a text template, or a tree of dicts and lists whose strings are templates
    body_type: Literal["json", "form", "xml", "text"] = "json"
    accept: str | None = None
    outputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """The secret with which others tell us about calls of a campaign, kept only as its SHA-256 (`id`)."""

    id: KeyId
    name: str = "Default"
    allows: tuple[AccessRight, ...] = ()  # at least one, in the order of the type
    buyer: BuyerId | None = None  # only for calls that were connected to this buyer
    publisher: PublisherId | None = None  # only for calls of this publisher
    tag_prefix: str = ""  # of the tags it writes
    keep_seconds: int = 86400  # how long tags wait for a call of their caller
    until_seconds: int = 86400  # how long after a call's end it still counts
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    id: CampaignId
    name: str
    paused: bool = False
    max_duration_seconds: int | None = None  # no call is longer, whatever its buyer would take
    numbers: tuple[InboundNumber, ...] = ()
    rtb_keys: tuple[RtbKey, ...] = ()
    access_keys: tuple[AccessKey, ...] = ()
    routing: Routing = field(default_factory=Routing)
    conversions: tuple[ConversionRule, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWebhook:
    """Where events of the whole company are sent. Its secrets are made and kept by the outbox, and never stand here.

    `caller_number`: may its events say who called?
    """

    id: str
    url: str
    events: tuple[EventType, ...] = EVENT_TYPES  # in the order of the type
    caller_number: bool = False
    paused: bool = False


DEFAULT_DESTINATIONS = ("US", "CA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A tenant: one time zone, one currency."""

    id: CompanyId
    name: str
    time_zone: str = "UTC"
    currency: str = "USD"
    rtb_enabled: bool = True
    destinations: tuple[str, ...] = DEFAULT_DESTINATIONS  # where numbers may lead that a [tag] fills


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything one company sells, buys and promises."""

    company: Company
    tags: tuple[TagDeclaration, ...] = ()
    publishers: tuple[Publisher, ...] = ()
    buyers: tuple[Buyer, ...] = ()
    buyer_groups: tuple[BuyerGroup, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    event_webhooks: tuple[EventWebhook, ...] = ()
