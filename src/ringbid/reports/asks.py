"""How one buyer's address has answered lately: how many asks, what went wrong, and how long it took. Pure, but for the
port that `store.recent_asks` fills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.values.ids import BuyerId, CompanyId
from ringbid.values.reason import Reason

_NEVER_SENT = (Reason.ASK_BREAKER_OPEN, Reason.ASK_NO_TIME, Reason.ASK_LEFT_OUT, Reason.ASK_UNBUILDABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOutcome:
    """One ask of a ping. `reason` None: it bid; `detail` says what was found wrong."""

    at: datetime
    webhook: str
    took_ms: float
    reason: Reason | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSummary:
    """`reasons` are counted, the most frequent first. The times are of asks that were sent; None: none was."""

    asked: int
    bids: int
    reasons: tuple[tuple[Reason, int], ...]
    median_ms: float | None
    slowest_ms: float | None
    newest: tuple[AskOutcome, ...]


class RecentAsks(Protocol):
    """Raises StoreUnavailable and StoreOverloaded."""

    async def recent_asks(self, company_id: CompanyId, buyer_id: BuyerId) -> tuple[AskOutcome, ...]:
        """What this buyer was asked in the company's newest pings, the newest first."""
        ...


def summary_of(asks: Sequence[AskOutcome], *, shown: int = 20) -> AskSummary:
    """`asks` in numbers, with the newest `shown` that went wrong."""
    took = sorted(ask.took_ms for ask in asks if ask.reason not in _NEVER_SENT)
    counted = Counter(ask.reason for ask in asks if ask.reason is not None)
    return AskSummary(
        asked=len(asks),
        bids=sum(ask.reason is None for ask in asks),
        reasons=tuple(counted.most_common()),
        median_ms=took[len(took) // 2] if took else None,
        slowest_ms=took[-1] if took else None,
        newest=tuple(ask for ask in asks if ask.reason is not None)[:shown],
    )
