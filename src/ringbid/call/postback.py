"""Postback conversions: somebody who may say so reports that a call converted.

An access key may, and so may the buyer, who got a key of its own when the call came (`X-Ringbid-Key`, `[call_key]`).
What is reported twice is booked once and answered the same. `react` books; called by `edge.api.calls`.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from ringbid.call import react
from ringbid.call.access import answered, is_for, late
from ringbid.call.convert import SIDES, Side, terms_of
from ringbid.call.ports import CallTools, Lookups, Reaction, StoredCall
from ringbid.call.state import Attempt, SideOutcome, buyer_key
from ringbid.catalog.snapshot import AccessView
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, CallId, PingId
from ringbid.values.quote import SideTerms
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Refused

SidesWanted = Literal["both", "revenue", "payout"]

# What a side is once a report has decided it. With the later two the report counted, and something spoke against it.
_BY_REPORT = {
    Reason.REPORTED_CONVERTED.code,
    Reason.CONVERTED_BEFORE.code,
    Reason.PAYOUT_WITHHELD.code,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who reports: by which key, and whose conversions may be reported."""

    view: AccessView | None  # None: by a buyer's own key
    buyer_id: BuyerId | None = None  # only calls that were connected to it

    @property
    def is_buyer(self) -> bool:
        return self.view is None or self.buyer_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What the report came to. `reason` is what decided: of the first side that converted, else of the first."""

    call_id: CallId
    converted: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Due:
    """What a report would convert now; `settled` is what an earlier one has decided."""

    attempt_id: PingId
    sides: tuple[Side, ...]
    settled: tuple[SideOutcome, ...]


_Judged: TypeAlias = _Due | Refused


async def report_by_key(
    tools: CallTools, view: AccessView, call_uuid: PingId, wanted: SidesWanted
) -> Reported | Refused:
    """A report with an access key that allows `convert`."""
    call = await tools.calls.find_by_uuid(call_uuid)
    if call is None or not is_for(view, call):
        return Refused(Reason.CALL_UNKNOWN)
    return await _report(tools, call, Reporter(view=view, buyer_id=view.key.buyer), wanted)


async def report_by_buyer(
    tools: CallTools, call_uuid: PingId | None, call_key: str, wanted: SidesWanted
) -> Reported | Refused:
    """A report with the key that a buyer was told with the call. A wrong key and a call that does not exist look the
    same."""
    call = await tools.calls.find_by_uuid(call_uuid) if call_uuid is not None else None
    given = call_key.encode(errors="replace")
    buyer_ids = [attempt.buyer_id for attempt in call.state.attempts] if call is not None else []
    for buyer_id in buyer_ids:
        assert call is not None, "its buyers were found"
        if hmac.compare_digest(given, buyer_key(call.state.call_key, buyer_id).encode()):
            return await _report(tools, call, Reporter(view=None, buyer_id=buyer_id), wanted)
    return Refused(Reason.CALL_UNKNOWN)


async def _report(tools: CallTools, call: StoredCall, reporter: Reporter, wanted: SidesWanted) -> Reported | Refused:
    if wanted == "payout" and reporter.is_buyer:
        # A buyer's word may cost the company a payout, but never without the revenue that the buyer owes for it.
        return Refused(Reason.ACCESS_NOT_ALLOWED, actual="the payout alone", expected="revenue, or both")
    sides: tuple[Side, ...] = SIDES if wanted == "both" else (wanted,)
    change = partial(_convert, tools=tools, reporter=reporter, sides=sides)
    changed = await tools.calls.change(call.call_id, change)
    if isinstance(changed, Refused):
        return changed
    tools.on_message()
    return _answer(changed, reporter, sides)


def _convert(
    call: StoredCall, lookups: Lookups, *, tools: CallTools, reporter: Reporter, sides: tuple[Side, ...]
) -> Reaction | Refused:
    """The change that a report makes, under the call's lock."""
    now_ms = to_ms(lookups.now)
    judged = _judge(call, reporter, sides, now_ms)
    if isinstance(judged, Refused):
        return judged
    if not judged.sides:
        return react.unchanged(call, lookups, "conversion_reported_again")
    refused = late(reporter.view, call, now_ms) if reporter.view is not None else None
    if refused is not None:
        return refused
    return react.report_conversion(
        call,
        lookups,
        attempt_id=judged.attempt_id,
        sides=judged.sides,
        plans=tools.plans,
        random_bytes=tools.random_bytes,
    )


