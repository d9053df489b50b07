"""What others are told of a call: the tokens of its webhooks, and the messages that go to the outbox. Pure.

Webhooks that nobody waits for become messages, in the transaction of what they tell; those that the call is held for
are asked by `call.holding`.
"""

from __future__ import annotations

from datetime import datetime

from ringbid.buyers.protocol import Ask
from ringbid.buyers.webhook import CompiledWebhook
from ringbid.call.convert import Conversion
from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, buyer_key
from ringbid.call.trace import CallTrace
from ringbid.catalog.model import WebhookTrigger
from ringbid.catalog.tokens import with_aliases
from ringbid.outbox.message import Message, endpoint_of, new_message_id
from ringbid.routing.bids import tokens
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.tags import Tags
from ringbid.routing.tracing import tags_from
from ringbid.values.ids import BuyerId, CallId, CampaignId, PublisherId, RandomBytes
from ringbid.values.money import format_micros
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused

Tokens = dict[str, str | tuple[str, ...]]

# Of a call that no buyer was rung for. They must be said too: else a ping's parameters of these names would stand for
# them, and a publisher would tell the owner's own systems what it is paid.
_NOBODY: Tokens = {
    **dict.fromkeys(("buyer_id", "buyer_number", "call_key", "attempt_number"), ""),
    **dict.fromkeys(("payout", "revenue", "seconds"), "0"),
    **dict.fromkeys(("duration_seconds", "recording_url", "ended_by"), ""),
}


def call_tokens(
    tags: Tags,
    *,
    call_id: CallId,
    caller_number: PhoneNumber | None,
    publisher_id: PublisherId,
    campaign_id: CampaignId,
    inbound_number: str,
    at: datetime,
) -> Tokens:
    """What [tokens] stand for in every webhook of a call."""
    return tokens(
        tags,
        caller_number=caller_number,
        call_uuid=call_id,
        publisher_id=publisher_id,
        campaign_id=campaign_id,
        destination=inbound_number,
        at=at,
        left_ms=0,
    )


def attempt_tokens(attempt: Attempt, number: int, *, call_key: str) -> Tokens:
    """What they stand for besides, where one buyer is meant."""
    return {
        "buyer_id": attempt.buyer_id,
        "buyer_number": attempt.number,
        "call_key": buyer_key(call_key, attempt.buyer_id),
        "attempt_number": str(number),
    }


def messages_of(
    call: StoredCall,
    plan: CampaignPlan,
    trigger: WebhookTrigger,
    *,
    attempt: Attempt | None,
    conversion: Conversion | None = None,
    now: datetime,
    random_bytes: RandomBytes,
) -> tuple[Message, ...]:
    """The messages that are due at `trigger`: one for each webhook of the campaign that fires for this buyer and side,
    and that nobody waits for. One that cannot be built from what is known says why instead."""
    hooks = [
        hook
        for hook in plan.hooks(trigger, attempt.buyer_id if attempt is not None else None)
        if not hook.webhook.hold_seconds and (conversion is None or hook.webhook.side in ("both", conversion.side))
    ]
    if not hooks:
        return ()
    values = call_tokens(
        _tags_of(call.trace, attempt.buyer_id if attempt is not None else None),
        call_id=call.call_id,
        caller_number=call.caller_number,
        publisher_id=call.publisher_id,
        campaign_id=call.campaign_id,
        inbound_number=call.inbound_number,
        at=now,
    )
    if attempt is not None:
        numbered = [one.attempt_id for one in call.state.attempts].index(attempt.attempt_id) + 1
        values |= attempt_tokens(attempt, numbered, call_key=call.state.call_key) | _money_tokens(attempt, call)
    elif trigger == "call_ended":
        values |= _NOBODY | {"currency": plan.currency, "reason": call.state.reason or ""}
    if conversion is not None:
        values["side"] = conversion.side
    values = with_aliases(values, plan.known_tags)
    return tuple(_message(call, hook, values, now=now, random_bytes=random_bytes) for hook in hooks)


def _tags_of(trace: CallTrace, buyer_id: BuyerId | None) -> Tags:
    tags = tags_from(trace.tags)
    return tags if buyer_id is None else tags.with_outputs(trace.outputs.get(buyer_id, {}), f"{buyer_id}'s answer")


def _money_tokens(attempt: Attempt, call: StoredCall) -> Tokens:
    """What the call has brought so far. Amounts that have not converted are 0."""
    duration_ms = attempt.duration_ms
    why = attempt.payout.reason or attempt.revenue.reason or ""
    return {
        "payout": format_micros(attempt.payout.amount_micros),
        "revenue": format_micros(attempt.revenue.amount_micros),
        "seconds": str(attempt.quote.seconds),
        "currency": attempt.quote.currency,
        "reason": call.state.reason or why,
        "duration_seconds": "" if duration_ms is None else str(duration_ms // 1000),
        "recording_url": attempt.recording_url or "",
        "ended_by": attempt.ended_by or "",
    }


def _message(
    call: StoredCall, hook: CompiledWebhook, values: Tokens, *, now: datetime, random_bytes: RandomBytes
) -> Message:
    ask = hook.build_ask(values)
    unsendable = None
    if isinstance(ask, Refused):
        unsendable = f"found {ask.actual}, expected {ask.expected}; see {ask.setting}"
        webhook = hook.webhook
        ask = Ask(webhook_name=webhook.name, method=webhook.method, url=webhook.url, headers=(), body=b"")
    return Message(
        message_id=new_message_id(now, random_bytes),
        company_id=call.company_id,
        call_id=call.call_id,
        kind="webhook",
        endpoint=endpoint_of(call.campaign_id, hook.webhook.name),
        method=ask.method,
        url=ask.url,
        headers=ask.headers,
        body=ask.body,
        unsendable=unsendable,
    )
