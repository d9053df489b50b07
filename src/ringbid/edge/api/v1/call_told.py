"""A call's story as JSON: the owner's, ping to money, and what its publisher and its buyer may read of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ringbid.call.ports import StoredCall
from ringbid.call.state import Outcome
from ringbid.edge.api.v1.amounts import Amount, amount_of, optional_amount
from ringbid.edge.api.v1.ping_told import (
    AskTold,
    SafeVerdict,
    TagTold,
    VerdictTold,
    tell_ask,
    tell_tag,
    tell_verdict,
)
from ringbid.edge.api.v1.reasons_told import Cause, Told, told, told_safely
from ringbid.reports import call_story
from ringbid.reports.call_attempts import AttemptStory, SideStory
from ringbid.reports.call_story import Booked, CallStory, RoutingStory, Sent
from ringbid.reports.call_timeline import StoryLine
from ringbid.values.clock import from_ms
from ringbid.values.ids import BuyerId

PhaseName = Literal["routing", "ringing", "connected", "ended", "refused"]
SideName = Literal["revenue", "payout"]
Tone = Literal["good", "plain", "limit", "bad"]
Milliseconds = Annotated[int, msgspec.Meta(description="Milliseconds since the call was received.")]


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call in a list. `buyer_id` is who answered last; null for who may not know it."""

    uuid: str
    reservation_uuid: str | None
    campaign_id: str
    publisher_id: str | None
    buyer_id: str | None
    caller_number: str | None
    inbound_number: str
    phase: PhaseName
    received_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    connected_seconds: int | None


