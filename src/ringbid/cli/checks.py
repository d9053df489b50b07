"""What `ringbid doctor` looks at, one function for each part: facts in, a finding out.

`doctor` gathers the facts and prints the findings.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from ringbid.catalog.model import Catalog
from ringbid.edge.listening import why_not_free
from ringbid.edge.telephony.sip.config import engine_connections
from ringbid.reports.catalog_doubts import find_doubts
from ringbid.settings import Settings
from ringbid.store.opening import Facts

LOW_DISK_BYTES, TOO_LITTLE_DISK_BYTES = 1_000_000_000, 50_000_000
DOUBTFUL_SKEW_SECONDS = 2.0
SERVER_CONNECTIONS = 10  # to write, route, fold, read, show, follow the catalog and records, and what comes and goes

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row. `mend` is the command or the edit that mends it; None where nothing has to be done."""

    part: str
    state: Literal["ok", "doubtful", "broken"]
    found: str
    mend: str | None = None


def check_python(running: Version) -> Finding:
    """Python 3.11 or newer."""
    found = ".".join(map(str, running[:3]))
    if running < (3, 11):
        return Finding("Python", "broken", f"{found}; 3.11 or newer is needed", "uv python install 3.13")
    return Finding("Python", "ok", found)


def check_sqlite(library: str, has_wal_reset_bug: bool) -> Finding:
    """Whether the library can corrupt its log when two connections write, which Ringbid never lets them."""
    if has_wal_reset_bug:
        return Finding(
            "SQLite",
            "doubtful",
            f"{library} has the WAL-reset bug (mended in 3.51.3); with one writer it is not met",
            "nothing has to be done; a Python that comes with SQLite 3.51.3 or newer is free of it",
        )
    return Finding("SQLite", "ok", library)


def check_store(facts: Facts, *, now: datetime) -> Iterator[Finding]:
    """The database that was reached, and whether its clock is this machine's (`now`)."""
    yield Finding("Store", "ok", f"{facts.database} {facts.version}, {facts.place}, {facts.size_bytes / 1e6:.1f} MB")
    yield _check_clock(now, facts.now)


def check_connections(allowed: int, settings: Settings) -> Finding:
    """Whether PostgreSQL lets a server and a Kamailio have all the connections that they keep."""
    by_engine = engine_connections(settings) if settings.sip.domain is not None and settings.sip.database is None else 0
    needed = SERVER_CONNECTIONS + by_engine
    if allowed < needed:
        return Finding(
            "Connections",
            "broken",
            f"PostgreSQL allows {allowed}; a server keeps up to {SERVER_CONNECTIONS}, Kamailio {by_engine}",
            f"max_connections = {max(100, 2 * needed)} in postgresql.conf, and restart PostgreSQL; or fewer workers",
        )
    return Finding("Connections", "ok", f"{allowed} allowed, {needed} needed by one server and what it works with")


def check_event_loop() -> Finding:
    """uvloop, the fast one."""
    if importlib.util.find_spec("uvloop") is None:
        return Finding("Event loop", "doubtful", "asyncio's own, which is slower than uvloop", "pip install uvloop")
    return Finding("Event loop", "ok", f"uvloop {version('uvloop')}")


def check_time_zones() -> Finding:
    """Hours and caps are told by the wall clocks of IANA's zones."""
    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Finding("Time zones", "broken", "no time-zone data", "pip install tzdata")
    try:
        packaged = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        packaged = "no tzdata package"
    system = next((path for path in TZPATH if Path(path, "America/New_York").is_file()), None)
    return Finding("Time zones", "ok", f"the system's, in {system}" if system is not None else packaged)


def _check_clock(local: datetime, of_store: datetime | None) -> Finding:
    """Expiry is told by the store's clock; logs and uuids by this machine's."""
    if of_store is None:
        return Finding("Clock", "ok", f"{local:%Y-%m-%d %H:%M:%S} UTC; the store uses the same one")
    skew_seconds = (local - of_store).total_seconds()
    found = f"{skew_seconds:+.1f} s from the database's"
    if abs(skew_seconds) >= DOUBTFUL_SKEW_SECONDS:
        return Finding("Clock", "doubtful", found, "timedatectl set-ntp true, here and on the database's machine")
    return Finding("Clock", "ok", found)


def check_port(host: str, port: int) -> Finding:
    """Whether a server can be started now."""
    reason = why_not_free(host, port)
    if reason is None:
        return Finding("Port", "ok", f"{host}:{port} is free")
    mend = f"ringbid serve --port {port + 1} (nothing to do where it is Ringbid that listens there)"
    return Finding("Port", "doubtful", f"{host}:{port}: {reason}", mend)


def check_folder(folder: Path) -> Finding:
    """Whether the data folder can be written, and by nobody else read."""
    if not folder.exists():
        parent = next(path for path in folder.absolute().parents if path.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            return Finding(
                "Data folder", "broken", f"{folder} cannot be made in {parent}", f"sudo chown $USER {parent}"
            )
        return Finding("Data folder", "ok", f"{folder} is made when it is needed")
    if not folder.is_dir():
        return Finding("Data folder", "broken", f"{folder} is no folder", "name another with --data DIR")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("Data folder", "broken", f"{folder} cannot be written", f"sudo chown -R $USER {folder}")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding("Data folder", "doubtful", f"others may look into {folder}", f"chmod 700 {folder}")
    return Finding("Data folder", "ok", f"{folder}, private")


def check_disk(folder: Path) -> Finding:
    """Room for the store to grow."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free_bytes = shutil.disk_usage(existing).free
    found = f"{free_bytes / 1e9:.1f} GB free"
    if free_bytes < TOO_LITTLE_DISK_BYTES:
        return Finding("Disk", "broken", found, f"df -h {existing}, and make room")
    if free_bytes < LOW_DISK_BYTES:
        return Finding("Disk", "doubtful", found, f"df -h {existing}, and make room")
    return Finding("Disk", "ok", found)


def check_outbound(settings: Settings) -> Finding:
    """Buyers' URLs must not lead into the private network, but for tests."""
    if settings.outbound.allow_private:
        found = "allow_private is on: buyers' URLs may lead to this machine and its private network"
        return Finding("Outbound", "doubtful", found, "outbound.allow_private = false in ringbid.toml")
    return Finding("Outbound", "ok", "private and special addresses are refused")


def check_catalogs(catalogs: Iterable[Catalog], settings: Settings) -> Iterator[Finding]:
    """Whether there is anything to sell, and what in it is hardly meant."""
    empty = True
    for catalog in catalogs:
        empty = False
        name = f"Catalog {catalog.company.id}"
        doubts = find_doubts(catalog, sip_domain=settings.sip.domain)
        for doubt in doubts:
            yield Finding(name, "doubtful", f"{doubt.path}: {doubt.text}", f"{doubt.mend}; then ringbid apply FILE")
        if not doubts:
            yield Finding(name, "ok", f"{len(catalog.campaigns)} campaigns, {len(catalog.buyers)} buyers")
    if empty:
        yield Finding("Catalog", "doubtful", "there is none yet", "ringbid apply examples/acme.yaml")
