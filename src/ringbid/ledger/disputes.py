"""A buyer's word against a call: opened once, seen by the company's people with the call, and closed with an answer.

A dispute moves no money. Who finds it right adjusts or voids the call (`ledger.correcting`) and closes it.
`store.disputes` keeps the promises of `Disputes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.values.author import Author
from ringbid.values.ids import BuyerId, CallId, CompanyId

LONGEST_TEXT = 1000
MOST_LISTED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """`reason` is the buyer's; `closed_at`, `closed_by` and `answer` are None while it is open."""

    company_id: CompanyId
    call_id: CallId
    buyer_id: BuyerId
    reason: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None
    answer: str | None

    @property
    def open(self) -> bool:
        return self.closed_at is None


def read_text(text: str) -> str | None:
    """A reason or an answer, in one paragraph; None where it is empty or longer than LONGEST_TEXT characters."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if 0 < len(plain) <= LONGEST_TEXT else None


class Disputes(Protocol):
    """Writes write their audit entry with them. Raises StoreOverloaded and StoreUnavailable."""

    async def open_dispute(
        self, company_id: CompanyId, call_id: CallId, *, buyer_id: BuyerId, reason: str, author: Author
    ) -> bool:
        """False where the call was disputed before: a call is disputed once."""
        ...

    async def close_dispute(self, company_id: CompanyId, call_id: CallId, *, answer: str, author: Author) -> bool:
        """False where there is no open dispute of this call."""
        ...

    async def find_dispute(self, company_id: CompanyId, call_id: CallId) -> Dispute | None: ...

    async def disputes(self, company_id: CompanyId, *, buyer_id: BuyerId | None = None) -> tuple[Dispute, ...]:
        """The company's, or those of one buyer: open ones first, then the newest first; MOST_LISTED at most."""
        ...
