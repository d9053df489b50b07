"""The timeline of a call: its arrival, its routings, everything its provider told, and what was decided, in words.

Part of `call_story`. Lines stand in the order in which Ringbid learned of them; each event names the row of
`call.transitions` that handled it, and says so where it was repeated, late or came before what it follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Literal, TypeAlias

from ringbid.call.event import CallEvent, Cause, EventKind
from ringbid.call.ports import StoredCall
from ringbid.call.trace import TracedRouting
from ringbid.reports.call_attempts import AttemptStory, SideStory, say_seconds
from ringbid.reports.labels import LABELS, Tone
from ringbid.values.clock import to_ms
from ringbid.values.ids import PingId
from ringbid.values.money import format_price
from ringbid.values.reason import BY_CODE, Reason

# When it was stored, the row that handled it (None: it still waits for its call), and what it was.
StoredEvent: TypeAlias = tuple[datetime, str | None, CallEvent]

# in order · repeated: it had been told · late: what it tells was over · reordered: it came before what it follows ·
# unmatched: it belongs to nothing that is known
Order = Literal["in order", "repeated", "late", "reordered", "unmatched"]
Kind = Literal["arrival", "routing", "event", "decision"]

LATE_MS = 5000  # what is told so long after it happened is told late, whatever row handled it


@dataclass(frozen=True, slots=True)
class RowWords:
    """What a row of the table means for whoever reads the call. `note` is empty where there is nothing to explain."""

    order: Order = "in order"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One line. `offset_ms`: when it happened, since the call was received; `told_ms`: when it was learned of, since
    1970 by the store's clock. `row` is None for what is no event, `attempt` the number of the attempt it is about.
    """

    kind: Kind
    offset_ms: int
    told_ms: int
    text: str
    tone: Tone
    note: str = ""
    row: str | None = None
    order: Order = "in order"
    attempt: int | None = None


ROWS: Mapping[str, RowWords] = MappingProxyType(
    {
        "rings": RowWords(),
        "rings_again": RowWords("repeated", "it rang already"),
        "rings_late": RowWords("late", "its ringing was over"),
        "answers": RowWords(),
        "answers_again": RowWords("repeated", "it had answered already"),
        "answers_late": RowWords("late", "its end was known already"),
        "answers_after_failing": RowWords("reordered", "that it failed was told first, and is not true"),
        "answers_after_end": RowWords("reordered", "the end was told first"),
        "fails": RowWords(),
        "fails_again": RowWords("repeated", "it had failed already"),
        "fails_late": RowWords("late", "another buyer had answered"),
        "fails_after_answering": RowWords("reordered", "it had answered, so nothing changed"),
        "recorded": RowWords(),
        "recorded_again": RowWords("repeated", "the first record counts"),
        "recorded_and_recovers": RowWords(note="the next buyer is looked for"),
        "recorded_while_the_next_one_talks": RowWords("late", "the next buyer talked already"),
        "unknown_attempt": RowWords("unmatched", "the call has no such attempt, so nothing changed"),
        "is_abandoned": RowWords(),
        "abandoned_after_answer": RowWords("reordered", "a buyer had answered; the record says how it went"),
        "abandoned_late": RowWords("late", "the call was over"),
        "is_unanswered": RowWords(),
        "unanswered_after_answer": RowWords("reordered", "a buyer had answered, so nothing changed"),
        "unanswered_late": RowWords("late", "the call was over"),
        "ends": RowWords(),
        "ends_again": RowWords("repeated", "the call was over"),
        "ends_before_answer_is_told": RowWords("reordered", "nobody was known to have answered yet"),
        "ends_between_buyers": RowWords(note="no buyer was connected any more"),
    }
)
_UNHANDLED = RowWords("unmatched", "its call was not known yet")
_BLANK = RowWords()

_BECAUSE: Mapping[Cause, tuple[str, Reason]] = MappingProxyType(
    {
        "busy": ("was busy", Reason.BUYER_BUSY),
        "no_answer": ("did not answer", Reason.BUYER_NO_ANSWER),
        "declined": ("refused the call", Reason.BUYER_REFUSED_CALL),
        "unreachable": ("could not be reached", Reason.BUYER_UNREACHABLE),
        "failed": ("could not be called", Reason.BUYER_CALL_FAILED),
        "cancelled": ("was rung no longer", Reason.CALLER_HUNG_UP),
    }
)
# What happens first stands first where two are learned of in the same millisecond.
_AMONG_EVENTS: Mapping[EventKind, int] = MappingProxyType(
    {"ringing": 0, "answered": 1, "failed": 1, "abandoned": 2, "unanswered": 2, "ended": 2, "record": 3}
)


def timeline_of(
    call: StoredCall, events: Sequence[StoredEvent], attempts: Sequence[AttemptStory]
) -> tuple[StoryLine, ...]:
    """Everything in the order in which it was learned of."""
    ranked = [((to_ms(call.received_at), 0, 0), _arrival(call))]
    for number, routing in enumerate(call.trace.routings):
        rung = [one for one in attempts if one.routing == number]
        ranked.append(((routing.at_ms, 1 if number == 0 else 5, 0), _routing(call, routing, rung, again=number > 0)))
    by_id = {one.attempt_id: one for one in attempts}
    for stored_at, row, event in events:
        line = _event(call, stored_at, row, event, by_id)
        ranked.append(((line.told_ms, 2 if line.order == "in order" else 3, _AMONG_EVENTS[event.kind]), line))
    for attempt in attempts:
        ranked += [((line.told_ms, 4, 0), line) for line in _decisions(call, attempt)]
    if call.state.reason == Reason.CALL_UNHEARD.code and call.state.ended_ms is not None:
        ranked.append(((call.state.ended_ms, 4, 0), _given_up(call, call.state.ended_ms)))
    ranked.sort(key=lambda one: one[0])
    return tuple(line for _, line in ranked)


