"""The things of a catalog as JSON: the names and values of the file (docs/catalog.md), with every field there.

A form says what may be sent. What is sent is then read and checked as a file is, so that the two have one set of rules.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ringbid.catalog.model import (
    AccessRight,
    EventType,
    Explain,
    Operator,
    Side,
    Strategy,
    TagType,
    WebhookTrigger,
    Weekday,
)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=31_622_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Money = Annotated[
    float | str, msgspec.Meta(description="A number, a tag such as `[bid]`, or of a payout a percentage (`80%`).")
]
# A form says that there must be a number. The number itself is read exactly, from the body, and never from here.
Number = Annotated[float, msgspec.Meta(description="A number, read exactly.")]
Scalar = str | float | bool


class _Form(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class CapsForm(_Form):
    """The most calls at once, and in each hour, day and month, and ever; null: no limit."""

    concurrency: Count | None = None
    hourly: Count | None = None
    daily: Count | None = None
    monthly: Count | None = None
    total: Count | None = None


class FilterForm(_Form):
    """A tag, an operator, and what it is compared with."""

    tag: str
    operator: Operator
    value: Scalar | list[Scalar] | None = None


class IntervalForm(_Form):
    """Open on these days, from `open` to `close` of the local day."""

    days: list[Weekday] | Weekday
    open: str
    close: str


class CompanyForm(_Form):
    """The company: one time zone, one currency."""

    id: str
    name: Name
    time_zone: str | None = None
    currency: str | None = None
    rtb_enabled: bool | None = None
    destinations: list[str] | None = None


class TagForm(_Form):
    """A tag that the company knows."""

    key: str
    type: TagType | None = None
    required: bool | None = None
    private: bool | None = None


class PublisherForm(_Form):
    """Who sends calls."""

    id: str
    name: Name
    paused: bool | None = None


class BuyerForm(_Form):
    """Who takes calls and pays. `number` is E.164, a `sip:` URI, or has [tags] in it."""

    id: str
    name: Name
    number: str
    time_zone: str | None = None
    hours: list[IntervalForm] | None = None
    holidays: str | None = None
    caps: CapsForm | None = None
    cap_counts: Literal["connected", "converted"] | None = None
    ring_seconds: Seconds | None = None
    max_duration_seconds: Seconds | None = None
    recover_below_seconds: Seconds | None = None
    filters: list[FilterForm] | None = None
    forward_filters: list[FilterForm] | None = None
    paused: bool | None = None


class BuyerGroupForm(_Form):
    """Buyers whose calls count against common caps."""

    id: str
    name: Name
    buyers: list[str] | None = None
    caps: CapsForm | None = None
    ring: Literal["one_at_a_time", "all_at_once"] | None = None


class CampaignForm(_Form):
    """A campaign without what is in it: numbers, keys, routing, conversion rules and webhooks have their own
    addresses."""

    id: str
    name: Name
    paused: bool | None = None
    max_duration_seconds: Seconds | None = None


class NumberForm(_Form):
    """A number that publishers transfer calls to."""

    number: str
    publisher: str | None = None
    tags: dict[str, str] | None = None


class RateLimitForm(_Form):
    """At most `pings` of each publisher in any `per_seconds`."""

    pings: Count
    per_seconds: Count


class RtbKeyForm(_Form):
    """An RTB key. Without `key` and `key_sha256` one is made, and its secret is in the answer, once."""

    name: Name | None = None
    key: str | None = None
    key_sha256: str | None = None
    ttl_seconds: Seconds | None = None
    timeout_seconds: float | None = None
    inbound_number: str | None = None
    tag_prefix: str | None = None
    allow_no_caller_number: bool | None = None
    count_on_reserve: bool | None = None
    route_only_to_reserved_buyer: bool | None = None
    duplicate_scope: Literal["key", "campaign"] | None = None
    explain: Explain | None = None
    rate_limit: RateLimitForm | None = None
    after_expiry: Literal["route_as_direct", "route_unpaid", "reject"] | None = None
    paused: bool | None = None


class AccessKeyForm(_Form):
    """A key with which others tell about calls. Without `key` and `key_sha256` one is made, as for an RTB key."""

    name: Name | None = None
    key: str | None = None
    key_sha256: str | None = None
    allows: AccessRight | list[AccessRight] | None = None
    buyer: str | None = None
    publisher: str | None = None
    tag_prefix: str | None = None
    keep_seconds: Seconds | None = None
    until_seconds: Seconds | None = None
    paused: bool | None = None


class RoutedForm(_Form):
    """A buyer's place in a campaign."""

    buyer: str
    priority: int | None = None
    weight: int | None = None
    expected_earnings: Number | None = None


class RoutingForm(_Form):
    """Who gets a campaign's calls."""

    strategy: Strategy | None = None
    performance_window_seconds: Seconds | None = None
    recovery_attempts: int | None = None
    buyers: list[RoutedForm] | None = None


class ConversionForm(_Form):
    """What a call is worth, and when."""

    name: Name
    buyer: str | list[str] | None = None
    publishers: list[str] | None = None
    filters: list[FilterForm] | None = None
    side: Side | None = None
    on: str | None = None
    start: str | None = None
    seconds: int | str | None = None
    revenue: Money | None = None
    payout: Money | None = None
    postback_seconds: Seconds | None = None
    dedupe_seconds: Seconds | None = None


class WebhookForm(_Form):
    """A request that is sent. Templates have [tokens] in them."""

    name: Name
    on: WebhookTrigger
    url: str
    buyer: str | None = None
    hold_seconds: Seconds | None = None
    side: Side | None = None
    method: Literal["GET", "POST"] | None = None
    headers: dict[str, str] | None = None
    body: Any = None
    body_type: Literal["json", "form", "xml", "text"] | None = None
    accept: str | None = None
    outputs: dict[str, str] | None = None


class EventWebhookForm(_Form):
    """Where events of the whole company are sent. The answer to adding one has its `secret`, once."""

    id: str
    url: str
    events: list[EventType] | None = None
    caller_number: bool | None = None
    paused: bool | None = None
