"""`/settings/webhooks`: where events of the whole company are sent, and the secrets that they are signed with."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.catalog.model import EVENT_TYPES
from ringbid.edge.console.catalog_pages import Place, edition_of, may_change, read_form, save_thing, show_thing
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.pages import page
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.event_secrets import drop_old_secret, first_secret, new_secret
from ringbid.edge.web.office import WebRequest

_PATH = "/settings/webhooks"
_READ = {"policy": Policy.READ}
_MANAGE = {"policy": Policy.MANAGE}


@get(_PATH, opt=_READ)
async def list_event_webhooks(request: WebRequest) -> Template:
    edition = await edition_of(request)
    return page(
        request,
        "catalog/list.html",
        title="Event webhooks",
        lead="Programs of yours that are told what happens: pings, calls and money, each event once, signed, and sent "
        "again until it arrives. Deliveries shows what became of each.",
        view=view_of(request, await _webhooks(request)),
        add_path=f"{_PATH}/edit",
        add_words="Add an event webhook",
        yaml_path="event_webhooks",
        nothing="Add one to hear of pings, calls and conversions as they happen.",
        version=edition.version,
        may_change=may_change(request),
        trail=(("Settings", "/settings"),),
        doubts=(),
        part_tabs=(),
        ordered=False,
    )


async def _webhooks(request: WebRequest) -> WholeTable:
    lines = [
        Line(
            (one.id, one.url, _events(len(one.events)), "paused" if one.paused else "on"),
            (f"{_PATH}/edit?name={one.id}", at),
        )
        for at, one in enumerate((await edition_of(request)).catalog.event_webhooks)
    ]
    labels = ("Webhook", "URL", "Events", "State")
    return WholeTable(name="event-webhooks", labels=labels, lines=lines, api="/api/v1/event-webhooks")


@get(f"{_PATH}/edit", opt=_READ)
async def show_event_webhook(request: WebRequest, name: FromQuery[str | None] = None) -> Template:
    """One event webhook; a new one where no name is given."""
    return await show_thing(request, _place(name), {"webhook_id": name or "", "event_types": EVENT_TYPES})


@post(f"{_PATH}/edit", opt=_MANAGE, status_code=200)
async def save_event_webhook(request: WebRequest, name: FromQuery[str | None] = None) -> Response[Any]:
    """Save it. The page with the secret, which is shown this once, where it is new."""
    answer = await save_thing(request, _place(name))
    if name is not None or not isinstance(answer, Redirect):
        return answer
    webhook_id = (await read_form(request)).get("id", "").strip()
    return _secret_page(request, webhook_id, await first_secret(request, webhook_id))


@post(f"{_PATH}/secret", opt=_MANAGE, status_code=200)
async def change_secret(request: WebRequest, name: FromQuery[str] = "") -> Response[Any]:
    """A new secret beside the old one, or the newest alone."""
    edition = await edition_of(request)
    if all(one.id != name for one in edition.catalog.event_webhooks):
        raise NotFoundException("There is no such event webhook.")
    if (await read_form(request)).get("do") == "new":
        return _secret_page(request, name, await new_secret(request, name))
    await drop_old_secret(request, name)
    back = Redirect(f"{_PATH}/edit?name={name}", status_code=303)
    return tell_next_page(back, "Events are signed with the newest secret alone.")


def _secret_page(request: WebRequest, webhook_id: str, secret: str) -> Response[Any]:
    return page(
        request, "catalog/event_secret.html", title="The secret", secret=secret, webhook_id=webhook_id, back=_PATH
    )


def _events(count: int) -> str:
    return "all" if count == len(EVENT_TYPES) else f"{count} of {len(EVENT_TYPES)}"


def _place(name: str | None) -> Place:
    crumbs = (("Event webhooks", _PATH),)
    if name is None:
        return Place(
            kind="event_webhooks", path="event_webhooks", heading="New event webhook", back=_PATH, crumbs=crumbs,
            new=True, template="catalog/event_webhook.html",
        )  # fmt: skip
    return Place(
        kind="event_webhooks", path=f"event_webhooks[{name}]", heading=name, back=_PATH, crumbs=crumbs,
        template="catalog/event_webhook.html",
    )  # fmt: skip


HANDLERS: list[ControllerRouterHandler] = [
    *(list_event_webhooks, show_event_webhook, save_event_webhook, change_secret),
    *files_of(_PATH, Policy.READ, _webhooks),
]
