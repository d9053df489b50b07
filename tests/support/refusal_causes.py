"""Every cause for which a ping or one of its buyers is refused: how it is brought about, the setting that must be named
for it, and what that setting becomes so that the same ping succeeds.

A `Plot` is a catalog (as a tree) with one ping and the causes that were planted in it; `refusals` plays it on the real
product. Causes of one `kind` exclude each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ringbid.values.reason import Reason

KEY = "1915260e-da0c-4443-a35b-8fb9d9843e42"
CAMPAIGN = "campaigns[auto]"
NUMBER = "+18444021146"
CALLER = "+12135550123"  # of California
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LONG_SECONDS = 20  # for a ping: partners answer sooner, also on a slow machine
SHORT_SECONDS = 1  # too short for a slow partner
PARTNERS = ("good", "failing", "declining", "slow", "garbled", "odd", "tripped")  # what answers asks, by behaviour


@dataclass(frozen=True, slots=True)
class Planted:
    """`setting` must be named with one of `reasons`; with `value` in its place the cause is gone."""

    reasons: tuple[Reason, ...]
    setting: str
    value: object


@dataclass
class Plot:
    """`urls` leads to each of PARTNERS, and to a `closed` port. `full`: the buyers whose one place is taken first.
    `overtaken`: the ping is confirmed, after another one was."""

    urls: dict[str, str]
    tree: dict[str, Any]
    ping: dict[str, str]
    planted: dict[str, Planted] = field(default_factory=dict)
    full: list[str] = field(default_factory=list)
    overtaken: bool = False

    def plant(self, setting: str, value: object, *reasons: Reason) -> None:
        self.planted[setting] = Planted(reasons, setting, value)

    @property
    def campaign(self) -> dict[str, Any]:
        campaign: dict[str, Any] = self.tree["campaigns"][0]
        return campaign

    def buyer(self, buyer: str) -> dict[str, Any]:
        return next(one for one in self.tree["buyers"] if one["id"] == buyer)

    def rule(self, buyer: str) -> dict[str, Any]:
        return next(one for one in self.campaign["conversions"] if one["buyer"] == buyer)

    def ask(self, buyer: str, to: str) -> dict[str, Any]:
        """The webhook by which this buyer is asked, of the partner `to`."""
        webhook = {
            "name": f"ask {buyer}",
            "on": "passthrough",
            "buyer": buyer,
            "method": "POST",
            "url": self.urls[to],
            "body": {"caller": "[caller_number]"},
            "accept": "accepted == `true`",
            "outputs": {f"{buyer}_bid": "bid.amount"},
        }
        self.campaign["webhooks"].append(webhook)
        return webhook


def new_plot(urls: dict[str, str], buyers: list[str]) -> Plot:
    """A ping that any of these buyers would take."""
    return Plot(
        urls=urls,
        ping={"key": KEY, "publisher_id": "PUB", "caller_number": CALLER},
        tree={
            "company": {"id": "acme", "name": "Acme", "time_zone": "America/New_York", "currency": "USD"},
            "tags": [
                {"key": "age", "type": "number"},
                {"key": "income", "type": "number"},
                *({"key": key} for key in ("zip_plus", "price", "first_name", "phone")),
            ],
            "publishers": [{"id": "PUB", "name": "Lead Gen"}],
            "buyers": [
                {"id": buyer, "name": f"Buyer {buyer}", "number": f"+1202555{index:04d}"}
                for index, buyer in enumerate(buyers, start=100)
            ],
            "campaigns": [
                {
                    "id": "auto",
                    "name": "Auto insurance",
                    "numbers": [{"number": NUMBER}],
                    "rtb_keys": [{"key": KEY, "name": "Default", "ttl_seconds": 900, "timeout_seconds": LONG_SECONDS}],
                    "routing": {"strategy": "priority", "buyers": [{"buyer": buyer} for buyer in buyers]},
                    "conversions": [
                        {"name": f"pays {buyer}", "buyer": buyer, "seconds": 60, "revenue": 2, "payout": 1}
                        for buyer in buyers
                    ],
                    "webhooks": [],
                }
            ],
        },
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """`plant(plot, buyer)`; of a cause that lies with the ping, the buyer is the first of all and does not matter."""

    name: str
    kind: str
    plant: Callable[[Plot, str], None]


# --- the ping as a whole ----------------------------------------------------------------------------------------------


def _rtb_disabled(plot: Plot, buyer: str) -> None:
    plot.tree["company"]["rtb_enabled"] = False
    plot.plant("company.rtb_enabled", True, Reason.RTB_DISABLED)


def _key_paused(plot: Plot, buyer: str) -> None:
    plot.campaign["rtb_keys"][0]["paused"] = True
    plot.plant(f"{CAMPAIGN}.rtb_keys[Default].paused", False, Reason.KEY_PAUSED)


def _campaign_paused(plot: Plot, buyer: str) -> None:
    plot.campaign["paused"] = True
    plot.plant(f"{CAMPAIGN}.paused", False, Reason.CAMPAIGN_PAUSED)


def _publisher_unknown(plot: Plot, buyer: str) -> None:
    plot.tree["publishers"] = [{"id": "OTHER", "name": "Another"}]
    both = [{"id": "OTHER", "name": "Another"}, {"id": "PUB", "name": "Lead Gen"}]
    plot.plant("publishers", both, Reason.PUBLISHER_UNKNOWN)


def _publisher_paused(plot: Plot, buyer: str) -> None:
    plot.tree["publishers"][0]["paused"] = True
    plot.plant("publishers[PUB].paused", False, Reason.PUBLISHER_PAUSED)


def _required_tag_missing(plot: Plot, buyer: str) -> None:
    plot.tree["tags"].append({"key": "consent", "required": True})
    plot.plant("tags[consent].required", False, Reason.REQUIRED_TAG_MISSING)


def _no_number(plot: Plot, buyer: str) -> None:
    plot.campaign["numbers"] = []
    plot.plant(f"{CAMPAIGN}.numbers", [{"number": NUMBER}], Reason.NUMBER_UNAVAILABLE)


def _no_number_without_a_caller(plot: Plot, buyer: str) -> None:
    plot.campaign["rtb_keys"][0]["allow_no_caller_number"] = True
    del plot.ping["caller_number"]
    plot.plant(f"{CAMPAIGN}.rtb_keys[Default].inbound_number", NUMBER, Reason.NUMBER_UNAVAILABLE)


def _overtaken(plot: Plot, buyer: str) -> None:
    plot.overtaken = True
    plot.buyer(buyer)["caps"] = {"concurrency": 1}
    plot.plant(f"buyers[{buyer}].caps.concurrency", 50, Reason.CAPS_FILLED)


def _no_buyers(plot: Plot, buyer: str) -> None:
    routed = plot.campaign["routing"]["buyers"]
    plot.campaign["routing"]["buyers"] = []
    plot.plant(f"{CAMPAIGN}.routing.buyers", routed, Reason.NO_BUYER_AVAILABLE)


# --- one buyer, before it is asked ------------------------------------------------------------------------------------


def _buyer_paused(plot: Plot, buyer: str) -> None:
    plot.buyer(buyer)["paused"] = True
    plot.plant(f"buyers[{buyer}].paused", False, Reason.BUYER_PAUSED)


def _buyer_closed(plot: Plot, buyer: str) -> None:
    plot.buyer(buyer)["hours"] = [{"days": DAYS, "open": "03:00", "close": "04:30"}]
    always = [{"days": DAYS, "open": "00:00", "close": "24:00"}]
    plot.plant(f"buyers[{buyer}].hours", always, Reason.BUYER_CLOSED)


def _buyer_on_holiday(plot: Plot, buyer: str) -> None:
    plot.buyer(buyer)["holidays"] = "US"  # the plays are on Christmas Day
    plot.plant(f"buyers[{buyer}].holidays", None, Reason.BUYER_ON_HOLIDAY)


def _filter(reason: Reason, written: dict[str, Any], **sent: str) -> Callable[[Plot, str], None]:
    def plant(plot: Plot, buyer: str) -> None:
        filters = plot.buyer(buyer).setdefault("filters", [])
        filters.append(written)
        plot.ping.update(sent)
        fitting = {"tag": "publisher_id", "operator": "==", "value": "PUB"}
        plot.plant(f"buyers[{buyer}].filters[{len(filters) - 1}]", fitting, reason)

    return plant


def _cap(kind: str, owner: str) -> Callable[[Plot, str], None]:
    def plant(plot: Plot, buyer: str) -> None:
        plot.campaign["rtb_keys"][0]["count_on_reserve"] = True
        plot.full.append(buyer)
        if owner == "buyer":
            plot.buyer(buyer)["caps"] = {kind: 1}
            setting = f"buyers[{buyer}].caps.{kind}"
        else:
            group = {"id": f"of-{buyer}", "name": "Desk", "buyers": [buyer], "caps": {kind: 1}}
            plot.tree.setdefault("buyer_groups", []).append(group)
            setting = f"buyer_groups[of-{buyer}].caps.{kind}"
        plot.plant(setting, 50, Reason[f"{owner}_{kind}_cap_full".upper()])

    return plant


# --- asking it, and what it says --------------------------------------------------------------------------------------


def _time(timeout_seconds: float, reason: Reason) -> Callable[[Plot, str], None]:
    def plant(plot: Plot, buyer: str) -> None:
        plot.ask(buyer, "slow")
        plot.campaign["rtb_keys"][0]["timeout_seconds"] = timeout_seconds
        plot.plant(f"{CAMPAIGN}.rtb_keys[Default].timeout_seconds", LONG_SECONDS, reason)

    return plant


def _partner(to: str, *reasons: Reason) -> Callable[[Plot, str], None]:
    """An ask that goes where it cannot go well."""

    def plant(plot: Plot, buyer: str) -> None:
        plot.ask(buyer, to)
        plot.plant(f"{CAMPAIGN}.webhooks[ask {buyer}].url", plot.urls["good"], *reasons)

    return plant


def _declined(plot: Plot, buyer: str) -> None:
    plot.ask(buyer, "declining")
    plot.plant(f"{CAMPAIGN}.webhooks[ask {buyer}].accept", "accepted == `false`", Reason.BUYER_DECLINED)


def _unbuildable(plot: Plot, buyer: str) -> None:
    plot.ask(buyer, "good")["headers"] = {"X-Name": "[first_name]"}
    plot.ping["first_name"] = "Ƒirst"
    setting = f"{CAMPAIGN}.webhooks[ask {buyer}].headers.X-Name"
    plot.plant(setting, "of the caller", Reason.ASK_UNBUILDABLE)


def _output_unreadable(plot: Plot, buyer: str) -> None:
    plot.ask(buyer, "odd")
    plot.rule(buyer)["revenue"] = f"[{buyer}_bid]"  # so that it must be an amount
    plot.plant(f"{CAMPAIGN}.webhooks[ask {buyer}].outputs.{buyer}_bid", "bid.exact", Reason.BID_UNREADABLE)


def _answer_without_tag(plot: Plot, buyer: str) -> None:
    plot.ask(buyer, "good")["outputs"][f"{buyer}_tier"] = "tier"
    plot.ping[f"{buyer}_tier"] = "gold"  # what a publisher says of it counts for nothing
    written = {"tag": f"{buyer}_tier", "operator": "==", "value": "gold"}
    _filter(Reason.ANSWER_TAG_MISSING, written)(plot, buyer)


def _number_unresolved(plot: Plot, buyer: str) -> None:
    plot.buyer(buyer)["number"] = "[zip_plus]"
    plot.plant(f"buyers[{buyer}].number", "+12025550177", Reason.NUMBER_UNRESOLVED)


def _destination_not_allowed(plot: Plot, buyer: str) -> None:
    plot.buyer(buyer)["number"] = "[phone]"
    plot.ping["phone"] = "+8821300000000"
    plot.plant("company.destinations", ["US", "+8821"], Reason.DESTINATION_NOT_ALLOWED)


# --- what the call would bring ----------------------------------------------------------------------------------------


def _payout_unknown(plot: Plot, buyer: str) -> None:
    plot.rule(buyer)["on"] = "postback"
    setting = f"{CAMPAIGN}.conversions[pays {buyer}].on"
    plot.plant(setting, "timer", Reason.QUOTE_PAYOUT_UNKNOWN, Reason.PAYOUT_UNKNOWN)


def _price_missing(plot: Plot, buyer: str) -> None:
    plot.rule(buyer)["revenue"] = "[zip_plus]"
    plot.plant(f"{CAMPAIGN}.conversions[pays {buyer}].revenue", 2, Reason.QUOTE_TAG_MISSING)


def _price_invalid(plot: Plot, buyer: str) -> None:
    plot.rule(buyer)["seconds"] = "[price]"
    plot.ping["price"] = "<b>much</b>"
    plot.plant(f"{CAMPAIGN}.conversions[pays {buyer}].seconds", 60, Reason.QUOTE_VALUE_INVALID)


_NOT_MATCHED = {"tag": "caller_state", "operator": "in", "value": ["NV", "NY"]}
_KINDS = ("concurrency", "hourly", "daily", "monthly", "total")

OF_PINGS = (
    Cause("rtb_disabled", "company", _rtb_disabled),
    Cause("key_paused", "key", _key_paused),
    Cause("campaign_paused", "campaign", _campaign_paused),
    Cause("publisher_unknown", "publisher", _publisher_unknown),
    Cause("publisher_paused", "publisher", _publisher_paused),
    Cause("required_tag_missing", "tags", _required_tag_missing),
    Cause("number_unavailable", "numbers", _no_number),
)
OF_BUYERS = (
    Cause("buyer_paused", "paused", _buyer_paused),
    Cause("buyer_closed", "hours", _buyer_closed),
    Cause("buyer_on_holiday", "holidays", _buyer_on_holiday),
    Cause("filter_not_matched", "filters", _filter(Reason.FILTER_NOT_MATCHED, _NOT_MATCHED)),
    Cause(
        "filter_tag_missing",
        "filters",
        _filter(Reason.FILTER_TAG_MISSING, {"tag": "income", "operator": ">=", "value": 50000}),
    ),
    Cause(
        "filter_value_unreadable",
        "filters",
        _filter(Reason.FILTER_VALUE_UNREADABLE, {"tag": "age", "operator": ">=", "value": 18}, age="<i>old</i>"),
    ),
    *(Cause(f"buyer_{kind}_cap_full", "caps", _cap(kind, "buyer")) for kind in _KINDS),
    *(Cause(f"group_{kind}_cap_full", "group caps", _cap(kind, "group")) for kind in _KINDS),
    Cause("ask_unbuildable", "ask", _unbuildable),
    Cause("ask_address_forbidden", "ask", _partner("forbidden", Reason.ASK_ADDRESS_FORBIDDEN, Reason.ASK_BREAKER_OPEN)),
    Cause("ask_name_unresolved", "ask", _partner("nowhere", Reason.ASK_NAME_UNRESOLVED, Reason.ASK_BREAKER_OPEN)),
    Cause("ask_unreachable", "ask", _partner("closed", Reason.ASK_UNREACHABLE, Reason.ASK_BREAKER_OPEN)),
    Cause("ask_tls_failed", "ask", _partner("untrusted", Reason.ASK_TLS_FAILED, Reason.ASK_BREAKER_OPEN)),
    Cause("ask_answered_error", "ask", _partner("failing", Reason.ASK_ANSWERED_ERROR, Reason.ASK_BREAKER_OPEN)),
    Cause("ask_breaker_open", "ask", _partner("tripped", Reason.ASK_BREAKER_OPEN)),
    Cause("bid_unreadable", "ask", _partner("garbled", Reason.BID_UNREADABLE)),
    Cause("bid_unreadable output", "ask", _output_unreadable),
    Cause("buyer_declined", "ask", _declined),
    Cause("answer_tag_missing", "ask", _answer_without_tag),
    Cause("number_unresolved", "number", _number_unresolved),
    Cause("destination_not_allowed", "number", _destination_not_allowed),
    Cause("quote_payout_unknown", "quote", _payout_unknown),
    Cause("quote_tag_missing", "quote", _price_missing),
    Cause("quote_value_invalid", "quote", _price_invalid),
)
# These leave no room for others: they are played alone.
ALONE = (
    Cause("number_unavailable without a caller", "numbers", _no_number_without_a_caller),
    Cause("no_buyer_available", "routing", _no_buyers),
    Cause("caps_filled", "caps", _overtaken),
    Cause("ask_no_time", "time", _time(0.005, Reason.ASK_NO_TIME)),
    Cause("ask_timed_out", "time", _time(SHORT_SECONDS, Reason.ASK_TIMED_OUT)),
)
EVERY = (*OF_PINGS, *OF_BUYERS, *ALONE)
