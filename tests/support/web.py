"""The web application in a test: its real handlers over given parts, and who asks given instead of signed in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from types import SimpleNamespace
from typing import Any

from litestar.testing import AsyncTestClient

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.tokens import form_token
from ringbid.bootstrap.web import HANDLERS
from ringbid.call.ports import StoredCall
from ringbid.catalog.snapshot import EMPTY
from ringbid.edge.web.app import build_web
from ringbid.edge.web.office import Office
from ringbid.values.clock import SystemClock
from ringbid.values.ids import BuyerId, CompanyId, PingId, PublisherId

OWNER = Actor(user_id="u-1", name="Olga Owner", company_id=CompanyId("acme"), role=Role.OWNER)
PUBLISHER = replace(OWNER, user_id="u-2", role=Role.PUBLISHER, publisher_id=PublisherId("4321ABCD"))
BUYER = replace(OWNER, user_id="u-3", role=Role.BUYER, buyer_id=BuyerId("alpha"))


@dataclass
class FixedIdentities:
    """Whoever sends the cookie or key of this name is that actor."""

    actors: dict[str, Actor] = field(default_factory=lambda: {"owner": OWNER, "publisher": PUBLISHER, "buyer": BUYER})

    async def of_session(self, token: str) -> Actor | None:
        return self.actors.get(token)

    async def of_key(self, key: str) -> Actor | None:
        actor = self.actors.get(key)
        return replace(actor, via="key") if actor is not None else None


class NotGiven:
    """A port that a test has no use for: whoever asks it anything fails."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, asked: str) -> Any:
        raise AssertionError(f"this test gives no {self.name}, and it is asked for {asked}")


class NoCalls:
    """No call came with any reservation."""

    async def calls_of_reservation(self, ping_id: PingId) -> Sequence[StoredCall]:
        return ()


def make_office(**ports: Any) -> Office:
    """An office with these ports; the others fail where they are asked."""
    empty = SimpleNamespace(snapshot=EMPTY)
    plain: dict[str, Any] = {
        "calls": NoCalls(),
        "catalogs": empty,
        "clock": SystemClock(),
        "identities": FixedIdentities(),
        "people": None,
        "random_bytes": os.urandom,
        "secure": False,
    }
    needed = [one.name for one in fields(Office) if one.name not in plain]
    return Office(**(plain | {name: NotGiven(name) for name in needed} | {"on_message": lambda: None} | ports))


def web_client(office: Office, *, session: str | None = "owner") -> AsyncTestClient[Any]:
    """A browser on the web application over `office`; `session` is its cookie, None: not signed in."""
    app = build_web(office, HANDLERS)
    cookies = {"ringbid": session} if session is not None else {}
    client = AsyncTestClient(app, cookies=cookies, raise_server_exceptions=False)
    client.follow_redirects = False
    client.headers["accept"] = "text/html"
    if session is not None:
        client.headers["x-csrf-token"] = form_token(session)  # what the hidden field of each form would say
    return client
