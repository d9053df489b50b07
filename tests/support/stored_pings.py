"""Pings as the store returns them, for what reads and draws them: a trace with a row for each kind of verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ringbid.reservations.ports import StoredPing
from ringbid.reservations.reservation import Reservation, State
from ringbid.reservations.trace import Trace, TracedAsk, TracedTag, TracedVerdict, encode
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, KeyId, PingId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason

PING_ID = PingId("019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01")
ORIGINAL_ID = PingId("019ab0c4-4444-7c41-9a52-0d6a1f6f8a01")
RECEIVED_AT = datetime(2026, 3, 4, 10, 14, 18, 246000, tzinfo=UTC)
CALLER = PhoneNumber("+12125550123")

ASK_CHARLIE = TracedAsk(
    webhook="charlie bid",
    buyer="charlie",
    request='POST http://127.0.0.1:9101/bid?zip=90210&state=CA\nX-Api-Key: •••\n\n{"caller":"+12125550123","age":"44"}',
    started_ms=1.2,
    took_ms=42.31,
    status=200,
    answer='{"accepted":true,"bid":{"amount":12.5,"min_seconds":90,"phone":"+12025550190"}}',
    outputs={"charlie_bid": "12.5", "charlie_seconds": "90", "charlie_number": "+12025550190"},
)
ASK_FOXTROT = TracedAsk(
    webhook="foxtrot bid",
    buyer="foxtrot",
    request="POST http://127.0.0.1:9103/bid",
    started_ms=1.3,
    took_ms=898.4,
    reason="ask_timed_out",
    detail="no answer after 898 ms",
)
VERDICTS = [
    TracedVerdict(
        buyer="charlie",
        reason="won",
        actual="12.5 USD",
        number="+12025550190",
        revenue_micros=12_500_000,
        payout_micros=10_000_000,
        seconds=90,
        rule="charlie-pays-what-it-bids",
        rule_version="5d1f",
        asked_ms=42.31,
    ),
    TracedVerdict(
        buyer="alpha",
        reason="outbid",
        weight=3,
        number="+12025550101",
        revenue_micros=1_500_000,
        payout_micros=1_173_000,
        seconds=95,
        rule="alpha-and-delta",
        rule_version="aa01",
    ),
    TracedVerdict(
        buyer="bravo",
        reason="filter_not_matched",
        actual="age = 15",
        expected="age >= 18",
        setting="buyers[bravo].filters[0]",
    ),
    TracedVerdict(
        buyer="foxtrot",
        reason="ask_timed_out",
        actual="no answer after 898 ms",
        expected="within 898 ms",
        asked_ms=898.4,
    ),
    TracedVerdict(
        buyer="india",
        reason="buyer_concurrency_cap_full",
        actual="1 of 1",
        expected="fewer than 1",
        setting="buyers[india].caps.concurrency",
    ),
    TracedVerdict(
        buyer="delta", reason="lower_priority", priority=2, revenue_micros=1_500_000, payout_micros=1_173_000
    ),
]


def make_trace(reason: Reason = Reason.RESERVED, **changes: object) -> Trace:
    """The trace of a ping of the auto-insurance campaign that asked two buyers."""
    facts: dict[str, object] = {
        "snapshot_version": 3,
        "reason": reason.code,
        "strategy": "bid",
        "seed": 271828,
        "currency": "USD",
        "timeout_ms": 1000,
        "ttl_seconds": 15,
        "steps_ms": {"duplicate": 0.4, "tags": 0.6, "eligibility": 0.9, "asks": 900.1, "auction": 900.4},
        "tags": {
            "caller_state": TracedTag("CA", "zip"),
            "geo": TracedTag(["us", "us-ca", "us-90210", "310"], "zip"),
            "age": TracedTag("44", "ping"),
        },
        "asks": [ASK_CHARLIE, ASK_FOXTROT],
        "verdicts": VERDICTS,
    }
    return Trace(**(facts | changes))


def make_reservation(state: State = State.HELD, **changes: object) -> Reservation:
    """A place with charlie at 12.50 USD, held for 15 s."""
    facts: dict[str, object] = {
        "ping_id": PING_ID,
        "company_id": CompanyId("acme"),
        "campaign_id": CampaignId("auto-insurance"),
        "key_id": KeyId("k" * 64),
        "publisher_id": PublisherId("4321ABCD"),
        "caller_number": CALLER,
        "buyer_id": BuyerId("charlie"),
        "buyer_number": "+12025550190",
        "inbound_number": "+18444021146",
        "quote": Quote(
            revenue_micros=12_500_000,
            payout_micros=10_000_000,
            seconds=90,
            currency="USD",
            rule_id=RuleId("charlie-pays-what-it-bids"),
            rule_version="5d1f",
        ),
        "state": state,
        "counted": False,
        "ttl_seconds": 15,
        "reserved_at": RECEIVED_AT + timedelta(milliseconds=900),
        "expires_at": RECEIVED_AT + timedelta(milliseconds=15_900),
    }
    return Reservation(**(facts | changes))


def make_ping(reason: Reason = Reason.RESERVED, *, trace: Trace | bytes | None = None, **changes: object) -> StoredPing:
    """A stored ping that ended as `reason`; reserved ones hold `make_reservation()`."""
    reserved = reason is Reason.RESERVED
    facts: dict[str, object] = {
        "ping_id": PING_ID,
        "company_id": CompanyId("acme"),
        "campaign_id": CampaignId("auto-insurance"),
        "key_id": KeyId("k" * 64),
        "publisher_id": PublisherId("4321ABCD"),
        "caller_number": CALLER,
        "received_at": RECEIVED_AT,
        "reason": reason,
        "status": "reserved" if reserved or reason is Reason.DUPLICATE else "rejected",
        "buyer_id": BuyerId("charlie") if reserved or reason is Reason.DUPLICATE else None,
        "trace": trace if isinstance(trace, bytes) else encode(trace or make_trace(reason)),
        "duplicate_of": None,
        "duplicate_order": None,
        "reservation": make_reservation() if reserved else None,
        "now": RECEIVED_AT + timedelta(seconds=2),
    }
    return StoredPing(**(facts | changes))
