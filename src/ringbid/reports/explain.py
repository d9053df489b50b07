"""Why a ping ended as it did: the stored ping and its trace, put into words.

Takes what `reservations.ports.Reservations.find` returns. The owner reads all of it (`explain`; the terminal draws it);
the publisher reads `safe_view`, which the API returns and which holds no name, price, number or setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ringbid.catalog.model import Explain
from ringbid.reports.labels import LABELS
from ringbid.reports.wording import PLAIN, Wording
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.reservation import Reservation, State
from ringbid.reservations.trace import Trace, TracedAsk, TracedTag, TracedVerdict, decode
from ringbid.values.ids import BuyerId
from ringbid.values.money import Money, format_price
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerRow:
    """The verdict on one buyer. `revenue`, `payout` and `seconds` are None where it could not be priced; `asked_ms` is
    how long its answer took, None where it was not asked."""

    buyer_id: BuyerId
    reason: Reason
    actual: str | None
    expected: str | None
    setting: str | None
    priority: int
    weight: int
    number: str | None
    revenue: Money | None
    payout: Money | None
    seconds: int | None
    rule: str | None
    rule_version: str | None
    asked_ms: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the flow: when it ended, in milliseconds since the ping arrived, and how long it took."""

    name: str
    ended_ms: float
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A ping in words, for the owner. `state` is the reservation's, None where there is none. Of a reservation
    that could not be confirmed, `reason` is why, and so are `actual`, `expected` and `setting`; else the
    ping's.

    `buyers` are in routing order: by priority level, and within it in the order of the auction.
    """

    ping: StoredPing
    headline: str
    state: State | None
    reason: Reason
    actual: str | None
    expected: str | None
    setting: str | None
    snapshot_version: int
    strategy: str
    seed: int
    timeout_ms: int
    ttl_seconds: int
    buyers: tuple[BuyerRow, ...]
    asks: tuple[TracedAsk, ...]
    tags: Mapping[str, TracedTag]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def explain(ping: StoredPing, wording: Wording = PLAIN) -> Explanation:
    """Everything the owner may know about `ping`. Raises msgspec.DecodeError where the stored trace is damaged."""
    trace = decode(ping.trace)
    refused = _refusal(ping)
    found = Refused(ping.reason, trace.actual, trace.expected, trace.setting) if refused is None else refused
    return Explanation(
        ping=ping,
        headline=_headline(ping, trace, wording),
        state=ping.reservation.state_at(ping.now) if ping.reservation is not None else None,
        reason=found.reason,
        actual=found.actual,
        expected=found.expected,
        setting=found.setting,
        snapshot_version=trace.snapshot_version,
        strategy=trace.strategy,
        seed=trace.seed,
        timeout_ms=trace.timeout_ms,
        ttl_seconds=trace.ttl_seconds,
        buyers=tuple(buyer_row(verdict, trace.currency) for verdict in trace.verdicts),
        asks=tuple(trace.asks),
        tags=trace.tags,
        steps=_steps(trace.steps_ms),
        notes=tuple(trace.notes),
    )


def safe_view(ping: StoredPing, detail: Explain) -> dict[str, object]:
    """What the publisher may read back: nothing (`none`), the ping's reason, or also one for each buyer.

    Buyers are numbered in routing order. Only reasons' public codes and texts are in it.
    """
    if detail == "none":
        return {}
    refused = _refusal(ping)
    reason = ping.reason if refused is None else refused.reason
    view: dict[str, object] = {"code": reason.safe_code, "info": reason.safe_text}
    if detail == "buyers":
        reasons = [BY_CODE[verdict.reason] for verdict in decode(ping.trace).verdicts]
        view["buyers"] = [
            {"buyer": position, "code": reason.safe_code, "info": reason.safe_text}
            for position, reason in enumerate(reasons, start=1)
        ]
    return view


def count_verdicts(explanation: Explanation) -> str:
    """What kept the buyers that did not win, in a line: `2 closed, 1 capped`; empty where there is none of them."""
    return _counted(row.reason for row in explanation.buyers)


def buyer_row(verdict: TracedVerdict, currency: str) -> BuyerRow:
    """A verdict of a ping's trace or a call's, with its reason and its money read."""
    revenue_micros, payout_micros = verdict.revenue_micros, verdict.payout_micros
    return BuyerRow(
        buyer_id=BuyerId(verdict.buyer),
        reason=BY_CODE[verdict.reason],
        actual=verdict.actual,
        expected=verdict.expected,
        setting=verdict.setting,
        priority=verdict.priority,
        weight=verdict.weight,
        number=verdict.number,
        revenue=Money(revenue_micros, currency) if revenue_micros is not None else None,
        payout=Money(payout_micros, currency) if payout_micros is not None else None,
        seconds=verdict.seconds,
        rule=verdict.rule,
        rule_version=verdict.rule_version,
        asked_ms=verdict.asked_ms,
    )


def _refusal(ping: StoredPing) -> Refused | None:
    """Why its reservation could not be confirmed; None where that was not so."""
    return ping.reservation.refused if ping.reservation is not None else None


def _steps(ended_ms: Mapping[str, float]) -> tuple[Step, ...]:
    steps: list[Step] = []
    before_ms = 0.0
    for name, ms in ended_ms.items():
        steps.append(Step(name, ms, round(ms - before_ms, 3)))
        before_ms = ms
    return tuple(steps)


def _headline(ping: StoredPing, trace: Trace, wording: Wording) -> str:
    if ping.reason is Reason.DUPLICATE:
        buyer = wording.buyer(ping.buyer_id) if ping.buyer_id is not None else "a buyer"
        return f"Duplicate {ping.duplicate_order} of {ping.duplicate_of}: its place with {buyer} was returned."
    if ping.reservation is not None:
        return f"{_price(ping.reservation, ping, wording)}; {_standing(ping.reservation, ping.now, wording)}."
    if ping.reason is Reason.NO_BUYER_AVAILABLE:
        counted = _counted(BY_CODE[verdict.reason] for verdict in trace.verdicts)
        return f"Nobody was available: {counted or 'the campaign has no buyers'}."
    return f"Rejected: {ping.reason.text.rstrip('.')}."


def _price(reservation: Reservation, ping: StoredPing, wording: Wording) -> str:
    quote = reservation.quote
    buyer = wording.buyer(reservation.buyer_id)
    if quote.rule_id is None:
        return (
            f"Reserved for {buyer}; the publisher is paid nothing, as no conversion rule fits publisher "
            f"{wording.publisher(ping.publisher_id)} and this buyer"
        )
    revenue, payout = (
        f"{format_price(micros)} {quote.currency}" for micros in (quote.revenue_micros, quote.payout_micros)
    )
    return f"Reserved for {buyer} at {revenue} revenue; the publisher is paid {payout} after {quote.seconds} s"


def _standing(reservation: Reservation, now: datetime, wording: Wording) -> str:
    """What has become of the reservation by `now` on the store's clock."""
    ended = f" at {wording.time(reservation.ended_at)}" if reservation.ended_at is not None else ""
    match reservation.state_at(now):
        case State.HELD:
            return f"held until {wording.time(reservation.expires_at)}"
        case State.CONFIRMED:
            return f"confirmed, and held until {wording.time(reservation.expires_at)}"
        case State.LIVE:
            return "its call is on the line"
        case State.DONE:
            return f"its call came, and the place was freed{ended}"
        case State.EXPIRED:
            return f"no call came before it expired at {wording.time(reservation.expires_at)}"
        case State.RELEASED:
            return f"the publisher released it{ended}"
        case State.REJECTED:
            return f"the buyer's caps had filled when it was to be confirmed{ended}"


def _counted(reasons: Iterable[Reason]) -> str:
    """The most frequent first, then in routing order."""
    words = Counter(LABELS[reason].word for reason in reasons if reason is not Reason.WON)
    return ", ".join(f"{count} {word}" for word, count in words.most_common())
