"""The auditor finds each broken promise, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crash.audit import Contents, StoredReservation, audit, compare_places, most_at_once
from crash.publishers import Attempt, Journal

EXPIRES_MS = 1_716_999_378_246
ROW = StoredReservation(
    ping_id="u1",
    caller_number="+12125550100",
    buyer_id="ash",
    state="expired",
    reserved_at_ms=EXPIRES_MS - 1000,
    expires_at_ms=EXPIRES_MS,
    ended_at_ms=EXPIRES_MS + 5,
    confirmed_at_ms=None,
    payout_micros=1_173_000,
    seconds=95,
    inbound_number="+18444021140",
)


def _attempt() -> Attempt:
    reply = {
        "uuid": "u1",
        "status": "reserved",
        "retreaver_payout": 1.173,
        "retreaver_seconds": 95,
        "inbound_number": "+18444021140",
        "expires_at": "2024-05-29T16:16:18.246Z",
    }
    return Attempt("+12125550100", "key", "idem", tries=2, reply=reply, replied_at_ms=EXPIRES_MS - 990)


def _contents(*rows: StoredReservation) -> Contents:
    pings = tuple((row.caller_number, row.ping_id, "reserved") for row in rows)
    return Contents({row.ping_id: row for row in rows}, pings, places=0, damage=())


def _audit(attempt: Attempt, contents: Contents, *, cap: int = 5) -> list[str]:
    return audit(Journal([attempt]), contents, caps={"ash": cap}, groups={})


def test_kept_promises_are_no_findings() -> None:
    assert _audit(_attempt(), _contents(ROW)) == []


@pytest.mark.parametrize(
    ("contents", "found"),
    [
        (_contents(), "lost: the ping"),
        (replace(_contents(ROW), reservations={}), "lost: the reservation u1"),
        (_contents(replace(ROW, payout_micros=1_172_000)), "u1: told"),
        (_contents(replace(ROW, expires_at_ms=EXPIRES_MS + 1)), "u1: told"),
        (_contents(replace(ROW, inbound_number="+18444021141")), "u1: told"),
        (_contents(replace(ROW, seconds=90)), "u1: told"),
        (_contents(replace(ROW, state="released")), "u1: nobody moved it"),
        (_contents(ROW, replace(ROW, ping_id="u2")), "was stored 2 times, after 2 tries"),
        (_contents(ROW, replace(ROW, ping_id="u2", caller_number="+12125550199")), "that nobody sent"),
        (replace(_contents(ROW), pings=(("+12125550100", "u1", "no-target"),)), "was told"),
        (replace(_contents(ROW), places=1), "leaked"),
        (replace(_contents(ROW), damage=("row 3 missing",)), "row 3 missing"),
    ],
)
def test_a_store_that_differs_from_what_was_told_is_found(contents: Contents, found: str) -> None:
    assert any(found in line for line in _audit(_attempt(), contents))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"released": True, "release_tried_at_ms": EXPIRES_MS - 500}, "the release was acknowledged"),
        ({"confirmed": True}, "the confirmation was acknowledged"),
    ],
)
def test_an_acknowledged_move_that_is_lost_is_found(told: dict[str, object], found: str) -> None:
    attempt = _attempt()
    for name, value in told.items():
        setattr(attempt, name, value)
    assert any(found in line for line in _audit(attempt, _contents(ROW)))


def test_a_refused_caller_that_holds_a_place_is_found() -> None:
    attempt = _attempt()
    attempt.reply = {"uuid": "u1", "status": "no-target"}
    assert any("holds a place" in line for line in _audit(attempt, _contents(ROW)))


def test_overselling_is_found_by_the_stores_times_and_by_what_was_told() -> None:
    found = _audit(_attempt(), _contents(ROW), cap=0)
    assert [line for line in found if "by the store's own times" in line]
    assert [line for line in found if "by what publishers were told" in line]


def test_a_group_is_oversold_by_its_buyers_together() -> None:
    rows = (ROW, replace(ROW, ping_id="u2", buyer_id="birch"))
    found = audit(Journal([_attempt()]), _contents(*rows), caps={"ash": 1, "birch": 1}, groups={"ash birch": 1})
    assert [line for line in found if line.startswith("oversold: ash birch held 2 of 1")]


def test_places_that_meet_at_an_instant_do_not_overlap() -> None:
    assert most_at_once([(0, 10), (10, 20), (5, 15), (20, 20)]) == 2
    assert most_at_once([]) == 0


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ({"ash": 5, "birch": 2}, []),
        ({"ash": 4, "birch": 2}, ["leaked"]),
        ({"ash": 6, "birch": 2}, ["oversold"]),
        ({"ash": 4, "birch": 3}, ["leaked", "oversold"]),
    ],
)
def test_fewer_places_than_there_are_leaked_and_more_are_oversold(taken: dict[str, int], found: list[str]) -> None:
    lines = compare_places(taken, {"ash": 5, "birch": 2})
    assert [line.partition(":")[0] for line in lines] == found
