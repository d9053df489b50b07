"""`/audit`: every change that somebody made: who, when, from, to."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from ringbid.accounts.policy import Policy
from ringbid.edge.console.pages import page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, actor_of, people_of

SIZES = (25, 50, 100, 200)
_COLUMNS = [Column("When"), Column("Who"), Column("What"), Column("From"), Column("To")]
_LONGEST = 400


@get("/audit", opt={"policy": Policy.READ})
async def show_audit(request: WebRequest) -> Template:
    """The newest changes first. The address holds the filters (`path`, `user`), the size of a page, and the cursor."""
    people, company_id = people_of(request), actor_of(request).company_id
    query = request.query_params
    size = next((one for one in SIZES if str(one) == query.get("size")), 50)
    path, user_id = query.get("path", "").strip()[:200], query.get("user", "")[:200]
    found = await people.audit.listing(
        company_id, before=_cursor(query.get("cursor", "")), path=path or None, user_id=user_id or None, limit=size + 1
    )
    changes = found[:size]
    users = [("", "everybody"), *((one.user_id, one.name) for one in await people.accounts.members(company_id))]
    return page(
        request,
        "audit.html",
        title="Audit",
        changes=changes,
        columns=_COLUMNS,
        users=users,
        wanted={"path": path, "user": user_id},
        size=size,
        sizes=SIZES,
        first="cursor" in query,
        next_cursor=changes[-1].number if len(found) > size else None,
        longest=_LONGEST,
    )


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


HANDLERS = [show_audit]
