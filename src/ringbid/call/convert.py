"""What a call is worth: by its terms and its recorded time, one side of the money after the other. Pure.

The terms are those of the quote, fixed when the buyer was chosen: editing a rule later changes nothing. Called by
`react` when a record, a postback or a deadline has come; a side that is decided is never decided again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec.structs import replace

from ringbid.call.state import Attempt, CallState, SideOutcome
from ringbid.values.quote import Quote, SideTerms
from ringbid.values.reason import Reason

Side = Literal["revenue", "payout"]
SIDES: tuple[Side, ...] = ("revenue", "payout")  # the payout may wait for the revenue

# Has this caller converted under these terms within their window?
ConvertedBefore: TypeAlias = Callable[[Side, SideTerms], bool]


@dataclass(frozen=True, slots=True)
class Conversion:
    """One side of one attempt has converted: to be booked once."""

    attempt: Attempt
    side: Side
    amount_micros: int
    terms: SideTerms


def open_sides(quote: Quote) -> tuple[SideOutcome, SideOutcome]:
    """The outcomes of a fresh attempt, revenue and payout: pending, or none where no rule fits."""
    terms = quote.terms
    none = SideOutcome(outcome="none", reason=Reason.NO_CONVERSION_RULE.code)
    return SideOutcome() if terms.revenue else none, SideOutcome() if terms.payout else none


def decide(state: CallState, attempt: Attempt, *, now_ms: int, converted_before: ConvertedBefore) -> Attempt:
    """`attempt`, which is recorded, with what can be decided now."""
    for side in SIDES:
        outcome = _outcome(attempt, side)
        if outcome.outcome == "pending":
            judged = _judge(state, attempt, side, now_ms, converted_before)
            attempt = _with(attempt, side, judged)
    return attempt


def report(
    state: CallState, attempt: Attempt, sides: tuple[Side, ...], *, now_ms: int, converted_before: ConvertedBefore
) -> Attempt:
    """`attempt` after somebody has reported a conversion of these sides (those that wait for a postback)."""
    for side in SIDES:
        terms = terms_of(attempt, side)
        if terms is None or _outcome(attempt, side).outcome != "pending":
            continue
        if terms.on == "postback" and side in sides:
            judged = _judge(state, attempt, side, now_ms, converted_before)
            if judged.outcome == "pending":  # else its time is over, and nobody has looked since
                judged = _converts(state, attempt, side, terms, now_ms, converted_before, Reason.REPORTED_CONVERTED)
            attempt = _with(attempt, side, judged)
        elif terms.on == "revenue" and attempt.revenue.outcome != "pending":
            attempt = _with(attempt, side, _judge(state, attempt, side, now_ms, converted_before))
    return attempt


def miss_record(attempt: Attempt) -> Attempt:
    """`attempt`, of which no record came: what it is worth is not known, and says so. A record may come yet."""
    for side in SIDES:
        if _outcome(attempt, side).outcome == "pending" and _outcome(attempt, side).reason is None:
            attempt = _with(attempt, side, SideOutcome(reason=Reason.RECORD_MISSING.code))
    return attempt


def conversions(before: Attempt, after: Attempt) -> tuple[Conversion, ...]:
    """The sides that have converted between the two."""
    found = []
    for side in SIDES:
        was, is_now, terms = _outcome(before, side), _outcome(after, side), terms_of(after, side)
        if is_now.outcome == "converted" and was.outcome != "converted":
            assert terms is not None, "a side without terms has nothing to convert"
            found.append(Conversion(after, side, is_now.amount_micros, terms))
    return tuple(found)


def has_converted(attempt: Attempt) -> bool:
    """Has one of its sides?"""
    return "converted" in (attempt.revenue.outcome, attempt.payout.outcome)


def waits_until_ms(attempt: Attempt) -> int | None:
    """The earliest moment at which a side that waits for a postback waits no more."""
    waiting = [one.until_ms for one in (attempt.revenue, attempt.payout) if one.outcome == "pending" and one.until_ms]
    return min(waiting) if waiting else None


def terms_of(attempt: Attempt, side: Side) -> SideTerms | None:
    """The terms of one side."""
    terms = attempt.quote.terms
    return terms.revenue if side == "revenue" else terms.payout


def counted_ms(state: CallState, attempt: Attempt, terms: SideTerms) -> int:
    """The time that counts under these terms."""
    if terms.start == "received" and attempt.ended_ms is not None:
        return max(0, attempt.ended_ms - state.received_ms)
    return attempt.duration_ms or 0


def _judge(
    state: CallState, attempt: Attempt, side: Side, now_ms: int, converted_before: ConvertedBefore
) -> SideOutcome:
    terms = terms_of(attempt, side)
    assert terms is not None, "a side without terms is not pending"
    if terms.on == "revenue":
        if attempt.revenue.outcome == "pending":
            return SideOutcome(reason=attempt.revenue.reason)
        if attempt.revenue.outcome != "converted":
            return _not(Reason.REVENUE_MISSED, now_ms)
        return _converts(state, attempt, side, terms, now_ms, converted_before)
    if terms.on == "postback":
        until_ms = (attempt.ended_ms or now_ms) + terms.postback_seconds * 1000
        if now_ms > until_ms:
            return _not(Reason.POSTBACK_MISSED, now_ms, expected=f"within {terms.postback_seconds} s of the end")
        return SideOutcome(reason=Reason.POSTBACK_AWAITED.code, until_ms=until_ms)
    counted = counted_ms(state, attempt, terms)
    if counted < terms.seconds * 1000:
        return _not(Reason.CALL_TOO_SHORT, now_ms, actual=_seconds(counted), expected=f"at least {terms.seconds} s")
    return _converts(state, attempt, side, terms, now_ms, converted_before)


def _converts(
    state: CallState,
    attempt: Attempt,
    side: Side,
    terms: SideTerms,
    now_ms: int,
    converted_before: ConvertedBefore,
    reason: Reason = Reason.CONVERTED,
) -> SideOutcome:
    """What the criterion brings, once it is met: nothing where something else speaks against it."""
    if side == "payout" and state.unpaid:
        return _not(Reason.PAYOUT_WITHHELD, now_ms)
    if terms.dedupe_seconds and converted_before(side, terms):
        return _not(Reason.CONVERTED_BEFORE, now_ms, expected=f"once in {terms.dedupe_seconds} s")
    amount = attempt.quote.revenue_micros if side == "revenue" else attempt.quote.payout_micros
    actual = _seconds(counted_ms(state, attempt, terms)) if reason is Reason.CONVERTED and attempt.recorded else None
    return SideOutcome(
        outcome="converted",
        amount_micros=amount,
        reason=reason.code,
        actual=actual,
        expected=f"at least {terms.seconds} s" if terms.on == "timer" else None,
        decided_ms=now_ms,
    )


def _not(reason: Reason, now_ms: int, *, actual: str | None = None, expected: str | None = None) -> SideOutcome:
    return SideOutcome(outcome="not_converted", reason=reason.code, actual=actual, expected=expected, decided_ms=now_ms)


def _outcome(attempt: Attempt, side: Side) -> SideOutcome:
    return attempt.revenue if side == "revenue" else attempt.payout


def _with(attempt: Attempt, side: Side, outcome: SideOutcome) -> Attempt:
    return replace(attempt, revenue=outcome) if side == "revenue" else replace(attempt, payout=outcome)


def _seconds(milliseconds: int) -> str:
    """`94.9 s`; never rounded up to a second that was not reached."""
    return f"{milliseconds // 100 / 10:.1f} s"
