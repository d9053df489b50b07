"""Audit entries of changes that the store does not note by itself, for the console and the API alike."""

from __future__ import annotations

from ringbid.accounts.audit import AuditEntry, author_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of


async def note_change(request: WebRequest, path: str, *, before: str, after: str) -> None:
    """Keep that whoever asks has changed what is at `path`."""
    people, actor = office_of(request).people, actor_of(request)
    if people is None:
        return
    entry = AuditEntry(company_id=actor.company_id, author=author_of(actor), path=path, before=before, after=after)
    await people.audit.record([entry])
