"""Journeys as rows, and back, with the statements that read and write them, and what they add to the hourly sums.

Used by `journeys`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, bindparam, delete, func, literal_column, select

from ringbid.reports.counts import NAMES, Counts, counts_of
from ringbid.reports.journey import AskOutcome, Beginning, Booked, Held, Journey, Step
from ringbid.reservations.reservation import State
from ringbid.store import schema
from ringbid.store.call_rows import CALL_COLUMNS
from ringbid.store.call_schema import call
from ringbid.store.ledger_schema import ledger_entry, posting
from ringbid.store.report_schema import journey, journey_due, journey_mark, rollup
from ringbid.store.report_views import KEPT, KEPT_OF_PLACES, PLACES, stored_facet
from ringbid.store.rows import PING_COLUMNS
from ringbid.store.statements import Insert, Row, Statement, database_now_ms, one_of
from ringbid.values.ids import CompanyId, PingId

CHUNK = 10  # of each kind, in one transaction: on SQLite pings and calls wait for it
DUE_CHUNK = 5 * CHUNK  # notes of changed calls: most calls have several, and are folded once for all of them

_ping, _held = schema.ping, schema.reservation
_floor = select(journey_mark.c.ping_id).where(journey_mark.c.name == literal_column("'floor'")).scalar_subquery()

# Pings that are not folded yet, the oldest first. Where ids may become visible out of their order, the floor is one
# below which none can appear any more.
NEW_PINGS = Statement(
    select(_ping.c.id, *PING_COLUMNS)
    .where(
        _ping.c.id > func.coalesce(_floor, literal_column("0", BigInteger)),
        ~select(journey.c.uuid).where(journey.c.uuid == _ping.c.uuid).exists(),
    )
    .order_by(_ping.c.id)
    .limit(CHUNK)
)
DUE = Statement(select(journey_due.c.id, journey_due.c.call_id).order_by(journey_due.c.id).limit(DUE_CHUNK))
# Written out, not bound: a partial index serves only what says its condition.
TO_CHECK = Statement(
    select(journey.c.uuid)
    .where(
        literal_column("check_at_ms is not null"),
        journey.c.check_at_ms <= func.coalesce(bindparam("now_ms", type_=BigInteger()), database_now_ms()),
    )
    .order_by(journey.c.check_at_ms)
    .limit(CHUNK)
)
NOW = Statement(select(database_now_ms()))
MARKS = Statement(select(journey_mark.c.name, journey_mark.c.ping_id, journey_mark.c.at_ms))
FIND = Statement(select(journey).where(one_of(journey.c.uuid, "uuids")))
PINGS = Statement(select(*PING_COLUMNS).where(one_of(_ping.c.uuid, "uuids")))
RESERVATIONS = Statement(
    select(_held.c.ping_id, _held.c.state, _held.c.buyer_id, _held.c.inbound_number, _held.c.expires_at_ms).where(
        one_of(_held.c.ping_id, "uuids")
    )
)
CALLS = Statement(select(*CALL_COLUMNS).where(one_of(call.c.uuid, "uuids")))
CALLS_OF_PINGS = Statement(select(*CALL_COLUMNS).where(one_of(call.c.reservation_id, "uuids")).order_by(call.c.id))
# What the company's own accounts got of each posting, in the order of booking.
BOOKED = Statement(
    select(posting.c.call_id, posting.c.side, posting.c.kind, posting.c.currency, ledger_entry.c.amount_micros)
    .join_from(posting, ledger_entry, ledger_entry.c.posting_id == posting.c.id)
    .where(
        one_of(posting.c.call_id, "call_ids"),
        ledger_entry.c.account == literal_column("'company/'").concat(posting.c.side),
    )
    .order_by(posting.c.id)
)

WRITE = Insert(journey, replace=True)
ADD_COUNTS = Insert(rollup, add=NAMES)
WRITE_MARK = Insert(journey_mark, replace=True)
FORGET_DUE = Statement(delete(journey_due).where(one_of(journey_due.c.id, "due_ids")))

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, str]).decode

Key = tuple[str, str, str, str, str, int, str, str]  # of a row of the rollup
_Cell = tuple[str, int, str, tuple[str, str, str], str, str]  # company, start, currency, PLACES, facet and its value
_AnyKey = TypeVar("_AnyKey")
_ONE_ASKED = list(Counts(asked=1).values)


def journey_row(one: Journey, start_ms: int) -> Row:
    """In the order of the table's columns."""
    begun, booked = one.beginning, one.booked
    return (
        begun.uuid,
        begun.company_id,
        int(begun.direct),
        begun.at_ms,
        start_ms,
        begun.campaign_id,
        begun.publisher_id,
        begun.caller_state,
        _encode(dict(begun.tags)).decode(),
        int(begun.step),
        begun.ending,
        one.buyer_id,
        one.number,
        int(one.step),
        one.ending,
        booked.currency,
        booked.revenue_micros,
        booked.payout_micros,
        one.connected_ms,
        one.check_at_ms,
    )


