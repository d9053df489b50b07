"""How a request to `/api/v1` fails: a problem document (RFC 9457) with a code that stays, what was found, what was
expected, and what mends it.

`edge.web.errors` sends them. A refusal of the exchange has its own code (docs/reasons.md); what is wrong with the
request itself has one of `CODES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from ringbid.values.facts import Fault
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/v1/problems/"

CODES: dict[str, str] = {
    "request_invalid": "The request is not what this address takes; `errors` names each part that is wrong.",
    "unknown_parameter": "The query has a parameter that this address does not know; `errors` says which it knows.",
    "not_found": "There is nothing at this address, or it is another company's.",
    "not_signed_in": "Send an API key: `Authorization: Bearer rbk_…`. Owners make them in the console, under Settings.",
    "not_allowed": "The key, or the role of who signed in, does not allow this.",
    "method_not_allowed": "This address does not take that method; `Allow` says which it takes.",
    "version_required": "Send the `ETag` of what you have read as `If-Match`, so that nobody's change is lost.",
    "version_differs": "It was changed since you read it. Read it again, and send its new `ETag`.",
    "conflict": "It cannot be done as things stand.",
    "too_large": "The body is larger than this address takes.",
    "type_not_taken": "The body must be JSON, or YAML where the address says so.",
    "rate_limited": "That was too much in a short time. Wait as long as `Retry-After` says.",
    "mistake": "A mistake of Ringbid's. It is in the server's log.",
    "unavailable": "The store cannot answer at the moment. Try again as `Retry-After` says.",
}
_OF_STATUS = {
    400: "request_invalid",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "version_differs",
    413: "too_large",
    415: "type_not_taken",
    422: "request_invalid",
    428: "version_required",
    429: "rate_limited",
    503: "unavailable",
}
_CONFLICTS = frozenset(
    {
        Reason.CONVERSION_DECIDED,
        Reason.ALREADY_VOIDED,
        Reason.NOTHING_BOOKED,
        Reason.CALL_NOT_TAKEN,
        Reason.IDEMPOTENCY_KEY_IN_FLIGHT,
    }
)
_SERVER_ERROR = 500


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the request that is wrong: its parameter, or the path within its body."""

    at: Annotated[str, msgspec.Meta(description="The parameter, header, or path in the body.", examples=["limit"])]
    actual: str | None = None
    expected: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457). `code` stays the same for the same cause; texts may be improved."""

    type: Annotated[
        str,
        msgspec.Meta(description="Where the code is explained.", examples=["/api/v1/problems/not_found"]),
    ]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    code: Annotated[str, msgspec.Meta(examples=["not_found"])]
    actual: str | None = None
    expected: str | None = None
    fix: Annotated[str | None, msgspec.Meta(description="What mends it: a path in the catalog, or what to do.")] = None
    version: Annotated[str | None, msgspec.Meta(description="The ETag in force, where yours is not.")] = None
    errors: list[Wrong] = []


class ApiError(HTTPException):
    """A request that ends as a problem. Raised by handlers, as Litestar's own errors are."""

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        detail: str | None = None,
        actual: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
        version: str | None = None,
        errors: Iterable[Wrong] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        self.code = code or _code_of(status)
        super().__init__(detail=detail or CODES[self.code], status_code=status, headers=headers)
        self.problem = Problem(
            type=f"{TYPES}{self.code}",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=self.detail,
            code=self.code,
            actual=actual,
            expected=expected,
            fix=fix,
            version=version,
            errors=list(errors),
        )


def not_found() -> ApiError:
    """The same for what never was and for what is another company's."""
    return ApiError(404)


def invalid(at: str, *, actual: object, expected: str) -> ApiError:
    """One parameter, or one place in the body, has a value that is not taken."""
    return ApiError(422, errors=[Wrong(at=at, actual=None if actual is None else str(actual)[:200], expected=expected)])


def refused(refusal: Refused) -> ApiError:
    """The exchange's own refusal, with its reason's code and words."""
    reason = refusal.reason
    status = 404 if reason is Reason.CALL_UNKNOWN else 409 if reason in _CONFLICTS else 422
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    mend = refusal.setting or (reason.text if reason.fault in (Fault.OWNER, Fault.PUBLISHER) else None)
    return ApiError(
        status, code=reason.code, detail=reason.text, actual=refusal.actual, expected=refusal.expected, fix=mend
    )


def answer(status: int, detail: str | None, *, extra: object, headers: dict[str, str] | None) -> Response[Any]:
    """The problem of an error that Litestar raised: `extra` is what it says of each wrong part."""
    if status == HTTPStatus.BAD_REQUEST:
        status = 422
    error = ApiError(status, detail=_detail(status, detail), errors=_wrongs(extra, detail))
    return send(error, headers=headers)


def send(error: ApiError, *, headers: dict[str, str] | None = None) -> Response[Any]:
    """The response that tells it."""
    headers = {**(error.headers or {}), **(headers or {})}
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="ringbid"'
    return Response(error.problem, status_code=error.status_code, media_type=MEDIA_TYPE, headers=headers)


def _code_of(status: int) -> str:
    return _OF_STATUS.get(status, "mistake" if status >= _SERVER_ERROR else "request_invalid")


def _detail(status: int, detail: str | None) -> str | None:
    """Ours where Litestar only says the status in words."""
    ours = status in (404, 405, 415, 422) or not detail or detail == HTTPStatus(status).phrase
    return None if ours else detail


def _wrongs(extra: object, detail: str | None) -> list[Wrong]:
    if isinstance(extra, list):
        found = [one for one in extra if isinstance(one, dict)]
        return [Wrong(at=str(one.get("key") or "body"), expected=str(one.get("message"))[:300]) for one in found]
    return [Wrong(at="body", expected=detail[:300])] if extra is not None and detail else []
