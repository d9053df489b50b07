"""API keys: programs that act for a company, within their scopes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ringbid.accounts.actor import Actor, Role
from ringbid.values.ids import CompanyId

OVERLAP_HOURS = (0, 1, 24, 168)  # how long a rotated key may go on
LIFETIME_DAYS = (30, 90, 365)


class Scope(Enum):
    """What a key may do. Each value is what the API and the pages call it."""

    READ = "read"
    WRITE = "write"
    PINGS = "pings"
    LEDGER = "ledger"

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Scope.READ: "see campaigns, buyers, publishers, numbers, calls and reports",
    Scope.WRITE: "change campaigns, buyers, publishers and numbers",
    Scope.PINGS: "see pings and reservations, with callers' numbers",
    Scope.LEDGER: "see and correct what calls have earned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be made."""

    key_hash: str
    key_id: str
    company_id: CompanyId
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_by: str
    lifetime: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is listed, without its secret. `used_at` is exact to the minute."""

    key_id: str
    company_id: CompanyId
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    replaced_by: str | None
    used_at: datetime | None

    def expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at


def read_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these names; what is none is left out."""
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[name] for name in names if name in known)


def actor_of_key(key: ApiKey) -> Actor:
    """The program that has this key."""
    return Actor(
        user_id=key.key_id,
        name=f"API key {key.name}",
        company_id=key.company_id,
        role=Role.MANAGER,  # never more: people, keys and the company are not for programs
        via="key",
        scopes=frozenset(scope.value for scope in key.scopes),
    )
