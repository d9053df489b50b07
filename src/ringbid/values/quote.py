"""What a buyer's call would bring, known before the call: made by `routing.quote`, promised by a reservation."""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.values.ids import RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Revenue from the buyer, payout to the publisher, and the connected seconds that bring both.

    `rule_id` and `rule_version` name the conversion rule; both are None where no rule fits the publisher, and then
    everything is 0. Editing the rule later changes nothing that was quoted.
    """

    revenue_micros: int
    payout_micros: int
    seconds: int
    currency: str
    rule_id: RuleId | None = None
    rule_version: str | None = None
