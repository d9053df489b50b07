"""`ringbid serve`: the server in the foreground, saying where it listens and what is unusual about it."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, stop_on_signals, store_name
from ringbid.edge.listening import Listener, take_port, why
from ringbid.edge.observe import set_up_logs
from ringbid.edge.serving import Address
from ringbid.settings import Settings


def serve(*, data: Path | None, database: str | None, host: str | None, port: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = read_settings(data=data, database=database, host=host, port=port)
    set_up_logs(pretty=sys.stderr.isatty())
    try:
        listener = take_port(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        fail(f"cannot listen on {where}: {why(error)}.", "Choose another with --host and --port.")
    run(_serve(settings, listener), settings)


async def _serve(settings: Settings, listener: Listener) -> None:
    console = output()

    here: list[Address] = []

    def say_ready(address: Address) -> None:
        here.append(address)
        console.print(Text(f"Ringbid listens on {address.url} with {store_name(settings)}."), soft_wrap=True)
        if settings.outbound.allow_private:
            warning = "outbound.allow_private is on: buyers' URLs may lead to this machine and its private network."
            console.print(Text(warning, "yellow"), soft_wrap=True)

    def say_unclaimed(path: str) -> None:
        base = settings.public_url or here[0].url
        console.print(Text("Nobody owns this installation yet. Whoever opens this link within 30 minutes does:"))
        console.print(Text(f"  {base.rstrip('/')}{path}", "bold"), soft_wrap=True)

    await bootstrap.serve(
        settings, on_ready=say_ready, stop=stop_on_signals(), listener=listener, on_unclaimed=say_unclaimed
    )
