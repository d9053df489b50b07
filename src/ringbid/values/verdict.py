"""Expected endings as values: a refusal with its facts, and the verdict on one buyer."""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.values.ids import BuyerId
from ringbid.values.reason import Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something did not happen. `actual` and `expected` are short texts a person can compare."""

    reason: Reason
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None  # the path in the catalog that decides it, such as `buyers[alpha].hours`
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why one buyer was passed over or chosen: exactly one for each buyer of the campaign in each ping."""

    buyer_id: BuyerId
    reason: Reason
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None

    @classmethod
    def of(cls, buyer_id: BuyerId, refused: Refused) -> Verdict:
        """The verdict that `refused` means for this buyer."""
        return cls(buyer_id, refused.reason, refused.actual, refused.expected, refused.setting)
