"""`/invitation/<token>`: somebody joins a company, with a new account or the one that is signed in."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Response, Template

from ringbid.accounts.actor import Actor
from ringbid.accounts.invitations import Accepted, Invitation
from ringbid.accounts.passwords import TooManyWaiting
from ringbid.accounts.policy import Policy
from ringbid.accounts.sign_in import Hurdle, NotSignedIn, SignedIn
from ringbid.accounts.tokens import hash_token
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.newcomers import Newcomer, read_newcomer
from ringbid.edge.console.pages import page
from ringbid.edge.console.sign_in import BUSY, START, enter
from ringbid.edge.web.forms import read_form, visit_of
from ringbid.edge.web.office import WebRequest, office_of, people_of

Answer = Response[Any]

_TEXTS = {
    Accepted.EMAIL_TAKEN: "There is an account of this address. Join with its own password, or sign in with it first.",
    Accepted.MEMBER_ALREADY: "You are a member of this company already.",
}


@get("/invitation/{token:str}", opt={"policy": Policy.PUBLIC})
async def show_invitation(request: WebRequest, token: FromPath[str]) -> Template:
    """To what company somebody is invited, as what, and by whom."""
    invitation = await people_of(request).accounts.find_invitation(hash_token(token))
    return _show(request, invitation, {}) if invitation is not None else _over(request)


@post("/invitation/{token:str}", opt={"policy": Policy.PUBLIC}, status_code=303)
async def accept_invitation(request: WebRequest, token: FromPath[str]) -> Answer:
    """To the company's first page; 422 and the form where something is wrong with it."""
    people, form, person = people_of(request), await read_form(request), _person(request)
    invitation = await people.accounts.find_invitation(hash_token(token))
    if invitation is None:
        return _over(request)
    if person is not None and person.session_id is not None:
        return await _join(request, token, invitation, person, person.session_id)
    newcomer = read_newcomer({"email": invitation.email, **form}, people.random_bytes)
    if newcomer.errors:
        return _show(request, invitation, form, dict(newcomer.errors))
    try:
        accepted = await people.accounts.accept_as(hash_token(token), await newcomer.make(people.passwords))
        if accepted is Accepted.EMAIL_TAKEN:
            return await _join_known(request, token, invitation, newcomer, form)
    except TooManyWaiting:
        return _show(request, invitation, form, {"": BUSY}, status=503)
    if accepted is Accepted.OVER:
        return _over(request)
    signed_in = await people.sign_in.open(newcomer.user, visit_of(request))
    if isinstance(signed_in, NotSignedIn):
        return _show(request, invitation, form, {"": signed_in.hurdle.value})
    return tell_next_page(enter(request, signed_in, START), f"Welcome, {newcomer.user.name}.")


async def _join_known(
    request: WebRequest, token: str, invitation: Invitation, newcomer: Newcomer, form: dict[str, str]
) -> Answer:
    """With the account of this address, for who knows its password: one that belongs to no company any more could not
    sign in first. Raises TooManyWaiting."""
    people, visit = people_of(request), visit_of(request)
    ended = await people.sign_in.with_password(newcomer.user.email, newcomer.password, visit)
    if isinstance(ended, NotSignedIn) and ended.hurdle is not Hurdle.NO_COMPANY:
        said = _TEXTS[Accepted.EMAIL_TAKEN] if ended.hurdle is Hurdle.WRONG else ended.hurdle.value
        return _show(request, invitation, form, {"email": said})
    user = await people.accounts.user_of_email(newcomer.user.email)
    accepted = await people.accounts.accept(hash_token(token), user_id=user.user_id) if user else Accepted.OVER
    if user is None or accepted is Accepted.OVER:
        return _over(request)
    if accepted is not Accepted.JOINED:
        return _show(request, invitation, form, {"": _TEXTS[accepted]})
    signed_in = ended if isinstance(ended, SignedIn) else await people.sign_in.open(user, visit)
    assert isinstance(signed_in, SignedIn), "who has joined belongs to a company"
    words = f"You are a member of {_company_name(request, invitation)} now."
    return tell_next_page(enter(request, signed_in, START), words)


async def _join(request: WebRequest, token: str, invitation: Invitation, person: Actor, session_id: str) -> Answer:
    accounts = people_of(request).accounts
    accepted = await accounts.accept(hash_token(token), user_id=person.user_id)
    if accepted is Accepted.OVER:
        return _over(request)
    if accepted is not Accepted.JOINED:
        return _show(request, invitation, {}, {"": _TEXTS[accepted]})
    await accounts.switch_company(session_id, invitation.company_id)
    return tell_next_page(
        Redirect(START, status_code=303), f"You are a member of {_company_name(request, invitation)} now."
    )


def _show(
    request: WebRequest,
    invitation: Invitation,
    form: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 422,
) -> Template:
    return page(
        request,
        "access/invitation.html",
        title="Invitation",
        status=status if errors else 200,
        invitation=invitation,
        company=_company_name(request, invitation),
        person=_person(request),
        form=form,
        errors=errors or {},
    )


def _over(request: WebRequest) -> Template:
    text = "It was accepted or withdrawn, or its week is over. Ask whoever invited you for a new one."
    return page(request, "access/over.html", title="This invitation is over", status=410, text=text)


def _company_name(request: WebRequest, invitation: Invitation) -> str:
    view = office_of(request).catalogs.snapshot.companies.get(invitation.company_id)
    return view.catalog.company.name if view is not None else invitation.company_id


def _person(request: WebRequest) -> Actor | None:
    """Who has signed in; programs accept nothing."""
    actor = request.scope.get("user")
    return actor if isinstance(actor, Actor) and actor.via == "session" else None


HANDLERS = [show_invitation, accept_invitation]
