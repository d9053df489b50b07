"""What the owner orders of calls, by name: `ringbid call convert` sends it to the server that owns the store.

`bootstrap` gives `orders` to the control socket; where no server runs, `cli.calls` carries them out on the store.
Orders and answers are JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from ringbid.call.by_hand import ByHand, Converted, convert_call
from ringbid.call.ports import CallPlans, Calls
from ringbid.values.ids import RandomBytes
from ringbid.values.reason import BY_CODE
from ringbid.values.verdict import Refused

Order = dict[str, Any]

CONVERT = "convert call"


def orders(
    calls: Calls, plans: CallPlans, random_bytes: RandomBytes, *, nudge: Callable[[], None]
) -> Mapping[str, Callable[[Order], Awaitable[Order]]]:
    """A handler for each order; after each, the outbox's sender is told to look."""

    async def convert(order: Order) -> Order:
        answer = await carry_out(calls, plans, random_bytes, order)
        nudge()
        return answer

    return {CONVERT: convert}


async def carry_out(calls: Calls, plans: CallPlans, random_bytes: RandomBytes, order: Order) -> Order:
    """The answer to one order. Raises msgspec.ValidationError for what is none."""
    wanted = msgspec.convert(order["wanted"], ByHand)
    answer = await convert_call(calls, wanted, plans=plans, random_bytes=random_bytes)
    if isinstance(answer, Refused):
        return {"refused": answer.reason.code, "actual": answer.actual, "expected": answer.expected}
    return {"converted": msgspec.to_builtins(answer)}


def order_of(wanted: ByHand) -> Order:
    """The order to convert a side by hand."""
    return {"do": CONVERT, "wanted": msgspec.to_builtins(wanted)}


def read_answer(answer: Order) -> Converted | Refused:
    """From what `carry_out` returned."""
    if "refused" in answer:
        return Refused(BY_CODE[answer["refused"]], actual=answer["actual"], expected=answer["expected"])
    return msgspec.convert(answer["converted"], Converted)
