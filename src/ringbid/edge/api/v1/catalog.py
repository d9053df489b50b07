"""`/company`, `/tags`, `/publishers`, `/buyers`, `/buyer-groups`, `/campaigns` and what is in a campaign; and the whole
catalog as the file that `ringbid apply` takes.

`catalog_kinds` says which lists there are; each gets the same operations.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.catalog.document import export_yaml
from ringbid.catalog.editing import Set
from ringbid.catalog.file_fields import company_fields, routing_fields
from ringbid.catalog.model import Catalog
from ringbid.edge.api.v1 import catalog_things as things
from ringbid.edge.api.v1.catalog_forms import CompanyForm, RoutingForm
from ringbid.edge.api.v1.catalog_kinds import KINDS, Kind, Tree
from ringbid.edge.api.v1.catalog_things import campaign_of, fields_set
from ringbid.edge.api.v1.catalog_writes import MOST_BYTES, applied, as_json, body_of, change, edition_of
from ringbid.edge.api.v1.etags import etag, version_in
from ringbid.edge.api.v1.paging import Cursor, Limit
from ringbid.edge.api.v1.problems import ApiError, Wrong
from ringbid.edge.api.v1.routes import BODY, VERSIONED, operation
from ringbid.edge.web.office import WebRequest, actor_of, office_of

CampaignId = Annotated[str, PathParameter(description="The campaign's id.")]
ThingName = Annotated[str, PathParameter(description="Its id, or its name in the campaign.")]
_YAML = "application/yaml"


def _operations(kind: Kind) -> list[ControllerRouterHandler]:
    """The operations on one list."""

    async def list_things(request: WebRequest, cursor: Cursor = None, limit: Limit = 100) -> Response[bytes]:
        return await things.list_things(request, kind, cursor=cursor, limit=limit)

    async def read_thing(request: WebRequest, name: ThingName) -> Response[bytes]:
        return await things.read_thing(request, kind, things.name_in(request, kind, name))

    async def add_thing(request: WebRequest) -> Response[bytes]:
        return await things.add_thing(request, kind)

    async def replace_thing(request: WebRequest, name: ThingName) -> Response[bytes]:
        return await things.replace_thing(request, kind, things.name_in(request, kind, name))

    async def change_thing(request: WebRequest, name: ThingName) -> Response[bytes]:
        return await things.change_thing(request, kind, things.name_in(request, kind, name))

    async def remove_thing(request: WebRequest, name: ThingName) -> Response[None]:
        return await things.remove_thing(request, kind, things.name_in(request, kind, name))

    said = kind.word.replace("_", " ")
    named = (
        (list_things, f"list_{kind.listed}", f"Every {said}, in the catalog's order."),
        (read_thing, f"read_{kind.word}", f"One {said}."),
        (add_thing, f"add_{kind.word}", f"Add a {said}, after the others."),
        (replace_thing, f"replace_{kind.word}", f"Make the {said} what is sent; what is left out is at its default."),
        (change_thing, f"change_{kind.word}", f"Change fields of the {said}; null: its default."),
        (remove_thing, f"remove_{kind.word}", f"Take the {said} out of the catalog."),
    )
    for function, name, words in named:
        function.__name__, function.__doc__ = name, words
    one = f"{kind.path}/{{name:{'path' if kind.of_campaign else 'str'}}}"  # what is in a campaign may have any name
    answers: dict[str, Any] = {"tag": kind.tag, "answers": (kind.form, False)}
    writing = answers | {"policy": Policy.MANAGE}
    return [
        operation("GET", kind.path, policy=Policy.READ, tag=kind.tag, answers=(kind.form, True))(list_things),
        operation("GET", one, policy=Policy.READ, **answers)(read_thing),
        operation("POST", kind.path, fails=BODY, takes=kind.form, **writing)(add_thing),
        operation("PUT", one, fails=(*BODY, *VERSIONED), takes=kind.form, **writing)(replace_thing),
        operation("PATCH", one, fails=(*BODY, *VERSIONED), takes=(kind.form, "partly"), **writing)(change_thing),
        operation("DELETE", one, fails=(409, *VERSIONED), policy=Policy.MANAGE, tag=kind.tag)(remove_thing),
    ]


def _single(path: str, word: str, tag: str, form: type[Any]) -> list[ControllerRouterHandler]:
    """The operations on the company, and on a campaign's routing: there is one of each, and it is never removed."""

    def place(request: WebRequest) -> str:
        return "company" if word == "company" else f"campaigns[{request.path_params['campaign_id']}].routing"

    def tell(request: WebRequest, catalog: Catalog) -> Tree:
        if word == "company":
            return company_fields(catalog.company)
        return routing_fields(campaign_of(request, catalog).routing)

    async def read_it(request: WebRequest) -> Response[bytes]:
        edition = await edition_of(request)
        return as_json(tell(request, edition.catalog), version=edition.version)

    async def replace_it(request: WebRequest) -> Response[bytes]:
        version, tree = version_in(request), await body_of(request, form)
        tell(request, (await edition_of(request)).catalog)
        path = place(request)
        done = await change(request, [Set(path, tree)], base_version=version, under=path)
        return as_json(tell(request, done.catalog), version=done.version)

    async def change_it(request: WebRequest) -> Response[bytes]:
        version, tree = version_in(request), await body_of(request, form, partly=True)
        tell(request, (await edition_of(request)).catalog)
        path = place(request)
        done = await change(request, fields_set(path, tree), base_version=version, under=path)
        return as_json(tell(request, done.catalog), version=done.version)

    for function, name in ((read_it, "read"), (replace_it, "replace"), (change_it, "change")):
        function.__name__, function.__doc__ = f"{name}_{word}", f"{name.title()} the {word}."
    answers: dict[str, Any] = {"tag": tag, "answers": (form, False)}
    return [
        operation("GET", path, policy=Policy.READ, **answers)(read_it),
        operation("PUT", path, policy=Policy.MANAGE, fails=(*BODY, *VERSIONED), takes=form, **answers)(replace_it),
        operation("PATCH", path, policy=Policy.MANAGE, fails=(*BODY, *VERSIONED), takes=(form, "partly"), **answers)(
            change_it
        ),
    ]


