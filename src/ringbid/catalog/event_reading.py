"""Event webhooks of the file: where events of the whole company are sent, and which.

Called by `validate`. `event_webhooks_in` reads this one part of a stored document, for the store, which tells of what
it finds out by itself and has no compiled catalog at hand.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ringbid.catalog import checks
from ringbid.catalog.fields import ID, ID_ALLOWED, Fields
from ringbid.catalog.model import EVENT_TYPES, EventType, EventWebhook
from ringbid.catalog.problems import Problems
from ringbid.catalog.tokens import tokens_in
from ringbid.catalog.yaml_reading import read_tree

_LONGEST_URL = 2048
# From its name to the next one at the beginning of a line: `document.export_yaml` writes each part so.
_PART = re.compile(r"^event_webhooks:\n(?:[ -].*(?:\n|$))*", re.MULTILINE)


def read_event_webhooks(root: Fields) -> tuple[EventWebhook, ...]:
    """The event webhooks in the file's order."""
    return tuple(_read_webhook(fields) for fields in root.mappings("event_webhooks", "id"))


def event_webhooks_in(document: str) -> tuple[EventWebhook, ...]:
    """Those of a document that the store keeps. Nothing else of it is read, for that would take too long where pings
    wait. Raises ValueError where it is not what `export_yaml` made."""
    part = _PART.search(document)
    return () if part is None else _read_part(part[0])


@lru_cache(maxsize=256)
def _read_part(text: str) -> tuple[EventWebhook, ...]:
    problems = Problems()
    webhooks = read_event_webhooks(Fields(read_tree(text, problems), "", problems))
    if problems.in_order():
        raise ValueError("; ".join(map(str, problems.in_order())))
    return webhooks


def _read_webhook(fields: Fields) -> EventWebhook:
    return EventWebhook(
        id=fields.matching("id", ID, ID_ALLOWED),
        url=_read_url(fields),
        events=_read_events(fields),
        caller_number=fields.boolean("caller_number", False),
        paused=fields.boolean("paused", False),
    )


def _read_url(fields: Fields) -> str:
    url = fields.text("url", longest=_LONGEST_URL)
    wrong = checks.url(url) if url else None
    if wrong is None and tokens_in(checks.behind_host(url)):
        wrong = "a URL without [tokens]: the event's body says it all"
    if wrong is not None:
        fields.refuse("url", found=url, allowed=wrong)
    return url


def _read_events(fields: Fields) -> tuple[EventType, ...]:
    if fields.value("events") is None:
        return EVENT_TYPES
    named = fields.references("events", EVENT_TYPES, "event")
    if fields.value("events") == []:
        allowed = "at least one event; left out: all of them; none for now: paused: true"
        fields.refuse_as("events", found="an empty list", allowed=allowed)
    return tuple(event for event in EVENT_TYPES if event in named)
