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
}
LABELS: Mapping[Reason, Label] = MappingProxyType(
    {reason: _REJECTED for reason in Reason if reason.stage is Stage.REQUEST} | _BY_REASON
)
