"""The web application over a whole server's own parts, with two companies in its store that have the same kinds of
things: a publisher's ping, its reservation and call, what was booked, and their catalogs.

Who asks is given instead of signed in. Used by the authorisation matrix and by the tests of portals.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import string
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from litestar import Litestar

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.audit import Author
from ringbid.accounts.invitations import GOOD_FOR, Accepted, NewInvitation
from ringbid.accounts.keys import NewKey, Scope
from ringbid.accounts.people import Grant, NewUser
from ringbid.accounts.ports import Accounts
from ringbid.accounts.posting_links import PostingLink
from ringbid.accounts.tokens import hash_token
from ringbid.bootstrap.server import _parts
from ringbid.edge import tasks
from ringbid.edge.web.late import LateApp
from ringbid.edge.web.office import Office
from ringbid.reports.listing import ListQuery
from ringbid.settings import Settings
from ringbid.values.clock import SystemClock
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, PublisherId
from support.asgi import Response
from support.asgi import call as http_call
from support.call_world import CallWorld, call_world, dials
from support.clocks import JumpingClock
from support.scenario import ACME, KEY
from support.stores import StorePlace
from support.web import FixedIdentities

TOKEN = "token-in-an-address"
POSTING_TOKEN = "token-of-a-posting-link"
# What the other company calls its own things: as long as ours, and none of them the same.
_RIVAL = {
    "acme": "riva",
    "Acme": "Riva",
    "alpha": "zulus",
    "Alpha": "Zulus",
    "bravo": "yanky",
    "Bravo": "Yanky",
    "charlie": "xraying",
    "Charlie": "Xraying",
    "delta": "whisk",
    "Delta": "Whisk",
    "overflow": "backdesk",
    "auto-insurance": "home-sola-roof",
    "4321ABCD": "8765WXYZ",
    "PUB-TWO": "SIX-SIX",
    KEY: "2026371f-eb1d-4554-b46c-9ac0ea954f53",
    "+18444021146": "+18444021199",
    "+18885551234": "+18885551299",
}


@dataclass(frozen=True, slots=True)
class Belongings:
    """What one company has, by what routes call it."""

    company_id: str
    campaign: str
    buyer: str
    publisher: str
    number: str
    ping: str
    call: str
    message: str = "no-message"
    group: str = ""
    rule: str = ""
    webhook: str = ""
    event_webhook: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """`ours` and `theirs`: what the two companies have."""

    office: Office
    web: Litestar
    identities: FixedIdentities
    ours: Belongings
    theirs: Belongings


@asynccontextmanager
async def open_whole(folder: Path, *, disputed: bool = False) -> AsyncIterator[Whole]:
    """Everything a server is made of, with both companies' things in its store; their calls are `disputed`, or not."""
    place = StorePlace("sqlite", Settings(data=folder), JumpingClock())
    ours = await fill_company(place, disputed=disputed)
    theirs = await fill_company(place, disputed=disputed, renamed=_RIVAL)
    identities = FixedIdentities(actors_of(ours))
    async with open_pages(folder, identities) as web:
        for things in (ours, theirs):
            await _seat(web.state.office.people.accounts, things)
        await print_links(web.state.office, ours)
        yield Whole(web.state.office, web, identities, ours, theirs)


async def seat_people(office: Office, things: Belongings) -> None:
    """Give the company its people, its API key, and what has TOKEN and POSTING_TOKEN in its address."""
    assert office.people is not None
    await _seat(office.people.accounts, things)
    await print_links(office, things)


async def _make_posting_link(office: Office, things: Belongings) -> None:
    """The link with POSTING_TOKEN in its address."""
    assert office.posting_links is not None
    link = PostingLink(
        link_id="p_1",
        company_id=CompanyId(things.company_id),
        campaign_id=CampaignId(things.campaign),
        key_name="Default",
        publisher_id=PublisherId(things.publisher),
        made_by="root",
        created_at=office.clock.now(),
    )
    await office.posting_links.make(link, token_hash=hash_token(POSTING_TOKEN), author=Author(name="root"))


