"""The audit log: every change that somebody made, kept with who, when, from and to. Never a secret.

`store.audit` writes entries in the transaction of the change that they tell of; pages and the API list them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.accounts.actor import Actor
from ringbid.values.author import Author, Via
from ringbid.values.ids import CompanyId

__all__ = ["Audit", "AuditEntry", "AuditedChange", "Author", "Via", "author_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change. `path` says of what, such as `buyers[alpha].caps.concurrency` or `users[olga@acme.example].role`;
    `before` None: it was made; `after` None: it was removed."""

    company_id: CompanyId
    author: Author
    path: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedChange:
    """An entry as it was kept. `number` grows with time."""

    number: int
    at: datetime
    entry: AuditEntry


class Audit(Protocol):
    """The log of one installation. Raises StoreOverloaded and StoreUnavailable."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries of changes that were made elsewhere than in the store. What the store itself changes is
        written with the change (`store.audit.write_audit`)."""
        ...

    async def listing(
        self,
        company_id: CompanyId,
        *,
        before: int | None = None,
        after: int | None = None,
        user_id: str | None = None,
        path: str | None = None,
        limit: int = 50,
    ) -> list[AuditedChange]:
        """The newest changes of a company; `before` the one with that number, by one user, or of paths that begin with
        `path`, where these are given. With `after` the oldest ones with a higher number, the oldest first."""
        ...


def author_of(actor: Actor) -> Author:
    """Whoever asks, as the author of a change."""
    return Author(name=actor.name, user_id=actor.user_id, via=actor.via)
