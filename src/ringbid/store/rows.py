"""Reservations and pings as rows, and back. Used by `batch` and `reservations`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ringbid.reservations.books import Books, EndedPing, Entry
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.reservation import Reservation, State
from ringbid.store import schema
from ringbid.store.statements import Row
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.quote import NO_TERMS, Quote, Terms
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Refused

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Terms).decode
_decode_facts = msgspec.json.Decoder(tuple[str | None, str | None, str | None]).decode

_LONGEST_ID = 64

RESERVATION_COLUMNS = tuple(schema.reservation.columns)
PING_COLUMNS = tuple(column for column in schema.ping.columns if column is not schema.ping.c.id)


def ping_row(ended: EndedPing) -> Row:
    """In the order of PING_COLUMNS."""
    settlement, record, quote = ended.settlement, ended.record, ended.quote
    place = record.caller_place
    return (
        settlement.ping_id,
        settlement.company_id,
        settlement.campaign_id,
        settlement.key_id,
        _indexed(settlement.publisher_id),
        settlement.caller_number,
        to_ms(settlement.received_at),
        record.reason.code,
        record.status,
        record.buyer_id,
        ended.duplicate_of,
        ended.duplicate_order,
        settlement.snapshot_version,
        record.trace,
        place.state,
        place.country,
        place.city,
        place.zip_code,
        None if quote is None else quote.revenue_micros,
        None if quote is None else quote.payout_micros,
        None if quote is None else quote.currency,
        record.took_ms,
    )


def reservation_row(entry: Entry) -> Row:
    """In the order of RESERVATION_COLUMNS."""
    reservation = entry.reservation
    quote = reservation.quote
    return (
        reservation.ping_id,
        reservation.company_id,
        reservation.campaign_id,
        reservation.key_id,
        reservation.publisher_id,
        reservation.caller_number,
        reservation.buyer_id,
        reservation.buyer_number,
        reservation.inbound_number,
        quote.revenue_micros,
        quote.payout_micros,
        quote.seconds,
        quote.currency,
        quote.rule_id,
        quote.rule_version,
        entry.duplicate_key,
        to_ms(reservation.reserved_at),
        reservation.state.value,
        int(reservation.counted),
        reservation.ttl_seconds,
        to_ms(reservation.expires_at),
        _optional_ms(reservation.confirmed_at),
        _optional_ms(reservation.ended_at),
        int(reservation.extended),
        int(entry.in_windows),
        _optional_ms(entry.live_until),
        reservation.call_id,
        None if quote.terms is NO_TERMS else _encode(quote.terms).decode(),
        _refused_text(reservation),
    )


def changes_of(before: Entry, after: Entry) -> dict[str, Any]:
    """The values for `batch.UPDATE_RESERVATION`: what may change, and the state it must still be in."""
    reservation = after.reservation
    return {
        "ping": reservation.ping_id,
        "from_state": before.reservation.state.value,
        "to_state": reservation.state.value,
        "counted_now": int(reservation.counted),
        "ttl": reservation.ttl_seconds,
        "expires_ms": to_ms(reservation.expires_at),
        "confirmed_ms": _optional_ms(reservation.confirmed_at),
        "ended_ms": _optional_ms(reservation.ended_at),
        "extended_now": int(reservation.extended),
        "in_windows_now": int(after.in_windows),
        "live_until": _optional_ms(after.live_until),
        "call": reservation.call_id,
        "refused_for": _refused_text(reservation),
    }


def read_entry(row: Row, subject_ids: tuple[str, ...] = ()) -> Entry:
    """From RESERVATION_COLUMNS."""
    return Entry(
        reservation=read_reservation(row),
        duplicate_key=row[15],
        subject_ids=subject_ids,
        in_windows=bool(row[24]),
        live_until=_optional_time(row[25]),
    )


def read_reservation(row: Row) -> Reservation:
    """From RESERVATION_COLUMNS."""
    quote = Quote(
        revenue_micros=row[9],
        payout_micros=row[10],
        seconds=row[11],
        currency=row[12],
        rule_id=row[13],
        rule_version=row[14],
        terms=NO_TERMS if row[27] is None else _decode(row[27]),
    )
    return Reservation(
        ping_id=row[0],
        company_id=row[1],
        campaign_id=row[2],
        key_id=row[3],
        publisher_id=row[4],
        caller_number=row[5],
        buyer_id=row[6],
        buyer_number=row[7],
        inbound_number=row[8],
        quote=quote,
        state=State(row[17]),
        counted=bool(row[18]),
        ttl_seconds=row[19],
        reserved_at=from_ms(row[16]),
        expires_at=from_ms(row[20]),
        confirmed_at=_optional_time(row[21]),
        ended_at=_optional_time(row[22]),
        extended=bool(row[23]),
        call_id=row[26],
        refused=None if row[28] is None else Refused(Reason.CAPS_FILLED, *_decode_facts(row[28])),
    )


def read_ping(row: Row, *, now: datetime) -> StoredPing:
    """From PING_COLUMNS and RESERVATION_COLUMNS, the latter all null where the ping got no reservation."""
    held = row[len(PING_COLUMNS) :]
    return StoredPing(
        ping_id=row[0],
        company_id=row[1],
        campaign_id=row[2],
        key_id=row[3],
        publisher_id=row[4],
        caller_number=row[5],
        received_at=from_ms(row[6]),
        reason=BY_CODE[row[7]],
        status=row[8],
        buyer_id=row[9],
        trace=row[13],
        duplicate_of=row[10],
        duplicate_order=row[11],
        reservation=read_reservation(held).at(now) if held[0] is not None else None,
        now=now,
    )


def place_rows(entry: Entry) -> list[Row]:
    """The places it takes now, as rows of `place`."""
    ping_id, until_ms, waiting = entry.reservation.ping_id, to_ms(entry.places_until), int(not entry.in_windows)
    return [(ping_id, subject_id, until_ms, waiting) for subject_id in entry.subject_ids]


def caller_row(duplicate_key: str, books: Books) -> Row:
    """A caller with an open reservation, as a row of `open_caller`."""
    caller = books.callers[duplicate_key]
    expires_at = books.entries[caller.ping_id].reservation.expires_at
    return (duplicate_key, caller.ping_id, to_ms(expires_at), caller.duplicates)


def _indexed(publisher_id: str) -> str:
    """As it is, where it can be one of the catalog. Others are what strangers sent: PostgreSQL refuses to index them
    where they are long, and cut they must not be somebody's."""
    return publisher_id if len(publisher_id) <= _LONGEST_ID else publisher_id[: _LONGEST_ID - 1] + "…"


def _refused_text(reservation: Reservation) -> str | None:
    """Why it could not be confirmed: its caps had filled, the only cause there is."""
    refused = reservation.refused
    return None if refused is None else _encode((refused.actual, refused.expected, refused.setting)).decode()


def _optional_ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _optional_time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)
