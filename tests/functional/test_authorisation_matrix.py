"""Every route of the web application × every role and key × own and foreign things: nobody is let in whom the policy
table does not let in, and another company's things answer like things that never were.

New routes are walked by themselves (`support/routes.py`).
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.keys import Scope
from support.asgi import Response
from support.routes import NOBODYS, Way, headers_of, ways_of
from support.whole_office import Whole, actors_of, like, open_whole, visit

_SAFE = {"GET", "HEAD", "OPTIONS"}


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
            for way in ways_of(whole.web):
                values = way.own_values(whole.ours)
                for name, actor in actors.items():
                    expected = way.expected(actor)
                    # What may be changed is nobody's, so that everything is there for the next.
                    strangers = expected == "yes" and way.method not in _SAFE
                    path = way.path(tuple(like(value, rng) for value in values) if strangers else values)
                    is_key = name.startswith("key-")
                    headers = headers_of(None if actor is None else name, template=way.template, key=is_key)
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
            for way in ways_of(whole.web):
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
    differing = (index for index, name in enumerate(way.names) if name not in NOBODYS and own[index] != foreign[index])
    for index in differing:
        strange = like(foreign[index], random.Random(index))
        there, nowhere = ((*own[:index], value, *own[index + 1 :]) for value in (foreign[index], strange))
        headers = headers_of(role, template=way.template)
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
            for way in ways_of(whole.web):
                if way.method != "GET" or way.template.startswith(("/invitation/", "/p/")):
                    continue  # an invitation is for whoever has its link, and says to what; so is a posting page
                path = way.path(way.own_values(whole.theirs))
                for role in Role:
                    response = await visit(
                        whole.web, "GET", path, headers=headers_of(role.value, template=way.template)
                    )
                    for secret in secrets:
                        assert secret.encode() not in response.body, f"{path} shows {secret} to {role.value}"

    asyncio.run(story())