@operation("GET", "/catalog", policy=Policy.READ, tag="Catalog", media_type=_YAML, answers="yaml")
async def read_catalog(request: WebRequest) -> Response[str]:
    """The whole catalog as YAML, as `ringbid export` prints it: keys are hashes."""
    edition = await edition_of(request)
    return Response(export_yaml(edition.catalog), media_type=_YAML, headers={"ETag": etag(edition.version)})


@operation(
    "PUT", "/catalog", policy=Policy.MANAGE, tag="Catalog", fails=(*BODY, *VERSIONED), takes=_YAML, answers="changes"
)
async def replace_catalog(request: WebRequest) -> Response[bytes]:
    """Put a whole catalog in force, as `ringbid apply` does."""
    return await _rewrite(request, base_version=version_in(request), plan_only=False)


@operation(
    "POST", "/catalog/plan", policy=Policy.READ, tag="Catalog", fails=BODY, status=200, takes=_YAML, answers="changes"
)
async def plan_catalog(request: WebRequest) -> Response[bytes]:
    """What a whole catalog would change. Nothing is put in force."""
    return await _rewrite(request, base_version=None, plan_only=True)


async def _rewrite(request: WebRequest, *, base_version: int | None, plan_only: bool) -> Response[bytes]:
    content = await request.body()
    if len(content) > MOST_BYTES:
        raise ApiError(413)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApiError(422, errors=[Wrong(at="body", expected="YAML in UTF-8")]) from error
    office, actor = office_of(request), actor_of(request)
    outcome = await office.editor.rewrite(author_of(actor), actor.company_id, base_version, text, plan_only=plan_only)
    done = applied(outcome)
    changes = [{"path": one.path, "before": _said(one.before), "after": _said(one.after)} for one in done.changes]
    keys = [{"campaign_id": key.campaign_id, "name": key.name, "secret": key.secret} for key in done.new_keys]
    return as_json({"changes": changes, "new_keys": keys}, version=done.version)


def _said(value: object) -> str | None:
    return None if value is None else str(value)


HANDLERS: list[ControllerRouterHandler] = [
    *_single("/company", "company", "Company", CompanyForm),
    *(handler for kind in KINDS for handler in _operations(kind)),
    *_single("/campaigns/{campaign_id:str}/routing", "routing", "Campaigns", RoutingForm),
    read_catalog,
    replace_catalog,
    plan_catalog,
]
