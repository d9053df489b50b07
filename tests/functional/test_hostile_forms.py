"""Another site makes a signed-in browser send something: nothing is changed, whatever it sends and however."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, delete, get, post
from litestar.routes import HTTPRoute

from ringbid.accounts.policy import Policy
from ringbid.accounts.tokens import form_token
from ringbid.edge.web.app import build_web
from ringbid.edge.web.guard import policy_of
from support.asgi import Response
from support.hostile_office import open_hostile
from support.web import FixedIdentities, make_office
from support.whole_office import visit

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
OWN = {"sec-fetch-site": "same-origin"}
BODY = b"name=changed"
REFUSED = {400, 403, 422}  # 400 and 422: the body is not even what it is said to be
TOKEN = f"&csrf={form_token('owner')}".encode()
# What a browser sends along where another site's page makes it post. Of JSON and own headers, older browsers ask first.
FOREIGN = {
    "another site": {"sec-fetch-site": "cross-site", **FORM},
    "a neighbour's name": {"sec-fetch-site": "same-site", **FORM},
    "another site, as htmx": {"sec-fetch-site": "cross-site", "hx-request": "true", **FORM},
    "another site, as JSON": {"sec-fetch-site": "cross-site", **JSON},
    "an older browser": {"origin": "https://198.51.100.1", **FORM},
    "an older browser, as JSON": {"origin": "https://198.51.100.1", **JSON},
    "a frame without an origin": {"origin": "null", **FORM},
    "a name that ends like ours": {"origin": "https://evil-ringbid.test", **FORM},
    "our name before another": {"origin": "https://ringbid.test@198.51.100.1", **FORM},
    "no origin and no token": FORM,
    "our origin and no token": {**OWN, **FORM},
    "plain text": {"content-type": "text/plain"},
    "files": {"content-type": "multipart/form-data; boundary=x"},
    "no type at all": {},
    "the token of another visit": {**OWN, **FORM, "x-csrf-token": form_token("another")},
    "a type with a parameter": {"content-type": "text/plain; x=application/json"},
    "a type in capitals": {"content-type": "TEXT/PLAIN"},
}


@dataclass
class Door:
    """Two routes that note what was changed."""

    changes: list[str] = field(default_factory=list)

    def handlers(self) -> list[Any]:
        @get("/door", opt={"policy": Policy.SIGNED_IN})
        async def look() -> str:
            return "a form"

        @post("/door", opt={"policy": Policy.SIGNED_IN})
        async def change() -> str:
            self.changes.append("changed")
            return "changed"

        @delete("/door", opt={"policy": Policy.SIGNED_IN}, status_code=200)
        async def remove() -> str:
            self.changes.append("removed")
            return "removed"

        return [look, change, remove]


def knock(method: str, headers: dict[str, str], body: bytes = BODY) -> tuple[Response, list[str]]:
    """One request of the owner's browser, with the headers that it adds."""
    door = Door()
    web = build_web(make_office(identities=FixedIdentities(), people=None), door.handlers())
    sent = {"cookie": "ringbid=owner", **headers}
    return asyncio.run(visit(web, method, "/door", headers=sent, body=body)), door.changes


@pytest.mark.parametrize("name", FOREIGN)
def test_what_another_site_makes_a_browser_send_changes_nothing(name: str) -> None:
    answer, changes = knock("POST", FOREIGN[name])
    assert (answer.status in REFUSED, changes) == (True, [])


def test_another_site_removes_nothing() -> None:
    answer, changes = knock("DELETE", {"sec-fetch-site": "cross-site"}, b"")
    assert (answer.status, changes) == (403, [])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({**OWN, **FORM}, BODY + TOKEN),
        ({"origin": "http://ringbid.test", **FORM}, BODY + TOKEN),
        ({**OWN, **FORM, "x-csrf-token": form_token("owner")}, BODY),
        ({**OWN, **JSON}, b"{}"),
        ({"authorization": "Bearer owner", "cookie": "", **JSON}, b"{}"),
    ],
)
def test_a_form_of_our_own_page_and_a_program_s_request_are_taken(headers: dict[str, str], body: bytes) -> None:
    _, changes = knock("POST", headers, body)
    assert changes == ["changed"]


def test_every_route_that_changes_something_refuses_another_site(tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with open_hostile(tmp_path) as there:
            taken = []
            for method, path in _changing(there.web):
                for name, foreign in FOREIGN.items():
                    headers = {"accept": "text/html", "cookie": "ringbid=owner", **foreign}
                    answer = await visit(there.web, method, path, headers=headers, body=BODY)
                    taken += [f"{method} {path} from {name}: {answer.status}"] if answer.status not in REFUSED else []
            return taken

    assert asyncio.run(story()) == []


def _changing(web: Litestar) -> Iterator[tuple[str, str]]:
    """Each route that is no safe one, with a path to it: who is refused needs to know nothing of what is there."""
    for route in web.routes:
        if not isinstance(route, HTTPRoute):
            continue
        parts = [part if isinstance(part, str) else _value(part.type) for part in route.path_components]
        for handler in route.route_handlers:
            policy_of(handler)
            for method in sorted(handler.http_methods - {"GET", "HEAD", "OPTIONS"}):
                yield str(method), "/" + "/".join(parts)


def _value(kind: type) -> str:
    return "1" if kind in (int, float) else "01890000-0000-7000-8000-000000000000"
