"""Links to posting instructions: what a publisher needs to ping with one key, on a page without sign-in.

The store knows a link by the hash of its token, like any other link. An RTB key is known as a hash alone, so the page
can show the key only where the link was made when the key was: then the key is sealed with the link's own token, and
neither the store nor a copy of it can open it. Whoever has the link has the key, which is what the link is for.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from ringbid.values.author import Author
from ringbid.values.ids import CampaignId, CompanyId, PublisherId

_PURPOSE = b"ringbid posting key\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingLink:
    """`sealed_key` is None where the page shows YOUR_KEY. `expires_at` None: it holds until it is revoked.
    `first_ping_at`: when the publisher was first seen pinging this campaign after the link was made."""

    link_id: str
    company_id: CompanyId
    campaign_id: CampaignId
    key_name: str
    publisher_id: PublisherId
    made_by: str
    created_at: datetime
    expires_at: datetime | None = None
    sealed_key: bytes | None = None
    first_ping_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How many posting links a company has ever made, and when one of their publishers was first seen pinging."""

    links: int = 0
    first_ping_at: datetime | None = None


class PostingLinks(Protocol):
    """The links of one installation. Raises StoreOverloaded and StoreUnavailable."""

    async def make(self, link: PostingLink, *, token_hash: str, author: Author) -> None:
        """Keep a new link; `created_at` is the caller's."""
        ...

    async def find(self, token_hash: str) -> PostingLink | None:
        """The link of this token; None where there is none, it has expired, or was revoked."""
        ...

    async def of_campaign(self, company_id: CompanyId, campaign_id: CampaignId) -> tuple[PostingLink, ...]:
        """The links that hold, the newest first."""
        ...

    async def progress(self, company_id: CompanyId) -> Progress:
        """How far the company has come with its links, those that are over among them."""
        ...

    async def revoke(self, company_id: CompanyId, link_id: str, *, author: Author) -> bool:
        """End a link; False where the company has none of this id."""
        ...

    async def look_for_ping(self, link: PostingLink) -> datetime | None:
        """When the publisher first pinged the campaign since the link was made, as far as anybody looked; None where
        it has not yet."""
        ...


def seal_key(secret: str, token: str) -> bytes:
    """The key, to be opened with the link's token alone."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 -- slow to load, and only for such a link

    return Fernet(_sealing_key(token)).encrypt(secret.encode())


def open_key(sealed: bytes, token: str) -> str | None:
    """What `seal_key` sealed; None with another token."""
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 -- as above

    try:
        return Fernet(_sealing_key(token)).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _sealing_key(token: str) -> bytes:
    """The token is 32 random bytes, so a hash of it is as good a key as any slower derivation."""
    return urlsafe_b64encode(sha256(_PURPOSE + token.encode()).digest())
