"""Calls, and what was told of them, are kept for a year: what is asked of them all the time finds its rows by an index
that leads to these few. SQLite knows no statistics, and takes the wrong one where it may."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from ringbid.store.call_rows import EVENTS_OF, OPEN_CALLS
from ringbid.store.call_tidying import _FLUSH_PARKED
from ringbid.store.sqlite import FILE_NAME
from ringbid.store.statements import Statement
from support.stores import StorePlace

OF_ONE_CALL = {"provider_name": "sip", "provider_call": "call-1"}


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        # Asked by each call that arrives, while all who write wait.
        (EVENTS_OF, OF_ONE_CALL, "ix_call_event_provider_provider_call_id (provider=? AND provider_call_id=?)"),
        # Asked every few seconds, while nobody is served.
        (OPEN_CALLS, {"provider_name": "sip", "ended_after_ms": 0}, "ix_call_check_at_ms"),
        # Asked every minute, while all who write wait.
        (_FLUSH_PARKED, {"before_ms": 0}, "ix_call_event_parked (stored_at_ms<?)"),
    ],
    ids=["events of a call", "open calls", "parked events"],
)
def test_the_few_rows_that_are_wanted_are_found_by_their_index(
    sqlite_place: StorePlace, statement: Statement, values: dict[str, Any], index: str
) -> None:
    text, bound = statement.prepare("sqlite", values)
    with closing(sqlite3.connect(sqlite_place.settings.data / FILE_NAME)) as lite:
        plan = [detail for *_, detail in lite.execute(f"explain query plan {text}", bound)]
    on_the_table = [detail for detail in plan if " call" in detail]
    assert on_the_table
    assert all(f"USING INDEX {index}" in detail for detail in on_the_table), plan
