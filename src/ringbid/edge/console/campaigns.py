"""`/campaigns` and the parts of one: routing, conversion rules, numbers, keys and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.catalog.model import Campaign, Catalog
from ringbid.edge.console.catalog_fields import NOUNS
from ringbid.edge.console.catalog_pages import Place, edition_of, may_change, save_thing, show_thing
from ringbid.edge.console.key_picture import key_picture
from ringbid.edge.console.pages import page
from ringbid.edge.console.tables import Column
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.office import WebRequest, office_of
from ringbid.reports.catalog_doubts import Doubt, doubts_of_campaign, find_doubts, unpaid_words
from ringbid.reports.export import Row
from ringbid.reports.routing_words import amount_words, routing_levels, routing_sentence
from ringbid.values.ids import CampaignId

_READ = {"policy": Policy.READ}
_MANAGE = {"policy": Policy.MANAGE}
_TRAIL = (("Campaigns", "/campaigns"),)
# A part's page: the list it shows, its columns, and what stands where there is nothing.
_PARTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "numbers": ("numbers", ("Number", "Publisher", "Tags"), "Calls need a number that they come in on."),
    "keys": ("rtb_keys", ("Key", "State", "TTL", "Timeout"), "Publishers need a key to ping."),
    "access": ("access_keys", ("Key", "State", "Allows"), "With these, others tell about calls."),
    "conversions": (
        "conversions",
        ("Rule", "For", "Converts", "Revenue", "Payout"),
        "Without a rule every call pays the publisher 0.",
    ),
    "webhooks": ("webhooks", ("Webhook", "Sent on", "Buyer", "URL"), "Ask buyers for bids, or tell others of calls."),
}
_LABELS = {
    "numbers": "Numbers",
    "keys": "RTB keys",
    "access": "Access keys",
    "conversions": "Conversion rules",
    "webhooks": "Webhooks",
}


@get("/campaigns", opt=_READ)
async def list_campaigns(request: WebRequest) -> Template:
    edition = await edition_of(request)
    return page(
        request,
        "catalog/list.html",
        title="Campaigns",
        lead="Routing, conversion rules, webhooks, numbers and keys for one kind of call.",
        view=view_of(request, await _campaigns(request)),
        trail=(),
        add_path="/campaigns/new",
        add_words="New campaign",
        yaml_path="campaigns",
        nothing="A campaign says who gets which calls, and what they pay.",
        doubts=find_doubts(edition.catalog, sip_domain=office_of(request).sip_domain),
        part_tabs=(),
        ordered=False,
        version=edition.version,
        may_change=may_change(request),
    )


async def _campaigns(request: WebRequest) -> WholeTable:
    lines = [
        Line(
            (one.name, "paused" if one.paused else "on", len(one.routing.buyers), len(one.numbers), len(one.rtb_keys)),
            (f"/campaigns/{one.id}", index),
        )
        for index, one in enumerate((await edition_of(request)).catalog.campaigns)
    ]
    return WholeTable(
        name="campaigns",
        labels=("Campaign", "State", "Buyers", "Numbers", "RTB keys"),
        lines=lines,
        api="/api/v1/campaigns",
        numeric=frozenset({"Buyers", "Numbers", "RTB keys"}),
    )


@get("/campaigns/{campaign:str}", opt=_READ)
async def show_campaign(request: WebRequest, campaign: FromPath[str]) -> Template:
    catalog, one = await find_campaign(request, campaign)
    place = _own_place(one, f"campaigns[{one.id}]", "campaigns", template="catalog/campaign.html")
    return await show_thing(request, place, _about(request, catalog, one))


@post("/campaigns/{campaign:str}", opt=_MANAGE, status_code=200)
async def save_campaign(request: WebRequest, campaign: FromPath[str]) -> Response[Any]:
    _, one = await find_campaign(request, campaign)
    removing = (await request.form()).get("do") == "remove"
    back = "/campaigns" if removing else f"/campaigns/{one.id}"
    return await save_thing(request, _own_place(one, f"campaigns[{one.id}]", "campaigns", back=back))


@get("/campaigns/{campaign:str}/routing", opt=_READ)
async def show_routing(request: WebRequest, campaign: FromPath[str]) -> Template:
    catalog, one = await find_campaign(request, campaign)
    return await show_thing(request, _routing_place(one), _about(request, catalog, one))


@post("/campaigns/{campaign:str}/routing", opt=_MANAGE, status_code=200)
async def save_routing(request: WebRequest, campaign: FromPath[str]) -> Response[Any]:
    _, one = await find_campaign(request, campaign)
    return await save_thing(request, _routing_place(one))


@get("/campaigns/{campaign:str}/routing/edit", opt=_READ)
async def show_routed(request: WebRequest, campaign: FromPath[str], name: FromQuery[str | None] = None) -> Template:
    _, one = await find_campaign(request, campaign)
    return await show_thing(request, _thing_place(one, "routing", "routing.buyers", name))


@post("/campaigns/{campaign:str}/routing/edit", opt=_MANAGE, status_code=200)
async def save_routed(
    request: WebRequest, campaign: FromPath[str], name: FromQuery[str | None] = None
) -> Response[Any]:
    _, one = await find_campaign(request, campaign)
    return await save_thing(request, _thing_place(one, "routing", "routing.buyers", name))


async def _show_part(request: WebRequest, campaign: str, part: str) -> Template:
    """The list of a part."""
    _, one = await find_campaign(request, campaign)
    kind, _, nothing = _PARTS[part]
    edition = await edition_of(request)
    to = f"/campaigns/{one.id}/{part}/edit"
    ordered = kind == "conversions"
    return page(
        request,
        "catalog/list.html",
        title=f"{_LABELS[part]} of {one.name}",
        lead="The first that fits decides." if ordered else "",
        view=view_of(request, await _part_table(request, one, part)),
        trail=(*_TRAIL, (one.name, f"/campaigns/{one.id}")),
        add_path=to,
        add_words=f"Add a {NOUNS[kind]}" if kind != "rtb_keys" else "Add an RTB key",
        yaml_path=f"campaigns[{one.id}].{kind}",
        nothing=nothing,
        doubts=[doubt for doubt in doubts(request, one) if doubt.path.endswith(kind)],
        unpaid=unpaid_words(one, edition.catalog) if ordered else None,
        part_tabs=part_tabs(one),
        ordered=ordered and may_change(request),
        version=edition.version,
        may_change=may_change(request),
    )


async def _part_table(request: WebRequest, campaign: Campaign, part: str) -> WholeTable:
    kind, labels, _ = _PARTS[part]
    to = f"/campaigns/{campaign.id}/{part}/edit"
    return WholeTable(
        name=f"{campaign.id}-{part}",
        labels=labels,
        lines=[
            Line(cells, (f"{to}?name={quote(str(cells[0]), safe='')}", index))
            for index, cells in enumerate(_rows(campaign, kind))
        ],
        api=f"/api/v1/campaigns/{campaign.id}/{kind.replace('_', '-')}",
        more=[Column("Order")] if kind == "conversions" and may_change(request) else [],
    )


async def _show_part_thing(request: WebRequest, campaign: str, part: str, name: str | None) -> Template:
    _, one = await find_campaign(request, campaign)
    place = _part_place(one, part, name)
    if place.kind != "rtb_keys":
        return await show_thing(request, place)
    key = next((key for key in one.rtb_keys if key.name == name), None)
    if key is not None:
        place = replace(place, links=(("Its pings", f"/pings?key_id={quote(key.id, safe='')}"),))
    picture = key_picture(str(key.timeout_seconds if key else 5), str(key.ttl_seconds if key else 15))
    return await show_thing(request, place, {"picture": picture})


def _handlers_of(part: str) -> list[ControllerRouterHandler]:
    """The list of a part, and the page of one thing in it."""

    @get(f"/campaigns/{{campaign:str}}/{part}", opt=_READ, name=f"list {part}")
    async def show_part(request: WebRequest, campaign: FromPath[str]) -> Template:
        return await _show_part(request, campaign, part)

    @get(f"/campaigns/{{campaign:str}}/{part}/edit", opt=_READ, name=f"edit {part}")
    async def show_part_thing(
        request: WebRequest, campaign: FromPath[str], name: FromQuery[str | None] = None
    ) -> Template:
        return await _show_part_thing(request, campaign, part, name)

    @post(f"/campaigns/{{campaign:str}}/{part}/edit", opt=_MANAGE, status_code=200, name=f"save {part}")
    async def save_part_thing(
        request: WebRequest, campaign: FromPath[str], name: FromQuery[str | None] = None
    ) -> Response[Any]:
        _, one = await find_campaign(request, campaign)
        return await save_thing(request, _part_place(one, part, name))

    async def read(request: WebRequest) -> WholeTable:
        _, one = await find_campaign(request, request.path_params["campaign"])
        return await _part_table(request, one, part)

    files = files_of(f"/campaigns/{{campaign:str}}/{part}", Policy.READ, read)
    return [show_part, *files, show_part_thing, save_part_thing]


def part_tabs(campaign: Campaign) -> tuple[tuple[str, str], ...]:
    """The pages of one campaign."""
    base = f"/campaigns/{campaign.id}"
    return (
        ("Campaign", base),
        ("Routing", f"{base}/routing"),
        *((_LABELS[part], f"{base}/{part}") for part in ("conversions", "numbers", "keys", "access", "webhooks")),
        ("Posting", f"{base}/posting"),
    )


def doubts(request: WebRequest, campaign: Campaign) -> tuple[Doubt, ...]:
    """What is allowed in the campaign and yet hardly meant, such as no conversion rule."""
    return doubts_of_campaign(campaign, sip_domain=office_of(request).sip_domain)


async def find_campaign(request: WebRequest, campaign_id: str) -> tuple[Catalog, Campaign]:
    """The campaign in the catalog in force. Raises NotFoundException where the company has none of this id."""
    catalog = (await edition_of(request)).catalog
    found = next((one for one in catalog.campaigns if one.id == CampaignId(campaign_id)), None)
    if found is None:
        raise NotFoundException("There is no such campaign.")
    return catalog, found


def _about(request: WebRequest, catalog: Catalog, campaign: Campaign) -> dict[str, object]:
    return {
        "campaign": campaign,
        "sentence": routing_sentence(catalog, campaign),
        "routed_columns": (Column("Buyer"), Column("Priority", numeric=True), Column("Weight", numeric=True)),
        "levels": routing_levels(catalog, campaign),
        "doubts": doubts(request, campaign),
        "unpaid": unpaid_words(campaign, catalog),
    }


def _own_place(
    campaign: Campaign, path: str, kind: str, *, back: str = "", template: str = "catalog/thing.html"
) -> Place:
    return Place(
        kind=kind,
        path=path,
        heading=campaign.name,
        back=back or f"/campaigns/{campaign.id}",
        crumbs=_TRAIL,
        tabs=part_tabs(campaign),
        template=template,
    )


def _routing_place(campaign: Campaign) -> Place:
    return Place(
        kind="routing",
        path=f"campaigns[{campaign.id}].routing",
        heading=f"Routing of {campaign.name}",
        back=f"/campaigns/{campaign.id}/routing",
        crumbs=(*_TRAIL, (campaign.name, f"/campaigns/{campaign.id}")),
        tabs=part_tabs(campaign),
        removable=False,
        template="catalog/routing.html",
    )


def _part_place(campaign: Campaign, part: str, name: str | None) -> Place:
    return _thing_place(campaign, part, _PARTS[part][0], name)


def _thing_place(campaign: Campaign, part: str, kind: str, name: str | None) -> Place:
    """A thing of a part; the new one where there is no name."""
    list_path = f"campaigns[{campaign.id}].{kind}"
    page_path = f"/campaigns/{campaign.id}"
    return Place(
        kind=kind,
        path=list_path if name is None else f"{list_path}[{name}]",
        heading=f"New {NOUNS[kind]}" if name is None else name,
        back=f"{page_path}/{part}",
        crumbs=(*_TRAIL, (campaign.name, page_path), (_LABELS.get(part, "Routing"), f"{page_path}/{part}")),
        new=name is None,
        template="catalog/key.html" if kind == "rtb_keys" else "catalog/thing.html",
    )


def _rows(campaign: Campaign, kind: str) -> Sequence[Row]:
    match kind:
        case "numbers":
            return [
                (one.number, one.publisher or "–", ", ".join(f"{tag}: {value}" for tag, value in one.tags) or "–")
                for one in campaign.numbers
            ]
        case "rtb_keys":
            return [
                (key.name, "paused" if key.paused else "on", f"{key.ttl_seconds} s", f"{key.timeout_seconds:f} s")
                for key in campaign.rtb_keys
            ]
        case "access_keys":
            return [(key.name, "paused" if key.paused else "on", ", ".join(key.allows)) for key in campaign.access_keys]
        case "webhooks":
            return [(one.name, one.on, one.buyer or "any", one.url[:60]) for one in campaign.webhooks]
    return [
        (
            rule.name,
            f"{', '.join(rule.buyers) or 'any buyer'}; {', '.join(rule.publishers) or 'any publisher'}",
            rule.on if rule.on != "timer" else f"after {amount_words(rule.seconds)} s",
            amount_words(rule.revenue) if rule.side != "payout" else "–",
            amount_words(rule.payout) if rule.side != "revenue" else "–",
        )
        for rule in campaign.conversions
    ]


HANDLERS: list[ControllerRouterHandler] = [
    list_campaigns, *files_of("/campaigns", Policy.READ, _campaigns),
    show_campaign, save_campaign, show_routing, save_routing, show_routed, save_routed,
    *(handler for part in _PARTS for handler in _handlers_of(part)),
]  # fmt: skip
