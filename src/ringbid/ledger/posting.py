"""Postings: decisions about money, each with entries that sum to zero. None can be made that does not.

One posting is one side of one call: what the buyer owes (revenue), or what the publisher is paid (payout). `correcting`
makes the postings that change or take back earlier ones; `store.ledger` keeps them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ringbid.ledger.entry import COMPANY_ACCOUNTS, PARTIES, Account, Entry, Side, owner_of
from ringbid.values.ids import CallId, CompanyId, RuleId
from ringbid.values.money import Money

Kind = Literal["conversion", "adjustment", "void"]

RINGBID = "ringbid"  # the author of what no person decided

_CREDITS: dict[Side, int] = {"revenue": 1, "payout": -1}  # the sign of an amount on the company's account


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One decision about one side of a call. `posting_key` names its cause: the store takes each key once.

    Making one that does not balance, has a float in it, or two currencies, or a wrong account, raises: that is a bug.
    An entry of 0 is allowed: that a call converted for nothing is a decision too, and one that can be adjusted.
    """

    posting_key: str
    company_id: CompanyId
    call_id: CallId
    kind: Kind
    side: Side
    rule_id: RuleId | None = None
    rule_version: str | None = None
    currency: str
    author: str
    note: str = ""
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not (self.posting_key and self.company_id and self.call_id and self.author):
            raise ValueError("a posting needs its key, its company, its call and its author")
        accounts = [entry.account for entry in self.entries]
        if len(set(accounts)) != len(accounts):
            raise ValueError(f"{self.posting_key}: an account stands twice")
        own = COMPANY_ACCOUNTS[self.side]
        parties = [account for account in accounts if account != own]
        if own not in accounts or not parties or any(owner_of(one) != PARTIES[self.side] for one in parties):
            raise ValueError(f"{self.posting_key}: {self.side} is between {own} and a {PARTIES[self.side]}")
        if any(entry.amount.currency != self.currency for entry in self.entries):
            raise ValueError(f"{self.posting_key}: every entry must be in {self.currency}")
        total_micros = sum(entry.amount.micros for entry in self.entries)
        if total_micros:
            raise ValueError(f"{self.posting_key}: the entries sum to {total_micros} micros, not to 0")

    @property
    def shares(self) -> dict[Account, int]:
        """What it adds to each buyer's revenue, or to each publisher's payout, in micros. Corrections may take away."""
        sign, own = _CREDITS[self.side], COMPANY_ACCOUNTS[self.side]
        return {entry.account: -sign * entry.amount.micros for entry in self.entries if entry.account != own}


def book_conversion(
    *,
    company_id: CompanyId,
    call_id: CallId,
    attempt: int,
    side: Side,
    account: Account,
    amount: Money,
    rule_id: RuleId | None,
    rule_version: str | None,
    author: str = RINGBID,
    note: str = "",
) -> Posting:
    """The posting of one side's conversion: `account` is the buyer's or the publisher's, `amount` is 0 or more.

    Its key is of the call, the attempt and the side: however often the decision is made, it is booked once.
    """
    if amount.micros < 0:
        raise ValueError(f"a conversion brings 0 or more, not {amount}")
    return Posting(
        posting_key=conversion_key(call_id, attempt, side),
        company_id=company_id,
        call_id=call_id,
        kind="conversion",
        side=side,
        rule_id=rule_id,
        rule_version=rule_version,
        currency=amount.currency,
        author=author,
        note=note,
        entries=make_entries(side, {account: amount.micros}, amount.currency),
    )


def conversion_key(call_id: CallId, attempt: int, side: Side) -> str:
    return f"conversion:{call_id}:{attempt}:{side}"


def make_entries(side: Side, shares: Mapping[Account, int], currency: str) -> tuple[Entry, ...]:
    """The entries that add these micros to the revenue of buyers, or to the payout of publishers; by account."""
    sign = _CREDITS[side]
    changes = {account: -sign * micros for account, micros in shares.items()}
    changes[COMPANY_ACCOUNTS[side]] = sign * sum(shares.values())
    return tuple(Entry(account, Money(micros, currency)) for account, micros in sorted(changes.items()))


def sum_entries(postings: Iterable[Posting]) -> dict[tuple[CompanyId, Account, str], int]:
    """What `postings` add to each balance, in micros: by company, account and currency."""
    sums: dict[tuple[CompanyId, Account, str], int] = {}
    for posting in postings:
        for entry in posting.entries:
            key = (posting.company_id, entry.account, posting.currency)
            sums[key] = sums.get(key, 0) + entry.amount.micros
    return sums
