"""`ringbid explain UUID`: find a ping in the store and draw why it ended as it did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import typer

from ringbid import bootstrap
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name
from ringbid.cli.waterfall import draw
from ringbid.reports import explain as report
from ringbid.values.clock import SystemClock
from ringbid.values.ids import made_at, parse_ping_id


def explain(uuid: str, *, data: Path | None, database: str | None, with_asks: bool) -> None:
    """Print the explanation of a ping."""
    ping_id = parse_ping_id(uuid.strip())
    if ping_id is None:
        raise typer.BadParameter(f"{uuid!r} is no uuid; the answer to a ping has one under `uuid`.", param_hint="UUID")
    settings = read_settings(data=data, database=database)
    ping = run(bootstrap.find_ping(settings, ping_id), settings)
    if ping is None:
        made, hours = made_at(ping_id), settings.retention.rtb_hours
        if made is not None and SystemClock().now() - made > timedelta(hours=hours):
            fail(f"the record of {ping_id} was flushed: pings are kept for {hours:g} hours (retention.rtb_hours).")
        fail(f"{store_name(settings)} has no ping {ping_id}.", "Is it another server's? See --data and --database.")
    console = output()
    for part in draw(report.explain(ping), with_asks=with_asks):
        console.print(part)
