"""A call in one sentence: who did not take it, who did and for how long, and what that brought.

Part of `call_story`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ringbid.call.ports import StoredCall
from ringbid.call.state import Phase
from ringbid.reports.call_attempts import AttemptStory, say_seconds, taken_by
from ringbid.reports.wording import Wording
from ringbid.reservations.ports import StoredPing
from ringbid.values.money import Money, format_price
from ringbid.values.reason import Reason

_MOST_NAMED = 3  # buyers that are named before they are counted

_LOST: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.BUYER_BUSY: "was busy",
        Reason.BUYER_NO_ANSWER: "did not answer",
        Reason.BUYER_REFUSED_CALL: "refused the call",
        Reason.BUYER_UNREACHABLE: "could not be reached",
        Reason.BUYER_CALL_FAILED: "could not be called",
        Reason.BUYER_HUNG_UP_EARLY: "hung up early",
        Reason.BUYER_HANDED_BACK: "handed the call back",
        Reason.CALLER_HUNG_UP: "was ringing",
    }
)


def headline_of(
    call: StoredCall,
    attempts: Sequence[AttemptStory],
    ending: Reason,
    *,
    revenue: Money,
    payout: Money,
    wording: Wording,
) -> str:
    """What became of the call, or how it stands, in one sentence."""
    state = call.state
    last = taken_by(attempts)
    if state.phase is Phase.REFUSED:
        return f"Refused with SIP {state.code}: {_in_sentence(ending.text)}"
    if last is not None and state.phase is not Phase.RINGING:
        before = _before(attempts, last)
        return f"{before}{_talk(call, last)}; {_worth(call, last, revenue=revenue, payout=payout, wording=wording)}."
    lost = _before(attempts, None)
    if state.phase in (Phase.ROUTING, Phase.RINGING):
        rung = [one.buyer_name for one in attempts if one.live]
        return f"{lost}{' and '.join(rung) or 'the next buyer'} {'are' if len(rung) > 1 else 'is'} being rung now."
    return f"{lost}{_in_sentence(ending.text) if lost else ending.text}"


def promise_of(call: StoredCall, ping: StoredPing | None, wording: Wording) -> str:
    """What the ping had reserved. What became of the place the call itself tells better."""
    if call.reservation_id is None:
        return ""
    if ping is None or ping.reservation is None:
        return "The ping's own record was flushed."
    quote = ping.reservation.quote
    revenue, payout = Money(quote.revenue_micros, quote.currency), Money(quote.payout_micros, quote.currency)
    at, buyer = wording.time(ping.reservation.reserved_at), wording.buyer(ping.reservation.buyer_id)
    return f"Reserved at {at} for {buyer}: revenue {_price(revenue)}, payout {_price(payout)} after {quote.seconds} s."


def _before(attempts: Sequence[AttemptStory], taker: AttemptStory | None) -> str:
    """Whom the call had been offered to before, with a semicolon behind; empty where there was nobody."""
    lost = [
        one
        for one in attempts
        if one is not taker and one.dialled_ms is not None and one.reason in _LOST and not one.live
    ]
    if not lost:
        return ""
    if len(lost) > _MOST_NAMED:
        return f"{len(lost)} buyers did not take the call; "
    return f"{', '.join(f'{one.buyer_name} {_LOST[one.reason]}' for one in lost)}; "


def _talk(call: StoredCall, last: AttemptStory) -> str:
    length = say_seconds(last.talk_ms or 0)
    if call.state.phase is Phase.CONNECTED:
        return f"{last.buyer_name} has had the call for {length}"
    known = "" if last.recorded else " (its record has not come)"
    return f"{last.buyer_name} had the call for {length}{known}"


def _worth(call: StoredCall, last: AttemptStory, *, revenue: Money, payout: Money, wording: Wording) -> str:
    """What it brought, or why it brought nothing, or what it may bring yet."""
    if any(side.converted is not None for side in last.sides) or revenue.micros or payout.micros:
        who = wording.publisher(call.publisher_id) if call.publisher_id else None
        paid = f"{who} is paid {_price(payout)}" if who else "no publisher is paid"
        return f"it brought {_price(revenue)}, and {paid}"
    timed = [side for side in last.sides if side.outcome == "pending" and side.needed_ms is not None]
    if call.state.phase is Phase.CONNECTED and timed:
        return f"it converts at {min(side.needed_ms or 0 for side in timed) // 1000} s"
    missed = [side for side in last.sides if side.short_ms and side.reason is Reason.CALL_TOO_SHORT]
    if missed:
        short = min(missed, key=lambda side: side.short_ms)
        return f"{say_seconds(short.short_ms)} short of the {(short.needed_ms or 0) // 1000} s that convert"
    reason = next((side.reason for side in last.sides if side.reason is not None), None)
    return _in_sentence(reason.text).rstrip(".") if reason is not None else "nothing is decided yet"


def _in_sentence(text: str) -> str:
    """A reason's text behind a colon or a semicolon."""
    return text[:1].lower() + text[1:]


def _price(money: Money) -> str:
    return f"{format_price(money.micros)} {money.currency}"
