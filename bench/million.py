"""A store with a million pings, filled quickly: rows as the product writes them, without the pings that lead to them.

Half of the pings found nobody, three in ten were reserved, some were duplicates or rejected; one reservation in six was
called, and half of these calls converted. Every campaign goes with every publisher and every buyer, which is the most
rows that the sums of reports can have. Used by `bench.pages`, and by the test that counts queries.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.million_money import PAYOUT_MICROS, REVENUE_MICROS, book
from ringbid.call import state as call_states
from ringbid.call.state import CallState, Phase
from ringbid.reports.journey import AskOutcome, Beginning, Booked, Journey, Step
from ringbid.reservations.trace import Trace, TracedAsk, TracedTag, TracedVerdict, encode
from ringbid.store import journey_rows, schema
from ringbid.store.call_schema import call
from ringbid.store.journeys import HOUR_MS
from ringbid.store.ledger_schema import dispute, posting
from ringbid.store.opening import Store
from ringbid.store.outbox_schema import outbox
from ringbid.store.report_schema import journey
from ringbid.store.session import Session
from ringbid.store.statements import Insert, Row
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import CompanyId, PingId, new_ping_id

COMPANY = CompanyId("acme")
STATES = ("CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA", "NC", "MI")
RARE_PUBLISHER, RARE_CALLER = "PUB-TWO", "+12125550199"
KEY_ID = "5e" * 32
_ENDINGS = (("no_buyer_available", "no-target", 50), ("reserved", "reserved", 30), ("duplicate", "reserved", 6))
_REFUSED = (("publisher_paused", "rejected", 8), ("campaign_paused", "rejected", 6))
_BATCH = 5_000
_MONEY = {"revenue_micros": REVENUE_MICROS, "payout_micros": PAYOUT_MICROS, "currency": "USD"}
_INSERTS = {table.name: Insert(table) for table in (schema.ping, schema.reservation, call, posting, outbox, dispute)}
_JOURNEY = Insert(journey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Whose pings these are. The first publisher and buyer are those who look at their portals."""

    campaigns: tuple[str, ...]
    publishers: tuple[str, ...]
    buyers: tuple[str, ...]


@dataclass(slots=True)
class _Made:
    """What a batch is made of."""

    names: Names
    chance: random.Random
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _INSERTS})
    journeys: list[Row] = field(default_factory=list)
    sums: journey_rows.Sums = field(default_factory=journey_rows.Sums)

    def add(self, table: str, values: Mapping[str, object]) -> None:
        self.rows[table].append(tuple(values.get(column.name) for column in _INSERTS[table].columns))


async def fill(store: Store, names: Names, *, pings: int, until: datetime, hours: float = 24) -> None:
    """So many pings in the `hours` before `until`, evenly, with what followed from them."""
    chance = random.Random(4)
    first_ms, step_ms = to_ms(until - timedelta(hours=hours)), hours * 3_600_000 / pings
    for start in range(0, pings, _BATCH):
        made = _Made(names, chance)
        for number in range(start, min(start + _BATCH, pings)):
            _ping(made, number, int(first_ms + number * step_ms))
        await store._writer.transact(_write_of(made))  # noqa: SLF001 -- nothing of the product writes so much at once
    await store._writer.transact(book)  # noqa: SLF001 -- the same


def _write_of(made: _Made) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        for name, insert in _INSERTS.items():
            session.insert(insert, made.rows[name])
        session.insert(_JOURNEY, made.journeys)
        session.insert(journey_rows.ADD_COUNTS, made.sums.rows())

    return write


