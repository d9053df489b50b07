"""The fields of everything in a catalog as a form shows them: label, hint, and how its text is read.

Names are those of the catalog's file; docs/catalog.md has the same words. Used by `catalog_forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ringbid.catalog.model import EVENT_TYPES, AccessRight, Explain, Side, TagType, WebhookTrigger
from ringbid.values.quote import ConvertsOn, CountedFrom

Kind = Literal["text", "number", "check", "choice", "filters", "hours", "names", "several", "words", "yaml", "zone"]


@dataclass(frozen=True, slots=True)
class Field:
    """Of `choices` one is taken, or where the kind is "several" any number; `refers` is the list (publishers, buyers)
    whose ids they are instead. `identity`: it does not change.
    """

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    refers: str = ""
    required: bool = False
    identity: bool = False
    rows: int = 1


def _words(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((word, word.replace("_", " ")) for word in words)


_ID = Field("id", "Id", required=True, identity=True, hint="1 to 64 letters, digits and _ . : - ; it stays as it is.")
_NAME = Field("name", "Name", required=True)
_PAUSED = Field("paused", "Paused", "check")
_CAPS = (
    Field("caps.concurrency", "Calls at once", "number", hint="Empty: no limit."),
    Field("caps.hourly", "Calls an hour", "number"),
    Field("caps.daily", "Calls a day", "number"),
    Field("caps.monthly", "Calls a month", "number"),
    Field("caps.total", "Calls ever", "number"),
)
_FILTER_HINT = "One a line, all must hold: caller_state in CA, NV, NY · age >= 18 · jornaya_id exists"
_FILTERS = Field("filters", "Filters", "filters", _FILTER_HINT, rows=4)
_TIME_ZONE = Field("time_zone", "Time zone", "zone", hint="An IANA name such as America/New_York.")
_BUYER_OPTION = Field("buyer", "Buyer", "choice", hint="Empty: any buyer.", refers="buyers")
_PUBLISHER_OPTION = Field("publisher", "Publisher", "choice", hint="Empty: any publisher.", refers="publishers")
_TAG_PREFIX = Field("tag_prefix", "Tag prefix", hint="Put before the names of the tags that come with this key.")
_KEY_NAME = Field("name", "Name", required=True, hint="What you call this key; its secret stays as it is.")

FIELDS: Mapping[str, tuple[Field, ...]] = {
    "company": (
        _NAME,
        Field(
            "time_zone", "Time zone", "zone", "An IANA name. Buyers without a zone of their own follow it."
        ),
        Field("currency", "Currency", hint="An ISO 4217 code such as USD."),
        Field("rtb_enabled", "Real-time bidding is on", "check", "Off: every ping is rejected."),
        Field(
            "destinations",
            "Where calls may lead",
            "words",
            "For buyers' numbers that a [tag] fills: countries, beginnings such as +4420, or sip: hosts; with commas.",
        ),
    ),
    "tags": (
        Field("key", "Key", required=True, identity=True, hint="The parameter's name."),
        Field("type", "Type", "choice", choices=_words(get_args(TagType))),
        Field("required", "Required", "check", "A ping without it is rejected."),
        Field("private", "Private", "check", "Never shown to publishers, masked in exports."),
    ),
    "publishers": (_ID, _NAME, _PAUSED),
    "buyers": (
        _ID,
        _NAME,
        Field(
            "number",
            "Number or SIP address",
            hint="E.164 such as +12025550101, a sip: URI, or a [tag] that the buyer's answer fills.",
            required=True,
        ),
        Field("paused", "Paused", "check", "A paused buyer gets no new calls; calls on the line go on."),
        _TIME_ZONE,
        Field("hours", "Opening hours", "hours", "One a line: Mon-Fri 09:00-17:00. Empty: always open.", rows=3),
        Field("holidays", "Closed on holidays of", hint="US, or a state such as US-CA. Empty: open on holidays."),
        *_CAPS,
        Field(
            "cap_counts",
            "What a cap counts",
            "choice",
            choices=(("connected", "calls that connected"), ("converted", "calls that converted")),
        ),
        Field("ring_seconds", "Rings for", "number", unit="seconds"),
        Field("max_duration_seconds", "Longest call", "number", unit="seconds"),
        Field(
            "recover_below_seconds",
            "Goes on to the next buyer below",
            "number",
            "Where the buyer hangs up earlier than this. 0 or empty: the call ends.",
            unit="seconds",
        ),
        _FILTERS,
        Field(
            "forward_filters", "Filters before dialling", "filters", "The same, checked just before the call.", rows=3
        ),
    ),
    "buyer_groups": (
        _ID,
        _NAME,
        Field("buyers", "Buyers", "several", "A member's call counts against the group's caps too.", refers="buyers"),
        *_CAPS,
        Field("ring", "Rings", "choice", choices=_words(("one_at_a_time", "all_at_once"))),
    ),
    "campaigns": (
        _ID,
        _NAME,
        Field("paused", "Paused", "check", "A paused campaign rejects pings and calls; calls on the line go on."),
        Field("max_duration_seconds", "Longest call", "number", "Empty: as long as the buyer takes.", unit="seconds"),
    ),
    "numbers": (
        Field("number", "Number", required=True, identity=True, hint="E.164 such as +18885551234."),
        Field("publisher", "Publisher of direct calls", "choice", "Empty: nobody's.", refers="publishers"),
        Field("tags", "Tags of direct calls", "names", "One a line: source: radio. Never those of a ping.", rows=3),
    ),
    "rtb_keys": (
        _KEY_NAME,
        Field("paused", "Paused", "check", "A paused key rejects every ping."),
        Field("ttl_seconds", "TTL", "number", "How long a reservation waits for its call.", unit="seconds"),
        Field(
            "timeout_seconds", "Timeout", "number", "How long asking the buyers may take, all together.", unit="seconds"
        ),
        Field("inbound_number", "Answers with this number", hint="Empty: a number of the campaign."),
        _TAG_PREFIX,
        Field("allow_no_caller_number", "Pings may come without a caller number", "check"),
        Field("count_on_reserve", "A reservation counts under the caps at once", "check"),
        Field("route_only_to_reserved_buyer", "The call goes to the reserved buyer or to nobody", "check"),
        Field(
            "duplicate_scope",
            "A duplicate is the same caller under",
            "choice",
            choices=(("key", "this key"), ("campaign", "any key of the campaign")),
        ),
        Field(
            "explain", "What the publisher may read back", "choice", choices=_words(get_args(Explain))
        ),
        Field("rate_limit.pings", "Most pings of each publisher", "number", "Empty: no limit."),
        Field("rate_limit.per_seconds", "in", "number", unit="seconds"),
        Field(
            "after_expiry",
            "A call after the TTL",
            "choice",
            choices=(
                ("route_as_direct", "is routed as a direct call"),
                ("route_unpaid", "is routed, the publisher unpaid"),
                ("reject", "is rejected"),
            ),
        ),
    ),
    "access_keys": (
        _KEY_NAME,
        Field("paused", "Paused", "check"),
        Field("allows", "Allows", "several", "At least one.", choices=_words(get_args(AccessRight))),
        _BUYER_OPTION,
        _PUBLISHER_OPTION,
        _TAG_PREFIX,
        Field("keep_seconds", "Tags wait for a call", "number", unit="seconds"),
        Field("until_seconds", "Counts after a call's end for", "number", unit="seconds"),
    ),
    "routing": (
        Field(
            "strategy",
            "Who gets the call",
            "choice",
            "Among the buyers of the lowest priority level that can take it.",
            choices=(
                ("priority", "drawn by weight"),
                ("bid", "the highest revenue"),
                ("performance", "the best earnings per call"),
            ),
        ),
        Field("performance_window_seconds", "Performance looks back", "number", unit="seconds"),
        Field(
            "recovery_attempts", "Times one call may go on", "number", "After a buyer hung up early. 0: it never does."
        ),
    ),
    "routing.buyers": (
        Field("buyer", "Buyer", "choice", refers="buyers", required=True, identity=True),
        Field("priority", "Priority", "number", "The lowest goes first."),
        Field("weight", "Weight", "number", "Its share of the calls within a level."),
        Field("expected_earnings", "Expected earnings per call", "number", "What performance goes by before calls."),
    ),
    "conversions": (
        _NAME,
        Field("buyer", "Buyers", "several", "None: any buyer.", refers="buyers"),
        Field("publishers", "Publishers", "several", "None: any publisher.", refers="publishers"),
        _FILTERS,
        Field("side", "Decides", "choice", choices=tuple(
            zip(get_args(Side), ("both sides", "what the buyer owes", "what the publisher is paid"), strict=True)
        )),
        Field("on", "Converts on", "choice", "postback: no payout can be quoted before the call.", choices=_words(
            get_args(ConvertsOn)
        )),
        Field("start", "Seconds count from", "choice", choices=_words(get_args(CountedFrom))),
        Field("seconds", "Seconds", "number", "A number, or a [tag]."),
        Field("revenue", "Revenue", "number", "An amount such as 1.50, or a [tag] that the buyer's answer fills."),
        Field("payout", "Payout", "number", "An amount, a [tag], or a share of the revenue such as 80%."),
        Field("postback_seconds", "A postback is waited for", "number", unit="seconds"),
        Field("dedupe_seconds", "The same caller converts again after", "number", unit="seconds"),
    ),
    "webhooks": (
        _NAME,
        Field("on", "Sent on", "choice", "passthrough: asked during a ping.", choices=_words(
            get_args(WebhookTrigger)
        ), required=True),
        Field("buyer", "Buyer", "choice", "Empty: for all buyers.", refers="buyers"),
        Field("hold_seconds", "The call waits for the answer", "number", unit="seconds"),
        Field("side", "Whose conversion", "choice", "On converted.", choices=(("", "–"), *_words(get_args(Side)))),
        Field("method", "Method", "choice", choices=(("POST", "POST"), ("GET", "GET"))),
        Field("url", "URL", hint="With [tokens] such as [caller_zip].", required=True),
        Field("headers", "Headers", "names", "One a line: X-Api-Key: secret", rows=3),
        Field("body_type", "Body is", "choice", choices=_words(("json", "form", "xml", "text"))),
        Field("body", "Body", "yaml", 'A text, or names and values as YAML: caller: "[caller_number]"', rows=6),
        Field("accept", "Accepted when", hint="A JMESPath expression on the answer: accepted == `true`"),
        Field("outputs", "What is read from the answer", "names", "One a line: bid_amount: bid.amount", rows=4),
    ),
    "event_webhooks": (
        _ID,
        Field("url", "URL", hint="Where events are sent to, as JSON with POST. Without [tokens].", required=True),
        Field("events", "Events", "several", "None: all of them.", choices=tuple((one, one) for one in EVENT_TYPES)),
        Field("caller_number", "Events say the caller's number", "check"),
        Field("paused", "Paused", "check", "Nothing that happens meanwhile is sent, now or later."),
    ),
}  # fmt: skip

# What a thing of each list is called.
NOUNS = {
    "company": "company",
    "tags": "tag",
    "publishers": "publisher",
    "buyers": "buyer",
    "buyer_groups": "buyer group",
    "campaigns": "campaign",
    "numbers": "number",
    "rtb_keys": "RTB key",
    "access_keys": "access key",
    "routing": "routing",
    "routing.buyers": "buyer of this campaign",
    "conversions": "conversion rule",
    "webhooks": "webhook",
    "event_webhooks": "event webhook",
}
