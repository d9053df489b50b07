"""A store with a million pings, filled quickly: rows as the product writes them, without the pings that lead to them.

Half of the pings found nobody, three in ten were reserved, some were duplicates or rejected; one reservation in six was
called, and half of these calls converted. Used by `bench.pages`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ringbid.reservations.trace import Trace, TracedAsk, TracedTag, TracedVerdict, encode
from ringbid.store import schema
from ringbid.store.call_schema import call
from ringbid.store.ledger_schema import ledger_entry, posting
from ringbid.store.opening import Store
from ringbid.store.outbox_schema import outbox
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import new_ping_id

COMPANY = "acme"
CAMPAIGNS = tuple(f"campaign-{number}" for number in range(12))
PUBLISHERS = tuple(f"PUB-{number:03}" for number in range(150))
BUYERS = tuple(f"buyer-{number}" for number in range(40))
STATES = ("CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA", "NC", "MI")
RARE_PUBLISHER, RARE_CALLER = "PUB-RARE", "+12125550199"
KEY_ID = "5e" * 32
_ENDINGS = (("no_buyer_available", "no-target", 50), ("reserved", "reserved", 30), ("duplicate", "reserved", 6))
_REFUSED = (("publisher_paused", "rejected", 8), ("campaign_paused", "rejected", 6))
_BATCH = 5_000
_MONEY = {"revenue_micros": 12_500_000, "payout_micros": 10_000_000, "currency": "USD"}
_INSERTS = {table.name: Insert(table) for table in (schema.ping, schema.reservation, call, posting, outbox)}
_INSERT_ENTRY = Insert(ledger_entry)


async def fill(store: Store, *, pings: int, until: datetime, hours: float = 24) -> None:
    """So many pings in the `hours` before `until`, evenly, with what followed from them."""
    chance = random.Random(4)
    first_ms, step_ms = to_ms(until - timedelta(hours=hours)), hours * 3_600_000 / pings
    for start in range(0, pings, _BATCH):
        numbers = range(start, min(start + _BATCH, pings))
        rows = [row for number in numbers for row in _ping(chance, number, int(first_ms + number * step_ms))]

        def write(session: Session, rows: list[tuple[str, Row]] = rows) -> None:
            for name, insert in _INSERTS.items():
                session.insert(insert, [row for table, row in rows if table == name])
            session.insert(_INSERT_ENTRY, [row for table, row in rows if table == "ledger_entry"])

        await store._writer.transact(write)  # noqa: SLF001 -- nothing of the product writes so much at once


def _ping(chance: random.Random, number: int, at_ms: int) -> Iterator[tuple[str, Row]]:
    """The rows of one ping."""
    reason, status, _ = chance.choices((*_ENDINGS, *_REFUSED), weights=[one[2] for one in (*_ENDINGS, *_REFUSED)])[0]
    reserved = reason == "reserved"
    rare = number % 100_000 == 0
    uuid = new_ping_id(from_ms(at_ms), chance.randbytes)
    common = {
        "company_id": COMPANY,
        "campaign_id": chance.choice(CAMPAIGNS),
        "key_id": KEY_ID,
        "publisher_id": RARE_PUBLISHER if rare else chance.choice(PUBLISHERS),
        "caller_number": RARE_CALLER if rare else f"+1212{chance.randrange(2_000_000, 9_999_999)}",
        "buyer_id": chance.choice(BUYERS) if status == "reserved" else None,
    }
    ping = {
        **common,
        "uuid": uuid,
        "received_at_ms": at_ms,
        "reason": reason,
        "status": status,
        "duplicate_of": uuid if reason == "duplicate" else None,
        "duplicate_order": 1 if reason == "duplicate" else None,
        "snapshot_version": 1,
        "trace": _TRACES[number % len(_TRACES)],
        "caller_state": chance.choice(STATES),
        "caller_country": "US",
        "caller_city": "Springfield",
        "caller_zip": "90210",
        "took_ms": chance.randrange(20, 900),
        **(_MONEY if reserved else {}),
    }
    yield "ping", _row("ping", ping)
    if reserved:
        called = chance.random() < 1 / 6
        held = {
            **common,
            **_MONEY,
            "ping_id": uuid,
            "buyer_number": "+12025550101",
            "inbound_number": "+18444021146",
            "seconds": 90,
            "reserved_at_ms": at_ms,
            "state": "done" if called else "expired",
            "counted": 0,
            "ttl_seconds": 15,
            "expires_at_ms": at_ms + 15_000,
            "ended_at_ms": at_ms + 15_000,
            "extended": 0,
            "in_windows": 0,
            "call_id": uuid if called else None,
        }
        yield "reservation", _row("reservation", held)
        if called:
            yield from _call(chance, common, uuid, number, at_ms + 4_000)


def _call(
    chance: random.Random, common: dict[str, str | None], uuid: str, number: int, at_ms: int
) -> Iterator[tuple[str, Row]]:
    converted = chance.random() < 0.5
    values = {
        **common,
        "uuid": uuid,
        "provider": "sip",
        "provider_call_id": uuid,
        "reservation_id": uuid,
        "inbound_number": "+18444021146",
        "phase": "ended",
        "received_at_ms": at_ms,
        "answered_at_ms": at_ms + 3_000,
        "ended_at_ms": at_ms + 120_000,
        "duration_ms": 117_000 if converted else chance.randrange(1_000, 90_000),
        "state": b"{}",
        "trace": _TRACES[number % len(_TRACES)],
    }
    yield "call", _row("call", values)
    message = {
        "message_id": f"msg_{uuid}",
        "company_id": COMPANY,
        "call_id": uuid,
        "kind": "webhook",
        "endpoint": f"{common['campaign_id']}/Tell the publisher",
        "queue": f"{COMPANY} {common['campaign_id']}",
        "request": b'{"method":"POST","url":"https://publisher.example/postback","headers":[],"body":""}',
        "created_at_ms": at_ms + 120_000,
        "state": "dead" if number % 1000 == 0 else "delivered",
        "tries": 1,
        "step": 0,
        "ended_at_ms": at_ms + 121_000,
    }
    yield "outbox", _row("outbox", message)
    if converted:
        booked = {
            "posting_key": f"{uuid} revenue",
            "company_id": COMPANY,
            "call_id": uuid,
            "kind": "conversion",
            "side": "revenue",
            "currency": "USD",
            "at_ms": at_ms + 120_000,
            "author": "ringbid",
            "note": "",
        }
        yield "posting", _row("posting", booked)


def _row(table: str, values: Mapping[str, object]) -> Row:
    return tuple(values.get(column.name) for column in _INSERTS[table].columns)


def _trace(number: int) -> bytes:
    """As long as that of a campaign with a handful of buyers, two of them asked."""
    ask = TracedAsk(
        webhook=f"bid {number}",
        buyer="buyer-1",
        request="POST https://buyer.example/bid?zip=90210\nX-Api-Key: •••\n\n" + '{"caller":"+12125550123"}' * 4,
        started_ms=1.2,
        took_ms=42.3,
        status=200,
        answer='{"accepted":true,"bid":{"amount":12.5,"min_seconds":90}}',
        outputs={"bid": "12.5"},
    )
    verdicts = [
        TracedVerdict(buyer=f"buyer-{one}", reason="filter_not_matched", actual="age = 15", expected="age >= 18")
        for one in range(6 + number % 5)
    ]
    trace = Trace(
        snapshot_version=1,
        reason="reserved",
        strategy="highest_payout",
        seed=number,
        currency="USD",
        timeout_ms=1000,
        ttl_seconds=15,
        steps_ms={"tags": 0.4, "asks": 43.0, "reservation": 45.2},
        tags={f"tag_{one}": TracedTag("value", "ping") for one in range(12)},
        asks=[ask, ask],
        verdicts=verdicts,
    )
    return encode(trace)


_TRACES = tuple(_trace(number) for number in range(20))
