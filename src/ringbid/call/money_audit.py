"""What the audit log says of money that a person converted, adjusted or voided. Pure.

Conversions by the rules are no change that somebody made: the ledger alone tells of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbid.accounts.audit import AuditEntry
from ringbid.ledger.correcting import Standing, standing_of
from ringbid.ledger.posting import Posting
from ringbid.values.author import Author
from ringbid.values.money import Money


def money_change(author: Author, booked: Sequence[Posting], made: Posting) -> AuditEntry:
    """`author` decided `made`, when `booked` was all that was booked for its call. From what stood on its side, to what
    stands, with the reason that was given."""
    before = _describe(standing_of(booked, made.side))
    after = _describe(standing_of((*booked, made), made.side))
    return AuditEntry(
        company_id=made.company_id,
        author=author,
        path=f"calls[{made.call_id}].{made.side}",
        before=before,
        after=f"{after or 'nothing'}: {made.note}",
    )


def _describe(standing: Standing) -> str | None:
    """`buyer/alpha 1.5 USD, buyer/bravo 3 USD`; None where nothing is booked, or all was taken back."""
    shares = sorted(standing.shares.items())
    return ", ".join(f"{account} {Money(micros, standing.currency)}" for account, micros in shares) or None
