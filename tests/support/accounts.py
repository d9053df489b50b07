"""People for tests, put into a store."""

from __future__ import annotations

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import Author
from ringbid.accounts.invitations import GOOD_FOR, Accepted, NewInvitation
from ringbid.accounts.people import Grant, NewUser
from ringbid.accounts.tokens import hash_token
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId

ACME = CompanyId("acme")
OWNER = Grant(role=Role.OWNER)
ANALYST = Grant(role=Role.ANALYST)
AUTHOR = Author(name="Olga Owner", user_id="u-olga", via="session")


def newcomer(name: str, *, password_hash: str | None = None) -> NewUser:
    return NewUser(user_id=f"u-{name}", email=f"{name}@acme.example", name=name.title(), password_hash=password_hash)


async def add_user(
    store: Store, name: str, grant: Grant, *, company_id: CompanyId = ACME, password_hash: str | None = None
) -> str:
    """Make a user who is `grant` in the company; the user's id."""
    token_hash = hash_token(f"{name} {company_id}")
    invited = NewInvitation(
        token_hash=token_hash, invitation_id=token_hash, company_id=company_id, email="x@acme.example", grant=grant
    )
    await store.accounts.invite(invited, lifetime=GOOD_FOR, author=AUTHOR)
    new = newcomer(name, password_hash=password_hash)
    assert await store.accounts.accept_as(token_hash, new) is Accepted.JOINED
    return new.user_id
