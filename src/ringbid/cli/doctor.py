"""`ringbid doctor`: gathers the facts, lets `checks` judge them, and prints a row for each with what mends it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from ringbid import bootstrap
from ringbid.catalog.validate import read_stored
from ringbid.cli import checks
from ringbid.cli.checks import Finding
from ringbid.cli.console import output
from ringbid.cli.ledger_check import check_ledger
from ringbid.cli.outbox import check_outbox
from ringbid.cli.running import masked_url, read_settings, store_options
from ringbid.cli.sip import check_sip
from ringbid.reservations.ports import StoreUnavailable
from ringbid.settings import Settings
from ringbid.store import sqlite
from ringbid.store.opening import StoreMissing, WrongSchema
from ringbid.values.clock import SystemClock

_STYLES = {"ok": "green", "doubtful": "yellow", "broken": "bold red"}


def doctor(*, data: Path | None, database: str | None, as_json: bool) -> None:
    """Print all findings; exit with code 1 where something is broken."""
    settings = read_settings(data=data, database=database)
    findings = list(_examine(settings))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([asdict(finding) for finding in findings])))
    else:
        _print(findings)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _examine(settings: Settings) -> Iterator[Finding]:
    yield checks.check_python(sys.version_info[:3])
    yield checks.check_event_loop()
    yield checks.check_time_zones()
    yield checks.check_port(settings.host, settings.port)
    yield checks.check_outbound(settings)
    yield check_sip(settings)
    if settings.database is None:
        yield checks.check_sqlite(*sqlite.library())
        yield checks.check_folder(settings.data)
        yield checks.check_disk(settings.data)
    yield from _examine_store(settings)


def _examine_store(settings: Settings) -> Iterator[Finding]:
    """The store and what is in it; what cannot be opened is not looked into."""
    try:
        facts = asyncio.run(bootstrap.read_facts(settings))
        yield from checks.check_store(facts, now=SystemClock().now())
        if facts.connections is not None:
            yield checks.check_connections(facts.connections, settings)
        documents = asyncio.run(bootstrap.read_documents(settings))
        problems = asyncio.run(bootstrap.read_ledger(settings, lambda ledger: ledger.verify()))
        counts = asyncio.run(bootstrap.read_outbox_counts(settings))
    except StoreMissing:
        options = store_options(settings)
        yield Finding("Store", "doubtful", "there is none yet", f"ringbid apply examples/acme.yaml {options}".rstrip())
    except WrongSchema as error:
        yield Finding("Store", "broken", str(error), f"ringbid serve {store_options(settings)}".rstrip())
    except (StoreUnavailable, OSError) as error:
        yield Finding("Store", "broken", " ".join(str(error).split()), _store_mend(settings))
    else:
        yield from checks.check_catalogs(map(read_stored, documents.values()), settings)
        yield check_ledger(problems)
        yield from check_outbox(counts)


def _store_mend(settings: Settings) -> str:
    if settings.database is not None:
        return f"pg_isready -d {masked_url(settings.database)}, and start it there or correct --database"
    return f"restore {settings.data} from a backup, or name another folder with --data"


def _print(findings: list[Finding]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("part", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("found, and what mends it")
    for finding in findings:
        found = Text(finding.found)
        if finding.mend is not None:
            found.append("\n→ ", "cyan").append(finding.mend, "cyan")
        table.add_row(finding.part, Text(finding.state, _STYLES[finding.state]), found)
    console = output()
    console.print(table)
    worst = [state for state in ("broken", "doubtful") if any(finding.state == state for finding in findings)]
    summary = f"Something is {worst[0]}." if worst else "All is well."
    console.print(Text(f"\n{summary}", _STYLES[worst[0] if worst else "ok"]))
