"""`/catalog/yaml`: the whole catalog, or one thing of it, as the text of a file. Checked as a file is, then saved."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Conflict, Edition, Invalid, Outcome
from ringbid.catalog.document import export_yaml
from ringbid.catalog.editing import Set, read_part, text_at
from ringbid.catalog.plan import Change
from ringbid.edge.console.catalog_pages import Place, edition_of, may_change, read_form, told, undo_of
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.links import local_path
from ringbid.edge.console.pages import page
from ringbid.edge.web.office import WebRequest, actor_of, office_of


@get("/catalog/yaml", opt={"policy": Policy.READ})
async def show_yaml(request: WebRequest, path: FromQuery[str] = "") -> Template:
    edition = await edition_of(request)
    text = text_at(edition.catalog, path) if path else export_yaml(edition.catalog)
    if text is None:
        raise NotFoundException("The catalog has nothing of this name.")
    back = local_path(_came_from(request), otherwise="/campaigns")
    return _yaml_page(request, edition, path, text, back)


@post("/catalog/yaml", opt={"policy": Policy.MANAGE}, status_code=200)
async def save_yaml(request: WebRequest) -> Response[Any]:
    """Save what was written, or say what it would change."""
    form = await read_form(request)
    path, text, back = (
        form.get("path", ""),
        form.get("text", ""),
        local_path(form.get("back", ""), otherwise="/campaigns"),
    )
    edition = await edition_of(request)
    version = int(form["version"]) if form.get("version", "").isdecimal() else edition.version
    only_planned = form.get("do") == "plan"
    outcome = await _put(request, path, text, version, plan_only=only_planned)
    if isinstance(outcome, Invalid):
        return _yaml_page(request, edition, path, text, back, problems=outcome.problems, status=422)
    if isinstance(outcome, Conflict):
        return _yaml_page(request, edition, path, text, back, conflict=outcome, status=409)
    if only_planned:
        return _yaml_page(request, edition, path, text, back, planned=outcome.changes)
    if outcome.new_keys:
        place = Place(kind="company", path="", heading="", back=back)
        return page(
            request, "catalog/new_key.html", title="Your new key", keys=outcome.new_keys, place=place,
            catalog=outcome.catalog,
        )  # fmt: skip
    return tell_next_page(Redirect(back, status_code=303), told(outcome.changes), undo=undo_of(version, outcome))


async def _put(request: WebRequest, path: str, text: str, version: int, *, plan_only: bool) -> Outcome:
    editor, actor = office_of(request).editor, actor_of(request)
    author, company_id = author_of(actor), actor.company_id
    if not path:
        return await editor.rewrite(author, company_id, version, text, plan_only=plan_only)
    part = read_part(text, path)
    if not isinstance(part, Set):
        return Invalid(part)
    return await editor.change(author, company_id, version, [part], plan_only=plan_only)


def _came_from(request: WebRequest) -> str:
    """The page before, as a path of this server."""
    referrer, base = request.headers.get("referer", ""), str(request.base_url).rstrip("/")
    return referrer.removeprefix(base) if referrer.startswith(f"{base}/") else ""


def _yaml_page(
    request: WebRequest,
    edition: Edition,
    path: str,
    text: str,
    back: str,
    *,
    problems: tuple[object, ...] = (),
    conflict: Conflict | None = None,
    planned: tuple[Change, ...] | None = None,
    status: int = 200,
) -> Template:
    return page(
        request,
        "catalog/yaml.html",
        title=f"{path} as YAML" if path else "The catalog as YAML",
        status=status,
        at=path,
        text=text,
        back=back,
        version=edition.version,
        problems=problems,
        conflict=conflict,
        planned=planned,
        may_change=may_change(request),
    )


HANDLERS = [show_yaml, save_yaml]
