"""The whole story of a call, ping to money: how it was matched, who was rung, what converted, was booked and was told.

Takes what the store knows (the call, its events, postings, messages and ping) and gives words and numbers; the terminal
draws them (`cli.call_picture`). The owner reads all of it; the publisher reads `safe_call_view`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ringbid.call.ports import StoredCall
from ringbid.call.state import Phase
from ringbid.catalog.model import Explain
from ringbid.ledger.entry import Account, Side
from ringbid.ledger.posting import RINGBID, Kind, Posting
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Listed
from ringbid.reports.call_attempts import AttemptStory, attempts_of
from ringbid.reports.call_ending import ending_of
from ringbid.reports.call_headline import headline_of, promise_of
from ringbid.reports.call_timeline import StoredEvent, StoryLine, timeline_of
from ringbid.reports.explain import BuyerRow, Explanation, buyer_row, explain
from ringbid.reports.labels import LABELS, Tone
from ringbid.reports.wording import PLAIN, Wording
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedAsk, TracedTag
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId
from ringbid.values.money import Money, format_price
from ringbid.values.reason import BY_CODE, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A reason with what was found, what was expected, and the setting that decides it."""

    reason: Reason
    actual: str | None = None
    expected: str | None = None
    setting: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedBuyer:
    """One buyer in one routing: why it was passed over, or the attempt that came of it."""

    row: BuyerRow
    attempt: AttemptStory | None

    @property
    def reason(self) -> Reason:
        """The verdict as it stands now; while it was being routed, it only said that the buyer rings."""
        return self.attempt.reason if self.attempt is not None else self.row.reason

    @property
    def actual(self) -> str | None:
        return self.attempt.actual if self.attempt is not None else self.row.actual

    @property
    def tone(self) -> Tone:
        return LABELS[self.reason].tone


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingStory:
    """One routing, `offset_ms` after the call came. Buyers stand in its order."""

    offset_ms: int
    took_ms: float
    snapshot_version: int
    buyers: tuple[RoutedBuyer, ...]
    asks: tuple[TracedAsk, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What one posting added to (below zero: took from) what a buyer owes, or a publisher is paid."""

    kind: Kind
    side: Side
    account: Account
    amount: Money
    rule: str | None
    rule_version: str | None
    author: str
    note: str

    @property
    def by_person(self) -> bool:
        return self.author != RINGBID

    @property
    def tone(self) -> Tone:
        return "good" if self.kind == "conversion" else "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message that the call caused. `name` is the webhook's, within the call's campaign."""

    message_id: str
    name: str
    kind: str
    offset_ms: int
    state: MessageState
    words: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStory:
    """A call in words, for the owner, as it stood at `now`. Offsets are milliseconds since it was received.

    `ending` is what became of it, or stands now. `refusal` is why it was not routed at all. `revenue` and `payout` are
    what is booked after all corrections. `ping` is None for a direct call, and where the ping's record was flushed;
    `promise` says what was reserved at the ping, and is empty for a direct call.
    """

    call: StoredCall
    now: datetime
    headline: str
    ending: Reason
    tone: Tone
    live: bool
    length_ms: int
    match: Cause
    refusal: Cause | None
    ping: Explanation | None
    promise: str
    attempts: tuple[AttemptStory, ...]
    routings: tuple[RoutingStory, ...]
    revenue: Money
    payout: Money
    booked: tuple[Booked, ...]
    sent: tuple[Sent, ...]
    timeline: tuple[StoryLine, ...]
    tags: Mapping[str, TracedTag]

    @property
    def margin(self) -> Money:
        """What is left of the revenue after the payout."""
        return Money(self.revenue.micros - self.payout.micros, self.revenue.currency)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a uuid leads to: a ping, and the calls that came with its reservation; or a call, alone."""

    ping: StoredPing | None
    calls: tuple[CallStory, ...]


def tell_call(
    call: StoredCall,
    *,
    events: Sequence[StoredEvent],
    postings: Sequence[Posting],
    messages: Sequence[Listed],
    ping: StoredPing | None,
    now: datetime,
    wording: Wording = PLAIN,
) -> CallStory:
    """The story of `call`. `events` are those that its provider told, `postings` and `messages` those of the call; what
    is asked for is read, and nothing is decided here."""
    state, trace = call.state, call.trace
    now_ms = to_ms(now)
    attempts = attempts_of(call, now_ms=now_ms, wording=wording)
    ending = ending_of(state)
    found = {"actual": trace.actual, "expected": trace.expected, "setting": trace.setting}
    refused = state.phase is Phase.REFUSED and ending is not Reason.CALL_NOT_TAKEN
    match = BY_CODE[trace.match]
    live = state.phase not in (Phase.ENDED, Phase.REFUSED)
    revenue, payout = _sum_of(postings, "revenue", trace.currency), _sum_of(postings, "payout", trace.currency)
    end_ms = state.ended_ms if state.ended_ms is not None else now_ms if live else state.received_ms
    known_ms = [one.ended_ms for one in attempts if one.ended_ms is not None]
    return CallStory(
        call=call,
        now=now,
        headline=headline_of(call, attempts, ending, revenue=revenue, payout=payout, wording=wording),
        ending=ending,
        tone=LABELS[ending].tone,
        live=live,
        length_ms=max(0, end_ms - state.received_ms, *known_ms),
        match=Cause(reason=match) if refused else Cause(reason=match, **found),
        refusal=Cause(reason=ending, **found) if refused else None,
        ping=explain(ping, wording) if ping is not None else None,
        promise=promise_of(call, ping, wording),
        attempts=attempts,
        routings=_routings(call, attempts),
        revenue=revenue,
        payout=payout,
        booked=tuple(line for posting in postings for line in _booked(posting)),
        sent=tuple(_sent(call, message, wording) for message in sorted(messages, key=lambda one: one.number)),
        timeline=timeline_of(call, events, attempts),
        tags=trace.tags,
    )


def safe_call_view(story: CallStory, detail: Explain = "buyers") -> dict[str, object]:
    """What the publisher may read of its call: nothing (`none`), how it was matched, how it stands and what it is paid
    (`reason`), or also one reason for each buyer.

    Buyers are numbered in the order in which they were first considered. Of the money only the publisher's own is in
    it, and only reasons' public codes and texts: no name, number, revenue, tag, setting or author.
    """
    if detail == "none":
        return {}
    call, state = story.call, story.call.state
    view: dict[str, object] = {
        "uuid": call.call_id,
        "reservation": call.reservation_id,
        "state": state.phase.value,
        "match": {"code": story.match.reason.safe_code, "info": story.match.reason.safe_text},
        **_safe(story.ending),
        "connected_seconds": None if state.duration_ms is None else state.duration_ms // 1000,
        "payout": {**_safe(_payout_reason(story)), "amount": format_price(story.payout.micros)}
        | {"currency": story.payout.currency},
    }
    if detail == "buyers":
        numbers: dict[str, int] = {}
        view["buyers"] = [
            {"buyer": numbers.setdefault(buyer.row.buyer_id, len(numbers) + 1), **_safe(buyer.reason)}
            for routing in story.routings
            for buyer in routing.buyers
        ]
    return view


def _safe(reason: Reason | None) -> dict[str, object]:
    if reason is None:
        return {"code": None, "info": None}
    return {"code": reason.safe_code, "info": reason.safe_text}


def _payout_reason(story: CallStory) -> Reason | None:
    """Why the publisher is paid, or is not: of the attempt that converted, else of the last that says so."""
    sides = [side for attempt in story.attempts for side in attempt.sides if side.side == "payout" and side.reason]
    converted = [side for side in sides if side.converted is not None]
    return (converted or sides)[-1].reason if sides else None


def _routings(call: StoredCall, attempts: Sequence[AttemptStory]) -> tuple[RoutingStory, ...]:
    made = []
    for index, routing in enumerate(call.trace.routings):
        tried = {one.buyer_id: one for one in attempts if one.routing == index}
        rows = [buyer_row(verdict, call.trace.currency) for verdict in routing.verdicts]
        made.append(
            RoutingStory(
                offset_ms=routing.at_ms - to_ms(call.received_at),
                took_ms=routing.took_ms,
                snapshot_version=routing.snapshot_version,
                buyers=tuple(RoutedBuyer(row=row, attempt=_of_row(row, tried)) for row in rows),
                asks=tuple(routing.asks),
                notes=tuple(routing.notes),
            )
        )
    return tuple(made)


def _of_row(row: BuyerRow, tried: Mapping[BuyerId, AttemptStory]) -> AttemptStory | None:
    return tried.get(row.buyer_id) if row.reason is Reason.RINGS else None


def _booked(posting: Posting) -> list[Booked]:
    return [
        Booked(
            kind=posting.kind,
            side=posting.side,
            account=account,
            amount=Money(micros, posting.currency),
            rule=posting.rule_id,
            rule_version=posting.rule_version,
            author=posting.author,
            note=posting.note,
        )
        for account, micros in posting.shares.items()
    ]


def _sum_of(postings: Sequence[Posting], side: Side, currency: str) -> Money:
    of_side = [posting for posting in postings if posting.side == side]
    total_micros = sum(micros for posting in of_side for micros in posting.shares.values())
    return Money(total_micros, of_side[-1].currency if of_side else currency)


def _sent(call: StoredCall, message: Listed, wording: Wording) -> Sent:
    got = f"HTTP {message.last_status}" if message.last_status is not None else message.last_error or "no answer"
    count = "once" if message.tries == 1 else f"{message.tries} times"
    tone: Tone
    match message.state:
        case MessageState.DELIVERED:
            at_try = "" if message.tries == 1 else f", at try {message.tries}"
            words, tone = f"delivered{at_try} ({got})", "good"
        case MessageState.WAITING if not message.tries:
            words, tone = "waits to be sent", "plain"
        case MessageState.WAITING:
            again = f"; again at {wording.time(message.next_at)}" if message.next_at is not None else ""
            words, tone = f"failed {count} ({got}){again}", "limit"
        case MessageState.DEAD if not message.tries:
            words, tone = f"never sent: {message.last_error}", "bad"
        case MessageState.DEAD:
            words, tone = f"given up after {message.tries} tries ({got})", "bad"
        case MessageState.DISABLED:
            words, tone = "kept back: its endpoint wants no more (HTTP 410)", "bad"
    return Sent(
        message_id=message.message_id,
        name=message.endpoint.removeprefix(f"{call.campaign_id}/"),
        kind=message.kind,
        offset_ms=to_ms(message.created_at) - to_ms(call.received_at),
        state=message.state,
        words=words,
        tone=tone,
    )
