"""A page asks the store as often where there is much as where there is little: every page, and every resource of the
API that is read. A new route is counted by itself (`support/routes.py`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from litestar import Litestar

from ringbid.accounts.actor import Role
from ringbid.store.statements import Insert, Statement
from support.routes import Way, headers_of, ways_of
from support.stores import StorePlace
from support.whole_office import Belongings, actors_of, visit
from support.whole_store import grow, open_pages_over

# A whole list as a file is read page by page, which is as often as it is long; the feed asks for as long as it is open.
_ENDLESS = (".csv", ".xlsx", "/live/feed")
# How many there are is asked only where they do not fit on the page: that is one query less of a short list.
_COUNTED = ("/pings", "/calls", "/ledger", "/deliveries")
MOST = 25
# Asked besides the plain pages: filtered, sorted and large, and reports by what is not there by itself.
_FURTHER = (
    "/pings?size=1000&status=reserved",
    "/calls?size=1000&converted=true",
    "/deliveries?size=1000&state=dead",
    "/ledger?size=1000&kind=conversion",
    "/reports?group=reason&period=30d",
    "/reports?group=tag:age&campaign=auto-insurance",
    "/reports?group=hour&state=CA&publisher=4321ABCD",
)


class Counter:
    def __init__(self) -> None:
        self.statements = 0


# Servers of other tests may run in threads of this process, and look into their own stores now and then.
Others = frozenset[threading.Thread]


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch, others: Others) -> Iterator[Counter]:
    """Counts each statement that any session is about to run, but in the threads of `others`."""
    counter = Counter()

    def counted(method: str, of: type) -> None:
        real = getattr(of, method)

        def instead(self: object, *values: object) -> object:
            counter.statements += threading.current_thread() not in others
            return real(self, *values)

        patch.setattr(of, method, instead)

    with monkeypatch.context() as patch:
        counted("prepare", Statement)
        counted("chunks", Insert)
        yield counter


async def count_each(
    web: Litestar, ours: Belongings, monkeypatch: pytest.MonkeyPatch, others: Others
) -> dict[str, int]:
    """How many statements each page took, the second time that it is asked."""
    found: dict[str, int] = {}
    for name, path, headers in _asked(web, ours):
        for _ in range(2):  # what is remembered from the first time is not asked again
            with counting(monkeypatch, others) as counter:
                answer = await visit(web, "GET", path, headers=headers)
        assert answer.status < 500, f"{path}: {answer.body[:300]!r}"
        found[f"{answer.status} {name}"] = counter.statements
    return found


def _asked(web: Litestar, ours: Belongings) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every page by its route, its path, and the headers of somebody who may see it."""
    for way in ways_of(web):
        if way.method == "GET" and not way.template.endswith(_ENDLESS):
            yield way.template, way.path(way.own_values(ours)), headers_of(_whom(way, ours), template=way.template)
    for path in _FURTHER:
        yield path, path, headers_of(Role.OWNER.value, template=path)


def _whom(way: Way, ours: Belongings) -> str:
    """The first role that is let in, the owner's before all."""
    return next(name for name, actor in actors_of(ours).items() if way.expected(actor) == "yes")


def test_every_page_takes_as_many_queries_with_much_as_with_little(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = frozenset(threading.enumerate())

    async def story() -> tuple[dict[str, int], dict[str, int]]:
        async with open_pages_over(place) as (web, store, ours):
            await grow(web, store, ours, rows=10, things=10)
            little = await count_each(web, ours, monkeypatch, others)
            await grow(web, store, ours, rows=1_000, things=100)
            return little, await count_each(web, ours, monkeypatch, others)

    little, much = asyncio.run(story())
    short = {name: count + 1 for name, count in little.items() if name.partition(" ")[2] in _COUNTED}
    changed = [
        f"{name}: {little.get(name)} of little, {count} of much"
        for name, count in much.items()
        if count not in (little.get(name), short.get(name))
    ]
    assert not changed, "\n".join(changed)
    assert len(much) > 80
    assert 5 < max(much.values()) <= MOST
