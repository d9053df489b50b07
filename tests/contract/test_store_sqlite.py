"""What is true of SQLite only: one process writes, what is written is durable, and a full disk heals."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from ringbid.reservations.ports import NotTaken, PingRecord, StoreUnavailable, Taken
from ringbid.store import sqlite
from ringbid.store.opening import Store, WriterBusy, open_store
from ringbid.store.sqlite import has_wal_reset_bug
from ringbid.values.clock import SystemClock
from support.clocks import START
from support.stores import StorePlace, place_with, record_of, run, settlement


def test_one_process_writes_to_a_sqlite_store_and_the_next_is_told_which(sqlite_place: StorePlace) -> None:
    open_it = (
        "import asyncio, sys; from pathlib import Path; from ringbid.settings import Settings;"
        "from ringbid.store.opening import WriterBusy, open_store; from ringbid.values.clock import SystemClock\n"
        "try: asyncio.run(open_store(Settings(data=Path(sys.argv[1])), SystemClock()))\n"
        "except WriterBusy as error: print(error)"
    )
    command = [sys.executable, "-c", open_it, str(sqlite_place.settings.data)]

    async def story(store: Store) -> None:
        other = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert f"process {os.getpid()} " in other.stdout
        with pytest.raises(WriterBusy, match=str(os.getpid())):
            await open_store(sqlite_place.settings, SystemClock())

    run(sqlite_place, story)
    run(sqlite_place, lambda store: store.catalog_version())


def test_sqlite_is_durable_and_erases_what_it_deletes(sqlite_place: StorePlace) -> None:
    connection = sqlite.connect(sqlite_place.settings.data / sqlite.FILE_NAME)
    settings = [connection.execute(f"pragma {name}").fetchone()[0] for name in SQLITE_PRAGMAS]
    connection.close()
    assert dict(zip(SQLITE_PRAGMAS, settings, strict=True)) == SQLITE_PRAGMAS


SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_the_readers_of_sqlite_cannot_write(sqlite_place: StorePlace) -> None:
    connection = sqlite.connect(sqlite_place.settings.data / sqlite.FILE_NAME, read_only=True)
    with pytest.raises(sqlite.sqlite3.OperationalError, match="readonly"):
        connection.execute("delete from ping")
    connection.close()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_the_versions_with_the_wal_reset_bug_are_known(version: tuple[int, int, int], affected: bool) -> None:
    assert has_wal_reset_bug(version) is affected


def test_a_full_disk_fails_writes_keeps_reads_and_heals_by_itself(sqlite_place: StorePlace) -> None:
    async def story(store: Store) -> None:
        first = settlement(place_with(), at=START)
        await store.reservations.settle(first)
        connection = store._writer._session._connection
        [(pages,)] = connection.execute("pragma page_count").fetchall()
        connection.execute(f"pragma max_page_count = {pages}")
        huge = settlement(place_with(), at=START, finish=lambda decision: _huge(decision, first.ping_id))
        with pytest.raises(StoreUnavailable, match="full"):
            await store.reservations.settle(huge)
        assert await store.reservations.find(first.ping_id) is not None
        assert await store.reservations.find(huge.ping_id) is None
        assert isinstance(await store.reservations.settle(settlement(place_with(), at=START)), Taken)

    run(sqlite_place, story)


def _huge(decision: Taken | NotTaken, ping_id: str) -> PingRecord:
    record = record_of(decision, ping_id)  # type: ignore[arg-type]  # -- any uuid will do
    return PingRecord(
        reason=record.reason,
        status=record.status,
        buyer_id=record.buyer_id,
        trace=b"x" * 1_000_000,
        reply_status=200,
        reply_body=b"",
    )
