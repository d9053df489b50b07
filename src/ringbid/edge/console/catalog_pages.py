"""Showing and saving one thing of the catalog: the same for buyers, campaigns, keys, rules and all the others.

A save says which version it was made for. Where somebody else saved meanwhile, the page comes again with their changes
and with what was written; what takes calls away asks first, with the number of calls that are on the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy, allows
from ringbid.call.ports import CallQuery
from ringbid.call.state import Phase
from ringbid.catalog.changing import Applied, Conflict, Edition, Invalid
from ringbid.catalog.editing import Edit, Move, Remove, Set
from ringbid.catalog.model import Catalog
from ringbid.catalog.plan import Change
from ringbid.catalog.problems import Problem
from ringbid.edge.console import catalog_forms as forms
from ringbid.edge.console.catalog_fields import FIELDS, NOUNS
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.new_keys import new_keys_page
from ringbid.edge.console.pages import page
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.settings_links import field_id
from ringbid.values.ids import parse_ping_id

_MOST_COUNTED = 1000
_ON_THE_LINE = (Phase.ROUTING, Phase.RINGING, Phase.CONNECTED)
# What nobody gets calls through any more, once it is gone or paused.
_CARRIERS = ("campaigns", "buyers", "publishers", "rtb_keys", "numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A thing that a page is about: `path` is its own, or that of its list where it is `new`. After a save `back` is
    shown. `crumbs` lead to the page, `links` to what became of the thing."""

    kind: str
    path: str
    heading: str
    back: str
    crumbs: tuple[tuple[str, str], ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    new: bool = False
    removable: bool = True
    template: str = "catalog/thing.html"


async def edition_of(request: WebRequest) -> Edition:
    """The catalog in force of the actor's company."""
    edition = await office_of(request).editor.read(actor_of(request).company_id)
    if edition is None:
        raise NotFoundException("This company has no catalog yet. Apply one: ringbid apply FILE")
    return edition


def may_change(request: WebRequest) -> bool:
    return allows(Policy.MANAGE, actor_of(request)) == "yes"


async def show_thing(request: WebRequest, place: Place, values: Mapping[str, object] | None = None) -> Template:
    """The page with the form of a thing. Raises NotFoundException where there is none."""
    place = _back_to_ping(request, place)
    edition = await edition_of(request)
    fields = _fields(place, edition.catalog)
    return _form_page(request, place, edition, fields, values=values)


async def save_thing(request: WebRequest, place: Place) -> Response[Any]:
    """Do what the sent form says. Raises NotFoundException where there is no such thing."""
    place = _back_to_ping(request, place)
    form = await read_form(request)
    office, actor = office_of(request), actor_of(request)
    now = await edition_of(request)
    version = int(form["version"]) if form.get("version", "").isdecimal() else now.version
    base = (await office.editor.read(actor.company_id, version) if version != now.version else now) or now
    fields = _fields(place, base.catalog)
    edits = _edits(place, fields, base.catalog, form)
    if isinstance(edits, tuple):
        return _refused(request, place, now, fields, form, edits)
    return await _save(request, place, now, base, form, edits)


async def _save(
    request: WebRequest, place: Place, now: Edition, base: Edition, form: forms.Form, edits: list[Edit]
) -> Response[Any]:
    office, actor = office_of(request), actor_of(request)
    author = author_of(actor)
    outcome = await office.editor.change(author, actor.company_id, base.version, edits, plan_only=True)
    if isinstance(outcome, Applied) and outcome.changes:
        risky = [change for change in outcome.changes if _is_risky(change)]
        if risky and form.get("confirmed") != "yes":
            return await _ask_first(request, place, base, form, risky)
        outcome = await office.editor.change(author, actor.company_id, base.version, edits)
    if isinstance(outcome, Invalid):
        return _refused(request, place, now, _fields(place, base.catalog), form, outcome.problems)
    if isinstance(outcome, Conflict):
        return _conflict(request, place, now, base, form, outcome)
    if outcome.new_keys:
        return new_keys_page(request, outcome.new_keys, outcome.catalog, back=place.back)
    back = Redirect(place.back, status_code=303)
    return tell_next_page(back, told(outcome.changes), undo=undo_of(base.version, outcome))


async def save_field(request: WebRequest, place: Place, name: str) -> Response[Any]:
    """Save one field of a thing, for a button that stands by itself: the form has that field and nothing else."""
    form = await read_form(request)
    now = await edition_of(request)
    if place.new or forms.fields_at(now.catalog, place.path) is None:
        raise NotFoundException(f"There is no such {NOUNS[place.kind]}.")
    return await _save(request, place, now, now, form, [Set(f"{place.path}.{name}", form.get(name) == "true")])


def _back_to_ping(request: WebRequest, place: Place) -> Place:
    """The same, for whoever came from the page of a ping that this thing has decided: it is what they want to see
    next. A form is sent to the address that it came from, so the ping is still in it when it is saved."""
    ping_id = parse_ping_id(request.query_params.get("ping", ""))
    return place if ping_id is None else replace(place, back=f"/call_reservations/{ping_id}")


async def read_form(request: WebRequest) -> dict[str, str]:
    """The fields of a form, each once; of several values a text with all of them."""
    fields: dict[str, str] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            fields[name] = f"{fields[name]}, {value}" if fields.get(name) else value
    return fields


def told(changes: tuple[Change, ...]) -> str:
    """What was saved, in a line."""
    if not changes:
        return "Nothing was different, so nothing was changed."
    first = changes[0]
    words = f"{first.path}: {first.before if first.before is not None else 'new'} → {first.after or 'removed'}"
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"Saved. {words[:200]}{more}"


def undo_of(base_version: int, outcome: Applied) -> tuple[int, int] | None:
    """What takes a change back, for the page that follows it; None where nothing was changed."""
    return (base_version, outcome.version) if outcome.changes and base_version else None


async def calls_on_the_line(request: WebRequest, path: str) -> int:
    """How many calls go on now that a change at `path` is about; of anything but a campaign, a publisher or a buyer,
    all of the company's."""
    office, company_id = office_of(request), actor_of(request).company_id
    name = path.partition("[")[2].partition("]")[0]
    about: dict[str, Any] = {
        "campaigns": {"campaign_id": name},
        "publishers": {"publisher_id": name},
        "buyers": {"buyer_id": name},
    }.get(path.partition("[")[0], {})
    found = 0
    for phase in _ON_THE_LINE:
        query = CallQuery(company_id=company_id, phase=phase, limit=_MOST_COUNTED, **about)
        found += len(await office.calls.list_calls(query))
    return found


def _fields(place: Place, catalog: Catalog) -> Mapping[str, object]:
    if place.new:
        return forms.default_fields(place.kind, catalog)
    fields = forms.fields_at(catalog, place.path)
    if fields is None:
        raise NotFoundException(f"There is no such {NOUNS[place.kind]}.")
    return fields


def _edits(
    place: Place, fields: Mapping[str, object], catalog: Catalog, form: forms.Form
) -> list[Edit] | tuple[Problem, ...]:
    if place.new:
        return forms.addition_of(place.kind, place.path, catalog, form)
    if form.get("do") == "remove":
        return [Remove(place.path)]
    if form.get("do", "").startswith("move "):
        index = form["do"].removeprefix("move ")
        return [Move(place.path, int(index) if index.isdecimal() else 0)]
    return forms.edits_of(place.kind, place.path, fields, catalog, form)


def _form_page(
    request: WebRequest,
    place: Place,
    edition: Edition,
    fields: Mapping[str, object],
    *,
    sent: forms.Form | None = None,
    errors: Mapping[str, str] | None = None,
    conflict: Conflict | None = None,
    status: int = 200,
    values: Mapping[str, object] | None = None,
) -> Template:
    errors = errors or {}
    if not place.new and fields.get("name"):
        place = replace(place, heading=str(fields["name"]))
    return page(
        request,
        place.template,
        title=place.heading,
        status=status,
        place=place,
        noun=NOUNS[place.kind],
        version=edition.version,
        catalog=edition.catalog,
        fields=forms.show(place.kind, fields, edition.catalog, sent=sent, errors=errors, new=place.new),
        errors={field_id(name): text for name, text in errors.items()},
        conflict=conflict,
        may_change=may_change(request),
        **(values or {}),
    )


def _refused(
    request: WebRequest,
    place: Place,
    edition: Edition,
    fields: Mapping[str, object],
    form: forms.Form,
    problems: tuple[Problem, ...],
) -> Template:
    errors = forms.errors_by_field(place.kind, place.path, problems, new=place.new)
    sent = None if form.get("do", "save") != "save" else form
    return _form_page(request, place, edition, fields, sent=sent, errors=errors, status=422)


def _conflict(
    request: WebRequest, place: Place, now: Edition, base: Edition, form: forms.Form, conflict: Conflict
) -> Template:
    """What others saved, with what this form changes on top of it."""
    before, after = _fields(place, base.catalog), _fields(place, now.catalog)
    if form.get("do") != "save":  # a button, which has no fields
        return _form_page(request, place, now, after, conflict=conflict, status=409)
    sent = {
        field.name: text
        if (text := forms.sent_text(form, field)).strip()
        != forms.write(field, forms.value_of(before, field.name)).strip()
        else forms.write(field, forms.value_of(after, field.name))
        for field in FIELDS[place.kind]
    }
    return _form_page(request, place, now, after, sent=sent, conflict=conflict, status=409)


def _is_risky(change: Change) -> bool:
    """Does it take calls away from somebody?"""
    if change.path.endswith(".paused") and change.after == "true" and not change.path.startswith("event_webhooks["):
        return True
    if change.path == "company.rtb_enabled" and change.after == "false":
        return True
    listed = change.path.rpartition("[")[0].rpartition(".")[2]
    return change.kind == "removed" and listed in _CARRIERS and change.path.endswith("]")


async def _ask_first(
    request: WebRequest, place: Place, base: Edition, form: forms.Form, risky: list[Change]
) -> Template:
    live = await calls_on_the_line(request, risky[0].path)
    return page(
        request,
        "catalog/confirm.html",
        title="Are you sure?",
        place=place,
        risky=risky,
        live=live,
        sent={name: value for name, value in form.items() if name not in {"version", "confirmed"}},
        version=base.version,
    )
