"""What the frame around every page knows: who looks, at which company, in which time zone and theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ringbid.accounts.actor import Actor
from ringbid.catalog.snapshot import CompanyView
from ringbid.edge.console.flash import Flash, read_flash
from ringbid.edge.console.navigation import Place, place_of, places_for
from ringbid.edge.web.office import WebRequest, office_of
from ringbid.values.ids import CompanyId

Theme = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """`url` is the page's own address, `now` the time at which it is made. `company` is its name, empty where nobody
    has signed in. `companies` are those that the person may switch to, by id and name; empty: there is only one."""

    places: tuple[Place, ...]
    place: Place | None
    url: str
    theme: Theme
    company: str
    time_zone: str
    currency: str
    now: datetime
    companies: tuple[tuple[CompanyId, str], ...] = ()
    flash: Flash | None = None


def shell_of(request: WebRequest) -> Shell:
    """The frame of the page that answers `request`."""
    actor = request.scope.get("user")
    assert actor is None or isinstance(actor, Actor)
    office = office_of(request)
    companies = office.catalogs.snapshot.companies
    company = companies.get(actor.company_id) if actor is not None else None
    places = places_for(actor, {route.path for route in request.app.routes})
    query = request.url.query
    return Shell(
        places=places,
        place=place_of(request.url.path, places),
        url=f"{request.url.path}?{query}" if query else request.url.path,
        theme=_theme(request.cookies.get("theme")),
        company=company.catalog.company.name if company is not None else actor.company_id if actor else "",
        time_zone=company.catalog.company.time_zone if company is not None else "UTC",
        currency=company.catalog.company.currency if company is not None else "USD",
        now=office.clock.now(),
        companies=_choices(actor, companies) if actor is not None else (),
        flash=read_flash(request),
    )


def _choices(actor: Actor, companies: Mapping[CompanyId, CompanyView]) -> tuple[tuple[CompanyId, str], ...]:
    """The companies that `actor` may switch to, by id and name; none where there is only one."""
    others = [company_id for company_id in actor.company_ids if company_id != actor.company_id]
    return tuple((one, companies[one].catalog.company.name if one in companies else one) for one in others)


def _theme(chosen: str | None) -> Theme:
    themes: dict[str | None, Theme] = {"light": "light", "dark": "dark"}
    return themes.get(chosen, "system")
