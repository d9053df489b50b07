"""The demo's two faces: one live picture on a terminal (`demo_table`), and elsewhere a line for all that happens.

Driven by `demo`, which tells it of pings and of what became of their calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from ringbid.cli.demo_board import Board, Entry
from ringbid.cli.demo_calls import CallView, Change, changes
from ringbid.cli.demo_rows import Row
from ringbid.cli.demo_table import counts, draw_board, ledger_line
from ringbid.cli.waterfall import TONES
from ringbid.ledger.ports import Balance
from ringbid.values.clock import Clock


class Screen:
    """Shows a board. On a terminal: a picture that is drawn anew at each `refresh`; else a line for each event."""

    def __init__(self, console: Console, *, clock: Clock, explain_command: str) -> None:
        self._console = console
        self._clock = clock
        self._explain_template = explain_command  # with {uuid} in it
        self._live: Live | None = None
        self._over = False  # then there is nothing left to explain
        self.board = Board(started_at=clock.now())

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Show things for the body's time."""
        if not self._console.is_terminal:
            yield
            self._console.print(counts(self.board), soft_wrap=True)
            self._console.print(ledger_line(self.board), soft_wrap=True)
            return
        with Live(console=self._console, get_renderable=self.frame, auto_refresh=False) as live:
            self._live = live
            yield
            self._over = True

    def show(self, row: Row) -> None:
        """One more ping was answered."""
        first_refused = row.refused and self.board.refused_example is None
        self.board.add(row, self._clock.now())
        if self._live is None:
            self._print(_ping_line(row))
            if first_refused:
                self._print(Text.assemble(("Why? ", "dim"), self._explain_template.format(uuid=row.uuid)))

    def show_call(self, entry: Entry, call: CallView) -> None:
        """What is known of a ping's call now."""
        now = self._clock.now()
        before = self.board.update(entry, call, now)
        if self._live is None and before != call:
            for change in changes(before, call):
                self._print(_call_line(entry.row, now, change))

    def show_books(self, balances: Iterable[Balance], *, postbacks: int) -> None:
        """What the ledger says now, and how many postbacks the publisher has taken."""
        self.board.keep_books(balances)
        self.board.postbacks = postbacks

    def refresh(self) -> None:
        """Draw the picture anew, where there is one."""
        if self._live is not None:
            self._live.refresh()

    def frame(self) -> RenderableType:
        """What stands on the terminal now."""
        return draw_board(
            self.board,
            width=self._console.width,
            height=self._console.height,
            now=self._clock.now(),
            explain_command=self._explain_template,
            over=self._over,
        )

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def print_title(console: Console) -> None:
    """The first line, while the server still starts."""
    console.print(Rule(Text("Ringbid demo", "bold"), align="left", style="cyan"))


def print_opening(console: Console, *, url: str, curl: str, folder: str, calls: str, link: str) -> None:
    """How to use what runs now. Nothing in it is boxed or broken: the curl line works when it is copied."""
    lines = (
        ("Open this", link),
        ("", "in a browser: choose a name and a password, and this demo's console is yours. Once, within 30 minutes;"),
        ("", f"`ringbid link --data {folder}` prints another."),
        ("Listens on", url),
        ("Data in", f"{folder} (deleted when this ends)"),
        ("Traffic", "simulated publishers and nine simulated buyers on loopback; outbound.allow_private is on"),
        ("Calls", calls),
        ("Try", curl),
    )
    for name, value in lines:
        console.print(
            Text.assemble((f"{name:12}", "dim"), (value, "bold" if name in ("Try", "Open this") else "")),
            soft_wrap=True,
        )
    console.print(Rule(style="cyan"))


def _ping_line(row: Row) -> Text:
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


def _call_line(row: Row, at: datetime, change: Change) -> Text:
    """`10:14:21 ↳ …0123 charlie busy`: what happened to the call of the ping of that caller."""
    line = Text.assemble((f"{at.astimezone():%H:%M:%S} ↳ ", "dim"), f"{row.campaign:14}  {row.caller:6}")
    if change.buyer:
        line.append(f"{change.buyer} ")
    line.append(change.label.word, TONES[change.label.tone])
    return line.append(f"  {change.note}" if change.note else "", "dim")
