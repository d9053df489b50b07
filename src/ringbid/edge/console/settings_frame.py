"""What all pages under `/settings` share: their tabs, and the way back after something was changed."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.response import Redirect, Response, Template

from ringbid.accounts.actor import Actor
from ringbid.accounts.policy import Policy, allows
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.pages import page
from ringbid.edge.web.office import WebRequest, actor_of

_TABS = (
    ("Your account", "/settings/account", Policy.SIGNED_IN),
    ("Users", "/settings/users", Policy.OWN),
    ("API keys", "/settings/keys", Policy.OWN),
    ("Company", "/settings/catalog", Policy.READ),
    ("Tags", "/settings/tags", Policy.READ),
    ("Event webhooks", "/settings/webhooks", Policy.READ),
    ("History", "/settings/history", Policy.READ),
    ("Server", "/settings/server", Policy.READ),
    ("Companies", "/settings/companies", Policy.OWN),
)


@get("/settings", opt={"policy": Policy.READ})
async def show_settings() -> Redirect:
    """The company's own page."""
    return Redirect("/settings/catalog", status_code=303)


def settings_page(request: WebRequest, template: str, *, title: str, status: int = 200, **values: object) -> Template:
    """A page of the settings, with the tabs that whoever looks may open."""
    tabs = [(label, path) for label, path, policy in _TABS if allows(policy, actor_of(request)) == "yes"]
    return page(request, f"settings/{template}", title=title, status=status, tabs_here=tabs, **values)


def done(path: str, text: str) -> Response[Any]:
    """To `path`, which says what was done."""
    return tell_next_page(Redirect(path, status_code=303), text)


def is_person(actor: Actor) -> bool:
    """Programs have no account of their own to look at."""
    return actor.via == "session"


HANDLERS = [show_settings]
