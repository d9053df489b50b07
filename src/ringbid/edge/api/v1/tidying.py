"""What Litestar says of our operations, made as strict as they are: for `reference`.

A query parameter that may be left out is no null; no answer has fields that are not listed; what is wrong is a 422.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
}
_LINK = {"Link": {"description": 'The next page: `<…>; rel="next"`.', "schema": {"type": "string"}}}


def tidy(document: Tree, parameters: dict[str, list[Tree]]) -> Tree:
    """`document`, changed in place; `parameters` are those of lists, by the operation's id."""
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["parameters"] = [
                    *operation.get("parameters", ()),
                    *parameters.get(operation["operationId"], ()),
                ]
                _tidy_operation(operation)
    for schema in document["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    tidied: Tree = _whole_numbers(document)
    return tidied


def _tidy_operation(operation: Tree) -> None:
    responses = operation["responses"]
    responses.pop("400", None)
    for status in ("429", "503"):
        if status in responses:
            responses[status]["headers"] = _RETRY
    names = {one["name"] for one in operation.get("parameters", ())}
    if "cursor" in names:
        responses["200"]["headers"] = _LINK
    for parameter in operation.get("parameters", ()):
        for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(noise, None)
        parameter["schema"].pop("description", None)
        if parameter["in"] in ("query", "header"):
            parameter["schema"] = _without_null(parameter["schema"])
        if parameter["in"] == "query" and parameter["schema"].get("type") == "string":
            parameter["schema"].setdefault("minLength", 1)  # `routes` takes no parameter without a value


def _without_null(schema: Tree) -> Tree:
    choices = schema.get("oneOf", ())
    if {"type": "null"} in choices:
        kept = [one for one in choices if one != {"type": "null"}]
        rest = {name: value for name, value in schema.items() if name not in ("oneOf", "default")}
        return {**kept[0], **rest} if len(kept) == 1 else {"oneOf": kept, **rest}
    return {name: value for name, value in schema.items() if not (name == "default" and value is None)}


def _whole_numbers(tree: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Bounds of integers as integers."""
    if isinstance(tree, dict):
        return {name: _whole_numbers(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_whole_numbers(value) for value in tree]
    return int(tree) if isinstance(tree, float) and tree.is_integer() else tree
