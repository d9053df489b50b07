"""People, and what they are in which company."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ringbid.accounts.actor import Role
from ringbid.values.ids import BuyerId, CompanyId, PublisherId

MOST_LETTERS = 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can sign in; with `password_hash` None by a link alone. `totp_secret` counts once `totp_on`."""

    user_id: str
    email: str
    name: str
    password_hash: str | None = None
    totp_secret: str | None = None
    totp_on: bool = False
    totp_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be made. `operator`: owns every company that is made at the terminal."""

    user_id: str
    email: str
    name: str
    password_hash: str | None
    operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody is to be in a company. `tags`: those that a publisher's user may see."""

    role: Role
    publisher_id: PublisherId | None = None
    buyer_id: BuyerId | None = None
    tags: frozenset[str] = frozenset()

    def describe(self) -> str:
        """`publisher 4321ABCD, sees caller_zip`: as the audit log says it."""
        of = self.publisher_id or self.buyer_id
        text = f"{self.role.value} {of}" if of is not None else self.role.value
        return f"{text}, sees {', '.join(sorted(self.tags))}" if self.tags else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    user_id: str
    company_id: CompanyId
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a company, as its owners see it."""

    user_id: str
    email: str
    name: str
    grant: Grant
    since: datetime
    totp_on: bool
    seen_at: datetime | None


def read_email(text: str) -> str | None:
    """The address in lower case; None where it is none."""
    email = text.strip().lower()
    return email if len(email) <= MOST_LETTERS and _EMAIL.fullmatch(email) else None


def read_name(text: str) -> str | None:
    """The name in one line; None where it is none."""
    name = " ".join(text.split())
    return name if 0 < len(name) <= MOST_LETTERS and name.isprintable() else None


def read_grant(fields: Mapping[str, str]) -> Grant | str:
    """The grant that a form's `role`, `publisher_id`, `buyer_id` and `tags` ask for; else what is wrong with them."""
    try:
        role = Role(fields.get("role", ""))
    except ValueError:
        return "Choose a role."
    publisher_id, buyer_id = fields.get("publisher_id", "").strip(), fields.get("buyer_id", "").strip()
    if role is Role.PUBLISHER:
        if not publisher_id:
            return "Choose whose pings, calls and payouts this user sees: a publisher."
        tags = fields.get("tags", "").replace(",", " ").split()
        wrong = [tag for tag in tags if not _TAG.fullmatch(tag)]
        if wrong:
            return f"“{wrong[0][:70]}” is no name of a tag. Write names such as caller_zip, with commas between them."
        return Grant(role=role, publisher_id=PublisherId(publisher_id), tags=frozenset(tags))
    if role is Role.BUYER:
        return (
            Grant(role=role, buyer_id=BuyerId(buyer_id)) if buyer_id else "Choose whose calls this user sees: a buyer."
        )
    return Grant(role=role)
