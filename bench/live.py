"""`make bench ARGS=live`: does `/live` keep up with 200 pings a second, and how long after its end is a ping on screen?

A real server takes pings at that rate from a process of its own, while people watch. The lag is from the moment that a
ping was received to the event that shows it; the feed looks once a second, so that half a second of it is waiting.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from bench.catalog import catalog_yaml, key_of, payout_of
from bench.load import Result
from bench.percentiles import percentile
from bench.report import table_lines
from ringbid.accounts.actor import Role
from ringbid.accounts.audit import Author
from ringbid.accounts.invitations import GOOD_FOR, NewInvitation
from ringbid.accounts.people import Grant, NewUser
from ringbid.accounts.sessions import NewSession, Visit
from ringbid.accounts.tokens import hash_token
from ringbid.settings import Settings
from ringbid.store.opening import open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from support.postgres import Cluster
from support.server import RunningServer, apply_catalog, running_server

RATE = 200
WATCHERS = 3
_LOOKS_SECONDS = 3.0  # after the last ping, until it must have been told
_COMPANY, _TOKEN = CompanyId("bench"), "a-session-of-the-bench"
_HEAD = ("store", "pings/s", "ping p99 ms", "ended, as told", "shown", "lag p50 ms", "p95 ms", "max ms", "CPU %")
_ENDED = re.compile(r"([\d,]+) ended while you watched")


@dataclass(slots=True)
class _Seen:
    """What one watcher saw. `lag_ms` of each ping when it first appeared."""

    ended: int = 0
    pings: set[str] = field(default_factory=set)
    lag_ms: list[float] = field(default_factory=list)


def run_live(*, quick: bool) -> int:
    """Measure and print; 1 where a watcher was told of fewer pings than were answered, or of more."""
    seconds = 5 if quick else 30
    rows, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="ringbid-bench-live-") as folder:
        for store in ("sqlite", "postgresql"):
            cluster = Cluster.start(durable=True) if store == "postgresql" else None
            try:
                database = cluster.create_database() if cluster is not None else None
                row, problem = _measure(Path(folder) / store, store, database, seconds)
            finally:
                if cluster is not None:
                    cluster.stop()
            rows.append(row)
            wrong += problem
    print(f"{RATE} pings a second for {seconds} s, {WATCHERS} watchers")
    print("\n".join(table_lines(_HEAD, rows)))
    for line in wrong:
        print("WRONG:", line, file=sys.stderr)
    return int(bool(wrong))


def _measure(folder: Path, store: str, database: str | None, seconds: float) -> tuple[tuple[str, ...], list[str]]:
    folder.mkdir()
    catalog = folder / "bench.yaml"
    catalog.write_text(catalog_yaml([1] * 20))  # nobody is asked in the campaign that is sent to
    apply_catalog(catalog, data=folder, database=database)
    settings = Settings(data=folder, database=database)
    asyncio.run(_sign_in(settings))
    with running_server(catalog, data=folder, database=database) as server:
        seen, result = asyncio.run(_watch(server, seconds))
    lag_ms = sorted(lag for one in seen for lag in one.lag_ms)
    told = sorted(one.ended for one in seen)
    shown = sum(len(one.pings) for one in seen) // len(seen)
    row = (
        store,
        f"{result.per_second:.0f}",
        f"{result.p99_ms:.1f}",
        f"{told[0]:,} of {result.sent:,}",
        f"{shown:,}",
        *(f"{percentile(lag_ms, part):.0f}" for part in (50, 95, 100)),
        f"{result.server_cpu_seconds / result.seconds * 100:.0f}",
    )
    problems = [f"{store}: a watcher was told of {one:,} of {result.sent:,}" for one in told if one != result.sent]
    return row, problems + result.samples


async def _sign_in(settings: Settings) -> None:
    """A person with a session, made in the store before the server has it."""
    store = await open_store(settings, SystemClock())
    try:
        invitation = NewInvitation(
            token_hash=hash_token("bench"),
            invitation_id="bench",
            company_id=_COMPANY,
            email="bench@x.example",
            grant=Grant(role=Role.OWNER),
        )
        await store.accounts.invite(invitation, lifetime=GOOD_FOR, author=Author(name="bench"))
        user = NewUser(user_id="bench", email="bench@x.example", name="Bench", password_hash=None)
        await store.accounts.accept_as(hash_token("bench"), user)
        await store.accounts.open_session(
            NewSession(
                token_hash=hash_token(_TOKEN),
                session_id="bench",
                user_id="bench",
                company_id=_COMPANY,
                visit=Visit(address="127.0.0.1", browser="bench"),
                lifetime=timedelta(hours=1),
            )
        )
    finally:
        await store.close()


async def _watch(server: RunningServer, seconds: float) -> tuple[list[_Seen], Result]:
    seen = [_Seen() for _ in range(WATCHERS)]
    over, ready = asyncio.Event(), [asyncio.Event() for _ in seen]
    async with asyncio.TaskGroup() as group:
        for one, watching in zip(seen, ready, strict=True):
            group.create_task(_follow(server, one, watching, over))
        for watching in ready:
            await watching.wait()
        result = await asyncio.to_thread(_load, server, seconds)
        await asyncio.sleep(_LOOKS_SECONDS)
        over.set()
    return seen, result


async def _follow(server: RunningServer, seen: _Seen, watching: asyncio.Event, over: asyncio.Event) -> None:
    """A browser on the stream. Its first event says that it is there. A server that has just started asks to wait."""
    async with (
        httpx.AsyncClient(base_url=server.base_url, timeout=30, cookies={"ringbid": _TOKEN}) as client,
        client.stream("GET", "/live/feed") as answer,
    ):
        if answer.status_code == 503:
            await _follow(server, seen, watching, over)
            return
        if answer.status_code != 200:
            raise SystemExit(f"/live/feed answered {answer.status_code}")
        async for line in answer.aiter_lines():
            watching.set()
            _read(seen, line, SystemClock().now())
            if over.is_set():
                return


def _read(seen: _Seen, line: str, now: datetime) -> None:
    told = _ENDED.search(line)
    if told is not None:
        seen.ended = int(told[1].replace(",", ""))
    ping = re.search(r"/call_reservations/([\w-]+)", line)
    at = re.search(r'datetime="([^"]+)"', line)
    if ping is None or at is None or ping[1] in seen.pings:
        return
    seen.pings.add(ping[1])
    seen.lag_ms.append((now - datetime.fromisoformat(at[1])) / timedelta(milliseconds=1))


def _load(server: RunningServer, seconds: float) -> Result:
    command = [sys.executable, "-m", "bench.load", "--json", "--port", str(server.port), "--key", key_of(0, 0)]
    command += ["--payout", str(payout_of(0)), "--rate", str(RATE), "--seconds", str(seconds)]
    command += ["--warm-up-seconds", "1", "--server-pid", str(server.pid), "--connections", "16"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=seconds + 60, env=os.environ)
    return msgspec.json.decode(done.stdout, type=Result)
