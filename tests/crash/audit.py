"""The auditor: what the publishers were told against what the store holds. It shares no code with the product.

It reads the tables with plain SQL and returns every broken promise as a line of text; none is a pass.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from crash.publishers import Attempt, Journal

_COLUMNS = "ping_id, caller_number, buyer_id, state, reserved_at_ms, expires_at_ms, ended_at_ms, confirmed_at_ms"
_COLUMNS += ", payout_micros, seconds, inbound_number"


@dataclass(frozen=True)
class StoredReservation:
    """A row, as it stands in the table."""

    ping_id: str
    caller_number: str
    buyer_id: str
    state: str
    reserved_at_ms: int
    expires_at_ms: int
    ended_at_ms: int | None
    confirmed_at_ms: int | None
    payout_micros: int
    seconds: int
    inbound_number: str

    @property
    def free_at_ms(self) -> int:
        """When its place was free again."""
        return min(self.expires_at_ms, self.ended_at_ms if self.ended_at_ms is not None else self.expires_at_ms)


@dataclass(frozen=True)
class Contents:
    """What the store holds. `pings`: caller, uuid and status of each."""

    reservations: Mapping[str, StoredReservation]
    pings: tuple[tuple[str, str, str], ...]
    places: int  # that are taken now
    damage: tuple[str, ...]


def read_store(*, data: Path, database: str | None) -> Contents:
    """Read everything, of a store that no server has open."""
    if database is not None:
        with psycopg.connect(database) as connection:
            return _read(lambda sql: connection.execute(sql).fetchall(), "extract(epoch from now()) * 1000", ())
    with closing(sqlite3.connect(data / "ringbid.sqlite")) as lite:
        check = [row[0] for row in lite.execute("pragma integrity_check").fetchall()]
        damage = tuple(check) if check != ["ok"] else ()
        return _read(lambda sql: lite.execute(sql).fetchall(), "(julianday('now') - 2440587.5) * 86400000", damage)


def audit(journal: Journal, contents: Contents, *, caps: Mapping[str, int], groups: Mapping[str, int]) -> list[str]:
    """Every broken promise. `caps` by buyer; `groups`: a cap for some buyers together, named by their ids and spaces.

    Every attempt of the journal was answered in the end.
    """
    found = [*journal.surprises, *contents.damage]
    uuids_of: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for caller, uuid, status in contents.pings:
        uuids_of[caller].append((uuid, status))
    for attempt in journal.attempts:
        found.extend(_check_attempt(attempt, uuids_of.pop(attempt.caller_number, []), contents))
    found.extend(f"a ping of {caller} that nobody sent" for caller in uuids_of)
    known = {uuid for _, uuid, _ in contents.pings}
    found.extend(f"a reservation without its ping: {uuid}" for uuid in contents.reservations.keys() - known)
    for buyers, cap in [*caps.items(), *groups.items()]:
        rows = [row for row in contents.reservations.values() if row.buyer_id in buyers.split()]
        most = most_at_once((row.reserved_at_ms, row.free_at_ms) for row in rows)
        if most > cap:
            found.append(f"oversold: {buyers} held {most} of {cap} by the store's own times")
    found.extend(_oversold_as_told(journal, contents, caps))
    if contents.places:
        found.append(f"leaked: {contents.places} places are still taken after the last TTL")
    return found


def compare_places(taken: Mapping[str, int], expected: Mapping[str, int]) -> Iterator[str]:
    """Both by buyer: how many places could be taken once all were to be free, and how many there are."""
    told = f"after the last TTL the buyers took {dict(taken)}, not {dict(expected)}"
    if any(taken[buyer] < places for buyer, places in expected.items()):
        yield f"leaked: {told}"
    if any(taken[buyer] > places for buyer, places in expected.items()):
        yield f"oversold: {told}"


def most_at_once(spans: Iterable[tuple[int, int]]) -> int:
    """The largest number of [start, end) that share a moment. One that ends when another starts does not meet it."""
    changes = sorted(change for start, end in spans if start < end for change in ((start, 1), (end, -1)))
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _check_attempt(attempt: Attempt, stored: list[tuple[str, str]], contents: Contents) -> Iterator[str]:
    assert attempt.reply is not None, "every attempt was answered in the end"
    reply, caller = attempt.reply, attempt.caller_number
    if not stored:
        yield f"lost: the ping of {caller}, acknowledged as {reply}"
        return
    if len(stored) > 1:
        yield f"{caller} was stored {len(stored)} times, after {attempt.tries} tries with one Idempotency-Key"
    if (reply["uuid"], reply["status"]) not in stored:
        yield f"{caller} was told {reply}, stored is {stored}"
    if reply.get("retreaver_ping_shield"):
        yield f"{caller} was told of a duplicate, and pinged once"
    row = contents.reservations.get(reply["uuid"])
    if not attempt.reserved:
        if row is not None:
            yield f"{caller} was refused and holds a place: {row}"
        return
    if row is None:
        yield f"lost: the reservation {reply['uuid']}"
        return
    yield from _compare(attempt, row)


def _compare(attempt: Attempt, row: StoredReservation) -> Iterator[str]:
    """The stored fields equal the reply, and the acknowledged moves were made."""
    reply = attempt.reply or {}
    told = (
        attempt.caller_number,
        Decimal(str(reply["retreaver_payout"])) * 1_000_000,
        reply["retreaver_seconds"],
        reply["inbound_number"],
        round(datetime.fromisoformat(reply["expires_at"]).timestamp() * 1000),
    )
    stored = (row.caller_number, row.payout_micros, row.seconds, row.inbound_number, row.expires_at_ms)
    if told != stored:
        yield f"{row.ping_id}: told {told}, stored {stored}"
    if attempt.released and row.state != "released":
        yield f"{row.ping_id}: the release was acknowledged, the state is {row.state}"
    if attempt.confirmed and row.confirmed_at_ms is None:
        yield f"{row.ping_id}: the confirmation was acknowledged and is lost"
    if attempt.release_tried_at_ms is None and row.state not in ("held", "confirmed", "expired"):
        yield f"{row.ping_id}: nobody moved it, the state is {row.state}"


def _oversold_as_told(journal: Journal, contents: Contents, caps: Mapping[str, int]) -> Iterator[str]:
    """From the publishers' own times: held from the answer until they asked for its release, or until it expired."""
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for attempt in journal.attempts:
        row = contents.reservations.get(attempt.reply["uuid"]) if attempt.reply and attempt.reserved else None
        if row is not None:
            until = attempt.release_tried_at_ms if attempt.release_tried_at_ms is not None else row.expires_at_ms
            spans[row.buyer_id].append((attempt.replied_at_ms, min(until, row.expires_at_ms)))
    for buyer, cap in caps.items():
        most = most_at_once(spans[buyer])
        if most > cap:
            yield f"oversold: {buyer} held {most} of {cap} by what publishers were told"


def _read(fetch: Callable[[str], list[Any]], now_ms: str, damage: tuple[str, ...]) -> Contents:
    rows = [StoredReservation(*row) for row in fetch(f"select {_COLUMNS} from reservation")]
    pings = tuple(fetch("select caller_number, uuid, status from ping"))
    places = fetch(f"select count(*) from place where expires_at_ms > {now_ms}")[0][0]
    return Contents({row.ping_id: row for row in rows}, pings, places, damage)
