"""The demo's picture on a terminal: pings with what becomes of their calls, the counts, the ledger, and what to type.

Draws a `demo_board.Board`; `demo_screen` puts it on the terminal several times a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbid.cli.demo_board import Board, Entry
from ringbid.cli.demo_calls import CallView
from ringbid.cli.waterfall import TONES
from ringbid.ledger.entry import name_of
from ringbid.ledger.ports import Balance
from ringbid.values.clock import to_ms
from ringbid.values.money import Money, format_price

FEWEST_ROWS = 5
_MOST_ROWS = 40
_WIDE, _WIDEST = 100, 136  # columns; a narrower table leaves things out
_TALL = 44  # lines; on a shorter terminal the opening may leave at the top
_LINES_ABOVE = 9  # the opening's
_BAR = 8
_NEXT = " › "
_FRESH = timedelta(seconds=1.5)
_FLASH = "bold black on green"
_SPARKS = "▁▂▃▄▅▆▇█"
_MOST_SPARKS = 24
_EXAMPLES = (
    ("failed over, then converted", "failed_over_example"),
    ("converted", "converted_example"),
    ("refused", "refused_example"),
)


def draw_board(
    board: Board, *, width: int, height: int, now: datetime, explain_command: str, over: bool
) -> RenderableType:
    """All of it. `explain_command` has {uuid} in it; `over`: the demo has ended, and nothing is left to explain."""
    examples = [] if over else list(_examples(board, explain_command, width=width, most=1 if height < 30 else 3))
    below: list[RenderableType] = [Text(), counts(board, now), *_ledger(board, width), *examples]
    above = _LINES_ABOVE if height >= _TALL else 0
    room = height - len(below) - sum(str(line).count("\n") for line in examples) - above - 2
    rows = board.shown(min(_MOST_ROWS, max(FEWEST_ROWS, room)), now)
    return Group(_table(rows, width, now, over=over), *below)


def counts(board: Board, now: datetime | None = None) -> Text:
    """`41 pings · 17 reserved · 9 calls · …`, with the time that has passed where `now` is given."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if now is not None:
        minutes, seconds = divmod(int((now - board.started_at).total_seconds()), 60)
        text.append(f"{minutes:02d}:{seconds:02d}  ", "dim")
    text.append(f"{board.pings} pings")
    good = TONES["good"]
    for count, word, style in (
        (board.reserved, "reserved", ""),
        (board.calls, "calls", ""),
        (board.connected, "connected", ""),
        (board.converted, "converted", good if board.converted else ""),
        (board.postbacks, "postbacks taken", ""),
    ):
        text.append(" · ", "dim").append(f"{count} {word}", style)
    if board.slowest_ms is not None:
        text.append(" · ", "dim").append(f"p95 {board.slowest_ms:.0f} ms")
    return text


def ledger_line(board: Board) -> Text:
    """`ledger: revenue 48.10, payout 33.70, margin 14.40 USD`, and whether it sums to zero."""
    books = board.books
    amounts = (
        ("revenue", books.revenue_micros),
        ("payout", books.payout_micros),
        ("margin", books.margin_micros),
    )
    text = Text("ledger  ", "bold", no_wrap=True, overflow="ellipsis")
    for word, micros in amounts:
        text.append(f"{word} ", "dim").append(format_price(micros), TONES["good"] if micros else "").append("   ")
    text.append(books.currency, "dim")
    if books.parties:
        sums = "sums to 0" if books.sum_micros == 0 else f"sums to {format_price(books.sum_micros)}"
        text.append("   ").append(sums, "dim" if books.sum_micros == 0 else TONES["bad"])
    return text


def _ledger(board: Board, width: int) -> Iterator[Text]:
    line = ledger_line(board)
    if width >= _WIDE and board.books.revenue_micros:
        line.append("   ").append(_sparks(board.history), "green")
    yield line
    if board.books.parties:
        who = " · ".join(map(_say_party, board.books.parties))
        yield Text(f"        {who}", "dim", no_wrap=True, overflow="ellipsis")


def _say_party(balance: Balance) -> str:
    micros = balance.amount.micros
    return f"{name_of(balance.account)} {'owes' if micros < 0 else 'is owed'} {format_price(abs(micros))}"


