"""The routes of the web application, filled with what a company has: the authorisation matrix and the counting of
queries walk them, so that a new route is tested by itself.

A path parameter that this does not know fails its test: give it a value in `_own_value`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from ringbid.accounts.actor import Actor
from ringbid.accounts.policy import Policy, allows
from ringbid.accounts.tokens import form_token
from ringbid.edge.web.guard import policy_of
from support.whole_office import POSTING_TOKEN, TOKEN, Belongings

# The same for everybody, with numbers and names of the docs as examples: no route to somebody's things.
_DOCUMENTS = ("/static", "/api/v1/reference", "/api/v1/openapi.json")
NOBODYS = {"code": "no_buyer_available", "token": TOKEN}  # parameters that lead to the same for every company
NOBODYS["posting_token"] = POSTING_TOKEN


@dataclass(frozen=True, slots=True)
class Way:
    """One method of one route. `parts`: its path in texts and names of parameters, in turn."""

    method: str
    template: str
    parts: tuple[str, ...]
    names: tuple[str, ...]
    handler: HTTPRouteHandler

    @property
    def policy(self) -> Policy:
        return policy_of(self.handler)

    def expected(self, actor: Actor | None) -> str:
        return allows(self.policy, actor, scope=self.handler.opt.get("scope"))

    def path(self, values: tuple[str, ...]) -> str:
        filled = iter(values)
        return "/" + "/".join(next(filled) if part.startswith("{") else part for part in self.parts)

    def own_values(self, things: Belongings) -> tuple[str, ...]:
        return tuple(_own_value(self.template, name, things) for name in self.names)


def _own_value(template: str, name: str, things: Belongings) -> str:
    """What a route's parameter is called by among a company's things."""
    of_call = any(word in template for word in ("/calls", "/disputes", "attempt"))
    known = {
        "uuid": things.call if of_call else things.ping,
        "ping_id": things.ping,
        "call_id": things.call,
        "campaign_id": things.campaign,
        "campaign": things.campaign,
        "buyer_id": things.buyer,
        "buyer": things.buyer,
        "publisher_id": things.publisher,
        "publisher": things.publisher,
        "number": things.number,
        "message_id": things.message,
        "user_id": f"analyst-of-{things.company_id}",
        "key_id": f"key-{things.company_id}",
        "invitation_id": f"invitation-{things.company_id}",
        "session_id": f"session-{things.company_id}",
        "name": _name_in(template, things),
        **NOBODYS,
    }
    assert name in known, f"{template}: tell {__name__} what {{{name}}} is, in _own_value"
    return known[name]


def _name_in(template: str, things: Belongings) -> str:
    """The name of a thing in the list that a path of the API is of."""
    lists = {
        "tags": "age",
        "publishers": things.publisher,
        "buyers": things.buyer,
        "buyer-groups": things.group,
        "campaigns": things.campaign,
        "numbers": things.number,
        "rtb-keys": "Default",
        "access-keys": "Reader",
        "conversions": things.rule,
        "webhooks": things.webhook,
        "event-webhooks": things.event_webhook,
    }
    return lists.get(template.partition("/{name")[0].rpartition("/")[2], "")


def ways_of(web: Litestar) -> Iterator[Way]:
    """Every method of every route, but of documents that are the same for everybody."""
    for route in web.routes:
        if not isinstance(route, HTTPRoute) or route.path.startswith(_DOCUMENTS):
            continue
        parts: list[str] = []
        names: list[str] = []
        for component in route.path_components:
            if isinstance(component, str):
                parts.append(component)
            else:
                parts.append("{" + component.name + "}")
                names.append(component.name)
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods):
                if method not in ("OPTIONS", "HEAD"):
                    yield Way(str(method), route.path, tuple(parts), tuple(names), handler)


def headers_of(actor_name: str | None, *, template: str, key: bool = False) -> dict[str, str]:
    accept = "application/json" if template.startswith("/api/") else "text/html"
    if actor_name is None:
        return {"accept": accept, "cookie": "ringbid_visitor=v", "x-csrf-token": form_token("v")}
    if key:
        return {"accept": accept, "authorization": f"Bearer {actor_name}"}
    return {"accept": accept, "cookie": f"ringbid={actor_name}", "x-csrf-token": form_token(actor_name)}
