"""One ping drawn for the terminal: headline, a row for each buyer with its milliseconds against the timeout, the rest.

Draws what `reports.explain` says; `ringbid explain` and `ringbid ping` print it. Text from outside (tags, answers) is
shown with its control characters spelled out, so that no answer can steer the owner's terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ringbid.reports.explain import BuyerRow, Explanation
from ringbid.reports.labels import LABELS, Tone
from ringbid.reservations.trace import TracedAsk, TracedTag
from ringbid.values.clock import format_utc
from ringbid.values.money import Money, format_price
from ringbid.values.reason import Reason

TONES: dict[Tone, str] = {"good": "bold green", "plain": "default", "limit": "yellow", "bad": "red"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_INDENT = 4
_LONGEST_ID = 20  # a longer buyer id is cut
_SHORTEST_BAR, _LONGEST_BAR = 8, 40


def draw(explanation: Explanation, *, with_asks: bool = False) -> Iterator[RenderableType]:
    """All there is to say about a ping, from top to bottom. `with_asks`: also requests and answers as they went."""
    ping = explanation.ping
    label = LABELS[explanation.reason]
    code = "" if explanation.reason.code == label.word else f"  {explanation.reason.code}"
    yield Text.assemble((ping.ping_id, "bold"), "  ", (label.word, TONES[label.tone]), (code, "dim"))
    yield Text(plain(explanation.headline), "bold" if label.tone == "good" else "")
    if explanation.expected is not None:
        yield from found(explanation.actual, explanation.expected, explanation.setting)
    yield Text()
    yield _facts(explanation)
    yield Text()
    yield Waterfall(explanation)
    if explanation.notes:
        yield title("Notes")
        yield from (Text(f"  {plain(note)}") for note in explanation.notes)
    if explanation.tags:
        yield title("Tags")
        yield tags_table(explanation.tags)
    if explanation.asks:
        yield title("Asks")
        yield from asks_in_full(explanation.asks) if with_asks else asks_in_short(explanation.asks)
    yield title("Steps")
    yield _steps(explanation)


def plain(text: str) -> str:
    """`text` with everything that is not printable spelled out (`\\x1b`), but for line ends."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


class Waterfall:
    """The buyers in routing order. As wide as the console; below 70 columns it has no bars."""

    def __init__(self, explanation: Explanation) -> None:
        self._explanation = explanation
        self._id_width = min(_LONGEST_ID, max((len(row.buyer_id) for row in explanation.buyers), default=0))
        prices = [money for row in explanation.buyers for money in (row.revenue, row.payout) if money is not None]
        self._decimals = max((len(format_price(money.micros).partition(".")[2]) for money in prices), default=2)
        self._started_ms: dict[str, float] = {}
        for ask in explanation.asks:
            if ask.buyer is not None:
                self._started_ms.setdefault(ask.buyer, ask.started_ms)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _INDENT + self._id_width + 2 + 12 + 2 + 9 + 2 + 9 + 2 + 9
        bar_width = min(_LONGEST_BAR, options.max_width - columns - 4)
        if bar_width < _SHORTEST_BAR:
            bar_width = 0
        yield self._heading(bar_width)
        if not self._explanation.buyers:
            yield Text("    The campaign has no buyers.", "dim")
        for row in self._explanation.buyers:
            yield self._line(row, bar_width, ascii_only=options.ascii_only)
            yield indented(_why(row))

    def _heading(self, bar_width: int) -> Text:
        heading = (
            f"{'':{_INDENT}}{'buyer':{self._id_width}}  {'verdict':12}  {'revenue':>9}  {'payout':>9}  {'asked':>9}"
        )
        if bar_width:
            timeout = f"{self._explanation.timeout_ms} ms"
            heading += f"  0{timeout:>{bar_width}}"
        return Text(heading, "dim", no_wrap=True)

    def _price(self, money: Money | None) -> str:
        """Nine columns, or more where the price is that exact; decimal points stand below each other."""
        units, point, decimals = format_price(money.micros).partition(".") if money is not None else ("", " ", "")
        return f"{units:>{8 - self._decimals}}{point}{decimals:{self._decimals}}"

    def _line(self, row: BuyerRow, bar_width: int, *, ascii_only: bool) -> Text:
        label = LABELS[row.reason]
        buyer = row.buyer_id if len(row.buyer_id) <= self._id_width else f"{row.buyer_id[: self._id_width - 1]}…"
        asked = f"{row.asked_ms:.0f} ms" if row.asked_ms is not None else ""
        line = Text(no_wrap=True)
        line.append(f"{row.priority:>{_INDENT - 2}}  ", "dim")
        line.append(f"{buyer:{self._id_width}}  ", "bold")
        line.append(f"{label.word:12}", TONES[label.tone])
        line.append(f"  {self._price(row.revenue)}  {self._price(row.payout)}  {asked:>9}")
        if bar_width and row.asked_ms is not None:
            start_ms = self._started_ms.get(row.buyer_id, 0.0)
            scale = bar_width / max(1, self._explanation.timeout_ms)
            bar = _bar(start_ms * scale, (start_ms + row.asked_ms) * scale, bar_width, ascii_only=ascii_only)
            line.append("  ").append(bar, TONES[label.tone] if label.tone != "plain" else "cyan").append("|", "dim")
        return line