def _ping(made: _Made, number: int, at_ms: int) -> None:
    """The rows of one ping."""
    chance, names = made.chance, made.names
    reason, status, _ = chance.choices((*_ENDINGS, *_REFUSED), weights=[one[2] for one in (*_ENDINGS, *_REFUSED)])[0]
    reserved = reason == "reserved"
    rare = number % 100_000 == 0
    uuid = new_ping_id(from_ms(at_ms), chance.randbytes)
    common = {
        "company_id": COMPANY,
        "campaign_id": chance.choice(names.campaigns),
        "key_id": KEY_ID,
        "publisher_id": RARE_PUBLISHER if rare else chance.choice(names.publishers),
        "caller_number": RARE_CALLER if rare else f"+1212{chance.randrange(2_000_000, 9_999_999)}",
        "buyer_id": chance.choice(names.buyers) if status == "reserved" else None,
    }
    state = chance.choice(STATES)
    made.add(
        "ping",
        {
            **common,
            "uuid": uuid,
            "received_at_ms": at_ms,
            "reason": reason,
            "status": status,
            "duplicate_of": uuid if reason == "duplicate" else None,
            "duplicate_order": 1 if reason == "duplicate" else None,
            "snapshot_version": 1,
            "trace": _TRACES[number % len(_TRACES)],
            "caller_state": state,
            "caller_country": "US",
            "caller_city": "Springfield",
            "caller_zip": "90210",
            "took_ms": chance.randrange(20, 900),
            **(_MONEY if reserved else {}),
        },
    )
    steps = {"no_buyer_available": Step.ASKED, "reserved": Step.RESERVED}
    step, ending, booked = steps.get(reason, Step.PING), "expired" if reserved else reason, Booked()
    if reserved:
        called = chance.random() < 1 / 6
        made.add("reservation", _reservation(common, uuid, at_ms, called=called))
        if called:
            converted = chance.random() < 0.5
            _call(made, common, uuid, number, at_ms + 4_000, converted=converted)
            step, ending = (Step.PAID, "paid") if converted else (Step.CONNECTED, "call_too_short")
            booked = Booked(REVENUE_MICROS, PAYOUT_MICROS, "USD") if converted else booked
    beginning = Beginning(
        uuid=uuid,
        company_id=COMPANY,
        direct=False,
        at_ms=at_ms,
        campaign_id=str(common["campaign_id"]),
        publisher_id=str(common["publisher_id"]),
        caller_state=state,
        tags={"age": str(chance.randrange(18, 80))},
        step=step,
        ending=reason,
    )
    buyer_id = str(common["buyer_id"] or "") if reserved else ""
    told = Journey(
        beginning=beginning, buyer_id=buyer_id, number="+18444021146", step=step, ending=ending, booked=booked
    )
    start_ms = at_ms // HOUR_MS * HOUR_MS
    made.journeys.append(journey_rows.journey_row(told, start_ms))
    made.sums.add(told, start_ms)
    if step >= Step.ASKED:
        asks = [AskOutcome(chance.choice(names.buyers), "answered" if chance.random() < 0.9 else "ask_timed_out")]
        made.sums.add_asks(beginning, asks, start_ms)


def _reservation(common: Mapping[str, object], uuid: PingId, at_ms: int, *, called: bool) -> dict[str, object]:
    return {
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


def _call(made: _Made, common: Mapping[str, object], uuid: PingId, number: int, at_ms: int, *, converted: bool) -> None:
    """Its rows: the call, its message, what was booked, and sometimes a dispute."""
    ended_ms = at_ms + 120_000
    made.add(
        "call",
        {
            **common,
            "uuid": uuid,
            "provider": "sip",
            "provider_call_id": uuid,
            "reservation_id": uuid,
            "inbound_number": "+18444021146",
            "phase": "ended",
            "received_at_ms": at_ms,
            "answered_at_ms": at_ms + 3_000,
            "ended_at_ms": ended_ms,
            "duration_ms": 117_000 if converted else made.chance.randrange(1_000, 90_000),
            "state": call_states.encode(CallState(phase=Phase.ENDED, received_ms=at_ms, call_key=uuid)),
            "trace": _TRACES[number % len(_TRACES)],
        },
    )
    message = {
        "message_id": f"msg_{uuid}",
        "company_id": COMPANY,
        "call_id": uuid,
        "kind": "webhook",
        "endpoint": f"{common['campaign_id']}/Tell the publisher",
        "queue": f"{COMPANY} {common['campaign_id']}",
        "request": b'{"method":"POST","url":"https://publisher.example/postback","headers":[],"body":""}',
        "created_at_ms": ended_ms,
        "state": "dead" if number % 1000 == 0 else "delivered",
        "tries": 1,
        "step": 0,
        "ended_at_ms": ended_ms + 1_000,
    }
    made.add("outbox", message)
    booked = {
        "company_id": COMPANY,
        "call_id": uuid,
        "kind": "conversion",
        "currency": "USD",
        "at_ms": ended_ms,
        "author": "ringbid",
        "note": "",
    }
    for side in ("revenue", "payout") if converted else ():
        made.add("posting", {**booked, "posting_key": f"{uuid} {side}", "side": side})
    if converted and made.chance.random() < 0.05:
        closed = {"closed_at_ms": ended_ms + 9_000, "closed_by": "Olga Owner", "answer": "It stands."}
        opened = {"reason": "Wrong state", "opened_at_ms": ended_ms + 5_000, "opened_by": "Bob Buyer"}
        whose = {"company_id": COMPANY, "call_id": uuid, "buyer_id": common["buyer_id"]}
        made.add("dispute", {**whose, **opened, **(closed if made.chance.random() < 0.8 else {})})


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
