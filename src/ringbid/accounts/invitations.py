"""Invitations: a link that makes whoever opens it a member, once, in whatever session that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ringbid.accounts.people import Grant
from ringbid.values.ids import CompanyId

GOOD_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """`email` is for whom it is meant; the link lets in whoever has it."""

    token_hash: str
    invitation_id: str
    company_id: CompanyId
    email: str
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One that can be accepted now."""

    invitation_id: str
    company_id: CompanyId
    email: str
    grant: Grant
    invited_by: str
    created_at: datetime
    expires_at: datetime


class Accepted(Enum):
    """What became of accepting one."""

    JOINED = "joined"
    OVER = "over"  # accepted by somebody, withdrawn, or expired
    EMAIL_TAKEN = "email taken"  # there is an account of this address: whose it is accepts with it
    MEMBER_ALREADY = "member already"
