"""The web application over the server's own parts: pages and resources, and what they work with."""

from __future__ import annotations

import os

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from ringbid.accounts.identities import StoredIdentities
from ringbid.accounts.tools import make_tools
from ringbid.catalog.changing import CatalogEditor
from ringbid.edge.console import reservations
from ringbid.edge.web.app import build_web
from ringbid.edge.web.office import Identities, Office, Snapshots
from ringbid.settings import Settings
from ringbid.store.opening import Store
from ringbid.values.clock import Clock

# A screen is a module with its HANDLERS.
HANDLERS: list[ControllerRouterHandler] = [*reservations.HANDLERS]


def open_web(
    settings: Settings, *, clock: Clock, catalogs: Snapshots, store: Store, identities: Identities | None = None
) -> Litestar:
    """The application. Slow to import (Litestar and its templates), so it is done after the server listens.
    `identities` says who asks, in place of the store's accounts."""
    office = Office(
        clock=clock,
        identities=identities or StoredIdentities(store.accounts),
        catalogs=catalogs,
        editor=CatalogEditor(store),
        reservations=store.reservations,
        people=make_tools(
            store.accounts, store.audit, clock=clock, random_bytes=os.urandom, public_url=settings.public_url
        ),
        secure=settings.public_url is not None and settings.public_url.startswith("https:"),
    )
    return build_web(office, HANDLERS)
