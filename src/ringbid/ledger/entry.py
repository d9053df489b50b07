"""Accounts, and the entries that postings put on them.

An amount is a credit where it is positive: a buyer who owes has a balance below zero, a publisher to be paid has one
above. What buyers and publishers have together, the company has with the opposite sign, so that everything sums to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.money import Money

Account = NewType("Account", str)  # OWNER/NAME
Owner = Literal["buyer", "publisher", "company"]
Side = Literal["revenue", "payout"]

OWNERS: tuple[Owner, ...] = ("buyer", "publisher", "company")
COMPANY_ACCOUNTS: dict[Side, Account] = {"revenue": Account("company/revenue"), "payout": Account("company/payout")}
PARTIES: dict[Side, Owner] = {"revenue": "buyer", "payout": "publisher"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One unchangeable line of the ledger."""

    account: Account
    amount: Money


def buyer_account(buyer_id: BuyerId) -> Account:
    return Account(f"buyer/{buyer_id}")


def publisher_account(publisher_id: PublisherId) -> Account:
    return Account(f"publisher/{publisher_id}")


def parse_account(text: str) -> Account | None:
    """`text` as an account; None where it is none, whether anything was ever booked on it or not."""
    owner, _, name = text.partition("/")
    if owner == "company":
        return Account(text) if text in COMPANY_ACCOUNTS.values() else None
    return Account(text) if owner in OWNERS and name else None


def owner_of(account: Account) -> Owner:
    owner = account.partition("/")[0]
    return next(known for known in OWNERS if known == owner)


def name_of(account: Account) -> str:
    """The buyer's or publisher's id; of the company's accounts, the side."""
    return account.partition("/")[2]
