"""A ping's explanation as JSON: for the owner every verdict, ask and tag, for the publisher safe reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from ringbid.edge.api.v1.amounts import Amount, amount_of, optional_amount
from ringbid.edge.api.v1.reasons_told import Cause, Code, Told, told_safely
from ringbid.reports.explain import BuyerRow, Explanation, explain
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.reservation import Reservation, State
from ringbid.reservations.trace import TracedAsk, TracedTag
from ringbid.values.money import Money
from ringbid.values.quote import Quote
from ringbid.values.reason import BY_CODE

PingStatus = Literal["reserved", "rejected", "no-target"]
ReservationState = Literal["held", "confirmed", "live", "done", "expired", "released", "rejected"]


class ReservationTold(msgspec.Struct, frozen=True, kw_only=True):
    """A place that was held, as it stands now."""

    state: ReservationState
    buyer_id: str
    buyer_number: str
    inbound_number: str
    revenue: Amount
    payout: Amount
    seconds: int
    rule_id: str | None
    rule_version: str | None
    ttl_seconds: int
    counted: bool
    extended: bool
    reserved_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    call_uuid: str | None


class VerdictTold(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one buyer, in routing order, with what it would have brought where that was known."""

    buyer_id: str
    reason: Cause
    priority: int
    weight: int
    number: str | None
    revenue: Amount | None
    payout: Amount | None
    seconds: int | None
    rule_id: str | None
    rule_version: str | None
    asked_ms: float | None


