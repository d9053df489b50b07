"""`/publishers`, `/numbers`, and what they all share: the company and its tags under `/settings`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.catalog.model import Campaign, Catalog, Publisher
from ringbid.edge.console.catalog_pages import Place, edition_of, may_change, save_thing, show_thing
from ringbid.edge.console.pages import page
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.office import WebRequest
from ringbid.reports.routing_words import amount_words

_READ = {"policy": Policy.READ}
_MANAGE = {"policy": Policy.MANAGE}
_PLAIN: dict[str, Any] = {"trail": (), "doubts": (), "part_tabs": (), "ordered": False}


@get("/publishers", opt=_READ)
async def list_publishers(request: WebRequest) -> Template:
    edition = await edition_of(request)
    return page(
        request,
        "catalog/list.html",
        title="Publishers",
        lead="Who sends pings and calls, and is paid. The id is what a ping sends as publisher_id.",
        view=view_of(request, await _publishers(request)),
        add_path="/publishers/new",
        add_words="Add a publisher",
        yaml_path="publishers",
        nothing="Pings need somebody who sends them.",
        version=edition.version,
        may_change=may_change(request),
        **_PLAIN,
    )


async def _publishers(request: WebRequest) -> WholeTable:
    catalog = (await edition_of(request)).catalog
    lines = [
        Line((one.id, one.name, "paused" if one.paused else "on", _paid(catalog, one)), (f"/publishers/{one.id}", at))
        for at, one in enumerate(catalog.publishers)
    ]
    labels = ("Publisher", "Name", "State", "Is paid by")
    return WholeTable(name="publishers", labels=labels, lines=lines, api="/api/v1/publishers")


@get("/publishers/new", opt=_MANAGE)
async def new_publisher(request: WebRequest) -> Template:
    return await show_thing(request, _new("publishers", "New publisher", "/publishers"))


@post("/publishers/new", opt=_MANAGE, status_code=200)
async def add_publisher(request: WebRequest) -> Response[Any]:
    return await save_thing(request, _new("publishers", "New publisher", "/publishers"))


@get("/publishers/{publisher:str}", opt=_READ)
async def show_publisher(request: WebRequest, publisher: FromPath[str]) -> Template:
    return await show_thing(request, _place("publishers", publisher, "Publishers", "/publishers"))


@post("/publishers/{publisher:str}", opt=_MANAGE, status_code=200)
async def save_publisher(request: WebRequest, publisher: FromPath[str]) -> Response[Any]:
    return await save_thing(request, _place("publishers", publisher, "Publishers", "/publishers"))


@get("/numbers", opt=_READ)
async def list_numbers(request: WebRequest) -> Template:
    edition = await edition_of(request)
    first = edition.catalog.campaigns[0] if edition.catalog.campaigns else None
    return page(
        request,
        "catalog/list.html",
        title="Numbers",
        lead="The numbers that publishers transfer calls to. A number is of one campaign.",
        view=view_of(request, await _numbers(request)),
        add_path=f"/campaigns/{first.id}/numbers/edit" if first is not None else "",
        add_words=f"Add a number to {first.name}" if first is not None else "",
        yaml_path="campaigns",
        nothing="Numbers are added to a campaign.",
        version=edition.version,
        may_change=may_change(request),
        **_PLAIN,
    )


async def _numbers(request: WebRequest) -> WholeTable:
    lines: list[Line] = []
    for campaign in (await edition_of(request)).catalog.campaigns:
        for one in campaign.numbers:
            tags = ", ".join(f"{tag}: {value}" for tag, value in one.tags)
            to = f"/campaigns/{campaign.id}/numbers/edit?name=%2B{one.number.removeprefix('+')}"
            lines.append(Line((one.number, campaign.name, one.publisher or "–", tags or "–"), (to, len(lines))))
    labels = ("Number", "Campaign", "Publisher of direct calls", "Tags of direct calls")
    return WholeTable(name="numbers", labels=labels, lines=lines, api="/api/v1/campaigns")


@get("/settings/catalog", opt=_READ)
async def show_company(request: WebRequest) -> Template:
    return await show_thing(request, _company())


@post("/settings/catalog", opt=_MANAGE, status_code=200)
async def save_company(request: WebRequest) -> Response[Any]:
    return await save_thing(request, _company())


@get("/settings/tags", opt=_READ)
async def list_tags(request: WebRequest) -> Template:
    edition = await edition_of(request)
    return page(
        request,
        "catalog/list.html",
        title="Tags",
        lead="What is known of a caller. A tag that is not declared here is kept as text.",
        view=view_of(request, await _tags(request)),
        add_path="/settings/tags/edit",
        add_words="Declare a tag",
        yaml_path="tags",
        nothing="Declare a tag to compare it as a number or date, to require it, or to keep it private.",
        version=edition.version,
        may_change=may_change(request),
        **_PLAIN,
    )


async def _tags(request: WebRequest) -> WholeTable:
    lines = [
        Line(
            (tag.key, tag.type, "required" if tag.required else "optional", "private" if tag.private else "–"),
            (f"/settings/tags/edit?name={tag.key}", at),
        )
        for at, tag in enumerate((await edition_of(request)).catalog.tags)
    ]
    return WholeTable(name="tags", labels=("Tag", "Type", "Required", "Private"), lines=lines, api="/api/v1/tags")


@get("/settings/tags/edit", opt=_READ)
async def show_tag(request: WebRequest, name: FromQuery[str | None] = None) -> Template:
    """One tag; a new one where no name is given."""
    return await show_thing(request, _tag(name))


@post("/settings/tags/edit", opt=_MANAGE, status_code=200)
async def save_tag(request: WebRequest, name: FromQuery[str | None] = None) -> Response[Any]:
    return await save_thing(request, _tag(name))


def payouts_of(campaign: Campaign, publisher: Publisher) -> list[str]:
    """What the campaign's rules pay the publisher, in words; empty: 0."""
    return [
        f"{amount_words(rule.payout)} ({rule.name})"
        for rule in campaign.conversions
        if rule.side != "revenue" and publisher.id in (rule.publishers or (publisher.id,))
    ]


