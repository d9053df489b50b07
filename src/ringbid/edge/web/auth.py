"""From a request to who asks: the session's cookie of a browser, or the API key of a program.

Puts an `Actor` or None into the scope; `guard` decides whether that is enough.
"""

from __future__ import annotations

from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from ringbid.accounts.actor import Actor
from ringbid.accounts.sessions import LONGEST
from ringbid.edge.web.office import Office

_BEARER = "bearer "


class Authentication(ASGIMiddleware):
    """Looks once per request; static files need nobody."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, office: Office) -> None:
        self._office = office

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["user"] = await self._actor(scope)
        await next_app(scope, receive, send)

    async def _actor(self, scope: Scope) -> Actor | None:
        request: Request[object, object, object] = Request(scope)  # type: ignore[type-var]  # -- no state is read here
        authorization = request.headers.get("authorization", "")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            return await self._office.identities.of_key(authorization[len(_BEARER) :].strip())
        token = request.cookies.get(cookie_name(self._office))
        return await self._office.identities.of_session(token) if token else None


def session_cookie(office: Office, token: str | None) -> Cookie:
    """The cookie with this token, for as long as a session may last; None takes it away."""
    return Cookie(
        key=cookie_name(office),
        value=token or "",
        max_age=int(LONGEST.total_seconds()) if token is not None else 0,
        path="/",
        httponly=True,
        secure=office.secure,
        samesite="lax",
    )


def cookie_name(office: Office) -> str:
    """With https the browser itself keeps others from setting it (`__Host-`)."""
    return "__Host-ringbid" if office.secure else "ringbid"
