"""One or two words for each reason: what a chip, a live table or a count says where the whole sentence has no room.

Read by `reports.explain` for its headline and by whoever draws an explanation. A word fits behind a count ("2 closed").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ringbid.values.reason import Reason, Stage

# good: somebody got the call · plain: nothing is wrong · limit: a rule, a cap or a buyer said no · bad: look at this
Tone = Literal["good", "plain", "limit", "bad"]


@dataclass(frozen=True, slots=True)
class Label:
    """A reason in a word or two, and how alarming it is."""

    word: str
    tone: Tone


_CAPPED = Label("capped", "limit")
_FILTERED = Label("filtered", "limit")
_REJECTED = Label("rejected", "limit")
_BY_REASON = {
    Reason.RESERVED: Label("reserved", "good"),
    Reason.DUPLICATE: Label("duplicate", "plain"),
    Reason.NO_BUYER_AVAILABLE: Label("no target", "limit"),
    Reason.PAYOUT_UNKNOWN: _REJECTED,
    Reason.NOT_CONSIDERED: Label("not reached", "plain"),
    Reason.NOT_ASKED_DUPLICATE: Label("not reached", "plain"),
    Reason.BUYER_PAUSED: Label("paused", "limit"),
    Reason.BUYER_CLOSED: Label("closed", "limit"),
    Reason.BUYER_ON_HOLIDAY: Label("on holiday", "limit"),
    Reason.FILTER_NOT_MATCHED: _FILTERED,
    Reason.FILTER_TAG_MISSING: _FILTERED,
    Reason.FILTER_VALUE_UNREADABLE: _FILTERED,
    Reason.ANSWER_TAG_MISSING: _FILTERED,
    Reason.BUYER_CONCURRENCY_CAP_FULL: _CAPPED,
    Reason.BUYER_HOURLY_CAP_FULL: _CAPPED,
    Reason.BUYER_DAILY_CAP_FULL: _CAPPED,
    Reason.BUYER_MONTHLY_CAP_FULL: _CAPPED,
    Reason.BUYER_TOTAL_CAP_FULL: _CAPPED,
    Reason.GROUP_CONCURRENCY_CAP_FULL: _CAPPED,
    Reason.GROUP_HOURLY_CAP_FULL: _CAPPED,
    Reason.GROUP_DAILY_CAP_FULL: _CAPPED,
    Reason.GROUP_MONTHLY_CAP_FULL: _CAPPED,
    Reason.GROUP_TOTAL_CAP_FULL: _CAPPED,
    Reason.ASK_NO_TIME: Label("no time left", "bad"),
    Reason.ASK_LEFT_OUT: Label("not asked", "plain"),
    Reason.ASK_BREAKER_OPEN: Label("left alone", "bad"),
    Reason.ASK_UNBUILDABLE: Label("not askable", "bad"),
    Reason.ASK_TIMED_OUT: Label("timed out", "bad"),
    Reason.ASK_ADDRESS_FORBIDDEN: Label("forbidden", "bad"),
    Reason.ASK_NAME_UNRESOLVED: Label("not found", "bad"),
    Reason.ASK_UNREACHABLE: Label("unreachable", "bad"),
    Reason.ASK_TLS_FAILED: Label("TLS failed", "bad"),
    Reason.ASK_ANSWERED_ERROR: Label("failing", "bad"),
    Reason.BID_UNREADABLE: Label("unreadable", "bad"),
    Reason.BUYER_DECLINED: Label("declined", "limit"),
    Reason.NUMBER_UNRESOLVED: Label("no number", "bad"),
    Reason.DESTINATION_NOT_ALLOWED: Label("forbidden", "bad"),
    Reason.QUOTE_PAYOUT_UNKNOWN: Label("unpriced", "limit"),
    Reason.QUOTE_TAG_MISSING: Label("no price", "bad"),
    Reason.QUOTE_VALUE_INVALID: Label("bad price", "bad"),
    Reason.WON: Label("won", "good"),
    Reason.OUTBID: Label("outbid", "plain"),
    Reason.OUTPERFORMED: Label("outperformed", "plain"),
    Reason.NOT_DRAWN: Label("not drawn", "plain"),
    Reason.LOWER_PRIORITY: Label("not needed", "plain"),
    Reason.BUYER_REMOVED: Label("removed", "limit"),
    Reason.RESERVATION_UNKNOWN: Label("unknown", "limit"),
    Reason.RESERVATION_FLUSHED: Label("flushed", "plain"),
    Reason.RESERVATION_OVER: Label("over", "limit"),
    Reason.CAPS_FILLED: _CAPPED,
    Reason.STATUS_INVALID: _REJECTED,
    Reason.TTL_INVALID: _REJECTED,
    Reason.ALREADY_EXTENDED: _REJECTED,
    Reason.CALL_CLAIMED: Label("claimed", "good"),
    Reason.CALL_LATE: Label("late", "limit"),
    Reason.CALL_DIRECT: Label("direct", "plain"),
    Reason.CALLER_DIFFERS: Label("other caller", "limit"),
    Reason.INBOUND_UNKNOWN: Label("no number", "bad"),
    Reason.CALL_CAMPAIGN_PAUSED: Label("paused", "limit"),
    Reason.CALL_REJECTED_LATE: Label("late", "limit"),
    Reason.CALL_PUBLISHER_PAUSED: Label("paused", "limit"),
    Reason.CALL_NOT_TAKEN: Label("no buyer", "limit"),
    Reason.RINGS: Label("ringing", "plain"),
    Reason.TOOK_CALL: Label("connected", "good"),
    Reason.IN_RESERVE: Label("in reserve", "plain"),
    Reason.ONLY_RESERVED_BUYER: Label("not allowed", "plain"),
    Reason.OTHER_BUYER_ANSWERED: Label("not needed", "plain"),
    Reason.BUYER_BUSY: Label("busy", "limit"),
    Reason.BUYER_NO_ANSWER: Label("no answer", "limit"),
    Reason.BUYER_REFUSED_CALL: Label("refused", "limit"),
    Reason.BUYER_UNREACHABLE: Label("unreachable", "bad"),
    Reason.BUYER_CALL_FAILED: Label("failed", "bad"),
    Reason.BUYER_HUNG_UP_EARLY: Label("hung up", "limit"),
    Reason.BUYER_HANDED_BACK: Label("handed back", "limit"),
    Reason.CALLER_HUNG_UP: Label("caller left", "plain"),
    Reason.NOBODY_ANSWERED: Label("no answer", "limit"),
    Reason.CALL_UNHEARD: Label("unheard", "bad"),
    Reason.CONVERTED: Label("converted", "good"),
    Reason.CALL_TOO_SHORT: Label("too short", "limit"),
    Reason.CONVERTED_BEFORE: Label("repeated", "limit"),
    Reason.NO_CONVERSION_RULE: Label("no rule", "plain"),
    Reason.PAYOUT_WITHHELD: Label("unpaid", "limit"),
    Reason.POSTBACK_AWAITED: Label("waiting", "plain"),
    Reason.POSTBACK_MISSED: Label("not reported", "limit"),
    Reason.REVENUE_MISSED: Label("no revenue", "limit"),
    Reason.RECORD_MISSING: Label("no record", "bad"),
    Reason.REPORTED_CONVERTED: Label("converted", "good"),
    Reason.CONVERTED_BY_HAND: Label("converted", "good"),
    Reason.CALL_UNKNOWN: _REJECTED,
    Reason.ACCESS_KEY_UNKNOWN: _REJECTED,
    Reason.ACCESS_NOT_ALLOWED: _REJECTED,
    Reason.CALL_NOT_LIVE: _REJECTED,
    Reason.HAND_BACK_LATE: _REJECTED,
    Reason.ACCESS_LATE: _REJECTED,
    Reason.CONVERSION_DECIDED: _REJECTED,
    Reason.CONVERSION_NOT_AWAITED: _REJECTED,
    Reason.CALL_REQUEST_INVALID: _REJECTED,
    Reason.TAG_RESERVED: _REJECTED,
    Reason.SIDE_INVALID: _REJECTED,
    Reason.HAND_BACK_UNSUPPORTED: _REJECTED,
    Reason.NETWORK_UNREACHABLE: Label("unreachable", "bad"),
}
LABELS: Mapping[Reason, Label] = MappingProxyType(
    {reason: _REJECTED for reason in Reason if reason.stage in {Stage.REQUEST, Stage.LEDGER}} | _BY_REASON
)