class SideTold(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an attempt's money: what was quoted, and what became of it."""

    side: SideName
    outcome: Outcome
    reason: Told | None
    actual: str | None
    expected: str | None
    quoted: Amount
    converted: Amount | None
    rule_id: str | None


class AttemptTold(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one buyer; times in milliseconds since the call was received."""

    number: int
    uuid: str
    buyer_id: str
    to: str
    step: int
    reason: Told
    actual: str | None
    dialled_ms: int | None
    answered_ms: int | None
    ended_ms: int | None
    ring_ms: int | None
    talk_ms: int | None
    ended_by: str | None
    live: bool
    recorded: bool
    handed_back: bool
    sides: list[SideTold]


class RoutedTold(msgspec.Struct, frozen=True, kw_only=True):
    """One buyer in one routing. `attempt` is the number of the try that came of it."""

    verdict: VerdictTold
    attempt: int | None


class RoutingTold(msgspec.Struct, frozen=True, kw_only=True):
    """One routing of the call, with every buyer's verdict."""

    offset_ms: Milliseconds
    took_ms: float
    snapshot_version: int
    buyers: list[RoutedTold]
    asks: list[AskTold]
    notes: list[str]


class BookedTold(msgspec.Struct, frozen=True, kw_only=True):
    """One posting of the ledger: what it added to what a buyer owes, or a publisher is paid."""

    kind: Literal["conversion", "adjustment", "void"]
    side: SideName
    account: str
    amount: Amount
    rule_id: str | None
    rule_version: str | None
    author: str
    note: str


class SentTold(msgspec.Struct, frozen=True, kw_only=True):
    """One message that the call caused."""

    message_id: str
    endpoint: str
    kind: str
    offset_ms: Milliseconds
    state: Literal["waiting", "delivered", "dead", "disabled"]
    text: str


class LineTold(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the call flow."""

    kind: str
    offset_ms: Milliseconds
    text: str
    note: str
    tone: Tone
    attempt: int | None


class CallTold(msgspec.Struct, frozen=True, kw_only=True):
    """The whole story of a call, for its owner."""

    view: Literal["owner"]
    call: CallRow
    headline: str
    ending: Told
    live: bool
    length_ms: int
    match: Cause
    refusal: Cause | None
    promise: str
    revenue: Amount
    payout: Amount
    margin: Amount
    attempts: list[AttemptTold]
    routings: list[RoutingTold]
    booked: list[BookedTold]
    sent: list[SentTold]
    timeline: list[LineTold]
    tags: list[TagTold]


class PublisherCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call for its publisher: what it is paid, and safe reasons."""

    view: Literal["publisher"]
    call: CallRow
    match: Told | None
    ending: Told | None
    payout: Amount
    buyers: list[SafeVerdict]
    tags: list[TagTold]


class BuyerCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call for a buyer: its own attempts, and what it owes."""

    view: Literal["buyer"]
    call: CallRow
    revenue: Amount
    attempts: list[AttemptTold]


def tell_row(call: StoredCall, *, view: Literal["owner", "publisher", "buyer"] = "owner") -> CallRow:
    """A publisher is not told who the buyer is, nor a buyer who the publisher."""
    state = call.state
    answered = [one for one in state.attempts if one.answered_ms is not None]
    return CallRow(
        uuid=call.call_id,
        reservation_uuid=call.reservation_id,
        campaign_id=call.campaign_id,
        publisher_id=call.publisher_id or None if view != "buyer" else None,
        buyer_id=answered[-1].buyer_id if answered and view != "publisher" else None,
        caller_number=call.caller_number,
        inbound_number=call.inbound_number,
        phase=state.phase.value,
        received_at=call.received_at,
        answered_at=from_ms(state.answered_ms) if state.answered_ms is not None else None,
        ended_at=from_ms(state.ended_ms) if state.ended_ms is not None else None,
        connected_seconds=state.duration_ms // 1000 if state.duration_ms is not None else None,
    )


def tell_story(story: CallStory) -> CallTold:
    """Everything, for the owner."""
    return CallTold(
        view="owner",
        call=tell_row(story.call),
        headline=story.headline,
        ending=told(story.ending),
        live=story.live,
        length_ms=story.length_ms,
        match=_cause(story.match),
        refusal=_cause(story.refusal) if story.refusal is not None else None,
        promise=story.promise,
        revenue=amount_of(story.revenue),
        payout=amount_of(story.payout),
        margin=amount_of(story.margin),
        attempts=list(map(_attempt, story.attempts)),
        routings=list(map(_routing, story.routings)),
        booked=list(map(_booked, story.booked)),
        sent=list(map(_sent, story.sent)),
        timeline=list(map(_line, story.timeline)),
        tags=[tell_tag(key, tag) for key, tag in story.tags.items()],
    )


def tell_story_to_publisher(story: CallStory, detail: str, *, tags: frozenset[str]) -> PublisherCall:
    """As much as the key's `explain` (`detail`) allows."""
    numbers: dict[str, int] = {}
    return PublisherCall(
        view="publisher",
        call=tell_row(story.call, view="publisher"),
        match=told_safely(story.match.reason) if detail != "none" else None,
        ending=told_safely(story.ending) if detail != "none" else None,
        payout=amount_of(story.payout),
        buyers=[
            SafeVerdict(
                buyer=numbers.setdefault(buyer.row.buyer_id, len(numbers) + 1),
                code=buyer.reason.safe_code,
                text=buyer.reason.safe_text,
            )
            for routing in story.routings
            for buyer in routing.buyers
        ]
        if detail == "buyers"
        else [],
        tags=[tell_tag(key, tag) for key, tag in story.tags.items() if key in tags],
    )


def tell_story_to_buyer(story: CallStory, buyer_id: BuyerId) -> BuyerCall:
    """Its attempts and its money, and nobody else's."""
    own = [one for one in story.attempts if one.buyer_id == buyer_id]
    attempts = [_attempt(one) for one in own]
    mine = sum(
        line.amount.micros for line in story.booked if line.side == "revenue" and line.account == f"buyer/{buyer_id}"
    )
    kept = [msgspec.structs.replace(one, sides=[s for s in one.sides if s.side == "revenue"]) for one in attempts]
    return BuyerCall(
        view="buyer",
        call=msgspec.structs.replace(tell_row(story.call, view="buyer"), buyer_id=buyer_id),
        revenue=amount_of(type(story.revenue)(mine, story.revenue.currency)),
        attempts=kept,
    )


def _cause(cause: call_story.Cause) -> Cause:
    return Cause(
        code=cause.reason.code,
        text=cause.reason.text,
        actual=cause.actual,
        expected=cause.expected,
        setting=cause.setting,
    )


def _attempt(one: AttemptStory) -> AttemptTold:
    return AttemptTold(
        number=one.number,
        uuid=one.attempt_id,
        buyer_id=one.buyer_id,
        to=one.to,
        step=one.step,
        reason=told(one.reason),
        actual=one.actual,
        dialled_ms=one.dialled_ms,
        answered_ms=one.answered_ms,
        ended_ms=one.ended_ms,
        ring_ms=one.ring_ms,
        talk_ms=one.talk_ms,
        ended_by=one.ended_by,
        live=one.live,
        recorded=one.recorded,
        handed_back=one.handed_back,
        sides=list(map(_side, one.sides)),
    )


def _side(side: SideStory) -> SideTold:
    return SideTold(
        side=side.side,
        outcome=side.outcome,
        reason=told(side.reason) if side.reason is not None else None,
        actual=side.actual,
        expected=side.expected,
        quoted=amount_of(side.quoted),
        converted=optional_amount(side.converted),
        rule_id=side.rule,
    )


def _routing(routing: RoutingStory) -> RoutingTold:
    return RoutingTold(
        offset_ms=routing.offset_ms,
        took_ms=routing.took_ms,
        snapshot_version=routing.snapshot_version,
        buyers=[
            RoutedTold(verdict=tell_verdict(one.row), attempt=one.attempt.number if one.attempt is not None else None)
            for one in routing.buyers
        ],
        asks=list(map(tell_ask, routing.asks)),
        notes=list(routing.notes),
    )


def _booked(line: Booked) -> BookedTold:
    return BookedTold(
        kind=line.kind,
        side=line.side,
        account=line.account,
        amount=amount_of(line.amount),
        rule_id=line.rule,
        rule_version=line.rule_version,
        author=line.author,
        note=line.note,
    )


def _sent(message: Sent) -> SentTold:
    return SentTold(
        message_id=message.message_id,
        endpoint=message.name,
        kind=message.kind,
        offset_ms=message.offset_ms,
        state=message.state.value,
        text=message.words,
    )


def _line(line: StoryLine) -> LineTold:
    return LineTold(
        kind=line.kind, offset_ms=line.offset_ms, text=line.text, note=line.note, tone=line.tone, attempt=line.attempt
    )
