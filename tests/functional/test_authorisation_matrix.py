"""Every route of the web application × every role and key × own and foreign things: nobody is let in whom the policy
table does not let in, and another company's things answer like things that never were.

New routes are walked by themselves. A path parameter that this does not know fails the test: give it a value in
`_own_value`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy, allows
from ringbid.accounts.tokens import form_token
from ringbid.edge.web.guard import policy_of
from support.asgi import Response
from support.whole_office import POSTING_TOKEN, TOKEN, Belongings, Whole, actors_of, like, open_whole, visit

# The same for everybody, with numbers and names of the docs as examples: no route to somebody's things.
_DOCUMENTS = ("/static", "/api/v1/reference", "/api/v1/openapi.json")
_SAFE = {"GET", "HEAD", "OPTIONS"}
_NOBODYS = {"code": "no_buyer_available", "token": TOKEN}  # parameters that lead to the same for every company
_NOBODYS["posting_token"] = POSTING_TOKEN


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
        **_NOBODYS,
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
    }
    return lists.get(template.rpartition("/")[0].rpartition("/")[2], "")


def _ways(whole: Whole) -> Iterator[Way]:
    for route in whole.web.routes:
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


def _headers(actor_name: str | None, *, template: str, key: bool = False) -> dict[str, str]:
    accept = "application/json" if template.startswith("/api/") else "text/html"
    if actor_name is None:
        return {"accept": accept, "cookie": "ringbid_visitor=v", "x-csrf-token": form_token("v")}
    if key:
        return {"accept": accept, "authorization": f"Bearer {actor_name}"}
    return {"accept": accept, "cookie": f"ringbid={actor_name}", "x-csrf-token": form_token(actor_name)}


def _answer_of(response: Response) -> str:
    if response.status == 401 or response.headers.get("location", "").startswith("/sign-in?next="):
        return "sign in"
    if response.status == 403:
        return "forbidden"
    return "yes" if response.status < 500 else f"a failure, {response.status}"


def test_every_route_lets_in_whom_its_policy_does_and_nobody_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_whole(tmp_path, disputed=True) as whole:
            actors: dict[str, Actor | None] = {"nobody": None, **actors_of(whole.ours)}
            for scope in Scope:
                actors[f"key-{scope.value}"] = Actor(
                    user_id="key",
                    name="key",
                    company_id=whole.office.identities.actors["owner"].company_id,
                    role=Role.MANAGER,
                    via="key",
                    scopes=frozenset({scope.value}),
                )
            whole.identities.actors.update({name: actor for name, actor in actors.items() if actor is not None})
            rng = random.Random(1)
            unexpected: list[str] = []
            for way in _ways(whole):
                values = way.own_values(whole.ours)
                for name, actor in actors.items():
                    expected = way.expected(actor)
                    # What may be changed is nobody's, so that everything is there for the next.
                    strangers = expected == "yes" and way.method not in _SAFE
                    path = way.path(tuple(like(value, rng) for value in values) if strangers else values)
                    is_key = name.startswith("key-")
                    headers = _headers(None if actor is None else name, template=way.template, key=is_key)
                    response = await visit(whole.web, way.method, path, headers=headers)
                    found = _answer_of(response)
                    if found != expected:
                        unexpected.append(f"{way.method} {path} for {name}: {found}, where {expected} was expected")
                    elif (
                        name == "owner"
                        and way.method == "GET"
                        and expected == "yes"
                        and response.status >= 400
                        and response.status != 422
                    ):
                        unexpected.append(f"GET {path}: {response.status} to the owner of what is there")
            assert not unexpected, "\n".join(unexpected)

    asyncio.run(story())


def test_foreign_things_answer_byte_for_byte_like_things_that_never_were(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_whole(tmp_path, disputed=True) as whole:
            told: list[str] = []
            walked = 0
            for way in _ways(whole):
                for role, actor in actors_of(whole.ours).items():
                    if way.names and way.expected(actor) == "yes":
                        walked += 1
                        told += [
                            f"{way.method} {way.template} for {role}: {one}" for one in await _tell(whole, way, role)
                        ]
            assert not told, "\n".join(told)
            assert walked >= 3

    asyncio.run(story())


async def _tell(whole: Whole, way: Way, role: str) -> list[str]:
    """What the answers to a foreign thing and to none have not in common, each parameter in its turn."""
    own, foreign = way.own_values(whole.ours), way.own_values(whole.theirs)
    found: list[str] = []
    differing = (index for index, name in enumerate(way.names) if name not in _NOBODYS and own[index] != foreign[index])
    for index in differing:
        strange = like(foreign[index], random.Random(index))
        there, nowhere = ((*own[:index], value, *own[index + 1 :]) for value in (foreign[index], strange))
        headers = _headers(role, template=way.template)
        of_theirs = await visit(whole.web, way.method, way.path(there), headers=headers)
        of_none = await visit(whole.web, way.method, way.path(nowhere), headers=headers)
        if of_theirs.status != of_none.status:
            found.append(f"{of_theirs.status}, where a random id gets {of_none.status}")
        elif of_theirs.body.replace(foreign[index].encode(), b"~") != of_none.body.replace(strange.encode(), b"~"):
            found.append(f"another body than a random id gets: {of_theirs.body[:200]!r}")
        if way.method == "GET" and of_theirs.status < 400:
            found.append(f"{of_theirs.status} to what is not theirs")
    return found


def test_the_other_company_s_people_see_nothing_of_ours(tmp_path: Path) -> None:
    """The same from the other side: whatever page it is, none has a word of the other company's."""

    async def story() -> None:
        async with open_whole(tmp_path, disputed=True) as whole:
            ours = whole.ours
            secrets = [
                ours.ping,
                ours.call,
                ours.campaign,
                ours.number,
                ours.publisher,
                "Alpha Insurance",
                "Acme Calls",
            ]
            whole.identities.actors.update(actors_of(whole.theirs))
            for way in _ways(whole):
                if way.method != "GET" or way.template.startswith(("/invitation/", "/p/")):
                    continue  # an invitation is for whoever has its link, and says to what; so is a posting page
                path = way.path(way.own_values(whole.theirs))
                for role in Role:
                    response = await visit(whole.web, "GET", path, headers=_headers(role.value, template=way.template))
                    for secret in secrets:
                        assert secret.encode() not in response.body, f"{path} shows {secret} to {role.value}"

    asyncio.run(story())
