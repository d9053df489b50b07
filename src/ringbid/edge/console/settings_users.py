"""`/settings/users`: who may do what in a company, and inviting others by a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response, Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.actor import Role
from ringbid.accounts.audit import author_of
from ringbid.accounts.invitations import GOOD_FOR, NewInvitation
from ringbid.accounts.people import Grant, Member, read_email, read_grant
from ringbid.accounts.policy import Policy
from ringbid.accounts.ports import MemberChange
from ringbid.accounts.tokens import new_id, new_token
from ringbid.edge.console.settings_frame import done, settings_page
from ringbid.edge.console.tables import Column
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.forms import public_address, read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

Answer = Response[Any]
_INVITATIONS = [
    Column("E-mail address"),
    Column("As"),
    Column("By"),
    Column("Good until"),
    Column("Withdraw"),
]
_LABELS = ("Name", "E-mail address", "Role", "One-time codes", "Last seen")
Choices = list[tuple[str, str]]

ROLES: Choices = [
    (Role.ANALYST.value, "Analyst: sees everything of the company"),
    (Role.MANAGER.value, "Manager: changes campaigns, buyers, publishers and numbers, too"),
    (Role.OWNER.value, "Owner: users, API keys and the company, too"),
    (Role.PUBLISHER.value, "Publisher: the own pings, calls and payouts"),
    (Role.BUYER.value, "Buyer: the own calls, hours and caps"),
]
_LAST_OWNER = "This is the company's only owner. Make somebody else an owner first."


@get("/settings/users", opt={"policy": Policy.OWN})
async def list_users(request: WebRequest) -> Template:
    """Everybody, and who is invited."""
    return await _show(request)


async def _users(request: WebRequest) -> WholeTable:
    members = await people_of(request).accounts.members(actor_of(request).company_id)
    lines = [
        Line((one.name, one.email, one.grant.describe(), "on" if one.totp_on else "off", one.seen_at), one)
        for one in members
    ]
    return WholeTable(name="users", labels=_LABELS, lines=lines)


@post("/settings/users/invite", opt={"policy": Policy.OWN}, status_code=200)
async def invite(request: WebRequest) -> Template:
    """The page with the new link, which is shown this once; 422 and the form where something is wrong with it."""
    form, actor, people = await read_form(request), actor_of(request), people_of(request)
    email, grant = read_email(form.get("email", "")), _read_grant(request, form)
    errors = {}
    if email is None:
        errors["email"] = "Write for whom the invitation is: an e-mail address such as ann@acme.example."
    if isinstance(grant, str):
        errors["role"] = grant
    if errors or email is None or isinstance(grant, str):
        return await _show(request, form=form, errors=errors)
    token = new_token(people.random_bytes)
    invitation = NewInvitation(
        token_hash=token.hash,
        invitation_id=new_id("i", people.random_bytes),
        company_id=actor.company_id,
        email=email,
        grant=grant,
    )
    await people.accounts.invite(invitation, lifetime=GOOD_FOR, author=author_of(actor))
    return await _show(request, link=f"{public_address(request)}/invitation/{token.text}", invited=email)


@post("/settings/invitations/{invitation_id:str}/withdraw", opt={"policy": Policy.OWN}, status_code=303)
async def withdraw(request: WebRequest, invitation_id: FromPath[str]) -> Answer:
    """Its link is good for nothing any more."""
    actor = actor_of(request)
    if not await people_of(request).accounts.withdraw(actor.company_id, invitation_id, author=author_of(actor)):
        raise NotFoundException("There is no such invitation. It may have been accepted, or be over.")
    return done("/settings/users", "The invitation is withdrawn.")


@get("/settings/users/{user_id:str}", opt={"policy": Policy.OWN})
async def show_user(request: WebRequest, user_id: FromPath[str]) -> Template:
    """One member, and what can be changed of it."""
    return _show_one(request, await _member(request, user_id))


@post("/settings/users/{user_id:str}", opt={"policy": Policy.OWN}, status_code=303)
async def change_user(request: WebRequest, user_id: FromPath[str]) -> Answer:
    """Another role, from the next request on."""
    form, actor, member = await read_form(request), actor_of(request), await _member(request, user_id)
    grant = _read_grant(request, form)
    if isinstance(grant, str):
        return _show_one(request, member, form=form, errors={"role": grant})
    changed = await people_of(request).accounts.change_member(actor.company_id, user_id, grant, author=author_of(actor))
    if changed is MemberChange.LAST_OWNER:
        return _show_one(request, member, form=form, errors={"role": _LAST_OWNER})
    return done("/settings/users", f"{member.name} is {grant.describe()} now.")


@post("/settings/users/{user_id:str}/remove", opt={"policy": Policy.OWN}, status_code=303)
async def remove_user(request: WebRequest, user_id: FromPath[str]) -> Answer:
    """A member no more, in no session."""
    actor, member = actor_of(request), await _member(request, user_id)
    changed = await people_of(request).accounts.remove_member(actor.company_id, user_id, author=author_of(actor))
    if changed is MemberChange.LAST_OWNER:
        return _show_one(request, member, errors={"": _LAST_OWNER})
    return done("/settings/users", f"{member.name} is no member any more.")


async def _member(request: WebRequest, user_id: str) -> Member:
    members = await people_of(request).accounts.members(actor_of(request).company_id)
    found = next((one for one in members if one.user_id == user_id), None)
    if found is None:
        raise NotFoundException("There is no such user in this company.")
    return found


def _read_grant(request: WebRequest, form: Mapping[str, str]) -> Grant | str:
    """The grant that a form asks for; its publisher or buyer is one of the company's."""
    grant = read_grant(form)
    if isinstance(grant, str):
        return grant
    if grant.publisher_id is not None and grant.publisher_id not in dict(_publishers(request)):
        return "This company has no such publisher. Choose one of the list."
    if grant.buyer_id is not None and grant.buyer_id not in dict(_buyers(request)):
        return "This company has no such buyer. Choose one of the list."
    return grant


