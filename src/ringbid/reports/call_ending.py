"""What became of a call, in one reason, by its state alone: so lists can say it of every row.

Read by `call_story` for a call's own page, and by `store.call_listing`.
"""

from __future__ import annotations

from ringbid.call.state import CallState, Phase
from ringbid.reports.call_attempts import verdict_of
from ringbid.values.reason import BY_CODE, Reason


def ending_of(state: CallState) -> Reason:
    """Its conversion where somebody took the call, else why nobody did; of a live call how it stands."""
    answered = [one for one in state.attempts if one.answered_ms is not None]
    last = max(answered, key=lambda one: one.answered_ms or 0) if answered else None
    if state.phase in (Phase.ENDED, Phase.REFUSED) and last is None:
        fallback = Reason.CALL_NOT_TAKEN if state.phase is Phase.REFUSED else Reason.NOBODY_ANSWERED
        return BY_CODE[state.reason] if state.reason is not None else fallback
    sides = [side for one in state.attempts for side in (one.revenue, one.payout)]
    converted = next((side.reason for side in sides if side.outcome == "converted" and side.reason), None)
    if converted is not None:
        return BY_CODE[converted]
    if state.phase in (Phase.ROUTING, Phase.RINGING):
        return Reason.RINGS
    assert last is not None, "a connected call has a buyer"
    if state.phase is Phase.CONNECTED:
        return Reason.TOOK_CALL
    reasons = [BY_CODE[side.reason] for side in (last.revenue, last.payout) if side.reason is not None]
    decided = [reason for reason in reasons if reason is not Reason.NO_CONVERSION_RULE]
    return decided[0] if decided else verdict_of(last)
