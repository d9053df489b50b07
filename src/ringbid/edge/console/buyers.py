"""`/buyers` and `/buyer-groups`: who takes calls, how full they are now, and all their terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Edition
from ringbid.catalog.model import Catalog
from ringbid.edge.console.catalog_pages import Place, edition_of, may_change, save_field, save_thing, show_thing
from ringbid.edge.console.pages import page
from ringbid.edge.console.portal_lists import tools_of
from ringbid.edge.console.tables import Column
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.asks import summary_of
from ringbid.reports.buyer_state import BuyerState, buyer_states, subjects_in
from ringbid.reports.export import Row
from ringbid.values.ids import BuyerId, KeyId

_LABELS = ("Buyer", "State", "Caps now", "Campaigns")
_TRAIL = (("Buyers", "/buyers"),)
_READ = {"policy": Policy.READ}
_MANAGE = {"policy": Policy.MANAGE}


async def states_of(request: WebRequest, edition: Edition) -> tuple[BuyerState, ...]:
    """Every buyer of the catalog as it stands now: one look at the store."""
    subjects = subjects_in(edition.catalog)
    look = await office_of(request).reservations.look(
        key_id=KeyId(""), duplicate_key=None, subjects=subjects, idempotency=None
    )
    return buyer_states(edition.catalog, look.usage, look.now)


@get("/buyers", opt=_READ)
async def list_buyers(request: WebRequest) -> Template:
    edition = await edition_of(request)
    return page(
        request,
        "catalog/buyers.html",
        title="Buyers",
        view=view_of(request, await _buyers(request)),
        catalog=edition.catalog,
        version=edition.version,
        may_change=may_change(request),
        now=office_of(request).clock.now(),
    )


async def _buyers(request: WebRequest) -> WholeTable:
    edition = await edition_of(request)
    lines = [Line(_cells(state, edition.catalog), state) for state in await states_of(request, edition)]
    return WholeTable(name="buyers", labels=_LABELS, lines=lines, api="/api/v1/buyers", more=(Column("Switch"),))


def _cells(state: BuyerState, catalog: Catalog) -> Row:
    buyer = state.buyer
    caps = [f"{gauge.words} {gauge.used} of {gauge.limit}" for gauge in state.gauges if gauge.limit is not None]
    routed = [one.name for one in catalog.campaigns if any(row.buyer == buyer.id for row in one.routing.buyers)]
    standing = "paused" if buyer.paused else "closed" if state.closed else "open"
    return (f"{buyer.name} ({buyer.id})", standing, "; ".join(caps) or "no caps", ", ".join(routed) or "none")


@get("/buyers/new", opt=_MANAGE)
async def new_buyer(request: WebRequest) -> Template:
    return await show_thing(request, _new("buyers"))


@post("/buyers/new", opt=_MANAGE, status_code=200)
async def add_buyer(request: WebRequest) -> Response[Any]:
    return await save_thing(request, _new("buyers"))


@get("/buyers/{buyer:str}", opt=_READ)
async def show_buyer(request: WebRequest, buyer: FromPath[str]) -> Template:
    """Its terms, how it stands now, and how its address answers."""
    place = replace(_place("buyers", buyer), template="catalog/buyer.html")
    states = await states_of(request, await edition_of(request))
    state = next((one for one in states if one.buyer.id == buyer), None)
    if state is None:
        return await show_thing(request, place)
    asks = await tools_of(request).asks.recent_asks(actor_of(request).company_id, BuyerId(buyer))
    return await show_thing(request, place, {"state": state, "asks": summary_of(asks)})


@post("/buyers/{buyer:str}", opt=_MANAGE, status_code=200)
async def save_buyer(request: WebRequest, buyer: FromPath[str]) -> Response[Any]:
    return await save_thing(request, _place("buyers", buyer))


@post("/buyers/{buyer:str}/pause", opt=_MANAGE, status_code=200)
async def pause_buyer(request: WebRequest, buyer: FromPath[str]) -> Response[Any]:
    """The button of the list: paused, or no longer."""
    return await save_field(request, _place("buyers", buyer), "paused")


@get("/buyer-groups/edit", opt=_READ)
async def show_group(request: WebRequest, name: FromQuery[str | None] = None) -> Template:
    """One group; a new one where no name is given."""
    return await show_thing(request, _new("buyer_groups") if name is None else _place("buyer_groups", name))


@post("/buyer-groups/edit", opt=_MANAGE, status_code=200)
async def save_group(request: WebRequest, name: FromQuery[str | None] = None) -> Response[Any]:
    return await save_thing(request, _new("buyer_groups") if name is None else _place("buyer_groups", name))


def _place(kind: str, name: str) -> Place:
    links = _links(name) if kind == "buyers" else ()
    return Place(kind=kind, path=f"{kind}[{name}]", heading=name, back="/buyers", crumbs=_TRAIL, links=links)


def _links(buyer_id: str) -> tuple[tuple[str, str], ...]:
    of_it = quote(buyer_id, safe="")
    return (
        ("Pings it won", f"/pings?buyer_id={of_it}"),
        ("Its calls", f"/calls?buyer_id={of_it}"),
        ("Report", f"/reports?buyer={of_it}"),
    )


def _new(kind: str) -> Place:
    heading = "New buyer" if kind == "buyers" else "New buyer group"
    return Place(kind=kind, path=kind, heading=heading, back="/buyers", crumbs=_TRAIL, new=True)


HANDLERS: list[ControllerRouterHandler] = [
    list_buyers, *files_of("/buyers", Policy.READ, _buyers),
    new_buyer, add_buyer, show_buyer, save_buyer, pause_buyer, show_group, save_group,
]  # fmt: skip
