"""Who does something: a person that signed in, or an API key. All that shows or changes anything is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ringbid.values.ids import BuyerId, CompanyId, PublisherId


class Role(Enum):
    """What somebody is in a company."""

    OWNER = "owner"
    MANAGER = "manager"
    ANALYST = "analyst"
    PUBLISHER = "publisher"
    BUYER = "buyer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`name` is what the audit log says. `publisher_id` and `buyer_id` are set for those roles alone: they see nothing
    of others. `tags` are the tags that a publisher's user may see. `scopes` are an API key's; a person has none, and
    may do all that its role may. `session_id` and `company_ids` are a person's: what to call this session, and the
    companies that it may switch to, this one among them."""

    user_id: str
    name: str
    company_id: CompanyId
    role: Role
    via: Literal["session", "key"] = "session"
    publisher_id: PublisherId | None = None
    buyer_id: BuyerId | None = None
    tags: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    session_id: str | None = None
    company_ids: tuple[CompanyId, ...] = ()
