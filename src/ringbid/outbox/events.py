"""Events: what happened in a company, as messages to each of its event webhooks that wants to know.

Made by `ping.events` and `call.events` of what is being written down; the messages go to the outbox in that same
transaction. A message's id is made of the fact and the webhook, so that a fact is told once, whoever comes upon it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from ringbid.catalog.model import EventType, EventWebhook
from ringbid.outbox.message import Message, event_endpoint
from ringbid.values.ids import CallId, CompanyId
from ringbid.values.money import Money, format_micros
from ringbid.values.reason import Reason

Data = dict[str, Any]

_HEADERS = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. `key` names it among those of its type in the company; `data` has the names and shapes of `/api/v1`,
    and under `caller_number` the number in clear."""

    type: EventType
    key: str
    company_id: CompanyId
    call_id: CallId | None = None
    at: datetime
    data: Mapping[str, Any]


def wants(webhook: EventWebhook, event_type: EventType) -> bool:
    return not webhook.paused and event_type in webhook.events


def event_messages(events: Iterable[Event], webhooks: Iterable[EventWebhook]) -> tuple[Message, ...]:
    """A message for each event and each webhook that wants it."""
    wanted = tuple(webhooks)
    return tuple(_message(event, webhook) for event in events for webhook in wanted if wants(webhook, event.type))


def amount_told(money: Money) -> Data:
    """An amount as the API shows it: exact, as text."""
    return {"amount": format_micros(money.micros), "currency": money.currency}


def reason_told(reason: Reason) -> Data:
    """A reason as the API shows it to the owner."""
    return {"code": reason.code, "text": reason.text}


def _message(event: Event, webhook: EventWebhook) -> Message:
    data = event.data if webhook.caller_number else {**event.data, "caller_number": None}
    fact = f"{event.company_id}/{webhook.id}/{event.type}/{event.key}"
    return Message(
        message_id=f"msg_{blake2b(fact.encode(), digest_size=16).hexdigest()}",
        company_id=event.company_id,
        call_id=event.call_id,
        kind=event.type,
        endpoint=event_endpoint(webhook.id),
        method="POST",
        url=webhook.url,
        headers=_HEADERS,
        body=msgspec.json.encode({"type": event.type, "timestamp": event.at, "data": data}),
    )
