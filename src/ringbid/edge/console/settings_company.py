"""`/settings/company`: its name, time zone, and whether it buys and sells in real time; and making another company."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.response import Response, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Applied, Conflict, Edition
from ringbid.catalog.editing import Set
from ringbid.edge.console.newcomers import told
from ringbid.edge.console.settings_frame import done, settings_page
from ringbid.edge.web.forms import read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

Answer = Response[Any]

_PATH = "/settings/company"


@get(_PATH, opt={"policy": Policy.OWN})
async def show_company(request: WebRequest) -> Template:
    """The company of whoever looks."""
    return _show(request, await _edition(request))


@post(_PATH, opt={"policy": Policy.OWN}, status_code=303)
async def change_company(request: WebRequest) -> Answer:
    """Changes the catalog; 422 and the form where it would be wrong, or was changed meanwhile."""
    form, actor, edition = await read_form(request), actor_of(request), await _edition(request)
    edits = [
        Set("company.name", form.get("name", "").strip() or None),
        Set("company.time_zone", form.get("time_zone", "").strip()),
        Set("company.rtb_enabled", form.get("rtb_enabled") == "true"),
    ]
    version = form.get("version", "")
    base = int(version) if version.isascii() and version.isdigit() else edition.version
    ended = await office_of(request).editor.change(author_of(actor), actor.company_id, base, edits)
    if isinstance(ended, Applied):
        return done(_PATH, "Saved." if ended.changes else "Nothing was changed.")
    if isinstance(ended, Conflict):
        meanwhile = "Somebody else changed the company's catalog meanwhile. Look at it as it is now, and save again."
        return _show(request, await _edition(request), errors={"": meanwhile})
    errors = {one.path.rpartition(".")[2]: f"This is {one.found}; allowed: {one.allowed}." for one in ended.problems}
    return _show(request, edition, form=form, errors=errors)


@post("/settings/companies", opt={"policy": Policy.OWN}, status_code=303)
async def add_company(request: WebRequest) -> Answer:
    """Another company with an empty catalog, owned by whoever makes it; it is shown at once."""
    form, actor, people = await read_form(request), actor_of(request), people_of(request)
    read = read_company(
        name=form.get("company", ""), time_zone=form.get("time_zone", ""), currency=form.get("currency", "")
    )
    errors: dict[str, str] = {}
    if not form.get("company", "").strip():
        errors = {"company": "Give the company a name."}
    elif not isinstance(read, NewCompany):
        errors = told(read)
    elif not await people.accounts.add_company(read, owner_id=actor.user_id, author=author_of(actor)):
        errors = {"company": "There is a company of this name already. Choose another name."}
    if errors or not isinstance(read, NewCompany):
        return _show(request, await _edition(request), new=form, errors_of_new=errors)
    if actor.session_id is not None:
        await people.accounts.switch_company(actor.session_id, read.company_id)
    return done("/start", f"{read.name} is made. This is it.")


async def _edition(request: WebRequest) -> Edition:
    edition = await office_of(request).editor.read(actor_of(request).company_id)
    if edition is None:
        raise NotFoundException("This company has no catalog.")
    return edition


def _show(
    request: WebRequest,
    edition: Edition,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    new: Mapping[str, str] | None = None,
    errors_of_new: Mapping[str, str] | None = None,
) -> Template:
    company = edition.catalog.company
    stored = {
        "name": company.name,
        "time_zone": company.time_zone,
        "rtb_enabled": "true" if company.rtb_enabled else "",
    }
    return settings_page(
        request,
        "company.html",
        title="Company",
        status=422 if errors or errors_of_new else 200,
        company=company,
        version=edition.version,
        form=form or stored,
        errors=errors or {},
        new=new or {},
        errors_of_new=errors_of_new or {},
    )


HANDLERS = [show_company, change_company, add_company]
