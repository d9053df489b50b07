"""`/settings/keys`: API keys: made, rotated with an overlap, ended. Their secrets are shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response, Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.audit import author_of
from ringbid.accounts.keys import LIFETIME_DAYS, OVERLAP_HOURS, NewKey, Scope, read_scopes
from ringbid.accounts.policy import Policy
from ringbid.accounts.tokens import KEY_PREFIX, new_id, new_token
from ringbid.edge.console.settings_frame import done, settings_page
from ringbid.edge.console.tables import Column
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.forms import public_address, read_choices, read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of

Answer = Response[Any]
_LABELS = ("Name", "Key", "May", "State", "Last used", "Expires")

_PATH = "/settings/keys"
_MOST_LETTERS = 60
_HINT_LETTERS = 4
_OVERLAPS = [("0", "at once"), ("1", "in an hour"), ("24", "in a day"), ("168", "in a week")]
_LIFETIMES = [("90", "in 90 days"), ("30", "in 30 days"), ("365", "in a year"), ("", "never")]
_NO_KEY = "There is no such API key in use."


@get(_PATH, opt={"policy": Policy.OWN})
async def list_keys(request: WebRequest) -> Template:
    """All keys, those too that have ended."""
    return await _show(request)


@post(_PATH, opt={"policy": Policy.OWN}, status_code=200)
async def make_key(request: WebRequest) -> Template:
    """The page with the new key, which is shown this once; 422 and the form where something is wrong with it."""
    form, actor, people = await read_form(request), actor_of(request), people_of(request)
    scopes = read_scopes(await read_choices(request, "scope"))
    name, days = form.get("name", "").strip(), form.get("days", "")
    errors = {}
    if not name or len(name) > _MOST_LETTERS:
        errors["name"] = f"Give the key a name of at most {_MOST_LETTERS} characters: what uses it."
    if not scopes:
        errors["scope"] = "Choose what the key may do."
    if days and days not in {str(one) for one in LIFETIME_DAYS}:
        errors["days"] = "Choose when the key expires."
    if errors:
        return await _show(request, form=form, chosen=scopes, errors=errors)
    token = new_token(people.random_bytes, prefix=KEY_PREFIX)
    key = NewKey(
        key_hash=token.hash,
        key_id=new_id("k", people.random_bytes),
        company_id=actor.company_id,
        name=name,
        hint=token.text[-_HINT_LETTERS:],
        scopes=scopes,
        created_by=actor.name,
        lifetime=timedelta(days=int(days)) if days else None,
    )
    await people.accounts.make_key(key, author=author_of(actor))
    return await _show(request, secret=token.text)


@post(f"{_PATH}/{{key_id:str}}/rotate", opt={"policy": Policy.OWN}, status_code=200)
async def rotate_key(request: WebRequest, key_id: FromPath[str]) -> Template:
    """A new key in its place; the old one goes on for the overlap."""
    form, actor, people = await read_form(request), actor_of(request), people_of(request)
    hours = form.get("hours", "24")
    if hours not in {str(one) for one in OVERLAP_HOURS}:
        return await _show(request, errors={"hours": "Choose when the old key ends."})
    token = new_token(people.random_bytes, prefix=KEY_PREFIX)
    rotated = await people.accounts.rotate_key(
        actor.company_id,
        key_id,
        token_hash=token.hash,
        new_id=new_id("k", people.random_bytes),
        hint=token.text[-_HINT_LETTERS:],
        overlap=timedelta(hours=int(hours)),
        author=author_of(actor),
    )
    if not rotated:
        raise NotFoundException(_NO_KEY)
    return await _show(request, secret=token.text)


@post(f"{_PATH}/{{key_id:str}}/end", opt={"policy": Policy.OWN}, status_code=303)
async def end_key(request: WebRequest, key_id: FromPath[str]) -> Answer:
    """Refused from the next request on."""
    actor = actor_of(request)
    if not await people_of(request).accounts.end_key(actor.company_id, key_id, author=author_of(actor)):
        raise NotFoundException(_NO_KEY)
    return done(_PATH, "The key has ended.")


async def _show(
    request: WebRequest,
    *,
    form: Mapping[str, str] | None = None,
    chosen: frozenset[Scope] = frozenset({Scope.READ}),
    errors: Mapping[str, str] | None = None,
    secret: str = "",
) -> Template:
    return settings_page(
        request,
        "keys.html",
        title="API keys",
        status=422 if errors else 200,
        view=view_of(request, await _keys(request)),
        scopes=_scopes(chosen),
        overlaps=_OVERLAPS,
        lifetimes=_LIFETIMES,
        form=form or {},
        errors=errors or {},
        secret=secret,
        curl=f"curl -H 'Authorization: Bearer {secret}' {public_address(request)}/api/v1/campaigns",
    )


async def _keys(request: WebRequest) -> WholeTable:
    now = office_of(request).clock.now()
    lines = []
    for key in await people_of(request).accounts.keys(actor_of(request).company_id):
        state = "ended" if key.expired(now) else "replaced" if key.replaced_by else "in use"
        may = ", ".join(sorted(scope.value for scope in key.scopes))
        lines.append(Line((key.name, f"…{key.hint}", may, state, key.used_at, key.expires_at), (key, state)))
    more = (Column("Rotate or end"),)
    return WholeTable(name="api-keys", labels=_LABELS, lines=lines, more=more)


def _scopes(chosen: frozenset[Scope]) -> Sequence[tuple[Scope, bool]]:
    return [(scope, scope in chosen) for scope in Scope]


HANDLERS: list[ControllerRouterHandler] = [
    *(list_keys, make_key, rotate_key, end_key),
    *files_of(_PATH, Policy.OWN, _keys),
]
