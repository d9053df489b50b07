"""Every operation of `/api/v1`, for `bootstrap.web` to serve."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from ringbid.edge.api.v1 import (
    audit,
    calls,
    catalog,
    codes,
    corrections,
    deliveries,
    event_webhooks,
    ledger,
    pings,
    reference,
    reports,
)

HANDLERS: list[ControllerRouterHandler] = [
    *pings.HANDLERS,
    *calls.HANDLERS,
    *corrections.HANDLERS,
    *ledger.HANDLERS,
    *audit.HANDLERS,
    *deliveries.HANDLERS,
    *catalog.HANDLERS,
    *event_webhooks.HANDLERS,
    *codes.HANDLERS,
    *reports.HANDLERS,
    *reference.HANDLERS,
]
