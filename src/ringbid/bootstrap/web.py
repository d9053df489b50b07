"""The web application over the server's own parts: pages and resources, and what they work with."""

from __future__ import annotations

from litestar import Litestar
from litestar.types import ControllerRouterHandler

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
    settings: Settings, *, clock: Clock, catalogs: Snapshots, store: Store, identities: Identities
) -> Litestar:
    """The application. Slow to import (Litestar and its templates), so it is done after the server listens."""
    office = Office(
        clock=clock,
        identities=identities,
        catalogs=catalogs,
        editor=CatalogEditor(store),
        reservations=store.reservations,
        secure=settings.public_url is not None and settings.public_url.startswith("https:"),
    )
    return build_web(office, HANDLERS)


class Nobody:
    """Whose sessions and keys are not kept: nobody signs in. The accounts take its place."""

    async def of_session(self, token: str) -> None: ...

    async def of_key(self, key: str) -> None: ...
