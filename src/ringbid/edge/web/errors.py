"""How requests end that cannot be answered: a page for people, a problem document (RFC 9457) for programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.response import Redirect

from ringbid.edge.api.v1 import problems
from ringbid.edge.console.pages import page
from ringbid.edge.web.guard import sign_in_path
from ringbid.edge.web.office import WebRequest
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable

API = "/api/"
_BUSY = {"Retry-After": "1"}

_log = structlog.get_logger(__name__)


def answer_http_error(request: WebRequest, error: HTTPException) -> Response[Any]:
    """What Litestar or a handler raised, with its status."""
    if isinstance(error, NotAuthorizedException) and not _is_for_program(request):
        return Redirect(sign_in_path(request.url.path, request.url.query), status_code=303)
    if isinstance(error, problems.ApiError):
        return problems.send(error)
    return _answer(request, error.status_code, error.detail, errors=error.extra, headers=error.headers)


def answer_store_error(request: WebRequest, error: Exception) -> Response[Any]:
    """The store has no room, or cannot be reached: nothing was changed."""
    _log.warning("store_not_asked", error=str(error))
    response = _answer(request, 503, "The store cannot answer at the moment. Try again in a second.")
    response.headers.update(_BUSY)
    return response


def answer_bug(request: WebRequest, error: Exception) -> Response[Any]:
    """A bug of ours: logged whole, told in a line."""
    _log.error("page_failed", path=request.url.path[:100], exc_info=error)
    return _answer(request, 500, "This is a mistake of Ringbid's. It is in the server's log.")


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: answer_http_error,
    StoreOverloaded: answer_store_error,
    StoreUnavailable: answer_store_error,
    Exception: answer_bug,
}


def _answer(
    request: WebRequest, status: int, detail: str, *, errors: object = None, headers: dict[str, str] | None = None
) -> Response[Any]:
    if _is_for_program(request):
        return problems.answer(status, detail, extra=errors, headers=headers)
    return page(request, "error.html", title=HTTPStatus(status).phrase, status=status, detail=detail)


def _is_for_program(request: WebRequest) -> bool:
    return request.url.path.startswith(API) or "text/html" not in request.headers.get("accept", "")
