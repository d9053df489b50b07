"""`/settings/history`: every version of the catalog, what each changed, and putting an earlier one in force again.

A restore is a change like any other: it names the version that it was made for, and is one more version.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Conflict, Invalid
from ringbid.catalog.plan import plan
from ringbid.edge.console.catalog_pages import edition_of, may_change, read_form, told
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.links import local_path
from ringbid.edge.console.settings_frame import settings_page
from ringbid.edge.console.tables import Column
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of

_PATH = "/settings/history"
_CHANGES = (Column("What"), Column("From"), Column("To"))
_MOST_VERSIONS = 1000
_MOST_CHANGES = 500


@get(_PATH, opt={"policy": Policy.READ})
async def list_versions(request: WebRequest) -> Template:
    """The newest first."""
    return settings_page(
        request, "history.html", title="History of the catalog", view=view_of(request, await _versions(request))
    )


async def _versions(request: WebRequest) -> WholeTable:
    found = await office_of(request).editor.versions(actor_of(request).company_id, limit=_MOST_VERSIONS)
    lines = [Line((one.version, one.applied_at, one.applied_by), one) for one in found]
    return WholeTable(name="catalog-history", labels=("Version", "In force since", "By"), lines=lines)


@get(f"{_PATH}/changes", opt={"policy": Policy.READ})
async def show_version(request: WebRequest, version: FromQuery[int | None] = None) -> Template:
    """What a version changed, and what restoring it would change now; without a number, the newest."""
    editor, company_id = office_of(request).editor, actor_of(request).company_id
    now = await edition_of(request)
    number = now.version if version is None else version
    shown = await editor.read(company_id, number) if 0 < number < 2**62 else None
    if shown is None:
        raise NotFoundException("There is no such version of this company's catalog.")
    earlier = await editor.versions(company_id, before=number, limit=1)
    before = await editor.read(company_id, earlier[0].version) if earlier else None
    return settings_page(
        request,
        "version.html",
        title=f"Version {number}",
        number=number,
        columns=_CHANGES,
        changed=plan(before.catalog if before is not None else None, shown.catalog)[:_MOST_CHANGES],
        restoring=plan(now.catalog, shown.catalog)[:_MOST_CHANGES],
        most=_MOST_CHANGES,
        base=now.version,
        before=before.version if before is not None else None,
        may_change=may_change(request),
    )


@post(f"{_PATH}/restore", opt={"policy": Policy.MANAGE}, status_code=303)
async def restore(request: WebRequest) -> Response[Any]:
    """Put a version in force again, in place of the one that was looked at."""
    form, actor = await read_form(request), actor_of(request)
    numbers = [form.get(name, "") for name in ("version", "base")]
    if not all(number.isascii() and number.isdecimal() and len(number) < 19 for number in numbers):
        raise NotFoundException("Choose a version of the history.")
    version, base = map(int, numbers)
    outcome = await office_of(request).editor.restore(author_of(actor), actor.company_id, base, version)
    back = Redirect(local_path(form.get("back", ""), otherwise=_PATH), status_code=303)
    if isinstance(outcome, Invalid):
        return tell_next_page(back, f"Not restored: {outcome.problems[0]}", tone="bad")
    if isinstance(outcome, Conflict):
        words = f"Not restored: somebody changed the catalog meanwhile (version {outcome.version}). Look at it first."
        return tell_next_page(Redirect(_PATH, status_code=303), words, tone="limit")
    return tell_next_page(back, f"Version {version} is in force again. {told(outcome.changes)}")


HANDLERS: list[ControllerRouterHandler] = [
    *(list_versions, show_version, restore),
    *files_of(_PATH, Policy.READ, _versions),
]
