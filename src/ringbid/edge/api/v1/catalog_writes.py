"""Changes of the catalog: from a request to what `catalog.changing` is asked, and from its outcome to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Response

from ringbid.accounts.audit import author_of
from ringbid.catalog.changing import Applied, Conflict, Edition, Invalid, Outcome
from ringbid.catalog.editing import Edit
from ringbid.edge.api.v1.etags import differs, etag
from ringbid.edge.api.v1.problems import ApiError, Wrong, not_found
from ringbid.edge.web.office import WebRequest, actor_of, office_of

MOST_BYTES = 2_000_000
_MOST_TRIES = 5
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


async def edition_of(request: WebRequest) -> Edition:
    """The company's catalog in force. Raises ApiError where it has none."""
    found = await office_of(request).editor.read(actor_of(request).company_id)
    if found is None:
        raise not_found()
    return found


async def body_of(request: WebRequest, form: type[msgspec.Struct], *, partly: bool = False) -> dict[str, Any]:
    """The body, of the form's fields; with `partly` needed ones may be left out. Numbers are exact. Raises ApiError
    that names what is wrong."""
    content = await request.body()
    if len(content) > MOST_BYTES:
        raise ApiError(413)
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/merge-patch+json"):
        raise ApiError(415, actual=kind[:100], expected="application/json")
    try:
        tree = _decoder.decode(content)
        if not isinstance(tree, dict):
            raise ApiError(422, errors=[Wrong(at="body", actual=type(tree).__name__, expected="an object")])
        missing = {field.encode_name for field in msgspec.structs.fields(form) if field.required} - set(tree)
        filled = tree | {name: "x" for name in missing if name != "on"} if partly else tree
        if partly and "on" in missing:
            filled = filled | {"on": "answered"}
        nothing = {name for name, value in tree.items() if value is None}
        msgspec.convert(
            {name: value for name, value in filled.items() if name not in nothing or not partly}
            | (dict.fromkeys(nothing & missing, "x") if partly else {}),
            form,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        where, _, path = str(error).partition(" - at `$")
        raise ApiError(422, errors=[Wrong(at=path.strip(".`") or "body", expected=where[:300])]) from error
    return tree


async def change(
    request: WebRequest, edits: Sequence[Edit], *, base_version: int | None, under: str, wrong: int = 422
) -> Applied:
    """Put `edits` in force. Without a `base_version`, on top of whatever is in force. Raises ApiError: 412 where the
    version has moved, `wrong` for what is wrong; `under` is left out of the paths that are named."""
    office, actor = office_of(request), actor_of(request)
    for _ in range(_MOST_TRIES):
        base = base_version if base_version is not None else (await edition_of(request)).version
        outcome = await office.editor.change(author_of(actor), actor.company_id, base, edits)
        if base_version is not None or not isinstance(outcome, Conflict):
            break
    return applied(outcome, under=under, wrong=wrong)


def applied(outcome: Outcome, *, under: str = "", wrong: int = 422) -> Applied:
    """What came of it, or raises ApiError."""
    match outcome:
        case Applied():
            return outcome
        case Conflict(version, changes):
            raise differs(version, changed=", ".join(one.path for one in changes[:5]))
        case Invalid(problems):
            wrongs = [
                Wrong(
                    at=one.path.removeprefix(under).lstrip(".") or one.path or "body",
                    actual=one.found[:300],
                    expected=one.allowed[:300],
                )
                for one in problems[:100]
            ]
            raise ApiError(wrong, errors=wrongs)


def as_json(tree: object, *, version: int, status: int = 200, location: str | None = None) -> Response[bytes]:
    """`tree` as JSON with exact numbers, and the version that a change of it must name."""
    headers = {"ETag": etag(version)} | ({"Location": location} if location is not None else {})
    return Response(_encoder.encode(tree), status_code=status, media_type="application/json", headers=headers)
