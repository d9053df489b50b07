"""Balances and statements in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringbid.ledger.entry import Account
from ringbid.ledger.ports import Balance, Line
from ringbid.reports import statements as report
from ringbid.values.ids import RuleId
from support.clocks import START
from support.money import CALL, usd

ZONE = "America/New_York"


def balance(account: str, amount: str) -> Balance:
    return Balance(Account(account), usd(amount))


def line(kind: str, amount: str, *, rule: str | None = "auto/alpha", note: str = "") -> Line:
    return Line(
        at=START,
        kind=kind,  # type: ignore[arg-type]  -- a test may be loose with types
        side="revenue",
        call_id=CALL,
        rule_id=None if rule is None else RuleId(rule),
        rule_version="1",
        author="anna" if note else "ringbid",
        note=note,
        amount=usd(amount),
        balance=usd("0"),
    )


@pytest.mark.parametrize(
    ("account", "amount", "meaning"),
    [
        ("buyer/alpha", "-12.5", "alpha owes 12.50 USD"),
        ("buyer/alpha", "0", "alpha is even"),
        ("buyer/alpha", "1", "alpha is owed 1.00 USD"),
        ("publisher/4321ABCD", "1.173", "4321ABCD is owed 1.173 USD"),
        ("publisher/4321ABCD", "-3", "4321ABCD owes 3.00 USD"),
        ("company/revenue", "12.5", "revenue of 12.50 USD"),
        ("company/payout", "-1.173", "payout of 1.173 USD"),
    ],
)
def test_a_balance_says_who_owes_whom(account: str, amount: str, meaning: str) -> None:
    assert report.meaning_of(Account(account), usd(amount)) == meaning


def test_buyers_come_before_publishers_and_the_company_comes_last() -> None:
    found = [
        balance(account, "0") for account in ("company/payout", "publisher/P", "buyer/b", "publisher/O", "buyer/a")
    ]
    rows = report.balance_rows(found)
    assert [row.account for row in rows] == ["buyer/a", "buyer/b", "publisher/O", "publisher/P", "company/payout"]


def test_the_margin_is_the_revenue_less_the_payout() -> None:
    found = [balance("company/revenue", "12.5"), balance("company/payout", "-10"), balance("buyer/alpha", "-12.5")]
    assert report.margins(found) == [usd("2.5")]


def test_a_line_says_which_rule_converted_or_who_decided_it_and_why() -> None:
    lines = [
        line("conversion", "1"),
        line("conversion", "1", rule=None, note="agreed"),
        line("adjustment", "1", note="a discount"),
    ]
    rows = [report.line_row(one, ZoneInfo(ZONE)) for one in lines]
    assert [(row.what, row.why) for row in rows] == [
        ("conversion by auto/alpha", ""),
        ("conversion", "anna: agreed"),
        ("adjustment", "anna: a discount"),
    ]
    assert rows[0].at.isoformat() == "2026-03-04T10:00:00-05:00"


def test_a_period_comes_to_what_converted_was_adjusted_and_was_voided() -> None:
    lines = [line("conversion", "-2"), line("conversion", "-3"), line("adjustment", "0.5"), line("void", "2")]
    totals = report.totals_of(lines, "USD")
    assert (totals.conversions, totals.voids) == (2, 1)
    assert (totals.converted, totals.adjusted, totals.voided) == (usd("-5"), usd("0.5"), usd("2"))
    assert totals.sum == usd("-2.5")


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        (date(2026, 3, 4), date(2026, 3, 4), 24),
        (date(2026, 3, 8), date(2026, 3, 8), 23),
        (date(2026, 11, 1), date(2026, 11, 1), 25),
        (date(2026, 12, 31), date(2027, 1, 1), 48),
    ],
)
def test_a_period_is_whole_days_of_the_company(first: date, last: date, hours: int) -> None:
    start, end = report.period_of(first, last, ZONE)
    assert end - start == timedelta(hours=hours)
    assert start.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None) == datetime(first.year, first.month, first.day)  # noqa: DTZ001 -- the local wall clock
    assert start.tzinfo is UTC


def test_a_month_begins_on_its_first_day() -> None:
    assert report.month_to(date(2026, 3, 31)) == date(2026, 3, 1)
