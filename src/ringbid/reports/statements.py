"""Balances and statements in words: who owes whom, what each line of an account is, and what a period came to.

Takes what `ledger.ports.LedgerReads` returns; the terminal draws it. Days are those of the company's time zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ringbid.ledger.entry import OWNERS, Account, Owner, name_of, owner_of
from ringbid.ledger.ports import Balance, Line
from ringbid.reservations.limits import window_start
from ringbid.values.money import Money, format_price


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A balance, and what it means: `alpha owes 12.50 USD`."""

    account: Account
    owner: Owner
    amount: Money
    meaning: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a statement: `what` it is in a few words, and `why` where a person decided it."""

    at: datetime  # in the company's time zone
    what: str
    why: str
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the lines of a period came to."""

    conversions: int
    voids: int
    converted: Money
    adjusted: Money
    voided: Money

    @property
    def sum(self) -> Money:
        micros = self.converted.micros + self.adjusted.micros + self.voided.micros
        return Money(micros, self.converted.currency)


def balance_rows(balances: Iterable[Balance]) -> list[BalanceRow]:
    """Buyers first, then publishers, then the company itself."""
    rows = [
        BalanceRow(one.account, owner_of(one.account), one.amount, meaning_of(one.account, one.amount))
        for one in balances
    ]
    return sorted(rows, key=lambda row: (OWNERS.index(row.owner), row.account, row.amount.currency))


def meaning_of(account: Account, balance: Money) -> str:
    """Who owes whom, in a few words."""
    owner, name = owner_of(account), name_of(account)
    if owner == "company":
        sign, what = (1, "revenue") if name == "revenue" else (-1, "payout")
        return f"{what} of {say(Money(sign * balance.micros, balance.currency))}"
    if not balance.micros:
        return f"{name} is even"
    verb = "owes" if balance.micros < 0 else "is owed"
    return f"{name} {verb} {say(Money(abs(balance.micros), balance.currency))}"


def margins(balances: Iterable[Balance]) -> list[Money]:
    """What is left of the revenue after the payout, in each currency."""
    micros: dict[str, int] = {}
    for balance in balances:
        if owner_of(balance.account) == "company":
            micros[balance.amount.currency] = micros.get(balance.amount.currency, 0) + balance.amount.micros
    return [Money(micros[currency], currency) for currency in sorted(micros)]


def line_row(line: Line, zone: ZoneInfo) -> LineRow:
    by_hand = line.kind != "conversion" or line.rule_id is None
    what = line.kind if line.rule_id is None or line.kind != "conversion" else f"conversion by {line.rule_id}"
    return LineRow(line.at.astimezone(zone), what, f"{line.author}: {line.note}" if by_hand else line.note, line)


def totals_of(lines: Iterable[Line], currency: str) -> Totals:
    """What `lines` came to, of each kind."""
    micros = {"conversion": 0, "adjustment": 0, "void": 0}
    counts = dict.fromkeys(micros, 0)
    for line in lines:
        micros[line.kind] += line.amount.micros
        counts[line.kind] += 1
    return Totals(
        conversions=counts["conversion"],
        voids=counts["void"],
        converted=Money(micros["conversion"], currency),
        adjusted=Money(micros["adjustment"], currency),
        voided=Money(micros["void"], currency),
    )


def period_of(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """The moments between which these local days lie, both of them included."""
    return _start_of(first, zone), _start_of(last + timedelta(days=1), zone)


def month_to(last: date) -> date:
    """The first day of its month."""
    return last.replace(day=1)


def say(money: Money) -> str:
    return f"{format_price(money.micros)} {money.currency}"


def _start_of(day: date, zone: str) -> datetime:
    """Its first instant. Noon is in every day, whatever the clocks do."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return window_start("daily", noon, zone)
