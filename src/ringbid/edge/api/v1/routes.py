"""Declaring an operation of `/api/v1`: its policy, what it is called in the reference, and how it can fail.

Every operation refuses a query parameter that it does not declare, so that a misspelt filter is never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from inspect import Parameter, cleandoc, signature
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import delete, get, patch, post, put
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.idempotency import idempotent
from ringbid.edge.api.v1.lists import known_parameters
from ringbid.edge.api.v1.problems import MEDIA_TYPE, ApiError, Problem, Wrong
from ringbid.reports.listing import ListKind

BASE = "/api/v1"
_METHODS = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
_FAILS = {
    401: "Nobody has signed in, and there is no API key.",
    403: "The key or the role does not allow it.",
    404: "There is no such thing, or it is another company's.",
    405: "The address does not take this method.",
    409: "It cannot be done as things stand.",
    412: "It was changed since it was read: the `ETag` in `If-Match` is not the one in force.",
    413: "The body is too large.",
    415: "The body's type is not taken.",
    422: "A parameter or the body is wrong; `errors` names the part, and what is allowed.",
    428: "`If-Match` is missing.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    503: "The store cannot answer; `Retry-After` says when to try again.",
}
ALWAYS = (401, 403, 422, 429, 503)
BODY = (409, 413, 415)
VERSIONED = (412, 428)


def operation(
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
    path: str,
    *,
    policy: Policy,
    tag: str,
    scope: Scope | None = None,
    fails: tuple[int, ...] = (),
    status: int | None = None,
    listing: ListKind | None = None,
    takes: object = None,
    answers: object = None,
    **more: Any,  # noqa: ANN401 -- Litestar's own options of a route
) -> Callable[[Callable[..., Any]], Any]:
    """The decorator of a handler at `/api/v1` + `path`, that may end with `fails` besides what any may end with.

    `scope` is what an API key needs, where it is not the policy's own; `listing` adds the filters of a list. `takes`
    and `answers` say what bodies are made of that are not read and written by their types (`bodies`). The first line of
    the handler's docstring is its summary.
    """

    def declare(handler: Callable[..., Any]) -> Any:  # noqa: ANN401 -- what Litestar makes of a function
        if method == "POST":
            handler = idempotent(handler, status=status or HTTPStatus.CREATED)
        first, _, rest = cleandoc(handler.__doc__ or "").partition("\n\n")
        route = _METHODS[method](
            f"{BASE}{path}",
            opt={
                "policy": policy,
                **({"scope": scope} if scope is not None else {}),
                "listing": listing,
                "takes": takes,
                "answers": answers,
            },
            guards=[hold_to_parameters],
            summary=first.strip(),
            description=rest.strip() or None,
            operation_id=handler.__name__,
            tags=[tag],
            status_code=status,
            include_in_schema=True,
            security=[{}] if policy is Policy.PUBLIC else None,
            responses=_documented(*ALWAYS, *_usual(method, path), *fails),
            **more,
        )
        return route(handler)

    return declare


def _usual(method: str, path: str) -> tuple[int, ...]:
    """How every operation of this form may end."""
    named, posted = (404,) if "{" in path else (), (409,) if method == "POST" else ()
    return named + posted


def _documented(*statuses: int) -> Mapping[int, ResponseSpec]:
    return {
        status: ResponseSpec(
            data_container=Problem, description=_FAILS[status], media_type=MEDIA_TYPE, generate_examples=False
        )
        for status in sorted(set(statuses))
    }


def hold_to_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises ApiError for a parameter that the operation does not declare, that is missing, or that stands
    twice without being a list."""
    known = _parameters(handler)
    if handler.opt.get("listing") is not None:
        listed = known_parameters(handler.opt["listing"])
        known = known | {name: _Parameter(False, many, ()) for name, many in listed.items()}
    missing = [name for name, one in known.items() if one.required and name not in connection.query_params]
    wrong = [Wrong(at=name, actual="missing", expected="a value: this parameter is needed") for name in missing]
    for name in dict.fromkeys(connection.query_params):
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none: this address has no parameters"
            wrong.append(Wrong(at=name, actual=f"unknown parameter {name!r}"[:200], expected=allowed))
        elif not known[name].many and len(connection.query_params.getall(name)) > 1:
            wrong.append(Wrong(at=name, actual="given more than once", expected="once"))
        else:
            wrong += [
                Wrong(at=name, actual=text[:200], expected=" or ".join(known[name].values) or "a value")
                for text in connection.query_params.getall(name)
                if not text or (known[name].values and text not in known[name].values)
            ]
    if wrong:
        unknown = any(one.at not in known for one in wrong)
        raise ApiError(422, code="unknown_parameter" if unknown else None, errors=wrong)


class _Parameter(msgspec.Struct, frozen=True):
    """Must it be there, may it stand more than once, and which texts it may have (none: those that its type says)."""

    required: bool
    many: bool
    values: tuple[str, ...]


@cache
def _parameters(handler: BaseRouteHandler) -> dict[str, _Parameter]:
    """The query parameters that a handler declares."""
    found = {}
    declared = signature(handler.fn).parameters
    for name, annotation in get_type_hints(handler.fn, include_extras=True).items():
        marks = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, QueryParameter)]
        if marks:
            kind = get_args(annotation)[0]
            found[marks[0].query or marks[0].name or name] = _Parameter(
                declared[name].default is Parameter.empty, _is_list(kind), _values_of(kind)
            )
    return found


def _is_list(kind: object) -> bool:
    return get_origin(kind) is list or any(map(_is_list, _members(kind)))


def _values_of(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 -- any type that a parameter may have
    if kind is bool:
        return ("true", "false")
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    inner = get_args(kind) if get_origin(kind) is list else _members(kind)
    return tuple(text for one in inner for text in _values_of(one))


def _members(kind: object) -> tuple[object, ...]:
    if get_origin(kind) in (Union, UnionType):
        return tuple(one for one in get_args(kind) if one is not type(None))
    return ()
