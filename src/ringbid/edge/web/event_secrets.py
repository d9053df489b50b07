"""The secrets that events are signed with: made, shown this once, and dropped, for the console and the API alike."""

from __future__ import annotations

from ringbid.edge.web.auditing import note_change
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.outbox.message import event_endpoint


async def first_secret(request: WebRequest, webhook_id: str) -> str:
    """The secret of an event webhook that was added just now. One of the same id that was removed may have had others:
    they sign nothing more."""
    return (await _change(request, webhook_id, rotate=True, drop_old=True))[0]


async def new_secret(request: WebRequest, webhook_id: str) -> str:
    """A new secret. Events are signed with it and with the one before, until that is dropped."""
    made = await _change(request, webhook_id, rotate=True, drop_old=False)
    await note_change(request, _path(webhook_id), before="one secret", after=f"a new one; {len(made)} sign")
    return made[0]


async def drop_old_secret(request: WebRequest, webhook_id: str) -> None:
    """Sign with the newest secret alone."""
    await _change(request, webhook_id, rotate=False, drop_old=True)
    await note_change(request, _path(webhook_id), before="the old one too", after="the newest one alone")


async def _change(request: WebRequest, webhook_id: str, *, rotate: bool, drop_old: bool) -> tuple[str, ...]:
    messages, company_id = office_of(request).messages, actor_of(request).company_id
    return await messages.secrets(company_id, endpoint=event_endpoint(webhook_id), rotate=rotate, drop_old=drop_old)


def _path(webhook_id: str) -> str:
    return f"event_webhooks[{webhook_id}].secret"