def _paid(catalog: Catalog, publisher: Publisher) -> str:
    paying = [campaign.name for campaign in catalog.campaigns if payouts_of(campaign, publisher)]
    return ", ".join(paying) or "no rule: 0"


def _tag(name: str | None) -> Place:
    if name is None:
        return _new("tags", "New tag", "/settings/tags")
    return _place("tags", name, "Tags", "/settings/tags")


def _company() -> Place:
    return Place(
        kind="company", path="company", heading="Company", back="/settings/catalog", crumbs=(), removable=False
    )


def _new(kind: str, heading: str, back: str) -> Place:
    return Place(kind=kind, path=kind, heading=heading, back=back, new=True)


def _place(kind: str, name: str, label: str, back: str) -> Place:
    links = _links(name) if kind == "publishers" else ()
    return Place(kind=kind, path=f"{kind}[{name}]", heading=name, back=back, crumbs=((label, back),), links=links)


def _links(publisher_id: str) -> tuple[tuple[str, str], ...]:
    of_it = quote(publisher_id, safe="")
    return (
        ("Its pings", f"/pings?publisher_id={of_it}"),
        ("Its calls", f"/calls?publisher_id={of_it}"),
        ("Report", f"/reports?group=reason&publisher={of_it}"),
    )


HANDLERS: list[ControllerRouterHandler] = [
    list_publishers, new_publisher, add_publisher, show_publisher, save_publisher, list_numbers, show_company,
    save_company, list_tags, show_tag, save_tag, *files_of("/publishers", Policy.READ, _publishers),
    *files_of("/numbers", Policy.READ, _numbers), *files_of("/settings/tags", Policy.READ, _tags),
]  # fmt: skip
