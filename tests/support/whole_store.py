"""The web application over a store that nothing but its pages uses: no worker beside it, so that what it asks can be
counted and timed. In the store: the acme example with many more things, a real ping and call, and as many rows as asked
for. Used by the test that counts queries and by `bench.pages`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.million import Names, fill
from bench.million_catalog import enlarge, ids_of
from litestar import Litestar

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import Author
from ringbid.accounts.invitations import GOOD_FOR, NewInvitation
from ringbid.accounts.people import Grant
from ringbid.accounts.tokens import hash_token
from ringbid.bootstrap import apply_to
from ringbid.bootstrap.server import build_ping_tools
from ringbid.bootstrap.web import open_web
from ringbid.edge.outbound.client import OutboundClient
from ringbid.edge.web.office import Office
from ringbid.ping.trying import Trials
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from ringbid.worker.snapshot import Catalogs
from support.scenario import yaml_of
from support.stores import StorePlace
from support.web import FixedIdentities
from support.whole_office import Belongings, acme_tree, actors_of, fill_company, seat_people


@asynccontextmanager
async def open_pages_over(place: StorePlace) -> AsyncIterator[tuple[Litestar, Store, Belongings]]:
    """The application, its store and what the company has."""
    ours = await fill_company(place, disputed=True)
    store = await open_store(place.settings, SystemClock())
    try:
        yield await _open_web(store, place.settings, ours), store, ours
    finally:
        await store.close()


async def grow(web: Litestar, store: Store, ours: Belongings, *, rows: int, things: int) -> None:
    """Add so many pings with what follows from them, and so many publishers, a third as many buyers, a tenth as many
    campaigns. Things are as many as they were asked for last."""
    office = web.state.office
    campaigns, publishers, buyers = max(1, things // 10), things, max(1, things // 3)
    tree = acme_tree()
    enlarge(tree, campaigns=campaigns, publishers=publishers, buyers=buyers)
    applied = await apply_to(store, yaml_of(tree), plan_only=False, applied_by="test")
    assert not applied.problems, applied.problems
    await office.catalogs.refresh()
    # Those who look at their portals have as much as the others.
    names = Names(
        campaigns=(ours.campaign, *ids_of("campaign", campaigns)),
        publishers=(ours.publisher, *ids_of("publisher", publishers)),
        buyers=(ours.buyer, *ids_of("buyer", buyers)),
    )
    await fill(store, names, pings=rows, until=office.clock.now())
    await _invite(office, ours, things)


async def _open_web(store: Store, settings: Settings, ours: Belongings) -> Litestar:
    """The pages of the company's people."""
    clock = SystemClock()
    catalogs = Catalogs(store)
    await catalogs.refresh()
    outbound = OutboundClient(settings.outbound, clock)
    tools = build_ping_tools(store.reservations, catalogs, outbound, settings=settings, clock=clock)
    web = open_web(
        settings,
        clock=clock,
        catalogs=catalogs,
        store=store,
        trials=Trials(tools, store.reservations),
        identities=FixedIdentities(actors_of(ours)),
    )
    await seat_people(web.state.office, ours)
    return web


async def _invite(office: Office, ours: Belongings, count: int) -> None:
    """Invitations that are open, with an audit entry each."""
    assert office.people is not None
    accounts, company = office.people.accounts, CompanyId(ours.company_id)
    for number in range(count):
        name = f"guest-{count}-{number}"
        grant = Grant(role=Role.ANALYST)
        invitation = NewInvitation(
            token_hash=hash_token(name),
            invitation_id=name,
            company_id=company,
            email=f"{name}@x.example",
            grant=grant,
        )
        await accounts.invite(invitation, lifetime=GOOD_FOR, author=Author(name="root"))
