"""What is left in the store and in Kamailio's records when the chaos run of calls is over, read with plain SQL.

`crash.call_audit` judges it. It shares no code with the product.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

_MARK = b"RINGBID-RECORD "


@dataclass(frozen=True)
class Attempt:
    """An attempt of a stored call, where it has a record: `duration_ms` is what the record says."""

    attempt_id: str
    buyer_id: str
    answered_ms: int | None
    duration_ms: int | None
    recorded: bool
    revenue: str
    payout: str


@dataclass(frozen=True)
class StoredCall:
    """A row of the table, as it stands."""

    uuid: str
    call_id: str
    number: str
    phase: str
    reservation_id: str | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Posting:
    """A posting with its entries by account, in micros."""

    key: str
    call_uuid: str
    kind: str
    side: str
    entries: Mapping[str, int]


@dataclass(frozen=True)
class Contents:
    """What is left when everything has ended.

    `records`: (Call-ID, attempt, duration in ms) by Kamailio's log, and by its table where there is one, each once.
    `inbox`: (Call-ID, attempt) of each record that the store took in. `reservations`: the state of each. `ghosts`: how
    many calls are over and would come back if Kamailio were started again.
    """

    calls: tuple[StoredCall, ...]
    records: tuple[tuple[str, str, int], ...]
    inbox: tuple[tuple[str, str], ...]
    postings: tuple[Posting, ...]
    balances: Mapping[str, int]
    reservations: Mapping[str, str]
    places: int  # that are taken now
    open_callers: int
    unnoted: int  # records that Kamailio wrote and nobody took in
    ghosts: int

    @property
    def settled(self) -> bool:
        """Has every call ended, with its record, and is every place free?"""
        open_calls = any(call.phase not in ("ended", "refused") for call in self.calls)
        unrecorded = any(
            attempt.answered_ms is not None and not attempt.recorded for call in self.calls for attempt in call.attempts
        )
        return not (open_calls or unrecorded or self.leaks)

    @property
    def leaks(self) -> list[str]:
        """What is still taken though nobody has it any more."""
        still = Counter(state for state in self.reservations.values() if state in ("held", "confirmed", "live"))
        found = [f"reservations that are still {dict(still)}"] if still else []
        found += [f"{self.places} places are still taken"] if self.places else []
        return found + ([f"{self.open_callers} callers still have an open reservation"] if self.open_callers else [])


def read_contents(*, data: Path, database: str | None) -> Contents:
    """Read everything, also beside a running server."""
    log = set(read_record_log(data / "sip"))
    if database is None:
        with closing(sqlite3.connect(data / "ringbid.sqlite")) as lite:
            now_ms = "(julianday('now') - 2440587.5) * 86400000"
            return _read(lambda sql: lite.execute(sql).fetchall(), now_ms, log)
    with psycopg.connect(database) as connection:

        def fetch(sql: str) -> list[Any]:
            return connection.execute(sql.encode()).fetchall()

        rows = fetch("select callid, attempt, started, ended, noted from sip_record")
        table = {(call_id, attempt, _milliseconds(*times)) for call_id, attempt, *times, _ in rows}
        return replace(
            _read(fetch, "extract(epoch from now()) * 1000", log | table),
            unnoted=sum(not noted for *_, noted in rows),
            ghosts=fetch("select count(*) from sip_dialog join sip_record using (callid)")[0][0],
        )


def read_record_log(folder: Path) -> Iterator[tuple[str, str, int]]:
    """The records in Kamailio's own logs: Call-ID, attempt, and duration in ms."""
    for path in sorted(folder.glob("engine-*.log")):
        for line in path.read_bytes().split(b"\n"):
            if _MARK not in line:
                continue
            record = json.loads(line.partition(_MARK)[2])
            if record.get("ended"):
                call_id = base64.b64decode(record["call"]).decode()
                yield call_id, record["attempt"], _milliseconds(record["started"], record["ended"])


def _read(fetch: Callable[[str], list[Any]], now_ms: str, records: set[tuple[str, str, int]]) -> Contents:
    calls = fetch("select uuid, provider_call_id, caller_number, phase, reservation_id, state from call")
    entries: dict[int, dict[str, int]] = defaultdict(dict)
    for posting_id, account, micros in fetch("select posting_id, account, amount_micros from ledger_entry"):
        entries[posting_id][account] = micros
    events = [json.loads(bytes(row[0])) for row in fetch("select document from call_event")]
    taken_in = [(one["provider_call_id"], one["attempt_id"]) for one in events if one["kind"] == "record"]
    booked = fetch("select id, posting_key, call_id, kind, side from posting")
    states = f"case when state in ('held', 'confirmed') and expires_at_ms <= {now_ms} then 'expired' else state end"
    return Contents(
        calls=tuple(_call(*row) for row in calls),
        records=tuple(sorted(records)),
        inbox=tuple(taken_in),
        postings=tuple(Posting(key, call, kind, side, entries[id_]) for id_, key, call, kind, side in booked),
        balances=dict(fetch("select account, balance_micros from balance")),
        reservations=dict(fetch(f"select ping_id, {states} from reservation")),
        places=fetch(f"select count(*) from place where expires_at_ms > {now_ms}")[0][0],
        open_callers=fetch(f"select count(*) from open_caller where expires_at_ms > {now_ms}")[0][0],
        unnoted=0,
        ghosts=0,
    )


def _call(uuid: str, call_id: str, number: str, phase: str, reservation_id: str | None, state: bytes) -> StoredCall:
    return StoredCall(uuid, call_id, number, phase, reservation_id, tuple(_attempts(json.loads(bytes(state)))))


def _attempts(state: dict[str, Any]) -> Iterator[Attempt]:
    """Fields that have their default are not written: a side that is there without its outcome is pending."""
    for one in state.get("attempts", ()):
        yield Attempt(
            attempt_id=one["attempt_id"],
            buyer_id=one["buyer_id"],
            answered_ms=one.get("answered_ms"),
            duration_ms=one.get("duration_ms"),
            recorded=one.get("recorded", False),
            revenue=one["revenue"].get("outcome", "pending") if "revenue" in one else "none",
            payout=one["payout"].get("outcome", "pending") if "payout" in one else "none",
        )


def _milliseconds(started: str, ended: str) -> int:
    """Between two times of the form `1700000000.123456`, cut to whole milliseconds as the product does."""
    return (_microseconds(ended) - _microseconds(started)) // 1000


def _microseconds(text: str) -> int:
    seconds, _, micros = text.partition(".")
    return int(seconds) * 1_000_000 + int(micros.ljust(6, "0"))
