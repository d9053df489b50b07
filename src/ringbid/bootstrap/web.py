"""The web application over the server's own parts: pages and resources, and what they work with."""

from __future__ import annotations

import os
from collections.abc import Callable

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from ringbid.accounts.identities import StoredIdentities
from ringbid.accounts.tools import make_tools
from ringbid.call.ports import CallPlans
from ringbid.catalog.changing import CatalogEditor
from ringbid.edge.api.v1 import resources
from ringbid.edge.console import (
    account_screens,
    buyer_portal,
    catalog_screens,
    disputes,
    jump,
    listing_screens,
    overview,
    portal_files,
    publisher_portal,
    reports,
    reservations,
    tester,
)
from ringbid.edge.web.app import build_web
from ringbid.edge.web.office import Identities, Office
from ringbid.ping.trying import Trials
from ringbid.reports.live import LiveFeed
from ringbid.reports.portal import PortalTools
from ringbid.settings import Settings
from ringbid.store.opening import Store
from ringbid.values.clock import Clock

# A screen is a module with its HANDLERS.
HANDLERS: list[ControllerRouterHandler] = [
    *listing_screens.HANDLERS,
    *buyer_portal.HANDLERS,
    *disputes.HANDLERS,
    *publisher_portal.HANDLERS,
    *portal_files.HANDLERS,
    *overview.HANDLERS,
    *reports.HANDLERS,
    *reservations.HANDLERS,
    *tester.HANDLERS,
    *jump.HANDLERS,
    *resources.HANDLERS,
    *catalog_screens.HANDLERS,
    *account_screens.HANDLERS,
]


def open_web(
    settings: Settings,
    *,
    clock: Clock,
    catalogs: CallPlans,
    store: Store,
    trials: Trials | None = None,
    identities: Identities | None = None,
    on_message: Callable[[], None] = lambda: None,
) -> Litestar:
    """The application. Slow to import (Litestar and its templates), so it is done after the server listens. What is
    given is as in `make_office`."""
    office = make_office(
        settings,
        clock=clock,
        catalogs=catalogs,
        store=store,
        trials=trials,
        identities=identities,
        on_message=on_message,
    )
    return build_web(office, HANDLERS)


def make_office(
    settings: Settings,
    *,
    clock: Clock,
    catalogs: CallPlans,
    store: Store,
    trials: Trials | None = None,
    identities: Identities | None = None,
    on_message: Callable[[], None] = lambda: None,
) -> Office:
    """What pages and resources work with. `identities` says who asks, in place of the store's accounts."""
    return Office(
        clock=clock,
        identities=identities or StoredIdentities(store.accounts),
        catalogs=catalogs,
        editor=CatalogEditor(store),
        plans=catalogs,
        reservations=store.reservations,
        trials=trials,
        people=make_tools(
            store.accounts, store.audit, clock=clock, random_bytes=os.urandom, public_url=settings.public_url
        ),
        calls=store.calls,
        ledger=store.ledger,
        messages=store.outbox,
        answers=store.answers,
        listings=store.listings,
        live=LiveFeed(store.listings.pings_after, monotonic=clock.monotonic),
        reports=store.funnels,
        random_bytes=os.urandom,
        on_message=on_message,
        portals=PortalTools(
            listings=store.listings,
            reservations=store.reservations,
            ledger=store.ledger,
            disputes=store.disputes,
            asks=store.asks,
        ),
        posting_links=store.posting_links,
        drafts=store.drafts,
        sip_domain=settings.sip.domain,
        secure=settings.public_url is not None and settings.public_url.startswith("https:"),
    )
