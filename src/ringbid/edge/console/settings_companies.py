"""`/settings/companies`: the companies that somebody is a member of, and making another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.response import Response, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.policy import Policy
from ringbid.edge.console.newcomers import told
from ringbid.edge.console.settings_frame import done, settings_page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.forms import read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

Answer = Response[Any]

_PATH = "/settings/companies"
_COLUMNS = [Column("Company"), Column("You are"), Column("Show")]


@get(_PATH, opt={"policy": Policy.OWN})
async def list_companies(request: WebRequest) -> Template:
    """All of one's own."""
    return await _show(request)


@post(_PATH, opt={"policy": Policy.OWN}, status_code=303)
async def add_company(request: WebRequest) -> Answer:
    """Another company with an empty catalog, owned by whoever makes it; it is shown at once."""
    form, actor, people = await read_form(request), actor_of(request), people_of(request)
    read = read_company(
        name=form.get("company", ""), time_zone=form.get("time_zone", ""), currency=form.get("currency", "")
    )
    if not form.get("company", "").strip():
        return await _show(request, form=form, errors={"company": "Give the company a name."})
    if not isinstance(read, NewCompany):
        return await _show(request, form=form, errors=told(read))
    if not await people.accounts.add_company(read, owner_id=actor.user_id, author=author_of(actor)):
        taken = "There is a company of this name already. Choose another name."
        return await _show(request, form=form, errors={"company": taken})
    if actor.session_id is not None:
        await people.accounts.switch_company(actor.session_id, read.company_id)
    return done("/start", f"{read.name} is made. This is it.")


async def _show(
    request: WebRequest, *, form: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> Template:
    actor, known = actor_of(request), office_of(request).catalogs.snapshot.companies
    rows = [
        (one.company_id, known[one.company_id].catalog.company.name if one.company_id in known else "", one.grant)
        for one in await people_of(request).accounts.memberships(actor.user_id)
    ]
    return settings_page(
        request,
        "companies.html",
        title="Companies",
        status=422 if errors else 200,
        columns=_COLUMNS,
        companies=[(company_id, name or company_id, grant.describe()) for company_id, name, grant in rows],
        form=form or {},
        errors=errors or {},
    )


HANDLERS = [list_companies, add_company]
