"""What lists are asked: parameters become filters, and what is wrong with them is told, all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringbid.reports.listing import Cursor, ListQuery, Problem, read_query, write_cursor
from ringbid.reports.listing_fields import CALLS, PINGS, PINGS_OF_PUBLISHER

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # ten in the morning in New York


def read(*parameters: tuple[str, str]) -> ListQuery:
    query = read_query(PINGS, parameters, now=NOW, zone=NEW_YORK)
    assert isinstance(query, ListQuery), query
    return query


def problems(*parameters: tuple[str, str]) -> list[Problem]:
    query = read_query(PINGS, parameters, now=NOW, zone=NEW_YORK)
    assert isinstance(query, list), query
    return query


def test_nothing_asked_is_the_newest_page_of_usual_size() -> None:
    assert read() == ListQuery(filters={})
    assert read(("campaign_id", ""), ("created", "")) == ListQuery(filters={})


def test_several_values_may_be_repeated_or_joined_under_either_spelling() -> None:
    query = read(("campaign_id[]", "a"), ("campaign_id", "b,c"), ("campaign_id", "a"))
    assert query.filters == {"campaign_id": ("a", "b", "c")}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("revenue_min", "12.5", 12_500_000),
        ("duplicate", "false", False),
        ("caller_state", "ca", ("CA",)),
        ("search", "(212) 555-0123", "+12125550123"),
        ("search", "019AB0C4-5F3E-7C41-9A52-0D6A1F6F8A01", "019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01"),
        ("status", "no-target", ("no-target",)),
        ("state", "live", ("live",)),
        ("reason", "reserved", ("reserved",)),
    ],
)
def test_values_are_read(name: str, text: str, value: object) -> None:
    assert read((name, text)).filters == {name: value}


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({"created": "last_15m"}, NOW - timedelta(minutes=15), None),
        ({"created": "last_7d", "created_to": "2026-03-01"}, NOW - timedelta(days=7), None),
        ({"created": "today"}, datetime(2026, 3, 4, 5, tzinfo=UTC), None),
        ({"created": "yesterday"}, datetime(2026, 3, 3, 5, tzinfo=UTC), datetime(2026, 3, 4, 5, tzinfo=UTC)),
        ({"created_from": "2026-03-01"}, datetime(2026, 3, 1, 5, tzinfo=UTC), None),
        ({"created_to": "2026-03-01"}, None, datetime(2026, 3, 2, 5, tzinfo=UTC)),
        ({"created_from": "2026-03-01T10:00"}, datetime(2026, 3, 1, 15, tzinfo=UTC), None),
        ({"created_to": "2026-03-01T10:00:00+01:00"}, None, datetime(2026, 3, 1, 9, tzinfo=UTC)),
    ],
    ids=str,
)
def test_periods_are_of_the_company_s_time_zone(
    given: dict[str, str], start: datetime | None, end: datetime | None
) -> None:
    query = read(*given.items())
    assert (query.start, query.end) == (start, end)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("colour", "red"),
        ("status", "expired"),
        ("state", "sold"),
        ("reason", "because"),
        ("duplicate", "maybe"),
        ("campaign_id", "a b"),
        ("campaign_id", "x" * 65),
        ("revenue_min", "-1"),
        ("revenue_min", "nan"),
        ("revenue_min", "1,5"),
        ("search", "Miller"),
        ("search", "\x00"),
        ("created", "last_0d"),
        ("created", "last_week"),
        ("created_from", "yesterday"),
        ("created_from", "0001-01-01"),
        ("created_to", "9999-12-31"),
        ("sort", "revenue"),
        ("size", "0"),
        ("size", "1001"),
        ("size", "٣"),
        ("cursor", "x"),
        ("cursor", "é"),
        ("cursor", "MTItMw"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_expected(name: str, text: str) -> None:
    [problem] = problems((name, text))
    assert problem.parameter == name
    assert "xpected" in problem.text or "It has" in problem.text


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems(("colour", "red"), ("size", "0"), ("state", "sold"))
    assert {problem.parameter for problem in told} == {"colour", "size", "state"}


def test_a_filter_of_one_value_may_be_given_once_and_others_not_without_end() -> None:
    assert "once" in problems(("search", "+12125550123"), ("search", "+12125550124"))[0].text
    assert "at most 50" in problems(("campaign_id", ",".join(f"c{number}" for number in range(51))))[0].text


def test_a_cursor_leads_on_in_its_own_list_and_order_only() -> None:
    text = write_cursor(PINGS, Cursor(1_772_636_400_000, 42), newest_first=True)
    assert read(("cursor", text)).after == Cursor(1_772_636_400_000, 42)
    assert [problem.parameter for problem in problems(("cursor", text), ("sort", "created"))] == ["cursor"]
    assert isinstance(read_query(CALLS, [("cursor", text)], now=NOW, zone=NEW_YORK), list)


def test_a_publisher_cannot_search_for_what_it_must_not_know() -> None:
    for name in ("buyer_id", "revenue_min", "revenue_max"):
        assert isinstance(read_query(PINGS_OF_PUBLISHER, [(name, "1")], now=NOW, zone=NEW_YORK), list)
