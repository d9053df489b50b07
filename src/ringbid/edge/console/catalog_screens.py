"""All screens of the catalog, for `bootstrap.web`."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from ringbid.edge.console import (
    buyers,
    campaigns,
    catalog_yaml,
    event_webhooks,
    history,
    key_picture,
    posting,
    server_settings,
    sources,
    wizard,
)

HANDLERS: list[ControllerRouterHandler] = [
    *campaigns.HANDLERS,
    *buyers.HANDLERS,
    *sources.HANDLERS,
    *catalog_yaml.HANDLERS,
    *key_picture.HANDLERS,
    *posting.HANDLERS,
    *wizard.HANDLERS,
    *history.HANDLERS,
    *server_settings.HANDLERS,
    *event_webhooks.HANDLERS,
]
