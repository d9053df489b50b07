"""`/claim/<token>`: the link from the terminal. It makes the first owner, or signs in whom it was made for."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response, Template

from ringbid.accounts.claiming import Claimed, ClaimLink
from ringbid.accounts.companies import NewCompany, read_company
from ringbid.accounts.passwords import TooManyWaiting
from ringbid.accounts.people import NewUser
from ringbid.accounts.policy import Policy
from ringbid.accounts.sign_in import NotSignedIn
from ringbid.accounts.tokens import hash_token
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.newcomers import Newcomer, read_newcomer, told
from ringbid.edge.console.pages import page
from ringbid.edge.console.sign_in import BUSY, START, enter
from ringbid.edge.web.forms import read_form, visit_of
from ringbid.edge.web.office import WebRequest, office_of, people_of

Answer = Response[Any]

_TEXTS = {
    Claimed.ALREADY: "Somebody has claimed this installation already.",
    Claimed.COMPANY_TAKEN: "There is a company of this name already. Choose another name.",
}


@get("/claim/{token:str}", opt={"policy": Policy.PUBLIC})
async def show_claim(request: WebRequest, token: FromPath[str]) -> Template:
    """What the link does, and a button or a form that does it: opening it alone does nothing, so that no preview of a
    chat uses it up."""
    link = await people_of(request).accounts.find_link(hash_token(token))
    return await _show(request, link, {}) if link is not None else _over(request)


@post("/claim/{token:str}", opt={"policy": Policy.PUBLIC}, status_code=303)
async def use_claim(request: WebRequest, token: FromPath[str]) -> Answer:
    """Signs in; 422 and the form where something is wrong with it."""
    accounts, form = people_of(request).accounts, await read_form(request)
    link = await accounts.find_link(hash_token(token))
    if link is None:
        return _over(request)
    if link.user_id is not None:
        return await _sign_in(request, token)
    newcomer = read_newcomer(form, people_of(request).random_bytes)
    company = _read_company(request, form)
    errors = {**newcomer.errors, **(company if isinstance(company, dict) else {})}
    if errors or isinstance(company, dict):
        return await _show(request, link, form, errors)
    try:
        owner = await newcomer.make(people_of(request).passwords)
    except TooManyWaiting:
        return await _show(request, link, form, {"": BUSY}, status=503)
    return await _claim(request, token, owner, company, newcomer, form)


async def _claim(
    request: WebRequest,
    token: str,
    owner: NewUser,
    company: NewCompany | None,
    newcomer: Newcomer,
    form: dict[str, str],
) -> Answer:
    people = people_of(request)
    claimed = await people.accounts.claim(hash_token(token), owner, company)
    if claimed is Claimed.OVER:
        return _over(request)
    if claimed is not Claimed.DONE:
        return await _show(request, ClaimLink(None), form, {"company": _TEXTS[claimed]})
    signed_in = await people.sign_in.open(newcomer.user, visit_of(request))
    if isinstance(signed_in, NotSignedIn):
        return await _show(request, ClaimLink(None), form, {"": signed_in.hurdle.value})
    return tell_next_page(enter(request, signed_in, START), f"Welcome, {owner.name}. This installation is yours.")


async def _sign_in(request: WebRequest, token: str) -> Answer:
    people = people_of(request)
    user = await people.accounts.use_link(hash_token(token))
    if user is None:
        return _over(request)
    signed_in = await people.sign_in.open(user, visit_of(request), by_link=True)
    if isinstance(signed_in, NotSignedIn):
        return page(request, "access/over.html", title="No company", status=422, text=signed_in.hurdle.value)
    return enter(request, signed_in, START)


def _read_company(request: WebRequest, form: dict[str, str]) -> NewCompany | dict[str, str] | None:
    """The first company, or what is wrong with it; None where there are some already."""
    if office_of(request).catalogs.snapshot.companies:
        return None
    if not form.get("company", "").strip():
        return {"company": "Give your company a name. It can be changed later."}
    read = read_company(
        name=form["company"], time_zone=form.get("time_zone", "UTC"), currency=form.get("currency", "USD")
    )
    return read if isinstance(read, NewCompany) else told(read)


async def _show(
    request: WebRequest, link: ClaimLink, form: dict[str, str], errors: dict[str, str] | None = None, status: int = 422
) -> Template:
    people = people_of(request)
    user = await people.accounts.user(link.user_id) if link.user_id is not None else None
    companies = [view.catalog.company.name for view in office_of(request).catalogs.snapshot.companies.values()]
    return page(
        request,
        "access/claim.html",
        title="Sign in" if user is not None else "Claim this installation",
        status=status if errors else 200,
        user=user,
        companies=companies,
        form=form,
        errors=errors or {},
    )


def _over(request: WebRequest) -> Template:
    text = (
        "Links from the terminal are good for 30 minutes, and once. "
        "Whoever runs this server makes a new one with: ringbid link"
    )
    return page(request, "access/over.html", title="This link is over", status=410, text=text)


HANDLERS = [show_claim, use_claim]
