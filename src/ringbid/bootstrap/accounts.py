"""Accounts from the terminal: the link that claims an installation or signs in, and an owner made without a browser.

Through the server that owns the SQLite store, where one runs, else on the store itself. No password passes here, only
what is stored of it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ringbid.accounts.audit import Author
from ringbid.accounts.claiming import LINK_GOOD_FOR
from ringbid.accounts.companies import NewCompany
from ringbid.accounts.people import NewUser, User
from ringbid.accounts.ports import Accounts
from ringbid.accounts.tokens import new_id, new_token
from ringbid.bootstrap.orders import opened, through_server
from ringbid.edge.control import Handler
from ringbid.settings import Settings
from ringbid.values.ids import CompanyId

MAKE_LINK, MAKE_OWNER = "make link", "make owner"

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """`path` is None where no link was made: nobody is meant, or several might be. `email` None: it claims the
    installation. `owners` are the addresses that a link can be made for. `url`: the running server's address."""

    path: str | None
    email: str | None
    owners: tuple[str, ...]
    url: str | None = None


async def make_link(settings: Settings, *, email: str | None) -> MadeLink:
    """A new one-time link: to claim an installation without users, else for the owner with this address (needed where
    there are several)."""
    answer = await _ask(settings, {"do": MAKE_LINK, "email": email})
    return MadeLink(**{**answer, "owners": tuple(answer["owners"])})


async def make_owner(
    settings: Settings,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    company: NewCompany | None = None,
    author: str,
) -> bool:
    """Make an owner of all companies, and of `company`, which is made where there is none; False where the address has
    an account."""
    made = {"company_id": company.company_id, "name": company.name, "document": company.document} if company else None
    who = {"email": email, "name": name, "password_hash": password_hash, "company": made, "author": author}
    return bool((await _ask(settings, {"do": MAKE_OWNER, **who}))["made"])


def account_handlers(accounts: Accounts, address: Callable[[], str | None]) -> dict[str, Handler]:
    """What a server does for these; `address` is where it listens."""

    async def handle_link(message: Message) -> Message:
        return {**await _make_link(accounts, message), "url": address()}

    async def handle_owner(message: Message) -> Message:
        return await _make_owner(accounts, message)

    return {MAKE_LINK: handle_link, MAKE_OWNER: handle_owner}


async def welcome(accounts: Accounts) -> str | None:
    """When a server starts: whoever claimed the installation owns what the terminal made meanwhile. The path of a claim
    link where nobody has claimed it yet."""
    if await accounts.any_user():
        await accounts.adopt_companies()
        return None
    return await _new_path(accounts, None)


async def _make_link(accounts: Accounts, message: Message) -> Message:
    owners = await accounts.owners()
    user: User | None = None
    if message["email"] is not None:
        user = await accounts.user_of_email(message["email"])
    elif len(owners) == 1:
        user = owners[0]
    nobody_yet = message["email"] is None and not await accounts.any_user()
    path = await _new_path(accounts, user) if user is not None or nobody_yet else None
    return {"path": path, "email": user.email if user is not None else None, "owners": [one.email for one in owners]}


async def _new_path(accounts: Accounts, user: User | None) -> str:
    token = new_token(os.urandom)
    user_id = user.user_id if user is not None else None
    await accounts.make_link(token.hash, user_id=user_id, lifetime=LINK_GOOD_FOR)
    return f"/claim/{token.text}"


async def _make_owner(accounts: Accounts, message: Message) -> Message:
    company = message["company"]
    owner = NewUser(
        user_id=new_id("u", os.urandom),
        email=message["email"],
        name=message["name"],
        password_hash=message["password_hash"],
        operator=True,
    )
    made = await accounts.make_owner(
        owner,
        NewCompany(CompanyId(company["company_id"]), company["name"], company["document"]) if company else None,
        author=Author(name=message["author"]),
    )
    return {"made": made}


async def _ask(settings: Settings, message: Message) -> Message:
    answer = await through_server(settings, message)
    if answer is not None:
        return answer
    async with opened(settings) as store:
        return await _ORDERS[message["do"]](store.accounts, message)


_ORDERS: dict[str, Callable[[Accounts, Message], Awaitable[Message]]] = {
    MAKE_LINK: _make_link,
    MAKE_OWNER: _make_owner,
}