class AskTold(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a buyer's webhook, and its answer. Secrets are masked."""

    webhook: str
    buyer_id: str | None
    request: str
    started_ms: float
    took_ms: float
    status: int | None
    answer: str | None
    outputs: dict[str, str]
    reason: Told | None
    detail: str | None


class TagTold(msgspec.Struct, frozen=True, kw_only=True):
    """A tag, and where it came from."""

    key: str
    values: list[str]
    source: str


class StepTold(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the flow: when it ended, in milliseconds since the ping arrived, and how long it took."""

    name: str
    ended_ms: float
    took_ms: float


class PingTold(msgspec.Struct, frozen=True, kw_only=True):
    """Why a ping ended as it did: everything its owner may know."""

    view: Literal["owner"]
    uuid: str
    received_at: datetime
    headline: str
    status: PingStatus
    reason: Cause
    campaign_id: str
    publisher_id: str
    key_id: str
    caller_number: str | None
    buyer_id: str | None
    duplicate_of: str | None
    duplicate_order: int | None
    reservation: ReservationTold | None
    snapshot_version: int
    strategy: str
    seed: int
    timeout_ms: int
    ttl_seconds: int
    buyers: list[VerdictTold]
    asks: list[AskTold]
    tags: list[TagTold]
    steps: list[StepTold]
    notes: list[str]


class SafeVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A reason without whose it is: buyers are numbered in routing order."""

    buyer: int
    code: Code
    text: str


class PublisherPing(msgspec.Struct, frozen=True, kw_only=True):
    """The same for its publisher: no buyer, price, number or setting; only tags that the company shows it."""

    view: Literal["publisher"]
    uuid: str
    received_at: datetime
    status: PingStatus
    reason: Told | None
    campaign_id: str
    caller_number: str | None
    state: ReservationState | None
    payout: Amount | None
    expires_at: datetime | None
    buyers: list[SafeVerdict]
    tags: list[TagTold]


def tell_ping(ping: StoredPing) -> PingTold:
    """The owner's explanation."""
    told = explain(ping)
    return PingTold(
        view="owner",
        uuid=ping.ping_id,
        received_at=ping.received_at,
        headline=told.headline,
        status=_status(ping),
        reason=Cause(
            code=told.reason.code,
            text=told.reason.text,
            actual=told.actual,
            expected=told.expected,
            setting=told.setting,
        ),
        campaign_id=ping.campaign_id,
        publisher_id=ping.publisher_id,
        key_id=ping.key_id,
        caller_number=ping.caller_number,
        buyer_id=ping.buyer_id,
        duplicate_of=ping.duplicate_of,
        duplicate_order=ping.duplicate_order,
        reservation=_reservation(ping, told),
        snapshot_version=told.snapshot_version,
        strategy=told.strategy,
        seed=told.seed,
        timeout_ms=told.timeout_ms,
        ttl_seconds=told.ttl_seconds,
        buyers=list(map(tell_verdict, told.buyers)),
        asks=list(map(tell_ask, told.asks)),
        tags=[tell_tag(key, tag) for key, tag in told.tags.items()],
        steps=[StepTold(name=step.name, ended_ms=step.ended_ms, took_ms=step.took_ms) for step in told.steps],
        notes=list(told.notes),
    )


def tell_ping_to_publisher(ping: StoredPing, detail: str, *, tags: frozenset[str]) -> PublisherPing:
    """The publisher's: as much as the key's `explain` (`detail`) allows, and the tags it may see."""
    told = explain(ping)
    held = ping.reservation
    return PublisherPing(
        view="publisher",
        uuid=ping.ping_id,
        received_at=ping.received_at,
        status=_status(ping),
        reason=told_safely(ping.reason) if detail != "none" else None,
        campaign_id=ping.campaign_id,
        caller_number=ping.caller_number,
        state=_state(told.state),
        payout=_money(held.quote.payout_micros, held.quote) if held is not None else None,
        expires_at=held.expires_at if held is not None else None,
        buyers=[
            SafeVerdict(buyer=number, code=row.reason.safe_code, text=row.reason.safe_text)
            for number, row in enumerate(told.buyers, start=1)
        ]
        if detail == "buyers"
        else [],
        tags=[tell_tag(key, tag) for key, tag in told.tags.items() if key in tags],
    )


def tell_verdict(row: BuyerRow) -> VerdictTold:
    return VerdictTold(
        buyer_id=row.buyer_id,
        reason=Cause(
            code=row.reason.code, text=row.reason.text, actual=row.actual, expected=row.expected, setting=row.setting
        ),
        priority=row.priority,
        weight=row.weight,
        number=row.number,
        revenue=optional_amount(row.revenue),
        payout=optional_amount(row.payout),
        seconds=row.seconds,
        rule_id=row.rule,
        rule_version=row.rule_version,
        asked_ms=row.asked_ms,
    )


def tell_ask(ask: TracedAsk) -> AskTold:
    reason = BY_CODE[ask.reason] if ask.reason is not None else None
    return AskTold(
        webhook=ask.webhook,
        buyer_id=ask.buyer,
        request=ask.request,
        started_ms=ask.started_ms,
        took_ms=ask.took_ms,
        status=ask.status,
        answer=ask.answer,
        outputs=ask.outputs,
        reason=Told(code=reason.code, text=reason.text) if reason is not None else None,
        detail=ask.detail,
    )


def tell_tag(key: str, tag: TracedTag) -> TagTold:
    values = tag.value if isinstance(tag.value, list) else [tag.value]
    return TagTold(key=key, values=values, source=tag.source)


def _reservation(ping: StoredPing, told: Explanation) -> ReservationTold | None:
    held: Reservation | None = ping.reservation
    state = _state(told.state)
    if held is None or state is None:
        return None
    return ReservationTold(
        state=state,
        buyer_id=held.buyer_id,
        buyer_number=held.buyer_number,
        inbound_number=held.inbound_number,
        revenue=_money(held.quote.revenue_micros, held.quote),
        payout=_money(held.quote.payout_micros, held.quote),
        seconds=held.quote.seconds,
        rule_id=held.quote.rule_id,
        rule_version=held.quote.rule_version,
        ttl_seconds=held.ttl_seconds,
        counted=held.counted,
        extended=held.extended,
        reserved_at=held.reserved_at,
        expires_at=held.expires_at,
        confirmed_at=held.confirmed_at,
        ended_at=held.ended_at,
        call_uuid=held.call_id,
    )


def _money(micros: int, quote: Quote) -> Amount:
    return amount_of(Money(micros, quote.currency))


def _status(ping: StoredPing) -> Any:  # noqa: ANN401 -- one of PingStatus: the store checks it
    return ping.status


def _state(state: State | None) -> Any:  # noqa: ANN401 -- one of ReservationState, which are the values of State
    return None if state is None else state.value
