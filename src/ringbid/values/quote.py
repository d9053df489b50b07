"""What a buyer's call would bring, known before the call: made by `routing.quote`, promised by a reservation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ringbid.values.ids import RuleId

# timer: after so many seconds · postback: when somebody reports it · revenue: when the buyer's side converts
ConvertsOn = Literal["timer", "postback", "revenue"]
CountedFrom = Literal["answered", "received"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTerms:
    """By what one side of the money converts, as one version of one conversion rule had it."""

    rule_id: RuleId
    rule_version: str
    on: ConvertsOn = "timer"
    start: CountedFrom = "answered"
    seconds: int = 0
    dedupe_seconds: int = 0
    postback_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The two sides of a call's money: what the buyer owes, and what the publisher is paid. None: that side never
    converts. Where the campaign's criteria are not split, both are of the same rule."""

    revenue: SideTerms | None = None
    payout: SideTerms | None = None


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Revenue from the buyer, payout to the publisher, and the connected seconds that bring the payout.

    `rule_id` and `rule_version` name the conversion rule of the payout; both are None where no rule fits the publisher,
    and then the payout is 0. Editing a rule later changes nothing that was quoted: `terms` say it all.
    """

    revenue_micros: int
    payout_micros: int
    seconds: int
    currency: str
    rule_id: RuleId | None = None
    rule_version: str | None = None
    terms: Terms = NO_TERMS
