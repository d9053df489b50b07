"""The demo's two faces: a live table on a terminal, and a line for each ping everywhere else.

Shown what `demo_rows` makes; driven by `demo`.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ringbid.cli.demo_rows import Row
from ringbid.cli.waterfall import TONES
from ringbid.reports.labels import Tone

_MOST_ROWS, _FEWEST_ROWS = 40, 5
_LINES_AROUND_TABLE = 16  # the opening text above it, its heading, and the lines below it
_WIDE = 96  # columns; a narrower table leaves publisher and caller out
_LATEST_PINGS = 200  # of which the 95th percentile is told


class Screen:
    """Counts what it is shown. On a terminal: a table of the latest pings that is drawn anew; else a line each."""

    def __init__(self, console: Console, *, explain_command: str) -> None:
        self._console = console
        self._explain_template = explain_command  # with {uuid} in it
        self._rows: deque[Row] = deque(maxlen=_MOST_ROWS)
        self._took_ms: deque[float] = deque(maxlen=_LATEST_PINGS)
        self._counts: Counter[str] = Counter()
        self._tones: dict[str, Tone] = {}
        self._refused: Row | None = None
        self._live: Live | None = None
        self._over = False  # then there is nothing left to explain

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Show things for the body's time."""
        if not self._console.is_terminal:
            yield
            self._console.print(self.summary())
            return
        with Live(console=self._console, get_renderable=self.frame, refresh_per_second=8) as live:
            self._live = live
            yield
            self._over = True

    def show(self, row: Row) -> None:
        """One more ping was answered."""
        self._rows.append(row)
        self._took_ms.append(row.took_ms)
        self._counts[row.label.word] += 1
        self._tones[row.label.word] = row.label.tone
        first_refused = row.refused and self._refused is None
        if row.refused:
            self._refused = row
        if self._live is None:
            self._console.print(_line(row), soft_wrap=True)
            if first_refused:
                self._console.print(Text.assemble(("Why? ", "dim"), self._explain_command()), soft_wrap=True)

    def summary(self) -> Text:
        """`41 pings · 17 reserved · 3 rejected · p95 38 ms`."""
        text = Text(f"{self._counts.total()} pings")
        for word, count in self._counts.most_common():
            text.append(" · ", "dim").append(f"{count} {word}", TONES[self._tones[word]])
        if self._took_ms:
            slowest = sorted(self._took_ms)[math.ceil(len(self._took_ms) * 0.95) - 1]
            text.append(" · ", "dim").append(f"p95 {slowest:.0f} ms")
        return text

    def _explain_command(self) -> str:
        """The command that explains the last ping that got no place; empty where all got one."""
        return self._explain_template.format(uuid=self._refused.uuid) if self._refused is not None else ""

    def frame(self) -> RenderableType:
        """What stands on the terminal now."""
        height = max(_FEWEST_ROWS, self._console.height - _LINES_AROUND_TABLE)
        parts: list[RenderableType] = [_table(list(self._rows)[-height:], self._console.width), Text(), self.summary()]
        command = self._explain_command()
        if command and not self._over:
            parts += [Text("Why did the last one get no place?", "dim"), _unbroken(command, self._console.width)]
        return Group(*parts)


def print_title(console: Console) -> None:
    """The first line, while the server still starts."""
    console.print(Rule(Text("Ringbid demo", "bold"), align="left", style="cyan"))


def print_opening(console: Console, *, url: str, curl: str, folder: str) -> None:
    """How to use what runs now. Nothing in it is boxed or broken: the curl line works when it is copied."""
    lines = (
        ("Listens on", url),
        ("Data in", f"{folder} (deleted when this ends)"),
        ("Traffic", "simulated publishers and nine simulated buyers on loopback; outbound.allow_private is on"),
        ("Try", curl),
    )
    for name, value in lines:
        console.print(Text.assemble((f"{name:12}", "dim"), (value, "bold" if name == "Try" else "")), soft_wrap=True)
    console.print(Rule(style="cyan"))


def _table(rows: list[Row], width: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    wide = width >= _WIDE
    table.add_column("time", no_wrap=True, width=8)
    table.add_column("campaign", no_wrap=True, width=14)
    if wide:
        table.add_column("publisher", no_wrap=True, width=9)
        table.add_column("caller", no_wrap=True, width=6)
    table.add_column("outcome", no_wrap=True, width=11)
    table.add_column("buyer", no_wrap=True, width=14)
    table.add_column("payout", no_wrap=True, width=8, justify="right")
    table.add_column("ms", no_wrap=True, width=4, justify="right")
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        who = (row.publisher, row.caller) if wide else ()
        outcome = Text(row.then or row.label.word, TONES[row.label.tone])
        payout, took = row.payout, f"{row.took_ms:.0f}"
        table.add_row(f"{row.at:%H:%M:%S}", row.campaign, *who, outcome, row.buyer, payout, took, Text(row.why, "dim"))
    return table


def _line(row: Row) -> Text:
    then = f", then {row.then}" if row.then else ""
    who = f"{row.at:%H:%M:%S}  {row.campaign:14}  {row.publisher:9} {row.caller:6}"
    line = Text.assemble(who, (f"{row.label.word}{then}", TONES[row.label.tone]))
    if row.buyer:
        line.append(f"  {row.buyer}")
    if row.payout:
        line.append(f"  payout {row.payout} USD")
    line.append(f"  {row.took_ms:.0f} ms")
    if row.why:
        line.append(f"  {row.why}", "dim")
    if row.uuid is not None:
        line.append(f"  {row.uuid}", "dim")
    return line


def _unbroken(command: str, width: int) -> Text:
    """The command on one line, or on two that a shell reads as one."""
    return Text(command if len(command) <= width else command.replace(" --data ", " \\\n  --data "))
