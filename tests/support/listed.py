"""Stores with pings and calls of every kind, for lists of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ringbid.call.state import CallState, Phase, encode
from ringbid.ledger.posting import Posting
from ringbid.reservations.ports import CallerPlace, Decision, PingRecord
from ringbid.store import ledger as stored_ledger
from ringbid.store.call_rows import INSERT_CALL
from ringbid.store.opening import Store
from ringbid.store.session import Session
from ringbid.values.clock import to_ms
from ringbid.values.ids import CampaignId, CompanyId, PingId, PublisherId
from ringbid.values.reason import Reason
from support.clocks import START
from support.money import CALL
from support.stores import caller, place_with, record_of, settlement

STATES = ("CA", "NY", None)
CAMPAIGNS = ("auto-insurance", "medicare")


async def fill(store: Store, count: int = 60) -> list[PingId]:
    """So many pings, a second apart, of all kinds; their uuids, oldest first. Each third is reserved, each sixth a
    duplicate of the one before."""
    made: list[PingId] = []
    for index in range(count):
        at = START + timedelta(seconds=index)
        place = CallerPlace(state=STATES[index % 3], country="US", city="Town", zip_code="90210")

        def finish(decision: Decision, place: CallerPlace = place, index: int = index) -> PingRecord:
            record = record_of(decision, PingId("x"))
            if record.status == "no-target" and index % 5 == 0:
                record = replace(record, reason=Reason.CAMPAIGN_PAUSED, status="rejected")
            return replace(record, caller_place=place, took_ms=index)

        reserved = index % 3 == 0
        places = (place_with(buyer="alpha" if index % 2 else "bravo"),) if reserved else ()
        made_settlement = settlement(
            *places, at=at, caller_number=caller(index - 1 if index % 6 == 1 else index), finish=finish
        )
        ending = replace(
            made_settlement,
            campaign_id=CampaignId(CAMPAIGNS[index % 2]),
            publisher_id=PublisherId(f"pub-{index % 4}"),
            company_id=CompanyId("acme" if index % 10 else "umbrella"),
        )
        await store.reservations.settle(ending)
        made.append(ending.ping_id)
    return made


def call_row(index: int, *, buyer: str | None = "alpha", phase: str = "ended", duration_ms: int | None = None) -> Any:
    values = {
        "uuid": CALL if index == 0 else f"019ab0c4-0000-7c41-9a52-{index:012d}",
        "company_id": "acme",
        "campaign_id": CAMPAIGNS[index % 2],
        "provider": "sip",
        "provider_call_id": f"call-{index}",
        "reservation_id": f"019ab0c4-1111-7c41-9a52-{index:012d}",
        "publisher_id": f"pub-{index % 4}",
        "caller_number": caller(index),
        "inbound_number": "+18444021146",
        "phase": phase,
        "received_at_ms": to_ms(START + timedelta(seconds=index)),
        "duration_ms": duration_ms,
        "buyer_id": buyer,
        "state": encode(CallState(phase=Phase(phase), received_ms=0, call_key="key")),
        "trace": b"{}",
    }
    return tuple(values.get(column.name) for column in INSERT_CALL.columns)


async def put_calls(store: Store, *postings: Posting) -> None:
    def work(session: Session) -> None:
        rows = [
            call_row(index, duration_ms=index * 10_000, buyer="alpha" if index % 2 else None) for index in range(12)
        ]
        session.insert(INSERT_CALL, [*rows, call_row(12, phase="ringing", buyer=None)])
        session.lock({f"call {posting.call_id}" for posting in postings})
        stored_ledger.post_all(session, postings, to_ms(START))

    await store._writer.transact(work)
