"""The screens of what happens: pings, calls, and what was told of them."""

from __future__ import annotations

from ringbid.edge.console import call_page, calls, deliveries, pings

HANDLERS = [*pings.HANDLERS, *calls.HANDLERS, *call_page.HANDLERS, *deliveries.HANDLERS]
