"""What the demo counts, which pings it shows where there is no room for all, and what it knows of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ringbid.cli.demo_board import Board, Entry, books_of
from ringbid.cli.demo_calls import CallView, Tried
from ringbid.cli.demo_rows import Row
from ringbid.ledger.entry import Account
from ringbid.ledger.ports import Balance
from ringbid.reports.labels import LABELS, Label
from ringbid.values.ids import CallId
from ringbid.values.money import Money
from ringbid.values.reason import Reason

NOW = datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def row(label: Label = LABELS[Reason.RESERVED], *, held: bool = True, took_ms: float = 9.0) -> Row:
    return Row(
        at=NOW,
        uuid="019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01",
        campaign="medicare",
        publisher="PUB-TWO",
        caller="…0123",
        label=label,
        then=None,
        buyer="alpha",
        payout="12.50",
        took_ms=took_ms,
        why="2 closed",
        held_until=NOW + 15 * SECOND if held else None,
    )


def call(*tried: str, connected: bool = False, micros: int | None = None, final: bool = False) -> CallView:
    return CallView(
        call_id=CallId("0195a4d0-0000-7000-8000-00000000ca11"),
        came=None,
        tried=tuple(Tried(buyer, Label("busy", "limit")) for buyer in tried),
        connected_ms=1 if connected else None,
        talked_ms=None,
        needed_seconds=6,
        ending=None,
        note="",
        revenue=Money(micros, "USD") if micros is not None else None,
        payout=None,
        final=final,
    )


def board() -> Board:
    return Board(started_at=NOW)


def test_a_call_is_counted_once_for_each_stage_that_it_reaches() -> None:
    shown = board()
    entry = shown.add(row(), NOW)
    rung, talks = call("alpha"), call("alpha", connected=True)
    done = call("alpha", connected=True, micros=9_000_000, final=True)
    assert shown.update(entry, rung, NOW) is None
    for view in (rung, talks, talks, done, done):
        shown.update(entry, view, NOW)
    assert (shown.pings, shown.reserved, shown.calls, shown.connected, shown.converted) == (1, 1, 1, 1, 1)


def test_a_call_that_is_first_seen_at_its_end_is_counted_all_the_same() -> None:
    shown = board()
    shown.update(shown.add(row(), NOW), call("alpha", connected=True, micros=1, final=True), NOW)
    assert (shown.calls, shown.connected, shown.converted) == (1, 1, 1)


def test_a_ping_is_looked_at_until_its_place_has_long_expired_or_its_call_is_final() -> None:
    shown = board()
    entry = shown.add(row(), NOW)
    shown.add(row(held=False), NOW)
    assert list(shown.moving(NOW + 15 * SECOND)) == [entry]
    assert list(shown.moving(NOW + 21 * SECOND)) == []
    shown.update(entry, call("alpha"), NOW)
    assert list(shown.moving(NOW + 60 * SECOND)) == [entry]
    assert shown.unfinished()
    shown.update(entry, call("alpha", final=True), NOW)
    assert not shown.moving(NOW)
    assert not shown.unfinished()


def test_where_there_is_no_room_for_all_calls_that_go_on_stay_and_the_order_is_that_of_the_pings() -> None:
    shown = board()
    talking = shown.add(row(), NOW)
    shown.update(talking, call("alpha", connected=True), NOW)
    refused = [shown.add(row(Label("no target", "limit"), held=False), NOW + n * SECOND) for n in range(10)]
    later = NOW + 60 * SECOND
    assert list(shown.shown(3, later)) == [talking, *refused[-2:]]


def test_the_first_of_each_kind_is_kept_as_an_example() -> None:
    shown = board()
    entries: list[Entry] = [shown.add(row(), NOW) for _ in range(3)]
    shown.update(entries[0], call("alpha", connected=True, micros=1), NOW)
    shown.update(entries[1], call("alpha", "bravo", connected=True, micros=1), NOW)
    shown.update(entries[2], call("alpha", connected=True, micros=1), NOW)
    refused = shown.add(row(Label("no target", "limit"), held=False), NOW)
    shown.add(row(Label("no target", "limit"), held=False), NOW)
    assert (shown.converted_example, shown.failed_over_example) == (entries[0], entries[1])
    assert shown.refused_example is refused


def test_the_95th_percentile_is_of_the_latest_pings() -> None:
    shown = board()
    assert shown.slowest_ms is None
    for milliseconds in range(1, 101):
        shown.add(row(took_ms=float(milliseconds)), NOW)
    assert shown.slowest_ms == 95.0


def test_the_books_tell_revenue_payout_margin_and_whether_all_sums_to_zero() -> None:
    micros = {
        "buyer/alpha": -1_500_000,
        "buyer/charlie": -9_000_000,
        "publisher/PUB-TWO": 8_373_000,
        "company/revenue": 10_500_000,
        "company/payout": -8_373_000,
    }
    books = books_of(Balance(Account(name), Money(amount, "USD")) for name, amount in micros.items())
    assert (books.revenue_micros, books.payout_micros, books.margin_micros) == (10_500_000, 8_373_000, 2_127_000)
    assert books.sum_micros == 0
    assert [one.account for one in books.parties] == ["buyer/charlie", "publisher/PUB-TWO", "buyer/alpha"]


def test_before_anything_is_booked_the_books_are_empty() -> None:
    assert books_of([]) == board().books