def read_beginning(row: Row) -> Beginning:
    """What a row says of how it began."""
    return Beginning(
        uuid=PingId(row[0]),
        company_id=CompanyId(row[1]),
        direct=bool(row[2]),
        at_ms=row[3],
        campaign_id=row[5],
        publisher_id=row[6],
        caller_state=row[7],
        tags=_decode(row[8]),
        step=Step(row[9]),
        ending=row[10],
    )


def read_journey(row: Row) -> Journey:
    """As far as it is counted: whether what is booked stands is not kept."""
    return Journey(
        beginning=read_beginning(row),
        buyer_id=row[11],
        number=row[12],
        step=Step(row[13]),
        ending=row[14],
        booked=Booked(revenue_micros=row[16], payout_micros=row[17], currency=row[15]),
        connected_ms=row[18],
        check_at_ms=row[19],
    )


def read_held(row: Row) -> Held:
    """From RESERVATIONS."""
    return Held(state=State(row[1]), buyer_id=row[2], number=row[3], expires_at_ms=row[4])


def read_booked(rows: Iterable[Row]) -> Booked:
    """From the rows of BOOKED of one call."""
    micros = {"revenue": 0, "payout": 0}
    standing = {"revenue": False, "payout": False}
    currency = ""
    for _, side, kind, currency, amount_micros in rows:  # noqa: B007 -- the last one's is that of all
        micros[side] += amount_micros if side == "revenue" else -amount_micros
        standing[side] = kind != "void"
    stands = any(standing.values())
    return Booked(micros["revenue"], micros["payout"], currency, standing=stands, voided=bool(currency) and not stands)


class Sums:
    """What is to be added to the rollup: some journeys, less what they were before. Those of one round mostly share
    publisher, campaign and buyer: they are added up in each facet first, and each such sum goes into its views once.
    """

    def __init__(self) -> None:
        self._cells: dict[_Cell, list[int]] = {}
        self._asks: dict[Key, list[int]] = {}

    def add(self, one: Journey, start_ms: int, *, less: bool = False) -> None:
        """One journey, in each of its facets."""
        begun = one.beginning
        counts = [-count if less else count for count in counts_of(one).values]
        places = (begun.publisher_id, begun.campaign_id, one.buyer_id)
        whole = (begun.company_id, start_ms, one.booked.currency, places)
        facets = [*zip(PLACES, places, strict=True), ("number", one.number), ("ending", one.ending)]
        facets += [("state", begun.caller_state), *((f"tag:{name}", value) for name, value in begun.tags.items())]
        for facet, value in facets:
            _add(self._cells, (*whole, facet, value), counts)

    def add_asks(self, begun: Beginning, asks: Sequence[AskOutcome], start_ms: int) -> None:
        """How the buyers' webhooks answered."""
        for ask in asks:
            key = (begun.company_id, "ask", "", "", "", start_ms, f"{ask.outcome} {ask.buyer_id}", "")
            _add(self._asks, key, _ONE_ASKED)

    def rows(self) -> list[Row]:
        """In the order of the table's columns and its key."""
        sums = dict(self._asks)
        for (company_id, start_ms, currency, places, facet, value), counts in self._cells.items():
            for kept in KEPT_OF_PLACES.get(facet, KEPT):
                within = (place if name in kept else "" for name, place in zip(PLACES, places, strict=True))
                publisher, campaign, buyer = within
                view = stored_facet(facet, kept)
                _add(sums, (company_id, view, publisher, campaign, buyer, start_ms, value, currency), counts)
        return [(*key, *counts) for key, counts in sorted(sums.items()) if any(counts)]


def _add(sums: dict[_AnyKey, list[int]], key: _AnyKey, counts: list[int]) -> None:
    """No list is changed: several keys may share one."""
    found = sums.get(key)
    sums[key] = counts if found is None else list(map(add, found, counts))


def mark_rows(marks: dict[str, tuple[int, int]], newest_id: int, now_ms: int, *, certain_ms: int) -> list[Row]:
    """The marks, after all pings up to `newest_id` that could be seen are folded. Where others write too, a ping of a
    lower id may still appear: only after `certain_ms` it cannot."""
    if not certain_ms:
        return [("floor", newest_id, now_ms)]
    following = marks.get("next")
    if following is None:
        return [("next", newest_id, now_ms)]
    if now_ms - following[1] < certain_ms:
        return []
    return [("floor", following[0], now_ms), ("next", newest_id, now_ms)]


def values_of(uuids: Iterable[str]) -> dict[str, Any]:
    """For the statements that ask for a list of them."""
    return {"uuids": sorted(set(uuids))}