@asynccontextmanager
async def open_pages(folder: Path, identities: FixedIdentities) -> AsyncIterator[Litestar]:
    """The web application of a server on the store in `folder`."""
    async with _parts(Settings(data=folder), SystemClock(), identities=identities) as (app, _, warm_up, _):
        await warm_up()
        pages = app._pages
        assert isinstance(pages, LateApp)
        web = pages._app
        assert isinstance(web, Litestar)
        yield web


async def _seat(accounts: Accounts, things: Belongings) -> None:
    """Make the company's people, an API key of it, and an invitation that its analyst made out to somebody."""
    company, author = CompanyId(things.company_id), Author(name="root")
    for actor in actors_of(things).values():
        grant = Grant(role=actor.role, publisher_id=actor.publisher_id, buyer_id=actor.buyer_id)
        await accounts.invite(_invitation(company, actor.user_id, grant), lifetime=GOOD_FOR, author=author)
        email = f"{actor.user_id}@{company}.example"
        user = NewUser(user_id=actor.user_id, email=email, name=actor.name, password_hash=None)
        assert await accounts.accept_as(hash_token(actor.user_id), user) is Accepted.JOINED
    analyst = Grant(role=Role.ANALYST)
    await accounts.invite(_invitation(company, f"invitation-{company}", analyst), lifetime=GOOD_FOR, author=author)
    key = NewKey(
        key_hash=f"key of {company}",
        key_id=f"key-{company}",
        company_id=company,
        name="CRM",
        hint="wxyz",
        scopes=frozenset(Scope),
        created_by="root",
        lifetime=None,
    )
    await accounts.make_key(key, author=author)


async def print_links(office: Office, things: Belongings) -> None:
    """What has TOKEN in its address: an invitation, and a link of the terminal; and a link to a posting page."""
    await _make_posting_link(office, things)
    assert office.people is not None
    accounts, company = office.people.accounts, CompanyId(things.company_id)
    invitation = _invitation(company, TOKEN, Grant(role=Role.ANALYST))
    await accounts.invite(invitation, lifetime=GOOD_FOR, author=Author(name="root"))
    await accounts.make_link(hash_token(TOKEN), user_id=f"owner-of-{company}", lifetime=GOOD_FOR)


def _invitation(company: CompanyId, token: str, grant: Grant) -> NewInvitation:
    return NewInvitation(
        token_hash=hash_token(token), invitation_id=token, company_id=company, email="x@x.example", grant=grant
    )


def actors_of(things: Belongings) -> dict[str, Actor]:
    """One person for each role of the company, by the role's word."""
    company = CompanyId(things.company_id)
    return {
        role.value: Actor(
            user_id=f"{role.value}-of-{company}",
            name=f"{role.value.title()} of {company}",
            company_id=company,
            role=role,
            publisher_id=PublisherId(things.publisher) if role is Role.PUBLISHER else None,
            buyer_id=BuyerId(things.buyer) if role is Role.BUYER else None,
        )
        for role in Role
    }


