"""Webhooks that the call is held for: asked now, and what they answer fills tags before the next step.

`call.routing` asks them when the call is received and when a buyer is selected; webhooks that nobody waits for are
messages (`call.tell`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringbid.buyers.protocol import Bid
from ringbid.buyers.webhook import CompiledWebhook
from ringbid.call.tell import Tokens
from ringbid.routing.bids import Asked, AskTools, ask_all
from ringbid.routing.tags import Tags
from ringbid.values.clock import Deadline
from ringbid.values.ids import BuyerId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True)
class Held:
    """The tags after the answers, the asks for the trace, and why the buyer (or the call) is out, where one says so."""

    tags: Tags
    asked: tuple[Asked, ...]
    refused: Refused | None


async def hold(
    hooks: Sequence[CompiledWebhook],
    tags: Tags,
    *,
    buyer_id: BuyerId | None,
    tokens: Tokens,
    at_most_seconds: float,
    tools: AskTools,
) -> Held:
    """Wait for the webhooks that hold the call, at most as long as the longest of them says, and as the network waits.

    An answer that its `accept` refuses puts the buyer out. One that does not come fills nothing, and the call goes on.
    """
    holding = [hook for hook in hooks if hook.webhook.hold_seconds]
    if not holding:
        return Held(tags, (), None)
    longest_seconds = max(hook.webhook.hold_seconds for hook in holding)
    deadline = Deadline.start(arrived_at=tools.clock.monotonic(), timeout_seconds=min(longest_seconds, at_most_seconds))
    asked = await ask_all([(buyer_id, hook) for hook in holding], tokens=tokens, deadline=deadline, tools=tools)
    refused = None
    for one in asked:
        if isinstance(one.result, Bid):
            tags = tags.with_outputs(one.result.tags, one.webhook.webhook.name)
        elif one.result.reason is Reason.BUYER_DECLINED and refused is None:
            refused = one.result
    return Held(tags, tuple(asked), refused)
