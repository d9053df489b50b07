"""`[tokens]`: the one syntax of every template, and which names are built in where.

Read by `webhook_reading` and `token_checks` at apply, and by `buyers.template` and `routing.plan` when asks are built.
"""

from __future__ import annotations

import re

from ringbid.catalog.model import WebhookTrigger

TOKEN = re.compile(r"\[([A-Za-z0-9_.:-]{1,64})\]", re.ASCII)

# The order in which webhooks fire: a token can be filled by what an earlier one has answered. All webhooks of one
# trigger run at once, so none of them can wait for another.
TRIGGERS: tuple[WebhookTrigger, ...] = (
    "passthrough",
    "call_received",
    "buyer_selected",
    "answered",
    "converted",
    "call_ended",
)

# What a ping or call says of itself. An answer may not set these: a buyer could change who it pays, and for what.
IDENTITY_TOKENS = (
    "caller_number",
    "nanp_caller_number",
    "caller_number_digits",
    "call_uuid",
    "publisher_id",
    "campaign_id",
    "inbound_number",
    "timestamp",
    "deadline_ms",
    "buyer_id",
    "key",
)
_OF_EVERY_TRIGGER = (
    "caller_number",
    "nanp_caller_number",
    "caller_number_digits",
    "caller_state",
    "caller_zip",
    "caller_city",
    "caller_country",
    "area_code",
    "geo",
    "call_uuid",
    "publisher_id",
    "campaign_id",
    "inbound_number",
    "timestamp",
)
_OF_THE_BUYER = ("buyer_id", "buyer_number")
_OF_THE_CONVERSION = ("payout", "revenue", "seconds", "currency")

BUILT_IN: dict[WebhookTrigger, tuple[str, ...]] = {
    "passthrough": (*_OF_EVERY_TRIGGER, "deadline_ms"),
    "call_received": _OF_EVERY_TRIGGER,
    "buyer_selected": (*_OF_EVERY_TRIGGER, *_OF_THE_BUYER),
    "answered": (*_OF_EVERY_TRIGGER, *_OF_THE_BUYER),
    "converted": (*_OF_EVERY_TRIGGER, *_OF_THE_BUYER, *_OF_THE_CONVERSION),
    "call_ended": (*_OF_EVERY_TRIGGER, *_OF_THE_BUYER, *_OF_THE_CONVERSION, "duration_seconds"),
}


def tokens_in(text: str) -> tuple[str, ...]:
    """The tokens of a template in the order they stand, repeated ones too."""
    return tuple(TOKEN.findall(text))


def only_token(text: str) -> str | None:
    """The token that is all of `text`, or None."""
    found = TOKEN.fullmatch(text)
    return None if found is None else found[1]