async def fill_company(
    place: StorePlace,
    *,
    disputed: bool,
    renamed: Mapping[str, str] | None = None,
) -> Belongings:
    """A company's catalog (the acme example, with other names where they are `renamed`), one ping that was reserved,
    its call, which converted, and one that was refused."""
    renamed = renamed or {}

    def name(text: str) -> str:
        for old, new in renamed.items():
            text = text.replace(old, new)
        return text

    tree = acme_tree(name)
    async with call_world(place, real_time=True, first_number=1 + 1000 * len(renamed), catalog=tree) as world:
        company = name("acme")
        world.outbound.answers = {name("charlie bid"): {"json": {"accepted": False}}}
        sent = {"key": name(KEY), "publisher": name("4321ABCD"), "caller": "+12135550123"}
        reply = await _ping(world, **sent)
        assert reply["status"] == "reserved", reply
        await _ping(world, **{**sent, "caller": "+13125550124"})
        call = f"call-of-{company}"
        (dial, *_) = dials(await world.arrive(call, caller="+12135550123", dialled=name("+18444021146")))
        await world.tell("answered", call, attempt=dial)
        await world.tell("ended", call)
        await world.tell("record", call, attempt=dial, seconds=120.0, ended_by="caller")
        stored = await world.stored(call)
        if disputed:
            await world.store.disputes.open_dispute(
                CompanyId(company),
                stored.call_id,
                buyer_id=BuyerId(name("alpha")),
                reason="wrong state",
                author=Author(name="test"),
            )
        messages = await world.store.listings.deliveries(CompanyId(company), ListQuery(filters={}))
    return Belongings(
        company_id=company,
        campaign=name("auto-insurance"),
        buyer=name("alpha"),
        publisher=name("4321ABCD"),
        number=name("+18444021146"),
        ping=reply["uuid"],
        call=stored.call_id,
        message=messages.rows[0].message_id,
        group=name("overflow"),
        rule=name("charlie pays what it bids"),
        webhook=name("charlie bid"),
        event_webhook=name("crm-of-acme"),
    )


def acme_tree(name: Callable[[str], str] = str) -> Any:
    """The acme example as a document, as `name` changes its text, with a key that reads calls."""
    tree = yaml.safe_load(re.sub(r"(?m)^(\s+)on:", r'\1"on":', name(ACME)))
    reader = {"name": "Reader", "key": f"access-key-of-{tree['company']['id']}-0123456789", "allows": "convert"}
    tree["campaigns"][0]["access_keys"] = [reader]
    tree["event_webhooks"] = [{"id": name("crm-of-acme"), "url": "http://127.0.0.1:9/events"}]
    return tree


async def _ping(world: CallWorld, *, key: str, publisher: str, caller: str) -> Any:
    query = {"key": key, "publisher_id": publisher, "caller_number": caller}
    return (await http_call(world.app, "POST", "/rtbs.json", query=query)).json


def like(text: str, rng: random.Random) -> str:
    """Another text of the same look, which is nobody's: letters for letters, digits for digits."""

    def other(char: str) -> str:
        if char.isdigit():
            return rng.choice(string.digits)
        if char.isalpha():
            return rng.choice(string.ascii_lowercase if char.islower() else string.ascii_uppercase)
        return char

    with contextlib.suppress(ValueError):
        version = uuid.UUID(text).version
        return str(uuid.UUID(int=rng.getrandbits(128), version=version))
    return "".join(other(char) for char in text)


async def visit(web: Litestar, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
    """One request as a server would hand it over. Of an answer that has no end (server-sent events), its beginning."""
    path, _, query = path.partition("?")
    sent = {"host": "ringbid.test", **({"content-length": str(len(body))} if body else {}), **headers}
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": ("192.0.2.1", 40000),
        "server": ("ringbid.test", 80),
        "state": {},
    }
    messages: list[Any] = []
    gone, endless = asyncio.Event(), asyncio.Event()
    received = False

    async def receive() -> Any:
        nonlocal received
        if received:
            await gone.wait()
            return {"type": "http.disconnect"}
        received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)
        if message["type"] == "http.response.start" and "event-stream" in str(message["headers"]):
            endless.set()
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            gone.set()

    running = tasks.start_awaited(web(scope, receive, send))
    waiting = tasks.start_awaited(endless.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    gone.set()
    for task in (running, waiting):
        if not task.done():
            task.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    if not running.cancelled():
        running.result()
    start = messages[0]
    return Response(
        status=start["status"],
        headers={name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in messages[1:]),
    )


def says(text: str, word: str) -> bool:
    """Whether a page or file has the word; an amount by itself only: the time 18:46:11.503 does not say 1.50."""
    return re.search(rf"(?<!\d){re.escape(word)}", text) is not None
