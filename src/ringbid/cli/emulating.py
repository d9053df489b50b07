"""`ringbid emulate carrier`: a strict carrier that calls a running server as Twilio and its like do."""

from __future__ import annotations

import re

import typer
from rich.table import Table
from rich.text import Text

from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run
from ringbid.edge.emulate.carrier import run_carrier
from ringbid.edge.emulate.carrier_calls import CallReport, PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour, SimulatedLines
from ringbid.edge.emulate.carrier_wire import Identity
from ringbid.settings import Settings
from ringbid.values.clock import SystemClock

_LINE = re.compile(r"(?P<address>[^=]+)=(?P<what>busy|no-answer|failed|(?P<seconds>\d+(?:\.\d+)?)s?)")


def carrier(
    name: str,
    *,
    caller: str,
    dialled: str,
    calls: int,
    talk_seconds: float,
    lines: list[str],
    url: str | None,
    signing_key: str | None,
) -> None:
    """Place calls at once through the carrier `name` of the settings, and print how each went."""
    settings = read_settings()
    known = settings.carriers.get(name)
    if known is None or settings.public_url is None:
        fail(f"the settings have no carrier {name}.", "docs/settings.md says how one is written: [carriers.NAME].")
    key = signing_key or known.secret.get_secret_value()
    identity = Identity(kind=known.kind, signing_key=key, account=known.account or "AC00000000000000000000000000000000")
    placed = [PlacedCall(caller=caller, dialled=dialled, talk_seconds=talk_seconds) for _ in range(calls)]
    reports = run(_place(settings, name, identity, placed, _read_lines(lines), url), settings)
    _print(reports)
    if any(report.errors for report in reports):
        raise typer.Exit(1)


async def _place(
    settings: Settings,
    name: str,
    identity: Identity,
    placed: list[PlacedCall],
    lines: SimulatedLines,
    url: str | None,
) -> tuple[CallReport, ...]:
    assert settings.public_url is not None, "checked before"
    return await run_carrier(
        placed,
        identity=identity,
        name=name,
        public_url=settings.public_url,
        server_url=url or f"http://{settings.host}:{settings.port}",
        lines=lines,
        clock=SystemClock(),
    )


def _read_lines(lines: list[str]) -> SimulatedLines:
    """`ADDRESS=busy`, `no-answer`, `failed`, or the seconds after which that buyer hangs up."""
    buyers: dict[str, Behaviour] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise typer.BadParameter(
                f"{line!r} is none; write ADDRESS=busy, =no-answer, =failed or =SECONDS.", param_hint="--line"
            )
        buyers[found["address"]] = _behaviour(found["what"], found["seconds"])
    return SimulatedLines(buyers, others=Behaviour())


def _behaviour(what: str, seconds: str | None) -> Behaviour:
    if seconds is not None:
        return Behaviour(talk_seconds=float(seconds))
    if what == "busy":
        return Behaviour(refuses="busy")
    return Behaviour(after_seconds=None) if what == "no-answer" else Behaviour(refuses="failed")


def _print(reports: tuple[CallReport, ...]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("call", "status", "buyers rung", "errors"):
        table.add_column(column)
    for report in reports:
        rung = ", ".join(f"{leg.address} {leg.status}" for leg in report.legs)
        table.add_row(report.sid, report.status, rung, Text("; ".join(report.errors) or "none"))
    output().print(table)
