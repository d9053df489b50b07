"""`/sign-in`, its second step for the one-time code, `/sign-out`, and the way to wherever somebody belongs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Redirect, Response, Template

from ringbid.accounts.actor import Actor
from ringbid.accounts.passwords import TooManyWaiting
from ringbid.accounts.policy import Policy
from ringbid.accounts.sign_in import Hurdle, NotSignedIn, SignedIn
from ringbid.edge.console.links import local_path
from ringbid.edge.console.pages import page
from ringbid.edge.console.shell import shell_of
from ringbid.edge.web.auth import cookie_name, session_cookie
from ringbid.edge.web.forms import read_form, visit_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

START, _CODE = "/start", "/sign-in/code"
BUSY = "Too many people sign in at this moment. Try again in a few seconds."

Answer = Response[Any]


@get("/sign-in", opt={"policy": Policy.PUBLIC})
async def show_sign_in(request: WebRequest) -> Answer:
    """Address and password; who has signed in goes on."""
    wanted = _wanted(request.query_params.get("next", ""))
    if request.scope.get("user") is not None:
        return Redirect(wanted, status_code=303)
    return _form(request, wanted)


@post("/sign-in", opt={"policy": Policy.PUBLIC}, status_code=303)
async def sign_in(request: WebRequest) -> Answer:
    """To where somebody wanted to go, or to the code's page; 422 and the form where it was wrong."""
    form = await read_form(request)
    wanted = _wanted(form.get("next", ""))
    try:
        ended = await people_of(request).sign_in.with_password(
            form.get("email", ""), form.get("password", ""), visit_of(request)
        )
    except TooManyWaiting:
        return _form(request, wanted, form.get("email", ""), error=BUSY, status=503)
    if isinstance(ended, NotSignedIn):
        return _refuse(_form(request, wanted, form.get("email", ""), error=ended.hurdle.value), ended)
    return enter(request, ended, wanted)


@get(_CODE, opt={"policy": Policy.PUBLIC})
async def show_code(request: WebRequest) -> Template:
    """Where the one-time code is typed."""
    return _code_form(request, _wanted(request.query_params.get("next", "")))


@post(_CODE, opt={"policy": Policy.PUBLIC}, status_code=303)
async def give_code(request: WebRequest) -> Answer:
    """The second step: a code of the app, or a recovery code."""
    form = await read_form(request)
    wanted = _wanted(form.get("next", ""))
    waiting = request.cookies.get(cookie_name(office_of(request)), "")
    ended = await people_of(request).sign_in.with_code(waiting, form.get("code", ""), visit_of(request))
    if isinstance(ended, SignedIn):
        return enter(request, ended, wanted)
    if ended.hurdle is Hurdle.CODE_LATE:
        return _refuse(_form(request, wanted, error=ended.hurdle.value), ended)
    return _refuse(_code_form(request, wanted, error=ended.hurdle.value), ended)


@post("/sign-out", opt={"policy": Policy.PUBLIC}, status_code=303)
async def sign_out(request: WebRequest) -> Answer:
    """Ends the session, and the browser forgets it. Somebody whose session is over already just sees the form again."""
    actor = request.scope.get("user")
    if isinstance(actor, Actor) and actor.session_id is not None:
        await people_of(request).accounts.end_session(actor.user_id, actor.session_id)
    response = Redirect("/sign-in", status_code=303)
    response.set_cookie(session_cookie(office_of(request), None))
    return response


@get(START, opt={"policy": Policy.SIGNED_IN})
async def start(request: WebRequest) -> Redirect:
    """The first screen that somebody may see: the overview, or the own portal."""
    places = shell_of(request).places
    return Redirect(places[0].path if places else "/settings/account", status_code=303)


@post("/company", opt={"policy": Policy.SIGNED_IN}, status_code=303)
async def switch_company(request: WebRequest) -> Redirect:
    """Show another company of whoever asks; what is none of theirs changes nothing."""
    form, actor = await read_form(request), actor_of(request)
    company_id = next((one for one in actor.company_ids if one == form.get("company")), None)
    if company_id is not None and actor.session_id is not None:
        await people_of(request).accounts.switch_company(actor.session_id, company_id)
    return Redirect(START, status_code=303)


def enter(request: WebRequest, signed_in: SignedIn, path: str) -> Redirect:
    """To `path`, or to the code's page first, with the session's new cookie."""
    response = Redirect(f"{_CODE}?{urlencode({'next': path})}" if signed_in.wants_code else path, status_code=303)
    response.set_cookie(session_cookie(office_of(request), signed_in.token))
    return response


def _wanted(path: str) -> str:
    return local_path(path, otherwise=START)


def _form(request: WebRequest, wanted: str, email: str = "", *, error: str = "", status: int = 0) -> Template:
    return page(
        request,
        "access/sign_in.html",
        title="Sign in",
        status=status or (422 if error else 200),
        wanted=wanted,
        email=email,
        error=error,
    )


def _code_form(request: WebRequest, wanted: str, *, error: str = "") -> Template:
    status = 422 if error else 200
    return page(request, "access/sign_in_code.html", title="One-time code", status=status, wanted=wanted, error=error)


def _refuse(response: Template, ended: NotSignedIn) -> Template:
    if ended.retry_after_seconds is not None:
        response.status_code = 429
        response.headers["Retry-After"] = str(ended.retry_after_seconds)
    return response


HANDLERS = [show_sign_in, sign_in, show_code, give_code, sign_out, start, switch_company]
