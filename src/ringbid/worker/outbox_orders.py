"""What the owner orders of the outbox, by name: `ringbid outbox …` sends these to the server that owns the store.

`bootstrap` gives `orders` to the control socket; where no server runs, `cli.outbox` carries them out on the store.
Orders and answers are JSON. What an order has changed is in the audit log, in the words that the console has for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ringbid.accounts.audit import Audit, AuditEntry
from ringbid.outbox.message import event_endpoint
from ringbid.outbox.ports import OutboxDesk, Replayed
from ringbid.values.author import Author
from ringbid.values.ids import CompanyId

Order = dict[str, Any]

REPLAY, REPLAY_DEAD, ENABLE, SECRETS = "outbox replay", "outbox replay dead", "outbox enable", "outbox secrets"


async def carry_out(desk: OutboxDesk, audit: Audit, order: Order) -> Order:
    """The answer to one order. Raises KeyError where there is none of that name."""
    return await _ORDERS[order["do"]](desk, audit, order)


def orders(
    desk: OutboxDesk, audit: Audit, *, nudge: Callable[[], None]
) -> Mapping[str, Callable[[Order], Awaitable[Order]]]:
    """A handler for each order; after each, the sender is told to look."""

    async def handle(order: Order) -> Order:
        answer = await carry_out(desk, audit, order)
        nudge()
        return answer

    return dict.fromkeys(_ORDERS, handle)


async def _replay(desk: OutboxDesk, audit: Audit, order: Order) -> Order:
    replayed = {}
    for message_id in order["message_ids"]:
        shown = await desk.show(message_id)
        done = await desk.replay(message_id)
        replayed[message_id] = done.value
        if shown is not None and done is Replayed.WAITING:
            of, before = shown.listed.company_id, shown.listed.state.value
            await _note(audit, order, of, f"deliveries[{message_id}]", before, "waiting")
    return {"replayed": replayed}


async def _replay_dead(desk: OutboxDesk, audit: Audit, order: Order) -> Order:
    company_id, endpoint = CompanyId(order["company"]), order["endpoint"]
    count = await desk.replay_dead(company_id, endpoint)
    if count:
        await _note(audit, order, company_id, f"endpoints[{endpoint}].deliveries", f"{count} dead", f"{count} waiting")
    return {"count": count}


async def _enable(desk: OutboxDesk, audit: Audit, order: Order) -> Order:
    company_id, endpoint = CompanyId(order["company"]), order["endpoint"]
    count = await desk.enable(company_id, endpoint)
    if count is not None:
        await _note(audit, order, company_id, f"endpoints[{endpoint}]", "disabled", "enabled")
    return {"count": count}


async def _secrets(desk: OutboxDesk, audit: Audit, order: Order) -> Order:
    company_id, webhook_id = CompanyId(order["company"]), order["webhook"]
    endpoint = event_endpoint(webhook_id) if webhook_id is not None else None
    path = f"event_webhooks[{webhook_id}].secret" if webhook_id is not None else "company.secret"
    stood = await desk.secrets(company_id, endpoint=endpoint)
    found = await desk.secrets(company_id, endpoint=endpoint, rotate=order["rotate"], drop_old=order["drop_old"])
    if order["rotate"]:
        await _note(audit, order, company_id, path, "one secret", f"a new one; {len(found)} sign")
    elif found != stood:
        await _note(audit, order, company_id, path, "the old one too", "the newest one alone")
    return {"secrets": list(found)}


async def _note(audit: Audit, order: Order, company_id: CompanyId, path: str, before: str, after: str) -> None:
    author = Author(name=order["author"])
    await audit.record([AuditEntry(company_id=company_id, author=author, path=path, before=before, after=after)])


_ORDERS = {REPLAY: _replay, REPLAY_DEAD: _replay_dead, ENABLE: _enable, SECRETS: _secrets}
