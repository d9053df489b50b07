"""A message: one HTTP request that must leave, with an identity that stays the same over all its tries.

Made by the call flow and written by `store.outbox` in the transaction of its cause; sent by `worker.outbox`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ringbid.values.ids import CallId, CampaignId, CompanyId, RandomBytes, new_ping_id

_EVENTS = "events:"


class MessageState(Enum):
    """Where a message stands. All but WAITING are ends, and every end may be replayed."""

    WAITING = "waiting"
    DELIVERED = "delivered"  # answered with 2xx
    DEAD = "dead"  # the last try failed, too; or it could not be made of what is known, and was never tried
    DISABLED = "disabled"  # its endpoint answered 410 and wants no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`kind` says what it tells: an event, or `webhook` for the postbacks of a campaign; `endpoint` is what a 410
    disables. `unsendable`: why no request could be made of it; then `url` is the webhook's own, and it is only kept to
    be seen."""

    message_id: str
    company_id: CompanyId
    call_id: CallId | None = None
    kind: str
    endpoint: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    unsendable: str | None = None


def new_message_id(at: datetime, random_bytes: RandomBytes = os.urandom) -> str:
    """A fresh id that sorts by time: `msg_` and the 32 hex digits of a uuid of version 7."""
    return f"msg_{new_ping_id(at, random_bytes).replace('-', '')}"


def event_endpoint(webhook_id: str) -> str:
    """The endpoint of a company's event webhook: no campaign's, for those have a slash."""
    return f"{_EVENTS}{webhook_id}"


def is_event_endpoint(endpoint: str) -> bool:
    """Is it an event webhook's? Those have secrets of their own."""
    return endpoint.startswith(_EVENTS) and "/" not in endpoint


def endpoint_of(campaign_id: CampaignId, webhook_name: str) -> str:
    """The endpoint of a campaign's webhook."""
    return f"{campaign_id}/{webhook_name}"
