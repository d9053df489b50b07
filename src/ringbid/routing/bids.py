"""Asking: every eligible buyer's webhooks at once, under the ping's deadline; what is late is cancelled, what came is
kept.

`buyers.webhook` builds and reads; `tools.outbound` sends. A buyer's answer fills tags for that buyer alone, so that no
buyer can change another's bid; the answer of a webhook that belongs to no buyer fills tags for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ringbid.buyers.protocol import Answer, Ask, Bid, Outbound
from ringbid.buyers.webhook import CompiledWebhook
from ringbid.routing.plan import CampaignPlan, PlannedBuyer
from ringbid.routing.tags import Tags
from ringbid.values.clock import Clock, Deadline, format_utc
from ringbid.values.ids import BuyerId, CampaignId
from ringbid.values.phone import PhoneNumber, national_digits
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Result = TypeVar("Result")


class StartTask(Protocol):
    """The one way to run something beside a flow (`edge.tasks.start_awaited`): the flow awaits or cancels it."""

    def __call__(self, work: Coroutine[Any, Any, Result], /) -> asyncio.Task[Result]: ...


class AskTools(Protocol):
    """What asking needs from outside; the tools of both flows have it."""

    @property
    def outbound(self) -> Outbound: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def start_task(self) -> StartTask: ...


LEAST_ASK_SECONDS = 0.005  # no buyer on any network answers sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One ask as it went: `ask` is None where it could not be built or sent, `answer` where none came."""

    webhook: CompiledWebhook
    buyer_id: BuyerId | None
    started_at: float  # monotonic seconds
    took_seconds: float
    ask: Ask | None
    answer: Answer | None
    result: Bid | Refused


async def ask_buyers(
    plan: CampaignPlan,
    buyers: Sequence[PlannedBuyer],
    *,
    tokens: Mapping[str, str | tuple[str, ...]],
    deadline: Deadline,
    tools: AskTools,
    timeout_setting: str | None = None,
) -> list[Asked]:
    """Send all asks of the campaign and of `buyers` at once and wait until all have ended or the deadline is there.

    In the order of the plan, whatever the order of the answers. `timeout_setting`: what in the catalog is the deadline.
    """
    wanted: list[tuple[BuyerId | None, CompiledWebhook]] = [(None, webhook) for webhook in plan.webhooks]
    wanted.extend((planned.buyer.id, webhook) for planned in buyers for webhook in planned.webhooks)
    return await ask_all(wanted, tokens=tokens, deadline=deadline, tools=tools, timeout_setting=timeout_setting)


async def ask_all(
    wanted: Sequence[tuple[BuyerId | None, CompiledWebhook]],
    *,
    tokens: Mapping[str, str | tuple[str, ...]],
    deadline: Deadline,
    tools: AskTools,
    timeout_setting: str | None = None,
) -> list[Asked]:
    """The same for any webhooks, each with the buyer that it is about (None: the campaign)."""
    if not wanted:
        return []
    started_at = tools.clock.monotonic()
    seconds = deadline.seconds_for_asks(started_at)
    asked: list[Asked] = []  # as if nobody answered; what comes in time replaces it
    running: dict[asyncio.Task[Asked], int] = {}
    for index, (buyer_id, webhook) in enumerate(wanted):
        ask = webhook.build_ask(tokens)
        if seconds < LEAST_ASK_SECONDS:
            ask = Refused(Reason.ASK_NO_TIME, actual=f"{seconds * 1000:.0f} ms left", expected="at least 5 ms")
        if isinstance(ask, Refused):
            asked.append(_unanswered(webhook, buyer_id, started_at=started_at, refused=ask))
            continue
        asked.append(_unanswered(webhook, buyer_id, started_at=started_at, refused=_timed_out(seconds), ask=ask))
        one = _ask_one(webhook, buyer_id, ask, ends_at=deadline.asks_end_at, tools=tools)
        running[tools.start_task(one)] = index
    if running:
        await _finish(running, asked, seconds=seconds, tools=tools)
    return [_with_setting(one, timeout_setting) for one in asked]


def by_buyer(asked: Sequence[Asked]) -> dict[BuyerId, list[Asked]]:
    """Each buyer's own asks, in the order of the plan."""
    found: dict[BuyerId, list[Asked]] = {}
    for one in asked:
        if one.buyer_id is not None:
            found.setdefault(one.buyer_id, []).append(one)
    return found


