"""The screens of what happens: pings, calls, and what was told of them."""

from __future__ import annotations

from ringbid.edge.console import call_page, calls, deliveries, ledger, live, pings

HANDLERS = [
    *pings.HANDLERS,
    *live.HANDLERS,
    *calls.HANDLERS,
    *call_page.HANDLERS,
    *ledger.HANDLERS,
    *deliveries.HANDLERS,
]