def _publishers(request: WebRequest) -> Choices:
    view = office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)
    return [(one.id, f"{one.name} ({one.id})") for one in view.catalog.publishers] if view is not None else []


def _buyers(request: WebRequest) -> Choices:
    view = office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)
    return [(one.id, f"{one.name} ({one.id})") for one in view.catalog.buyers] if view is not None else []


def _choices(request: WebRequest) -> dict[str, Choices]:
    none: Choices = [("", "–")]
    return {"roles": ROLES, "publishers": none + _publishers(request), "buyers": none + _buyers(request)}


async def _show(
    request: WebRequest,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    link: str = "",
    invited: str = "",
) -> Template:
    accounts, company_id = people_of(request).accounts, actor_of(request).company_id
    return settings_page(
        request,
        "users.html",
        title="Users",
        status=422 if errors else 200,
        view=view_of(request, await _users(request)),
        columns_of_invitations=_INVITATIONS,
        invitations=await accounts.invitations(company_id),
        form=form or {},
        errors=errors or {},
        link=link,
        invited=invited,
        **_choices(request),
    )


def _show_one(
    request: WebRequest,
    member: Member,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    grant = member.grant
    stored = {
        "role": grant.role.value,
        "publisher_id": grant.publisher_id or "",
        "buyer_id": grant.buyer_id or "",
        "tags": ", ".join(sorted(grant.tags)),
    }
    return settings_page(
        request,
        "user.html",
        title=member.name,
        status=422 if errors else 200,
        member=member,
        form=form or stored,
        errors=errors or {},
        **_choices(request),
    )


HANDLERS: list[ControllerRouterHandler] = [
    *(list_users, invite, withdraw, show_user, change_user, remove_user),
    *files_of("/settings/users", Policy.OWN, _users),
]
