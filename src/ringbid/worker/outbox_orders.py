"""What the owner orders of the outbox, by name: `ringbid outbox …` sends these to the server that owns the store.

`bootstrap` gives `orders` to the control socket; where no server runs, `cli.outbox` carries them out on the store.
Orders and answers are JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ringbid.outbox.ports import OutboxDesk
from ringbid.values.ids import CompanyId

Order = dict[str, Any]

REPLAY, REPLAY_DEAD, ENABLE, SECRETS = "outbox replay", "outbox replay dead", "outbox enable", "outbox secrets"


async def carry_out(desk: OutboxDesk, order: Order) -> Order:
    """The answer to one order. Raises KeyError where there is none of that name."""
    return await _ORDERS[order["do"]](desk, order)


def orders(desk: OutboxDesk, *, nudge: Callable[[], None]) -> Mapping[str, Callable[[Order], Awaitable[Order]]]:
    """A handler for each order; after each, the sender is told to look."""

    async def handle(order: Order) -> Order:
        answer = await carry_out(desk, order)
        nudge()
        return answer

    return dict.fromkeys(_ORDERS, handle)


async def _replay(desk: OutboxDesk, order: Order) -> Order:
    return {"replayed": {message_id: (await desk.replay(message_id)).value for message_id in order["message_ids"]}}


async def _replay_dead(desk: OutboxDesk, order: Order) -> Order:
    return {"count": await desk.replay_dead(CompanyId(order["company"]), order["endpoint"])}


async def _enable(desk: OutboxDesk, order: Order) -> Order:
    return {"count": await desk.enable(CompanyId(order["company"]), order["endpoint"])}


async def _secrets(desk: OutboxDesk, order: Order) -> Order:
    company_id = CompanyId(order["company"])
    found = await desk.secrets(
        company_id, endpoint=order.get("endpoint"), rotate=order["rotate"], drop_old=order["drop_old"]
    )
    return {"secrets": list(found)}


_ORDERS = {REPLAY: _replay, REPLAY_DEAD: _replay_dead, ENABLE: _enable, SECRETS: _secrets}
