"""`[tokens]`: the one syntax of every template, and which names are built in where.

Read by `webhook_reading` and `token_checks` at apply, and by `buyers.template`, `routing.plan` and the call flow when
requests are built.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

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

# On these a call may be held until the answer is there (`hold_seconds`).
HOLDING_TRIGGERS: tuple[WebhookTrigger, ...] = ("call_received", "buyer_selected")

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
    "call_key",
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
_OF_THE_ATTEMPT = ("buyer_id", "buyer_number", "call_key", "attempt_number")
_OF_THE_CONVERSION = ("payout", "revenue", "seconds", "currency", "reason")
_OF_THE_END = ("duration_seconds", "recording_url", "ended_by")

BUILT_IN: dict[WebhookTrigger, tuple[str, ...]] = {
    "passthrough": (*_OF_EVERY_TRIGGER, "deadline_ms"),
    "call_received": _OF_EVERY_TRIGGER,
    "buyer_selected": (*_OF_EVERY_TRIGGER, *_OF_THE_ATTEMPT),
    "answered": (*_OF_EVERY_TRIGGER, *_OF_THE_ATTEMPT),
    # A call may convert while it is still on the line: what its end tells is empty then.
    "converted": (*_OF_EVERY_TRIGGER, *_OF_THE_ATTEMPT, *_OF_THE_CONVERSION, *_OF_THE_END, "side"),
    "call_ended": (*_OF_EVERY_TRIGGER, *_OF_THE_ATTEMPT, *_OF_THE_CONVERSION, *_OF_THE_END),
}

# Names that other platforms' postback URLs have for the same. Webhooks of a call may use them; asks may not.
ALIASES: Mapping[str, str] = {
    "affiliate_id": "publisher_id",
    "caller_id": "caller_number",
    "called_number": "inbound_number",
    "call_duration": "duration_seconds",
    "call_recording_url": "recording_url",
    "hung_up_by": "ended_by",
}

_Value = TypeVar("_Value")


def aliases_of(trigger: WebhookTrigger) -> frozenset[str]:
    """The other names that templates of this trigger may use."""
    if trigger == "passthrough":
        return frozenset()
    return frozenset(alias for alias, name in ALIASES.items() if name in BUILT_IN[trigger])


def with_aliases(values: Mapping[str, _Value], known: Collection[str]) -> dict[str, _Value]:
    """The values of a call's webhook, under their other names too. A tag of the catalog that has such a name itself
    (`known`) keeps it; a parameter that somebody sends under it says nothing."""
    return dict(values) | {
        alias: values[name] for alias, name in ALIASES.items() if name in values and alias not in known
    }


def tokens_in(text: str) -> tuple[str, ...]:
    """The tokens of a template in the order they stand, repeated ones too."""
    return tuple(TOKEN.findall(text))


def only_token(text: str) -> str | None:
    """The token that is all of `text`, or None."""
    found = TOKEN.fullmatch(text)
    return None if found is None else found[1]
