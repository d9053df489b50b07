"""What is done with the things in a list of the catalog: listed, read, added, replaced, changed, removed.

Called by the operations of `catalog`, with the kind of thing that an address is about.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from litestar import Response

from ringbid.catalog.editing import Add, Edit, Remove, Set
from ringbid.catalog.model import Campaign, Catalog
from ringbid.edge.api.v1.catalog_kinds import Kind, Tree
from ringbid.edge.api.v1.catalog_writes import as_json, body_of, change, edition_of
from ringbid.edge.api.v1.etags import etag, version_in
from ringbid.edge.api.v1.paging import address_of, after_of, cursor_of
from ringbid.edge.api.v1.problems import ApiError, invalid, not_found
from ringbid.edge.api.v1.routes import BASE
from ringbid.edge.web.event_secrets import first_secret
from ringbid.edge.web.office import WebRequest

_SLASHES_BEFORE = f"{BASE}/".count("/")
_NESTED = ("caps",)
_WITH_SECRETS = ("rtb_keys", "access_keys")


async def list_things(request: WebRequest, kind: Kind, *, cursor: str | None, limit: int) -> Response[bytes]:
    edition = await edition_of(request)
    things = kind.things(edition.catalog, _campaign(request, kind, edition.catalog))
    after = after_of(request, cursor)
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise invalid("cursor", actual=cursor, expected="the next_cursor of a page of this list")
    start = int(after or 0)
    following = cursor_of(request, str(start + limit) if start + limit < len(things) else None)
    data = [kind.fields(thing) for thing in things[start : start + limit]]
    return as_json({"data": data, "next_cursor": following}, version=edition.version)


async def read_thing(request: WebRequest, kind: Kind, name: str) -> Response[bytes]:
    edition = await edition_of(request)
    return as_json(_find(request, kind, edition.catalog, name), version=edition.version)


async def add_thing(request: WebRequest, kind: Kind) -> Response[bytes]:
    tree = await body_of(request, kind.form)
    edition = await edition_of(request)
    name = str(tree.get(kind.named_by) or "Default")
    there = kind.things(edition.catalog, _campaign(request, kind, edition.catalog))
    if any(kind.name_of(thing) == name for thing in there):
        said = kind.word.replace("_", " ")
        raise ApiError(409, detail=f"There is a {said} of this {kind.named_by}.", actual=name)
    path = _list_path(request, kind)
    done = await change(request, [Add(path, tree)], base_version=None, under=f"{path}[{name}]")
    thing = kind.things(done.catalog, _campaign(request, kind, done.catalog))[-1]
    told = kind.fields(thing)
    if kind.listed in _WITH_SECRETS:
        told["secret"] = done.new_keys[0].secret if done.new_keys else None
    if kind.listed == "event_webhooks":
        told["secret"] = await first_secret(request, kind.name_of(thing))
    location = f"{address_of(request)}/{quote(kind.name_of(thing), safe='+')}"
    return as_json(told, version=done.version, status=201, location=location)


async def replace_thing(request: WebRequest, kind: Kind, name: str) -> Response[bytes]:
    version, tree = version_in(request), await body_of(request, kind.form)
    before = _find(request, kind, (await edition_of(request)).catalog, name)
    _hold_to_name(kind, tree, name)
    if "key_sha256" in before and not {"key", "key_sha256"} & set(tree):
        tree = tree | {"key_sha256": before["key_sha256"]}
    path = f"{_list_path(request, kind)}[{name}]"
    # What is in a campaign stays: it has addresses of its own.
    edits = fields_set(path, _all_fields(before, tree)) if kind.listed == "campaigns" else [Set(path, tree)]
    done = await change(request, edits, base_version=version, under=path)
    return as_json(_find(request, kind, done.catalog, name), version=done.version)


async def change_thing(request: WebRequest, kind: Kind, name: str) -> Response[bytes]:
    version, tree = version_in(request), await body_of(request, kind.form, partly=True)
    _find(request, kind, (await edition_of(request)).catalog, name)
    _hold_to_name(kind, tree, name)
    path = f"{_list_path(request, kind)}[{name}]"
    done = await change(request, fields_set(path, tree), base_version=version, under=path)
    return as_json(_find(request, kind, done.catalog, name), version=done.version)


async def remove_thing(request: WebRequest, kind: Kind, name: str) -> Response[None]:
    version = version_in(request)
    _find(request, kind, (await edition_of(request)).catalog, name)
    path = f"{_list_path(request, kind)}[{name}]"
    # Nothing is wrong with what is asked; what still names the thing stands in its way.
    done = await change(request, [Remove(path)], base_version=version, under=path, wrong=409)
    return Response(None, status_code=204, headers={"ETag": etag(done.version)})


def _hold_to_name(kind: Kind, tree: Tree, name: str) -> None:
    if str(tree.get(kind.named_by, name)) != name:
        raise invalid(kind.named_by, actual=tree[kind.named_by], expected=f"{name}: it keeps its name")


def fields_set(path: str, tree: Tree) -> list[Edit]:
    """Each field by itself; the caps each by itself, too, so that one can be changed without the others."""
    edits: list[Edit] = []
    for name, value in tree.items():
        if name in _NESTED and isinstance(value, dict):
            edits += [Set(f"{path}.{name}.{inner}", one) for inner, one in value.items()]
        else:
            edits.append(Set(f"{path}.{name}", value))
    return edits


def _all_fields(before: Tree, tree: Tree) -> Tree:
    """Every field: those that are not sent go back to their default."""
    return {name: tree.get(name) for name in before if name != "id"}


def _list_path(request: WebRequest, kind: Kind) -> str:
    return f"campaigns[{request.path_params['campaign_id']}].{kind.listed}" if kind.of_campaign else kind.listed


def _campaign(request: WebRequest, kind: Kind, catalog: Catalog) -> Campaign | None:
    return campaign_of(request, catalog) if kind.of_campaign else None


def campaign_of(request: WebRequest, catalog: Catalog) -> Campaign:
    wanted = request.path_params["campaign_id"]
    found = next((one for one in catalog.campaigns if one.id == wanted), None)
    if found is None:
        raise not_found()
    return found


def _find(request: WebRequest, kind: Kind, catalog: Catalog, name: str) -> Tree:
    things = kind.things(catalog, _campaign(request, kind, catalog))
    found = next((thing for thing in things if kind.name_of(thing) == name), None)
    if found is None:
        raise not_found()
    return kind.fields(found)


def name_in(request: WebRequest, kind: Kind, name: str) -> str:
    """The name in an address, letter by letter: a slash in a name is `%2F` there, and paths that are matched are tidied
    before, so that `a//b` would be another one's name."""
    if not kind.of_campaign:
        return name
    path = request.scope["raw_path"].partition(b"?")[0].decode("ascii", errors="replace")
    return unquote(path.split("/", kind.path.count("/") + _SLASHES_BEFORE)[-1])
