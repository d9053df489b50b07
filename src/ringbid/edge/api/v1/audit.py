"""`/audit`: every change that somebody made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from ringbid.accounts.audit import AuditedChange
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.paging import Cursor, Limit, Next, after_of, cursor_of, page
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.web.office import WebRequest, actor_of, people_of

_VIAS: dict[str, Literal["console", "terminal", "api"]] = {"session": "console", "terminal": "terminal", "key": "api"}
PathFilter = Annotated[
    str | None, QueryParameter(max_length=200, description="Of paths that begin so, such as `buyers[alpha]`.")
]
UserFilter = Annotated[str | None, QueryParameter(max_length=200, description="Of one user, by the id.")]
Order = Annotated[Literal["newest", "oldest"], QueryParameter(description="In which order.")]


class ChangeTold(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `before` null: it was made; `after` null: it was removed. Secrets are never in it."""

    at: datetime
    user_id: str | None
    name: str
    via: Literal["console", "terminal", "api"]
    path: str
    before: str | None
    after: str | None


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of changes."""

    data: list[ChangeTold]
    next_cursor: Next


@operation("GET", "/audit", policy=Policy.READ, tag="Audit")
async def list_changes(
    request: WebRequest,
    path: PathFilter = None,
    user_id: UserFilter = None,
    sort: Order = "newest",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response[AuditPage]:
    """Who changed what, when, from what, to what."""
    after = after_of(request, cursor)
    place = int(after) if after is not None else None
    where: dict[str, Any] = {"after": place or 0} if sort == "oldest" else {"before": place}
    found = await people_of(request).audit.listing(
        actor_of(request).company_id, path=path, user_id=user_id, limit=limit + 1, **where
    )
    shown = found[:limit]
    following = cursor_of(request, str(shown[-1].number) if len(found) > limit else None)
    return page(request, AuditPage(data=list(map(_told, shown)), next_cursor=following), following)


def _told(change: AuditedChange) -> ChangeTold:
    entry = change.entry
    return ChangeTold(
        at=change.at,
        user_id=entry.author.user_id,
        name=entry.author.name,
        via=_VIAS[entry.author.via],
        path=entry.path,
        before=entry.before,
        after=entry.after,
    )


HANDLERS = [list_changes]
