"""What reports count: how many journeys reached each step, and what they brought. Whole numbers, and exact ratios.

`funnel` groups and compares them; `store.journeys` keeps them added up by the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Decimal
from operator import add, attrgetter, neg

from ringbid.reports.journey import Journey, Step

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Counts:
    """`pings` and `direct_calls` are all there were; who reached a later step stands in all before it, so that no
    number is larger than the one before."""

    pings: int = 0
    direct_calls: int = 0
    asked: int = 0
    bid: int = 0
    reserved: int = 0
    delivered: int = 0
    connected: int = 0
    converted: int = 0
    paid: int = 0
    revenue_micros: int = 0
    payout_micros: int = 0
    connected_ms: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*map(add, self.values, other.values))

    def __neg__(self) -> Counts:
        return Counts(*map(neg, self.values))

    def __sub__(self, other: Counts) -> Counts:
        return self + -other

    @property
    def values(self) -> tuple[int, ...]:
        """Every number, in the order of NAMES."""
        values: tuple[int, ...] = _values(self)
        return values

    @property
    def all(self) -> int:
        """Pings and direct calls: where the funnel begins."""
        return self.pings + self.direct_calls

    @property
    def margin_micros(self) -> int:
        return self.revenue_micros - self.payout_micros

    @property
    def steps(self) -> tuple[int, ...]:
        """The funnel, in the order of `Step`."""
        return (
            self.all,
            self.asked,
            self.bid,
            self.reserved,
            self.delivered,
            self.connected,
            self.converted,
            self.paid,
        )

    @property
    def margin_percent(self) -> Decimal | None:
        """Of the revenue."""
        return percent(self.margin_micros, self.revenue_micros)

    @property
    def margin_per_ping_micros(self) -> int | None:
        """What the company earns with each ping or direct call."""
        return divide(self.margin_micros, self.all)

    @property
    def revenue_per_call_micros(self) -> int | None:
        """Of the calls that were connected."""
        return divide(self.revenue_micros, self.connected)

    @property
    def payout_per_call_micros(self) -> int | None:
        """Of the calls that were delivered: what a publisher earns with a call."""
        return divide(self.payout_micros, self.delivered)

    @property
    def seconds_per_call(self) -> int | None:
        """How long a connected call was, on average."""
        average_ms = divide(self.connected_ms, self.connected)
        return None if average_ms is None else average_ms // 1000


NOTHING = Counts()
NAMES = tuple(field.name for field in fields(Counts))
_values = attrgetter(*NAMES)


def counts_of(journey: Journey) -> Counts:
    """One journey as counts."""
    reached = {step.name.lower(): int(journey.step >= step) for step in Step if step is not Step.PING}
    direct = int(journey.beginning.direct)
    return Counts(
        pings=1 - direct,
        direct_calls=direct,
        **reached,
        revenue_micros=journey.booked.revenue_micros,
        payout_micros=journey.booked.payout_micros,
        connected_ms=journey.connected_ms,
    )


def add_up(many: Iterable[Counts]) -> Counts:
    """All of them together."""
    columns = zip(*(one.values for one in many), strict=True)
    return Counts(*map(sum, columns))


def percent(part: int, whole: int) -> Decimal | None:
    """To a tenth, half to even; None of nothing."""
    return (Decimal(part * 100) / whole).quantize(_TENTH, ROUND_HALF_EVEN) if whole else None


def divide(part: int, whole: int) -> int | None:
    """To a whole number, half to even; None by nothing."""
    return int((Decimal(part) / whole).to_integral_value(ROUND_HALF_EVEN)) if whole else None
