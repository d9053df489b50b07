"""`ringbid explain UUID`: find a ping, a reservation or a call in the store, and draw why it ended as it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import RenderableType
from rich.rule import Rule
from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.call_picture import draw_call
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name
from ringbid.cli.waterfall import draw
from ringbid.reports import explain as report
from ringbid.reports.call_story import Findings
from ringbid.values.clock import SystemClock
from ringbid.values.ids import made_at, parse_ping_id


def explain(uuid: str, *, data: Path | None, database: str | None, with_asks: bool) -> None:
    """Print the story of a ping with the calls that came of it, or of a call with its ping in short."""
    ping_id = parse_ping_id(uuid.strip())
    if ping_id is None:
        raise typer.BadParameter(f"{uuid!r} is no uuid; the answer to a ping has one under `uuid`.", param_hint="UUID")
    settings = read_settings(data=data, database=database)
    found = run(bootstrap.find_call_story(settings, ping_id), settings)
    if found.ping is None and not found.calls:
        made, hours = made_at(ping_id), settings.retention.rtb_hours
        if made is not None and SystemClock().now() - made > timedelta(hours=hours):
            fail(f"the record of {ping_id} was flushed: pings are kept for {hours:g} hours (retention.rtb_hours).")
        nothing = f"{store_name(settings)} has no ping or call {ping_id}."
        fail(nothing, "Is it another server's? See --data and --database.")
    console = output()
    for part in _draw(found, with_asks=with_asks):
        console.print(part)


def _draw(found: Findings, *, with_asks: bool) -> Iterator[RenderableType]:
    if found.ping is not None:
        yield from draw(report.explain(found.ping), with_asks=with_asks)
    for story in found.calls:
        if found.ping is not None:
            yield Text()
            yield Rule("Its call", style="bold")
            yield Text()
        yield from draw_call(story, with_asks=with_asks, with_ping=found.ping is None)
