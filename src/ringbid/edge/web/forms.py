"""Forms: only those of our own pages are taken, and their fields are read in one way.

A request that changes something comes from a page of this server: the browser says so (`Sec-Fetch-Site`, else
`Origin`), and the form holds a token that belongs to the browser's cookie. What no form can send (JSON, a
header of htmx or our own) needs no token: a browser lets no other site send it. Programs with an API key have no
cookie to be abused.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import Cookie
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from markupsafe import Markup

from ringbid.accounts.actor import Actor
from ringbid.accounts.sessions import Visit
from ringbid.accounts.tokens import form_token, is_form_token
from ringbid.edge.web.auth import cookie_name
from ringbid.edge.web.office import Office, WebRequest, office_of, people_of

FIELD, HEADER = "csrf", "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_OF_FORMS = {"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
_LOCAL = {"127.0.0.1", "::1"}
_LONGEST = 10_000


async def refuse_foreign_forms(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Raises PermissionDeniedException where another site may have made the browser ask."""
    assert isinstance(connection, Request), "there are only HTTP routes"
    actor = connection.scope.get("user")
    if connection.method in _SAFE or (isinstance(actor, Actor) and actor.via == "key"):
        return
    office = connection.app.state.office
    if not _same_site(connection, office):
        raise PermissionDeniedException("This was sent by a page of another site. Nothing was changed.")
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _OF_FORMS or connection.headers.get("hx-request"):
        return
    cookie = _visit_cookie(connection.cookies, office)
    sent = connection.headers.get(HEADER) or await _sent_token(connection)
    if cookie is None or not isinstance(sent, str) or not is_form_token(sent, cookie):
        raise PermissionDeniedException(
            "This form is of an earlier visit, or cookies are switched off. Nothing was changed: load the page again."
        )


@dataclass(frozen=True, slots=True)
class FormGuard:
    """What a page's forms need: a hidden field, and a cookie where the browser has none yet."""

    field: Markup
    cookies: tuple[Cookie, ...] = ()


def guard_forms(request: WebRequest) -> FormGuard:
    """For the page that answers `request`."""
    office = office_of(request)
    known = _visit_cookie(request.cookies, office)
    token = known or secrets.token_urlsafe(32)
    field = Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, form_token(token))
    if known is not None:
        return FormGuard(field)
    name = _visitor_cookie_name(office)
    cookie = Cookie(key=name, value=token, path="/", httponly=True, secure=office.secure, samesite="lax")
    return FormGuard(field, (cookie,))


async def read_form(request: WebRequest) -> dict[str, str]:
    """The fields of a form, each once; of several values the last. Files and what is too long are left out."""
    form = await request.form()
    return {
        name: value.replace("\x00", "") for name, value in form.multi_items()
        if isinstance(value, str) and len(value) <= _LONGEST
    }  # fmt: skip


async def read_choices(request: WebRequest, name: str) -> list[str]:
    """All values of a field that may stand several times."""
    return [value for value in (await request.form()).getall(name, []) if isinstance(value, str)]


def visit_of(request: WebRequest) -> Visit:
    """Who knocks. A proxy on this machine is believed whom it forwards for; nobody else is."""
    client = request.client
    address = client.host if client is not None else ""
    if address in _LOCAL or not address:
        address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or address
    return Visit(address=address[:100], browser=request.headers.get("user-agent", "")[:200])


def public_address(request: WebRequest) -> str:
    """Where people reach this server, for links that are sent around: without a slash at its end."""
    return people_of(request).public_url or str(request.base_url).rstrip("/")


async def _sent_token(connection: Request[Any, Any, Any]) -> object:
    """What a form sent; None where the body is no form at all."""
    try:
        return (await connection.form()).get(FIELD)
    except ClientException:
        return None


def _same_site(connection: Request[Any, Any, Any], office: Office) -> bool:
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = connection.headers.get("origin")
    if origin is None:
        return True  # no browser of today: the token decides
    hosts = {connection.headers.get("host", "")}
    if office.people is not None and office.people.public_url is not None:
        hosts.add(urlsplit(office.people.public_url).netloc)
    return urlsplit(origin).netloc in hosts


def _visit_cookie(cookies: dict[str, str], office: Office) -> str | None:
    return cookies.get(cookie_name(office)) or cookies.get(_visitor_cookie_name(office)) or None


def _visitor_cookie_name(office: Office) -> str:
    return f"{cookie_name(office)}_visitor"
