"""`ringbid ping`: one ping over HTTP, as a publisher sends it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from ringbid import bootstrap
from ringbid.buyers.protocol import Answer, Ask
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name
from ringbid.cli.waterfall import draw, plain
from ringbid.edge.emulate.publishers import LONGEST_PING_SECONDS, Encoding, Reply, ping_ask
from ringbid.edge.outbound.client import OutboundClient
from ringbid.reports.explain import explain
from ringbid.reservations.ports import StoredPing, StoreUnavailable
from ringbid.settings import Settings
from ringbid.store.opening import StoreMissing, WrongSchema
from ringbid.values.clock import SystemClock
from ringbid.values.ids import PingId, parse_ping_id
from ringbid.values.verdict import Refused

_ENCODINGS: Mapping[str, Encoding] = {
    "json": "POST json",
    "form": "POST form",
    "query": "POST query",
    "get": "GET query",
}


def ping(
    tags: Sequence[str],
    *,
    named: Mapping[str, str | None],
    url: str | None,
    send_as: str,
    data: Path | None,
    database: str | None,
) -> None:
    """Send one ping; exit with code 1 where there was no answer, or one that is no success."""
    fields = [(name, value) for name, value in named.items() if value is not None]
    for tag in tags:
        name, equals, value = tag.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{tag!r} is no TAG=VALUE.", param_hint="TAG=VALUE")
        fields.append((name, value))
    settings = read_settings(data=data, database=database)
    address = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    answer, took_ms = run(_send(ping_ask(address, fields, encoding=_ENCODINGS[send_as]), settings), settings)
    if isinstance(answer, Refused):
        fail(
            f"{address} did not answer: {answer.reason.code}{f' ({answer.actual})' if answer.actual else ''}.",
            "Start a server with `ringbid serve`, or name the right one with --url.",
        )
    console = output()
    console.print(Text(f"HTTP {answer.status} after {took_ms:.0f} ms", "dim"))
    _print_body(console, answer)
    if not 200 <= answer.status < 300:
        raise typer.Exit(1)
    _print_waterfall(console, answer, settings)


async def _send(ask: Ask, settings: Settings) -> tuple[Answer | Refused, float]:
    """The answer and its milliseconds. The owner names the server, so it may be on a private address."""
    clock = SystemClock()
    outbound = OutboundClient(settings.outbound.model_copy(update={"allow_private": True, "ports": ()}), clock)
    started_at = clock.monotonic()
    try:
        answer = await outbound.send(ask, ends_at=started_at + LONGEST_PING_SECONDS)
        return answer, (clock.monotonic() - started_at) * 1000
    finally:
        await outbound.aclose()


async def _find(settings: Settings, ping_id: PingId) -> StoredPing | None:
    """The ping's record, where there is a store here and it knows the ping."""
    try:
        return await bootstrap.find_ping(settings, ping_id)
    except (StoreMissing, WrongSchema, StoreUnavailable, OSError):
        return None


def _print_body(console: Console, answer: Answer) -> None:
    text = plain(answer.body.decode(errors="replace"))
    try:
        text = msgspec.json.format(text)
    except msgspec.DecodeError:
        console.print(Text("The answer is no JSON:", "yellow"))
    console.print(Text(text), soft_wrap=True)


def _print_waterfall(console: Console, answer: Answer, settings: Settings) -> None:
    """What the store knows of the ping, where it can be read from here; a word about it where not."""
    try:
        uuid = msgspec.json.decode(answer.body, type=Reply).uuid
    except msgspec.DecodeError:
        return
    ping_id = parse_ping_id(uuid) if uuid is not None else None
    if ping_id is None:
        return
    console.print()
    found = run(_find(settings, ping_id), settings)
    if found is None:
        note = f"{store_name(settings)} does not know this ping. Name the server's store with --data or --database"
        console.print(Text(f"{note} to see each buyer's verdict.", "dim"), soft_wrap=True)
        return
    for part in draw(explain(found)):
        console.print(part)
