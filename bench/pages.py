"""`make bench ARGS=pages`: how long people wait for each page where a million pings are stored, on both databases.

The web application answers in this process, over a real store: routing, access, the store, the template, everything but
the network. Each page is asked twenty times; p95 is what counts. Of the mixtures of a report's filters the slowest
counts; each is asked five times.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
from litestar import Litestar

from bench.page_list import Asked, every_page, lists, reports
from bench.percentiles import percentile
from bench.report import table_lines
from ringbid.edge import tasks
from ringbid.edge.serving import tune_interpreter
from ringbid.settings import Settings
from support.clocks import JumpingClock
from support.postgres import Cluster
from support.routes import headers_of
from support.stores import StorePlace
from support.whole_office import Belongings
from support.whole_store import grow, open_pages_over

LIMIT_MS = 200
THINGS = 120  # publishers; a third as many buyers, a tenth as many campaigns
_TIMES, _TIMES_OF_MANY = 20, 5
_HEAD = ("page", "SQLite p50 ms", "p95 ms", "CPU ms", "PostgreSQL p50 ms", "p95 ms", "CPU ms")


@dataclass(frozen=True, slots=True)
class Took:
    """In milliseconds. `cpu_ms` is this process's, by page, which other work on the machine does not change."""

    name: str
    p50_ms: float
    p95_ms: float
    cpu_ms: float

    @property
    def cells(self) -> tuple[str, str, str]:
        return (f"{self.p50_ms:.0f}", f"{self.p95_ms:.0f}", f"{self.cpu_ms:.0f}")


def run_pages(*, quick: bool) -> int:
    """Measure and print; 1 where a page failed, or where one was slower than LIMIT_MS at p95. Workbooks are no pages:
    they have no first part before their last row."""
    pings = 20_000 if quick else 1_000_000
    print(f"{pings:,} pings stored; {_TIMES} requests of each page", flush=True)
    lite = asyncio.run(_on_sqlite(pings))
    post = asyncio.run(_on_postgres(pings))
    rows = [(name, *lite[name].cells, *post[name].cells) for name in lite]
    print("\n".join(table_lines(_HEAD, rows)))
    slow = [
        f"{took.name} ({took.p95_ms:.0f} ms on {database})"
        for database, found in (("SQLite", lite), ("PostgreSQL", post))
        for took in found.values()
        if took.p95_ms > LIMIT_MS and not took.name.partition(",")[0].endswith(".xlsx")
    ]
    if slow:
        print(f"Slower than {LIMIT_MS} ms at p95: {', '.join(slow)}.")
    return int(bool(slow))


async def _on_sqlite(pings: int) -> dict[str, Took]:
    folder = Path(tempfile.mkdtemp(prefix="ringbid-bench-pages-"))
    try:
        return await _measure(StorePlace("sqlite", Settings(data=folder), JumpingClock()), pings)
    finally:
        shutil.rmtree(folder)


async def _on_postgres(pings: int) -> dict[str, Took]:
    with _cluster() as cluster:
        settings = Settings(database=cluster.create_database())
        return await _measure(StorePlace("postgresql", settings, JumpingClock()), pings)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    cluster = Cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


async def _measure(place: StorePlace, pings: int) -> dict[str, Took]:
    async with open_pages_over(place) as (web, store, ours):
        await grow(web, store, ours, rows=pings, things=THINGS)
        if place.settings.database is not None:
            with psycopg.connect(place.settings.database, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # as autovacuum does in a database that is in use
        tune_interpreter()  # as in a server
        return await measure_pages(web, ours)


async def measure_pages(web: Litestar, ours: Belongings) -> dict[str, Took]:
    """By the name of each page, in the order of the table."""
    now = web.state.office.clock.now()
    found: dict[str, Took] = {}
    for asked in (*every_page(web, ours), *lists(now), *reports(ours)):
        took = await _ask_often(web, asked, _TIMES_OF_MANY if asked.alike else _TIMES)
        row = asked.alike or asked.name
        if row not in found or took.p50_ms > found[row].p50_ms:
            found[row] = took
    return found


async def _ask_often(web: Litestar, asked: Asked, times: int) -> Took:
    took_ms, cpu_ms = [], []
    for index in range(times + 2):
        cpu_started = time.process_time()
        answer = await ask(web, asked)
        # A form that wants parameters says so, and that is its page.
        if answer.status >= 400 and answer.status != 422:
            raise SystemExit(f"{asked.path} answered {answer.status}: {answer.body[:500]!r}")
        if index >= 2:  # the first compile statements and templates
            took_ms.append(answer.took_ms)
            cpu_ms.append((time.process_time() - cpu_started) * 1000)
    took_ms.sort()
    return Took(asked.name, percentile(took_ms, 50), percentile(took_ms, 95), percentile(sorted(cpu_ms), 50))


@dataclass(slots=True)
class Answer:
    """Of a file the time to its first part, after which the browser is gone."""

    status: int = 0
    body: bytes = b""
    took_ms: float = 0.0


async def ask(web: Litestar, asked: Asked) -> Answer:
    """One request, without a network."""
    answer, enough = Answer(), asyncio.Event()
    started = time.perf_counter()
    told = False

    async def receive() -> Any:  # noqa: ANN401 -- ASGI's messages
        nonlocal told
        if told:
            await enough.wait()
            return {"type": "http.disconnect"}
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 -- ASGI's messages
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        elif not enough.is_set():
            answer.body += message.get("body", b"")
            if not message.get("more_body") or (asked.file and answer.body):
                answer.took_ms = (time.perf_counter() - started) * 1000
                enough.set()

    running = tasks.start_awaited(web(_scope(asked), receive, send))
    waiting = tasks.start_awaited(enough.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if asked.file:
        running.cancel()
    await asyncio.gather(running, return_exceptions=asked.file)
    waiting.cancel()
    return answer


def _scope(asked: Asked) -> Any:  # noqa: ANN401 -- ASGI's own
    path, _, query = asked.path.partition("?")
    headers = {"host": "ringbid.bench", **headers_of(asked.session, template=path)}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 40000),
        "server": ("ringbid.bench", 80),
        "state": {},
    }