def tags_of(own: Sequence[Asked], shared: Tags) -> Tags | Refused:
    """The tags as they are for a buyer after its `own` answers, or why it is out: its first failed or declined ask."""
    tags = shared
    for one in own:
        if isinstance(one.result, Refused):
            return one.result
        tags = tags.with_outputs(one.result.tags, one.webhook.webhook.name)
    return tags


def shared_tags(asked: Sequence[Asked], tags: Tags) -> Tags:
    """The tags that answers given for the whole campaign add; a failed ask adds none."""
    for one in asked:
        if one.buyer_id is None and isinstance(one.result, Bid):
            tags = tags.with_outputs(one.result.tags, one.webhook.webhook.name)
    return tags


def tokens(
    tags: Tags,
    *,
    caller_number: PhoneNumber | None,
    call_uuid: str,
    publisher_id: str,
    campaign_id: CampaignId,
    destination: str,
    at: datetime,
    left_ms: int,
) -> dict[str, str | tuple[str, ...]]:
    """What the [tokens] of an ask stand for: every tag, and the built-in names. `left_ms`: how long asks may take."""
    return {
        **tags.values,
        "caller_number": caller_number or "",
        "nanp_caller_number": national_digits(caller_number) if caller_number else "",
        "caller_number_digits": caller_number[1:] if caller_number else "",
        "call_uuid": call_uuid,
        "publisher_id": publisher_id,
        "campaign_id": campaign_id,
        "inbound_number": destination,
        "timestamp": format_utc(at),
        "deadline_ms": str(left_ms),
    }


async def _finish(
    running: dict[asyncio.Task[Asked], int], asked: list[Asked], *, seconds: float, tools: AskTools
) -> None:
    """Wait for the asks until time is up; cancel what is late and keep what came. A ping that is cancelled itself
    takes its asks with it."""
    try:
        done, late = await asyncio.wait(running, timeout=seconds)
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        raise
    ended_at = tools.clock.monotonic()
    for task in late:
        task.cancel()
        unanswered = asked[running[task]]
        asked[running[task]] = replace(unanswered, took_seconds=ended_at - unanswered.started_at)
    for task in done:
        asked[running[task]] = task.result()


async def _ask_one(
    webhook: CompiledWebhook, buyer_id: BuyerId | None, ask: Ask, *, ends_at: float, tools: AskTools
) -> Asked:
    started_at = tools.clock.monotonic()
    answer = await tools.outbound.send(ask, ends_at=ends_at)
    took_seconds = tools.clock.monotonic() - started_at
    result = answer if isinstance(answer, Refused) else webhook.read_bid(answer)
    return Asked(
        webhook=webhook,
        buyer_id=buyer_id,
        started_at=started_at,
        took_seconds=took_seconds,
        ask=ask,
        answer=None if isinstance(answer, Refused) else answer,
        result=result,
    )


def _unanswered(
    webhook: CompiledWebhook, buyer_id: BuyerId | None, *, started_at: float, refused: Refused, ask: Ask | None = None
) -> Asked:
    return Asked(
        webhook=webhook,
        buyer_id=buyer_id,
        started_at=started_at,
        took_seconds=0.0,
        ask=ask,
        answer=None,
        result=refused,
    )


def _with_setting(asked: Asked, timeout_setting: str | None) -> Asked:
    """An ask that failed on its way names what in the catalog mends it: the time there is for it, or else where it was
    sent. What the webhook itself found wrong has named its own place."""
    refused = asked.result
    place = asked.webhook.setting
    if not isinstance(refused, Refused) or (refused.setting or "").startswith(place):
        return asked
    late = refused.reason in (Reason.ASK_TIMED_OUT, Reason.ASK_NO_TIME)
    setting = timeout_setting if late and timeout_setting is not None else f"{place}.url"
    return replace(asked, result=replace(refused, setting=setting))


def _timed_out(seconds: float) -> Refused:
    limit = f"{seconds * 1000:.0f} ms"
    return Refused(Reason.ASK_TIMED_OUT, actual=f"no answer after {limit}", expected=f"within {limit}")