def _bar(start: float, end: float, width: int, *, ascii_only: bool) -> str:
    """A bar from `start` to `end` columns of `width`, at least a hair thick, to an eighth of a column at its end."""
    first = min(width - 1, int(start))
    eighths = max(1, min(width - first, round(end - first, 3)) * 8)
    whole, rest = divmod(int(eighths), 8)
    bar = "#" * max(1, whole) if ascii_only else "█" * whole + _EIGHTHS[rest].strip()
    return f"{' ' * first}{bar}".ljust(width)[:width]


def _why(row: BuyerRow) -> Group:
    sentence = Text.assemble((row.reason.code, "dim"), "  ", plain(row.reason.text))
    lines: list[Text] = [sentence]
    if row.reason is not Reason.WON:  # its price stands in the line above
        lines.extend(found(row.actual, row.expected, row.setting))
    price = []
    if row.rule is not None:
        price.append(f"rule {row.rule} (version {row.rule_version})")
    if row.seconds is not None:
        price.append(f"after {row.seconds} s")
    if row.number is not None:
        price.append(f"at {row.number}")
    if price:
        lines.append(Text(plain(", ".join(price)), "dim"))
    return Group(*lines)


def found(actual: str | None, expected: str | None, setting: str | None) -> Iterator[Text]:
    """A line with what was found, what was expected and the setting to look at; none where nothing is known."""
    parts = Text()
    for name, value, style in (("found", actual, "yellow"), ("expected", expected, "green"), ("see", setting, "cyan")):
        if value is not None:
            parts.append("   " if parts else "").append(f"{name} ", "dim").append(plain(value), style)
    if parts:
        yield parts


def _facts(explanation: Explanation) -> Table:
    ping = explanation.ping
    table = Table.grid(padding=(0, 2))
    rows = [
        ("campaign", f"{ping.company_id}/{ping.campaign_id}", "publisher", ping.publisher_id),
        ("received", format_utc(ping.received_at), "caller", ping.caller_number or "none"),
        ("auction", f"{explanation.strategy}, seed {explanation.seed}", "catalog", f"v{explanation.snapshot_version}"),
        ("timeout", f"{explanation.timeout_ms} ms", "held for", f"{explanation.ttl_seconds} s"),
    ]
    if explanation.state is not None and ping.reservation is not None:
        rows.append(("place", explanation.state.value, "dial", ping.reservation.inbound_number))
    for name, value, other, other_value in rows:
        table.add_row(Text(name, "dim"), Text(plain(value)), Text(other, "dim"), Text(plain(other_value)))
    return table


def tags_table(tags: Mapping[str, TracedTag]) -> Table:
    """Every tag with where it came from, by name."""
    table = Table.grid(padding=(0, 2))
    for key, tag in sorted(tags.items()):
        value = tag.value if isinstance(tag.value, str) else ", ".join(tag.value)
        table.add_row(Text(f"  {plain(key)}"), Text(plain(value)), Text(f"from {plain(tag.source)}", "dim"))
    return table


def asks_in_short(asks: Sequence[TracedAsk]) -> Iterator[RenderableType]:
    """Each ask with how it ended."""
    table = Table.grid(padding=(0, 2))
    for ask in asks:
        table.add_row(Text(f"  {plain(ask.webhook)}"), _ask_ending(ask))
    yield table
    yield Text("  Add --asks to read each request and answer as it went.", "dim")


def asks_in_full(asks: Sequence[TracedAsk]) -> Iterator[RenderableType]:
    """Each ask with its request, its answer and what that filled."""
    for ask in asks:
        yield Text.assemble("  ", (plain(ask.webhook), "bold"), "  ", _ask_ending(ask))
        yield from _quoted("→", ask.request)
        yield from _quoted("←", ask.answer or "")
        for key, value in ask.outputs.items():
            yield Text.assemble("    ", (f"{plain(key)} = ", "dim"), plain(value))


def _quoted(arrow: str, text: str) -> Iterator[RenderableType]:
    if text:
        yield indented(Text.assemble((f"{arrow} ", "cyan"), plain(text)))


def _ask_ending(ask: TracedAsk) -> Text:
    """`HTTP 200 after 42 ms`, and what was wrong with it."""
    answered = f"HTTP {ask.status} after {ask.took_ms:.0f} ms" if ask.status is not None else f"{ask.took_ms:.0f} ms"
    ending = Text(answered, "dim")
    if ask.reason is not None:
        ending.append(f"  {ask.reason}", "red").append(f"  {plain(ask.detail)}" if ask.detail else "", "default")
    return ending


def _steps(explanation: Explanation) -> Text:
    line = Text("  ")
    for step in explanation.steps:
        line.append(f"{step.name}\N{NO-BREAK SPACE}", "dim").append(f"{step.took_ms:.1f}").append("  ")
    total_ms = explanation.steps[-1].ended_ms if explanation.steps else 0.0
    return line.append(f"=\N{NO-BREAK SPACE}{total_ms:.1f}\N{NO-BREAK SPACE}ms")


def title(name: str) -> RenderableType:
    """The rule above a section."""
    return Group(Text(), Rule(name, align="left", style="dim"))


def indented(renderable: RenderableType) -> Padding:
    """Below a line, at its buyer's column."""
    return Padding(renderable, (0, 0, 0, _INDENT), expand=False)
