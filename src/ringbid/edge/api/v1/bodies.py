"""The bodies of catalog things in the OpenAPI document: what is sent is a form, what is answered a form that is filled.

For `reference`. A change takes any of a form's fields; an answer has no secret key in it, but the one that was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ringbid.edge.api.v1.idempotency import PARAMETER
from ringbid.edge.api.v1.paging import Next

Tree = dict[str, Any]

_REF = "#/components/schemas/{name}"
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": r'^"[0-9]{1,18}"$', "examples": ['"12"']},
    "description": "The `ETag` of what was read.",
}
_ETAG = {"ETag": {"description": "The version that a change must name.", "schema": {"type": "string"}}}


class CatalogChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change, at a path in the catalog."""

    path: str
    before: str | None
    after: str | None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made. Its secret is shown now and never again."""

    campaign_id: str
    name: str
    secret: str


class CatalogChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole catalog changes, or would change."""

    changes: list[CatalogChange]
    new_keys: list[NewKey]


def tell_bodies(document: Tree, bodies: Mapping[str, tuple[Any, Any]]) -> None:
    """Add them to `document`: of each operation what it takes and what it answers."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for method, operation in path.items():
            takes, answers = bodies.get(operation["operationId"], (None, None))
            if "428" in operation["responses"]:
                operation["parameters"].append(_IF_MATCH)
            if method == "post":
                operation.setdefault("parameters", []).append(PARAMETER)
            if {"204", "428"} <= operation["responses"].keys():
                operation["responses"]["204"] = {"description": "It is gone.", "headers": _ETAG}
            if takes is not None:
                operation["requestBody"] = {"required": True, "content": _content(takes, schemas)}
            if answers == "yaml":
                whole = {"schema": {"type": "object", "description": "A catalog file; see docs/catalog.md."}}
                operation["responses"]["200"] |= {"content": {"application/yaml": whole}, "headers": _ETAG}
            elif answers is not None:
                status = next(one for one in operation["responses"] if one.startswith("2"))
                told = operation["responses"][status]
                told["content"] = {"application/json": {"schema": _answer(answers, schemas)}}
                told["headers"] = told.get("headers", {}) | _ETAG


def _content(takes: Any, schemas: Tree) -> Tree:  # noqa: ANN401 -- a form, a form and "partly", or a media type
    if isinstance(takes, str):
        return {takes: {"schema": {"type": "object", "description": "A catalog file; see docs/catalog.md."}}}
    if isinstance(takes, tuple):
        form, _ = takes
        name = f"{form.__name__}Changes"
        whole = _component(form, schemas)
        schemas[name] = {key: value for key, value in whole.items() if key not in ("required", "title")}
        return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}
    _component(takes, schemas)
    return {"application/json": {"schema": {"$ref": _REF.format(name=takes.__name__)}}}


def _answer(answers: Any, schemas: Tree) -> Tree:  # noqa: ANN401 -- a form and whether there are many, or "changes"
    if answers == "changes":
        _component(CatalogChanges, schemas)
        return {"$ref": _REF.format(name="CatalogChanges")}
    form, many = answers
    name = form.__name__.removesuffix("Form")
    whole = _component(form, schemas)
    told = {key: value for key, value in whole.items() if key not in ("additionalProperties", "title")}
    told["properties"] = {key: value for key, value in whole["properties"].items() if key != "key" or name == "Tag"}
    schemas[name] = told
    one = {"$ref": _REF.format(name=name)}
    if not many:
        return one
    (following,), _ = msgspec.json.schema_components((Next,))
    properties = {"data": {"type": "array", "items": one}, "next_cursor": following}
    return {"type": "object", "properties": properties, "required": ["data", "next_cursor"]}


def _component(form: type[msgspec.Struct], schemas: Tree) -> Tree:
    """The schema of a form, which is added to `schemas` with all that it names."""
    _, components = msgspec.json.schema_components((form,), ref_template="#/components/schemas/{name}")
    schemas.update(components)
    found: Tree = components[form.__name__]
    return found
