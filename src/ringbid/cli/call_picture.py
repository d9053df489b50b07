"""One call drawn for the terminal: headline, a time bar for each buyer, verdicts, money, messages, events.

Draws what `reports.call_story` says; `ringbid explain` prints it. The colours are those of a call flow: blue for
information, green for a connection, yellow for a warning, red for a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ringbid.call.state import Phase
from ringbid.cli.waterfall import asks_in_full, asks_in_short, found, indented, plain, tags_table, title
from ringbid.ledger.entry import name_of
from ringbid.reports.call_attempts import AttemptStory, SideStory, say_offset, say_seconds
from ringbid.reports.call_story import Booked, CallStory, RoutedBuyer, RoutingStory, Sent
from ringbid.reports.call_timeline import StoryLine
from ringbid.reports.labels import LABELS, Tone
from ringbid.reservations.trace import TracedTag
from ringbid.values.clock import format_utc
from ringbid.values.money import Money, format_price
from ringbid.values.reason import Reason

FLOW_TONES: dict[Tone, str] = {"good": "green", "plain": "blue", "limit": "yellow", "bad": "red"}

_LONGEST_ID = 20  # a longer buyer id is cut
_SHORTEST_BAR, _LONGEST_BAR = 12, 60
_RINGS, _TALKS, _REACHED, _MISSED, _NOW = "░", "█", "◆", "◇", "›"
_ASCII = str.maketrans({_RINGS: ".", _TALKS: "#", _REACHED: "|", _MISSED: "!", _NOW: ">", "●": "*"})


def draw_call(story: CallStory, *, with_asks: bool = False, with_ping: bool = True) -> Iterator[RenderableType]:
    """All there is to say about a call, from top to bottom. `with_ping`: also its ping in short; `with_asks`: also
    requests and answers as they went."""
    label = LABELS[story.ending]
    code = "" if story.ending.code == label.word else f"  {story.ending.code}"
    style = f"bold {FLOW_TONES[label.tone]}"
    yield Text.assemble((story.call.call_id, "bold"), "  call  ", (label.word, style), (code, "dim"))
    yield Text(plain(story.headline), "bold" if story.tone == "good" else "")
    if story.refusal is not None:
        yield from found(story.refusal.actual, story.refusal.expected, story.refusal.setting)
    yield Text()
    yield _facts(story, with_ping=with_ping)
    if story.attempts:
        yield Text()
        yield TimeBars(story)
    sides = [(attempt, side) for attempt in story.attempts for side in attempt.sides]
    if sides:
        yield title("Conversion")
        yield _conversions(sides)
    if story.booked:
        yield title("Money")
        yield _money(story)
    for number, routing in enumerate(story.routings):
        yield title(_routing_title(routing, again=number > 0))
        yield _routing(routing)
        if routing.asks:
            yield from asks_in_full(routing.asks) if with_asks else asks_in_short(routing.asks)
    if story.sent:
        yield title("Messages")
        yield _messages(story.sent)
    tags = _new_tags(story)
    if tags:
        yield title("Tags" if story.ping is None else "Tags that the ping did not have")
        yield tags_table(tags)
    yield title("Events")
    yield _events(story.timeline)


class TimeBars:
    """A line for each buyer that was rung, with its ringing and its talk to scale, and a mark where it converts."""

    def __init__(self, story: CallStory) -> None:
        self._story = story
        attempts = story.attempts
        self._id_width = min(_LONGEST_ID, max(len("buyer"), *(len(one.buyer_id) for one in attempts)))
        marks = [mark for one in attempts if (mark := _mark_ms(one)) is not None]
        self._span_ms = max(1, story.length_ms, *marks)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = 4 + self._id_width + 2 + 11 + 2 + 8 + 2 + 8 + 2
        width = min(_LONGEST_BAR, options.max_width - columns - 1)
        if width < _SHORTEST_BAR:
            width = 0
        to_ascii = _ASCII if options.ascii_only else {}
        yield self._heading(width)
        for attempt in self._story.attempts:
            yield self._line(attempt, width, to_ascii)
            yield indented(self._remark(attempt))
        if width:
            yield Text(f"    {_legend(self._story)}".translate(to_ascii), "dim")

    def _heading(self, width: int) -> Text:
        heading = f"{'':4}{'buyer':{self._id_width}}  {'verdict':11}  {'rang':>8}  {'talked':>8}"
        if width:
            heading += f"  0{say_offset(self._span_ms):>{width - 1}}"
        return Text(heading, "dim", no_wrap=True)

    def _line(self, attempt: AttemptStory, width: int, to_ascii: dict[int, str]) -> Text:
        label = LABELS[attempt.reason]
        line = Text(no_wrap=True)
        line.append(f"{attempt.number:>2}  ", "dim")
        line.append(f"{_cut(attempt.buyer_id, self._id_width):{self._id_width}}  ", "bold")
        line.append(f"{label.word:11}", FLOW_TONES[label.tone])
        rang, talked = (say_seconds(ms) if ms is not None else "" for ms in (attempt.ring_ms, attempt.talk_ms))
        line.append(f"  {rang:>8}  {talked:>8}")
        if width:
            line.append("  ").append_text(self._bar(attempt, width, to_ascii))
        return line

    def _bar(self, attempt: AttemptStory, width: int, to_ascii: dict[int, str]) -> Text:
        cells = [(" ", "")] * width
        end_ms = attempt.ended_ms if attempt.ended_ms is not None else self._story.length_ms
        if attempt.dialled_ms is not None:
            rung_until_ms = attempt.answered_ms if attempt.answered_ms is not None else end_ms
            self._fill(cells, attempt.dialled_ms, rung_until_ms, (_RINGS, FLOW_TONES[_ring_tone(attempt)]))
        if attempt.answered_ms is not None:
            self._fill(cells, attempt.answered_ms, end_ms, (_TALKS, "green"))
        mark_ms = _mark_ms(attempt)
        if mark_ms is not None:
            reached = mark_ms <= end_ms
            cells[self._column(mark_ms, width)] = (_REACHED, "bold cyan") if reached else (_MISSED, "bold yellow")
        if attempt.live:
            cells[self._column(end_ms, width)] = (_NOW, "bold blue")
        return Text.assemble(*((cell.translate(to_ascii), style) for cell, style in cells), no_wrap=True)

    def _fill(self, cells: list[tuple[str, str]], from_ms: int, to_ms: int, cell: tuple[str, str]) -> None:
        """At least one column, however short it was."""
        first, last = (self._column(ms, len(cells)) for ms in (from_ms, max(from_ms, to_ms - 1)))
        cells[first : last + 1] = [cell] * (last + 1 - first)

    def _column(self, ms: int, width: int) -> int:
        return min(width - 1, max(0, ms * width // self._span_ms))

    def _remark(self, attempt: AttemptStory) -> Text:
        remark = Text.assemble((attempt.reason.code, "dim"))
        parts = [attempt.actual or "", plain(attempt.to) if attempt.dialled_ms is not None else "", attempt.ended_how]
        if attempt.answered_ms is not None and not attempt.live and not attempt.recorded:
            parts.append("its record has not come")
        told = ", ".join(part for part in parts if part)
        return remark.append(f"  {told}") if told else remark


def _ring_tone(attempt: AttemptStory) -> Tone:
    return "plain" if attempt.answered_ms is not None or attempt.live else attempt.tone


def _mark_ms(attempt: AttemptStory) -> int | None:
    """Where the last side that goes by time converts."""
    return max((side.threshold_ms for side in attempt.sides if side.threshold_ms is not None), default=None)


def _legend(story: CallStory) -> str:
    parts = [f"{_RINGS} rings", f"{_TALKS} talks"]
    marks = [(one, mark) for one in story.attempts if (mark := _mark_ms(one)) is not None]
    ends = [(mark, one.ended_ms if one.ended_ms is not None else story.length_ms) for one, mark in marks]
    if any(mark <= end for mark, end in ends):
        parts.append(f"{_REACHED} from here on it converts")
    if any(mark > end for mark, end in ends):
        parts.append(f"{_MISSED} here it would convert")
    if any(one.live for one in story.attempts):
        parts.append(f"{_NOW} now")
    return "   ".join(parts)


def _facts(story: CallStory, *, with_ping: bool) -> RenderableType:
    call = story.call
    table = Table.grid(padding=(0, 2))
    campaign = f"{call.company_id}/{call.campaign_id}"
    rows = [
        ("campaign", campaign, "publisher", call.publisher_id or "none"),
        ("received", format_utc(call.received_at), "caller", call.caller_number or "none"),
        ("called", call.inbound_number, "over", call.provider),
    ]
    if call.state.phase is Phase.REFUSED:
        rows.append(("SIP", str(call.state.code), "rung", "nobody"))
    for name, value, other, other_value in rows:
        table.add_row(Text(name, "dim"), Text(plain(value)), Text(other, "dim"), Text(plain(other_value)))
    lines: list[RenderableType] = [table]
    match = story.match
    code = (f"{match.reason.code}", FLOW_TONES[LABELS[match.reason].tone])
    lines.append(Text.assemble(("match     ", "dim"), code, f"  {plain(match.reason.text)}"))
    lines.extend(map(indented, found(match.actual, match.expected, match.setting)))
    if with_ping and call.reservation_id is not None:
        lines.append(Text.assemble(("ping      ", "dim"), call.reservation_id))
        lines.append(indented(Text(plain(story.promise))))
    return Group(*lines)


def _conversions(sides: Sequence[tuple[AttemptStory, SideStory]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for attempt, side in sides:
        label = LABELS[side.reason] if side.reason is not None else None
        word = Text(label.word, FLOW_TONES[side.tone]) if label is not None else Text("open", "blue")
        money = side.converted if side.converted is not None else side.quoted
        table.add_row(
            Text(f"  {attempt.buyer_id}", "bold"),
            Text(side.side),
            word,
            Text(_price(money), "" if side.converted is not None else "dim"),
            Text(_criterion(side)),
            Text(plain(f"rule {side.rule}") if side.rule else "", "dim"),
        )
    return table


def _criterion(side: SideStory) -> str:
    """`95.0 s of 95 s`, or what it waits for."""
    if side.needed_ms is not None and side.reached_ms is not None:
        short = f", {say_seconds(side.short_ms)} short" if side.short_ms and side.outcome != "pending" else ""
        since = " since it was received" if side.start == "received" else ""
        return f"{say_seconds(side.reached_ms)} of {side.needed_ms // 1000} s{since}{short}"
    if side.on == "revenue":
        return "with the revenue"
    return "by postback" if side.on == "postback" else ""


def _money(story: CallStory) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    decimals = _decimals(story)
    for line in story.booked:
        table.add_row(
            Text(f"  {line.side}"),
            Text(name_of(line.account), "bold"),
            Text(_aligned(line.amount, decimals), justify="right"),
            Text(line.kind, FLOW_TONES[line.tone]),
            Text(plain(_by(line)), "dim"),
        )
    total = Text.assemble(("  revenue ", "dim"), _price(story.revenue), (", payout ", "dim"), _price(story.payout))
    return Group(table, total.append(", margin ", "dim").append(_price(story.margin), "bold"))


def _decimals(story: CallStory) -> int:
    return max(len(format_price(line.amount.micros).partition(".")[2]) for line in story.booked)


def _aligned(money: Money, decimals: int) -> str:
    """With decimal points below each other."""
    units, _, rest = format_price(money.micros).partition(".")
    return f"{units}.{rest:{decimals}}"


def _by(line: Booked) -> str:
    if line.by_person:
        return f"{line.author}: {line.note}"
    return f"by {line.rule}" if line.rule is not None else ""


def _routing_title(routing: RoutingStory, *, again: bool) -> str:
    what = "Routed again" if again else "Routed"
    return f"{what} at {say_offset(routing.offset_ms)}, catalog v{routing.snapshot_version}, {routing.took_ms:.1f} ms"


def _routing(routing: RoutingStory) -> RenderableType:
    lines: list[RenderableType] = []
    width = min(_LONGEST_ID, max((len(buyer.row.buyer_id) for buyer in routing.buyers), default=0))
    for buyer in routing.buyers:
        lines.extend(_routed(buyer, width))
    lines.extend(Text(f"  {plain(note)}") for note in routing.notes)
    return Group(*lines) if lines else Text("    The campaign has no buyers.", "dim")


def _routed(buyer: RoutedBuyer, width: int) -> Iterator[RenderableType]:
    row, label = buyer.row, LABELS[buyer.reason]
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{row.priority:>2}  ", "dim").append(f"{_cut(row.buyer_id, width):{width}}  ", "bold")
    line.append(f"{label.word:11}", FLOW_TONES[label.tone])
    if row.revenue is not None and row.payout is not None:
        after = f" after {row.seconds} s" if row.seconds else ""
        line.append(f"  revenue {_price(row.revenue)}, payout {_price(row.payout)}{after}", "dim")
    yield line
    if buyer.attempt is None and buyer.reason is not Reason.IN_RESERVE:
        yield indented(Text.assemble((buyer.reason.code, "dim"), "  ", plain(buyer.reason.text)))
        yield from map(indented, found(row.actual, row.expected, row.setting))


def _messages(sent: Sequence[Sent]) -> Table:
    table = Table.grid(padding=(0, 2))
    for message in sent:
        table.add_row(
            Text(f"  {say_offset(message.offset_ms)}", "dim", justify="right"),
            Text(plain(message.name)),
            Text(plain(message.words), FLOW_TONES[message.tone]),
        )
    return table


def _new_tags(story: CallStory) -> dict[str, TracedTag]:
    known = story.ping.tags if story.ping is not None else {}
    return {name: tag for name, tag in story.tags.items() if known.get(name) != tag}


def _events(lines: Sequence[StoryLine]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True)
    for line in lines:
        said = Text(plain(line.text))
        if line.order != "in order":
            said.append(f"  {line.order}", "yellow" if line.order != "unmatched" else "red")
        if line.note:
            said.append(f"  {plain(line.note)}", "dim")
        if line.row is not None:
            said.append(f"  [{line.row}]", "dim italic")
        table.add_row(Text(f"  {say_offset(line.offset_ms)}", "dim"), Text("●", FLOW_TONES[line.tone]), said)
    return table


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _price(money: Money) -> str:
    return f"{format_price(money.micros)} {money.currency}"
