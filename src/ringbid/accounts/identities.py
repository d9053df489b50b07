"""Whose a session or an API key is: asked by the web application with each request."""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.accounts.actor import Actor
from ringbid.accounts.keys import actor_of_key
from ringbid.accounts.ports import Accounts
from ringbid.accounts.sessions import OpenSession
from ringbid.accounts.tokens import KEY_PREFIX, hash_token


@dataclass(frozen=True, slots=True)
class StoredIdentities:
    """Over the store: what was ended or changed there counts from the next request on."""

    accounts: Accounts

    async def of_session(self, token: str) -> Actor | None:
        session = await self.accounts.find_session(hash_token(token))
        if session is None:
            return None
        if session.seen_long_ago:
            await self.accounts.note_seen(session.session_id)
        return actor_of_session(session)

    async def of_key(self, key: str) -> Actor | None:
        found = await self.accounts.find_key(hash_token(key)) if key.startswith(KEY_PREFIX) else None
        return actor_of_key(found) if found is not None else None


def actor_of_session(session: OpenSession) -> Actor:
    """The person, in the session's company."""
    grant = session.membership.grant
    return Actor(
        user_id=session.user.user_id,
        name=session.user.name,
        company_id=session.membership.company_id,
        role=grant.role,
        publisher_id=grant.publisher_id,
        buyer_id=grant.buyer_id,
        tags=grant.tags,
        session_id=session.session_id,
        company_ids=session.company_ids,
    )
