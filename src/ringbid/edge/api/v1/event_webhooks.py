"""`/event-webhooks/{name}/secrets`: what a receiver verifies events with. The webhooks themselves are in `catalog`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.catalog_writes import edition_of
from ringbid.edge.api.v1.problems import not_found
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.web.event_secrets import drop_old_secret, new_secret
from ringbid.edge.web.office import WebRequest

_TAG = "Event webhooks"
WebhookId = Annotated[str, PathParameter(description="The event webhook's id.")]


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret of Standard Webhooks. It is shown now and never again."""

    secret: Annotated[str, msgspec.Meta(pattern="^whsec_.+$")]


@operation("POST", "/event-webhooks/{name:str}/secrets", policy=Policy.MANAGE, tag=_TAG)
async def make_event_secret(request: WebRequest, name: WebhookId) -> NewSecret:
    """Make a new secret.

    Every event is signed with it and with the one before, so that the receiver may change over when it likes; then drop
    the old one. The one before that signs no more.
    """
    await _hold_to_catalog(request, name)
    return NewSecret(secret=await new_secret(request, name))


@operation("DELETE", "/event-webhooks/{name:str}/secrets", policy=Policy.MANAGE, tag=_TAG)
async def drop_old_event_secret(request: WebRequest, name: WebhookId) -> None:
    """Drop the old secret: sign with the newest alone."""
    await _hold_to_catalog(request, name)
    await drop_old_secret(request, name)


async def _hold_to_catalog(request: WebRequest, name: str) -> None:
    if all(one.id != name for one in (await edition_of(request)).catalog.event_webhooks):
        raise not_found()


HANDLERS = [make_event_secret, drop_old_event_secret]