def _judge(call: StoredCall, reporter: Reporter, sides: Sequence[Side], now_ms: int) -> _Judged:
    """What is due, or settled by an earlier report; Refused where it is neither, with the first side's cause."""
    attempt = _attempt_of(call, reporter)
    if attempt is None:
        return Refused(Reason.CONVERSION_NOT_AWAITED)
    due: list[Side] = []
    settled: list[SideOutcome] = []
    refused: list[Refused] = []
    for side in sides:
        terms, outcome = _awaited(attempt, side), _outcome(attempt, side)
        if terms is None:
            continue
        if outcome.outcome != "pending":
            if outcome.reason in _BY_REPORT:
                settled.append(outcome)
            else:
                missed = outcome.reason == Reason.POSTBACK_MISSED.code
                refused.append(_missed(terms) if missed else Refused(Reason.CONVERSION_DECIDED))
        elif now_ms > _until_ms(attempt, outcome, terms, now_ms):
            refused.append(_missed(terms))
        else:
            due.append(side)
    if due == ["payout"] and reporter.is_buyer and _has_missed_revenue(attempt, now_ms):
        due = []  # as it may not report the payout alone: it would owe nothing for it
        refused = refused or [Refused(Reason.CONVERSION_DECIDED)]
    if due or settled:
        return _Due(attempt.attempt_id, tuple(due), tuple(settled))
    return refused[0] if refused else Refused(Reason.CONVERSION_NOT_AWAITED)


def _has_missed_revenue(attempt: Attempt, now_ms: int) -> bool:
    """Will its buyer owe nothing, whatever is reported now?"""
    terms = _awaited(attempt, "revenue")
    if attempt.revenue.outcome == "pending" and terms is not None:
        return now_ms > _until_ms(attempt, attempt.revenue, terms, now_ms)
    return attempt.revenue.outcome == "not_converted"


def _attempt_of(call: StoredCall, reporter: Reporter) -> Attempt | None:
    """Whose conversion is reported: of the buyers that had the call and wait for a report, the last that kept it."""
    waits = [
        one
        for one in answered(call)
        if reporter.buyer_id in (None, one.buyer_id)
        and not one.handed_back
        and any(_awaited(one, side) is not None for side in SIDES)
    ]
    return waits[0] if waits else None


def _answer(call: StoredCall, reporter: Reporter, sides: Sequence[Side]) -> Reported | Refused:
    attempt = _attempt_of(call, reporter)
    assert attempt is not None, "it was there when the change was made"
    decided = [
        outcome
        for side in sides
        if _awaited(attempt, side) is not None and (outcome := _outcome(attempt, side)).reason in _BY_REPORT
    ]
    first = next((one for one in decided if one.outcome == "converted"), decided[0])
    assert first.reason is not None, "what is decided has its reason"
    return Reported(call_id=call.call_id, converted=first.outcome == "converted", reason=BY_CODE[first.reason])


def _awaited(attempt: Attempt, side: Side) -> SideTerms | None:
    """The terms of a side that converts by a report."""
    terms = terms_of(attempt, side)
    return terms if terms is not None and terms.on == "postback" else None


def _outcome(attempt: Attempt, side: Side) -> SideOutcome:
    return attempt.revenue if side == "revenue" else attempt.payout


def _until_ms(attempt: Attempt, outcome: SideOutcome, terms: SideTerms, now_ms: int) -> int:
    """Until when the report is awaited; there is no end before the call has one."""
    if outcome.until_ms is not None:
        return outcome.until_ms
    return (attempt.ended_ms or now_ms) + terms.postback_seconds * 1000


def _missed(terms: SideTerms) -> Refused:
    return Refused(Reason.POSTBACK_MISSED, expected=f"within {terms.postback_seconds} s of the end")
