"""What the ledger needs of a store, and what it reads there. `store.ledger` keeps these promises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from ringbid.ledger.correcting import Corrected, Correction
from ringbid.ledger.entry import Account, Side
from ringbid.ledger.posting import Kind, Posting
from ringbid.values.ids import CallId, CompanyId, RuleId
from ringbid.values.money import Money
from ringbid.values.verdict import Refused

LARGEST_PAGE = 1000


class LedgerBroken(Exception):  # noqa: N818 -- a state of the ledger, named as what it is
    """What is in the store does not add up, so nothing more is booked. `ringbid ledger verify` says what is wrong."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What the entries of an account add up to: below zero it owes the company, above zero it is owed."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of an account, with its posting and the balance after it."""

    at: datetime
    kind: Kind
    side: Side
    call_id: CallId
    rule_id: RuleId | None
    rule_version: str | None
    author: str
    note: str
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An account from `start` (included) to `end` (not). `opening` and `closing` are the balances at the two, whichever
    page this is; `next_after` leads to the next page, and is None on the last one.
    """

    company_id: CompanyId
    account: Account
    start: datetime
    end: datetime
    opening: Money
    closing: Money
    lines: tuple[Line, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """Something in the store that cannot be. Only a `balance` can be mended: the entries are the truth."""

    kind: Literal["posting", "entry", "balance"]
    text: str


class LedgerReads(Protocol):
    """Reading changes nothing, and does not wait for writers."""

    async def postings_of(self, company_id: CompanyId, call_id: CallId) -> tuple[Posting, ...]:
        """Everything booked for a call, in the order in which it was booked."""
        ...

    async def balances(self, company_id: CompanyId) -> tuple[Balance, ...]:
        """Every account on which something was booked, by its name and currency."""
        ...

    async def statement(
        self,
        company_id: CompanyId,
        account: Account,
        *,
        currency: str,
        start: datetime,
        end: datetime,
        after: str | None = None,
        limit: int = LARGEST_PAGE,
    ) -> Statement | None:
        """A page of a statement; None where `after` is not the `next_after` of one."""
        ...

    async def verify(self) -> tuple[LedgerProblem, ...]:
        """Count everything again; the first problems of each kind. Takes seconds on a large ledger: for commands."""
        ...


class Ledger(LedgerReads, Protocol):
    """Every write is one transaction. Conversions are not booked here but in the transaction that decides them."""

    async def correct(self, correction: Correction) -> Corrected | Refused:
        """Adjust or void what is booked for a call; refused as `correcting.correct` says."""
        ...

    async def mend(self) -> int:
        """Make the balances what the entries add up to; how many were wrong."""
        ...
