"""`make bench ARGS=pages`: how long people wait for a page where a million pings are stored, on both databases.

The web application answers in this process, over a real store: routing, access, the store, the template, everything but
the network. Each page is asked some forty times; p95 is what counts.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
from litestar.testing import AsyncTestClient

from bench.million import COMPANY, KEY_ID, RARE_CALLER, RARE_PUBLISHER, fill
from bench.percentiles import percentile
from bench.report import table_lines
from ringbid.accounts.actor import Actor, Role
from ringbid.bootstrap.web import open_web
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from ringbid.worker.snapshot import Catalogs
from support.postgres import Cluster

LIMIT_MS = 200
_TIMES = 40
_HEAD = ("page", "SQLite p50 ms", "p95 ms", "PostgreSQL p50 ms", "p95 ms")
Ask = Callable[[str], Awaitable[tuple[int, str]]]


def run_pages(*, quick: bool) -> int:
    """Measure and print; 1 where a page failed, or where one was slower than LIMIT_MS at p95."""
    pings = 20_000 if quick else 1_000_000
    print(f"{pings:,} pings stored; {_TIMES} requests of each page", flush=True)
    lite = asyncio.run(_on_sqlite(pings))
    post = asyncio.run(_on_postgres(pings))
    rows = [(name, *(f"{ms:.0f}" for ms in (*lite[name], *post[name]))) for name in lite]
    print("\n".join(table_lines(_HEAD, rows)))
    slow = [name for figures in (lite, post) for name, (_, p95) in figures.items() if p95 > LIMIT_MS]
    if slow:
        print(f"Slower than {LIMIT_MS} ms at p95: {', '.join(slow)}.")
    return int(bool(slow))


async def _on_sqlite(pings: int) -> dict[str, tuple[float, float]]:
    folder = Path(tempfile.mkdtemp(prefix="ringbid-bench-pages-"))
    try:
        return await _measure(Settings(data=folder), pings)
    finally:
        shutil.rmtree(folder)


async def _on_postgres(pings: int) -> dict[str, tuple[float, float]]:
    with _cluster() as cluster:
        settings = Settings(database=cluster.create_database())
        return await _measure(settings, pings)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    cluster = Cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


async def _measure(settings: Settings, pings: int) -> dict[str, tuple[float, float]]:
    """The median and p95 in milliseconds, by page."""
    clock = SystemClock()
    store = await open_store(settings, clock)
    try:
        await fill(store, pings=pings, until=clock.now())
        if settings.database is not None:
            with psycopg.connect(settings.database, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # as autovacuum does in a database that is in use
        return await _ask_all(store, settings, clock)
    finally:
        await store.close()


async def _ask_all(store: Store, settings: Settings, clock: SystemClock) -> dict[str, tuple[float, float]]:
    app = open_web(settings, clock=clock, catalogs=Catalogs(store), store=store, identities=_Owner())
    async with AsyncTestClient(app, cookies={"ringbid": "owner"}) as browser:
        browser.headers["accept"] = "text/html"
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request

        async def ask(path: str) -> tuple[int, str]:
            answer = await browser.get(path)
            return answer.status_code, answer.text

        figures = {}
        for name, path in (await _pages(ask, clock)).items():
            took_ms = []
            for index in range(_TIMES + 2):
                started = time.perf_counter()
                status, text = await ask(path)
                if status != 200:
                    raise SystemExit(f"{path} answered {status}: {text[:500]}")
                if index >= 2:  # the first compile statements and templates
                    took_ms.append((time.perf_counter() - started) * 1000)
            took_ms.sort()
            figures[name] = (percentile(took_ms, 50), percentile(took_ms, 95))
    return figures


class _Owner:
    """Whoever asks is the owner."""

    _ACTOR = Actor(user_id="u-1", name="Olga Owner", company_id=CompanyId(COMPANY), role=Role.OWNER)

    async def of_session(self, _token: str) -> Actor | None:
        return self._ACTOR

    async def of_key(self, _key: str) -> Actor | None:
        return None


async def _pages(ask: Ask, clock: SystemClock) -> dict[str, str]:
    """What is asked, by what it is: easy filters, and such that fit nothing or next to nothing."""
    _, pings = await ask("/pings?status=reserved")
    _, calls = await ask("/calls")
    found = re.search(r'href="(/call_reservations/[^"]+)"', pings)
    following = re.search(r'href="(/pings[^"]+)" rel="next"', pings)
    assert found is not None, "a million pings, and none is reserved"
    assert following is not None, "a million pings fit on one page"
    assert "/calls/" in calls, "none was called"
    half_a_day_ago = quote((clock.now() - timedelta(hours=12)).isoformat())
    return {
        "pings": "/pings",
        "pings, the next page": following[1].replace("&amp;", "&"),
        "pings, 1,000 rows": "/pings?size=1000",
        "pings of a campaign": "/pings?campaign_id=campaign-3",
        "pings of a publisher with ten": f"/pings?publisher_id={RARE_PUBLISHER}",
        "pings of a caller with ten": f"/pings?search={quote(RARE_CALLER)}",
        "pings that fit nothing": "/pings?caller_state=ZZ&revenue_min=20",
        "pings by their reservation's state": "/pings?state=released",
        "pings of a key": f"/pings?key_id={KEY_ID}",
        "rejected pings until half a day ago": f"/pings?status=rejected&created_to={half_a_day_ago}",
        "live": "/live?paused=1",
        "one ping": found[1],
        "calls": "/calls",
        "calls that converted": "/calls?converted=true",
        "calls, longer than two minutes": "/calls?duration_min=120",
        "deliveries": "/deliveries",
        "dead deliveries": "/deliveries?state=dead",
    }