def words_of_row(row: str | None) -> RowWords:
    """What the row means; a row of a newer Ringbid means what its name says."""
    return _UNHANDLED if row is None else ROWS.get(row, _BLANK)


def _arrival(call: StoredCall) -> StoryLine:
    matched = BY_CODE[call.trace.match]
    return StoryLine(
        kind="arrival",
        offset_ms=0,
        told_ms=to_ms(call.received_at),
        text=f"{call.caller_number or 'Somebody without a number'} called {call.inbound_number}.",
        note=matched.text.rstrip("."),
        tone="limit" if LABELS[matched].tone == "limit" else "plain",
    )


def _routing(call: StoredCall, routing: TracedRouting, rung: Sequence[AttemptStory], *, again: bool) -> StoryLine:
    how = "Routed again" if again else "Routed"
    steps = [" and ".join(one.buyer_name for one in step) for _, step in groupby(rung, key=lambda one: one.step)]
    who = f"{', then '.join(steps)} can be rung" if rung else "no buyer can be rung"
    others = len(routing.verdicts) - len(rung)
    return StoryLine(
        kind="routing",
        offset_ms=routing.at_ms - to_ms(call.received_at),
        told_ms=routing.at_ms,
        text=f"{how}: {who}.",
        note=f"{others} {'other' if rung else 'buyer'}{'' if others == 1 else 's'} passed over" if others else "",
        tone="plain" if rung else "limit",
    )


def _event(
    call: StoredCall, stored_at: datetime, row: str | None, event: CallEvent, by_id: Mapping[PingId, AttemptStory]
) -> StoryLine:
    attempt = by_id.get(event.attempt_id) if event.attempt_id is not None else None
    words = words_of_row(row)
    text, tone = _say(event, attempt)
    told_ms, happened_ms = to_ms(stored_at), to_ms(event.at)
    order, note = words.order, words.note
    if told_ms < to_ms(call.received_at):
        order, note = "reordered", _joined(note, "told before the call itself")
    elif told_ms - happened_ms > LATE_MS:
        order = "late" if order == "in order" else order
        note = _joined(note, f"told {_say_delay(told_ms - happened_ms)} later")
    return StoryLine(
        kind="event",
        # Carriers that count whole seconds tell of the first one as if it had been before the call.
        offset_ms=max(0, happened_ms - call.state.received_ms),
        told_ms=told_ms,
        text=text,
        tone="bad" if order == "unmatched" else "plain" if order == "repeated" else tone,
        note=note,
        row=row,
        order=order,
        attempt=attempt.number if attempt is not None else None,
    )


def _say(event: CallEvent, attempt: AttemptStory | None) -> tuple[str, Tone]:
    buyer = attempt.buyer_name if attempt is not None else "A buyer"
    match event.kind:
        case "ringing":
            return f"{buyer}'s phone rings.", "plain"
        case "answered":
            return f"{buyer} answered.", "good"
        case "failed":
            what, reason = _BECAUSE[event.cause or "failed"]
            code = f" (SIP {event.code})" if event.code is not None else ""
            return f"{buyer} {what}{code}.", LABELS[reason].tone
        case "abandoned":
            return "The caller hung up before anybody answered.", "limit"
        case "unanswered":
            return "The caller was told that nobody could take the call.", "limit"
        case "ended":
            return "The call ended.", "plain"
        case "record":
            by = {"caller": "the caller hung up", "buyer": f"{buyer} hung up", "engine": "the network ended it"}
            how = f"; {by[event.ended_by]}" if event.ended_by is not None else ""
            return f"The record: {buyer} had the call for {say_seconds(event.duration_ms or 0)}{how}.", "plain"


def _decisions(call: StoredCall, attempt: AttemptStory) -> Iterator[StoryLine]:
    for side in attempt.sides:
        if side.decided_ms is None or side.reason is None:
            continue
        yield StoryLine(
            kind="decision",
            offset_ms=side.decided_ms - to_ms(call.received_at),
            told_ms=side.decided_ms,
            text=_say_decision(attempt, side),
            tone=side.tone,
            note=_say_reached(side),
            attempt=attempt.number,
        )


def _given_up(call: StoredCall, at_ms: int) -> StoryLine:
    """No event leads here: `worker.calls` found that none comes any more."""
    return StoryLine(
        kind="decision",
        offset_ms=at_ms - to_ms(call.received_at),
        told_ms=at_ms,
        text=Reason.CALL_UNHEARD.text,
        tone=LABELS[Reason.CALL_UNHEARD].tone,
    )


def _say_decision(attempt: AttemptStory, side: SideStory) -> str:
    if side.converted is not None:
        amount = f"{format_price(side.converted.micros)} {side.converted.currency}"
        return f"The {side.side} with {attempt.buyer_name} converted: {amount}."
    assert side.reason is not None, "what is decided has its reason"
    return f"The {side.side} with {attempt.buyer_name} did not convert: {LABELS[side.reason].word}."


def _say_reached(side: SideStory) -> str:
    if side.needed_ms is None or side.reached_ms is None:
        return ""
    short = f", {say_seconds(side.short_ms)} short" if side.short_ms else ""
    return f"{say_seconds(side.reached_ms)} of {side.needed_ms // 1000} s{short}"


def _say_delay(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