def _sparks(history: list[int]) -> str:
    """How the revenue has grown, a character for each of at most so many looks."""
    step = max(1, -(-len(history) // _MOST_SPARKS))
    points = history[::-1][::step][::-1]
    top = max(*points, 1)
    return "".join(_SPARKS[point * (len(_SPARKS) - 1) // top] for point in points)


def _examples(board: Board, explain_command: str, *, width: int, most: int) -> Iterator[Text]:
    """The commands that tell the whole story of one ping or call, each on one line or on two that a shell reads as
    one."""
    found = [(word, entry) for word, name in _EXAMPLES if (entry := getattr(board, name)) is not None][:most]
    if not found:
        return
    yield Text("\nLook closer, in another terminal:", "dim")
    longest = max(len(word) for word, _ in found)
    for word, entry in found:
        command = explain_command.format(uuid=entry.row.uuid)
        label = f"{word:{longest}}  "
        if len(label) + len(command) <= width:
            yield Text.assemble((label, "cyan"), command, no_wrap=True)
        else:
            broken = command if len(command) <= width else command.replace(" --data ", " \\\n  --data ")
            yield Text.assemble((f"{word}:\n", "cyan"), broken)


def _table(rows: Sequence[Entry], width: int, now: datetime, *, over: bool) -> Table:
    wide, widest = width >= _WIDE, width >= _WIDEST
    columns: list[tuple[str, int, Literal["left", "right"], bool]] = [
        ("time", 8, "left", True),
        ("campaign", 14, "left", wide),
        ("publisher", 9, "left", widest),
        ("caller", 6, "left", True),
        ("ping", 11, "left", True),
        ("offer", 7, "right", wide),
        ("ms", 4, "right", wide),
        ("what became of it", 0, "left", True),
        ("revenue", 7, "right", True),
        ("payout", 7, "right", wide),
    ]
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    for name, size, justify, shown in columns:
        if shown:
            table.add_column(
                name, no_wrap=True, overflow="ellipsis", justify=justify, width=size or None, ratio=None if size else 1
            )
    room = width - sum(size + 1 for _, size, _, shown in columns if shown)  # of the one column without a size
    for entry in rows:
        row = entry.row
        revenue, payout = _earned(entry, now, over=over)
        cells: tuple[RenderableType, ...] = (
            f"{row.at:%H:%M:%S}", row.campaign, row.publisher, row.caller, _ping(entry), row.payout,
            f"{row.took_ms:.0f}", _became(entry, now, room, over=over), revenue, payout,
        )  # fmt: skip
        idle = entry.call is None and not entry.waits(now)
        shown_cells = [cell for cell, (_, _, _, shown) in zip(cells, columns, strict=True) if shown]
        table.add_row(*shown_cells, style="dim" if idle else "")
    return table


def _ping(entry: Entry) -> Text:
    row = entry.row
    return Text(row.then or row.label.word, TONES[row.label.tone])


def _became(entry: Entry, now: datetime, room: int, *, over: bool) -> Text:
    """What came after the ping: its call, or that none came, or why it got no place."""
    row = entry.row
    if entry.call is not None:
        return _call(entry.call, now, room, over=over)
    if row.then == "released":
        return Text("given back", "dim")
    if row.held_until is None:
        return Text(row.why, "dim")
    left = (row.held_until - now).total_seconds()
    if left >= 0:
        return Text(f"held for {row.buyer}, {left:.0f} s left", "dim")
    return Text("no call in time", "yellow")


def _call(call: CallView, now: datetime, room: int, *, over: bool) -> Text:
    """A chip for each step of its way. Where there is no room for all of them, the first ones go."""
    chips: list[Text] = []
    if call.came is not None:
        chips.append(Text(call.came.word, TONES[call.came.tone]))
    for number, tried in enumerate(call.tried, 1):
        last = number == len(call.tried)
        chip = Text.assemble((f"{tried.buyer} ", "bold" if last and call.ending is None else ""))
        if last and call.connected_ms is not None:
            chips.append(chip.append_text(_talk(call, now, over=over)))
        else:
            chips.append(chip.append(tried.label.word, TONES[tried.label.tone]))
    if call.ending is not None:
        chip = Text.assemble((call.ending.word, TONES[call.ending.tone]))
        chips.append(chip.append(f", {call.note}", "dim") if call.note else chip)
    gone = 0
    while gone + 1 < len(chips) and _width(chips[gone:]) + bool(gone) > room:
        gone += 1
    return Text.assemble(("…" if gone else "", "dim"), Text(_NEXT, "dim").join(chips[gone:]))


def _width(chips: list[Text]) -> int:
    return sum(len(chip) for chip in chips) + len(_NEXT) * (len(chips) - 1)


def _talk(call: CallView, now: datetime, *, over: bool) -> Text:
    """How long they have talked, against the seconds that it takes to convert."""
    assert call.connected_ms is not None, "somebody has answered"
    needed_ms = call.needed_seconds * 1000
    if call.talked_ms is not None:
        return Text(f"{call.talked_ms / 1000:.1f} s")
    talked_ms = max(0, to_ms(now) - call.connected_ms)
    text = Text(f"{talked_ms // 60_000}:{talked_ms // 1000 % 60:02d} ", "green" if not over else "")
    if needed_ms:
        filled = min(_BAR, talked_ms * _BAR // needed_ms)
        text.append("━" * filled, TONES["good"] if filled == _BAR else "green").append("─" * (_BAR - filled), "dim")
        text.append(f" {call.needed_seconds} s", "dim")
    return text


def _earned(entry: Entry, now: datetime, *, over: bool) -> tuple[Text, Text]:
    """The money of a call; for a moment it is hard to overlook."""
    call = entry.call
    if call is None:
        return Text(), Text()
    fresh = call.converted and not over and now - entry.changed_at < _FRESH
    return (
        _amount(call.revenue, sign="+", style=_FLASH if fresh else TONES["good"]),
        _amount(call.payout, sign="", style=_FLASH if fresh else "green"),
    )


def _amount(money: Money | None, *, sign: str, style: str) -> Text:
    return Text(f"{sign}{format_price(money.micros)}", style) if money is not None else Text()
