"""What the plots of a report draw (`assets/js/plots.js` says the shape), and its heat map as rectangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ringbid.edge.console.drawing import share
from ringbid.reports.counts import NOTHING, Counts
from ringbid.reports.funnel import WEEKDAYS, Point, Report, ending_label
from ringbid.values.money import format_micros, format_price

MOST_ENDINGS = 6  # that have a colour of their own; the others are drawn together
_TONES = ("info", "good", "accent", "limit", "bad", "plain")
_STEP = 25  # units of a heat map's cell

Plot = dict[str, Any]

# What the heat map can show, by its name in the address.
HEATS: dict[str, tuple[str, Callable[[Counts], int]]] = {
    "all": ("Pings and direct calls", lambda counts: counts.all),
    "connected": ("Connected calls", lambda counts: counts.connected),
    "converted": ("Conversions", lambda counts: counts.converted),
    "margin": ("Margin", lambda counts: counts.margin_micros),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday. `depth` is how dark it is, of 1000."""

    x: int
    y: int
    depth: int
    words: str


def counts_plot(report: Report) -> Plot:
    """Pings and direct calls, reservations, calls and conversions over time."""
    lines: list[tuple[str, str, Callable[[Counts], int]]] = [
        ("Pings and direct calls", "info", lambda counts: counts.all),
        ("Reserved", "accent", lambda counts: counts.reserved),
        ("Connected", "limit", lambda counts: counts.connected),
        ("Converted", "good", lambda counts: counts.converted),
    ]
    return _lines_of(report, "", lines, value_of=lambda found: found)


def money_plot(report: Report) -> Plot:
    """Revenue, payout and margin over time."""
    lines: list[tuple[str, str, Callable[[Counts], int]]] = [
        ("Revenue", "info", lambda counts: counts.revenue_micros),
        ("Payout", "limit", lambda counts: counts.payout_micros),
        ("Margin", "good", lambda counts: counts.margin_micros),
    ]
    return _lines_of(report, report.question.currency, lines, value_of=_drawn)


def endings_plot(report: Report) -> Plot:
    """The reasons over time, stacked: the most frequent first, the rest together."""
    shown = [ending.code for ending in report.endings[:MOST_ENDINGS]]
    series = [
        {
            "label": ending_label(code)[0].word,
            "tone": tone,
            "values": [point.endings.get(code, 0) for point in report.points],
        }
        for code, tone in zip(shown, _TONES, strict=False)
    ]
    if len(report.endings) > MOST_ENDINGS:
        rest = [sum(n for code, n in point.endings.items() if code not in shown) for point in report.points]
        series.append({"label": "others", "tone": "plain", "values": rest})
    plot = {"at": _moments(report.points), "kind": "stacked", "unit": "", "series": series}
    return _open_ended(report, plot) if len(report.points) == 1 else plot


def day_plot(today: Report, yesterday: Report) -> Plot:
    """The pings of each hour of today, and of the same hour yesterday."""
    zone_shift = today.question.period.start - yesterday.question.period.start
    now = {point.at: point.counts.all for point in today.points}
    before = {point.at + zone_shift: point.counts.all for point in yesterday.points}
    moments = _hours(today.question.period.start, today.question.period.end)
    until = today.as_of or today.question.period.start
    return {
        "at": [int(at.timestamp()) for at in moments],
        "kind": "lines",
        "unit": "",
        "series": [
            {"label": "Today", "tone": "info", "values": [now.get(at, 0) if at <= until else None for at in moments]},
            {"label": "Yesterday", "tone": "plain", "values": [before.get(at, 0) for at in moments]},
        ],
    }


def heat_cells(report: Report, heat: str) -> list[Cell]:
    """168 cells, from Monday's first hour to Sunday's last."""
    label, value = HEATS[heat]
    money = heat == "margin"
    highest = max((value(counts) for row in report.heat for counts in row), default=0)
    cells = []
    for day, row in enumerate(report.heat):
        for hour, counts in enumerate(row):
            found = value(counts)
            words = f"{format_price(found)} {report.question.currency}" if money else f"{found:,}"
            text = f"{WEEKDAYS[day]} {hour:02d}:00: {words}" + ("" if money else f" {label.lower()}")
            cells.append(Cell(x=hour * _STEP, y=day * _STEP, depth=share(found, highest), words=text))
    return cells


def heat_is_empty(report: Report) -> bool:
    """Is there nothing to draw?"""
    return all(counts == NOTHING for row in report.heat for counts in row)


def _lines_of(
    report: Report,
    unit: str,
    lines: Sequence[tuple[str, str, Callable[[Counts], int]]],
    *,
    value_of: Callable[[int], object],
) -> Plot:
    series = [
        {"label": label, "tone": tone, "values": [value_of(value(point.counts)) for point in report.points]}
        for label, tone, value in lines
    ]
    return _open_ended(report, {"at": _moments(report.points), "kind": "lines", "unit": unit, "series": series})


def _moments(points: Sequence[Point]) -> list[int]:
    return [int(point.at.timestamp()) for point in points]


def _open_ended(report: Report, plot: Plot) -> Plot:
    """With the rest of a period that still runs, so that its first hour is not a plot of one point."""
    if report.question.period.running:
        plot["at"].append(int(report.question.period.end.timestamp()))
        for series in plot["series"]:
            series["values"].append(None)
    return plot


def _hours(start: datetime, end: datetime) -> list[datetime]:
    count = int((end - start) / timedelta(hours=1))
    return [start + timedelta(hours=hour) for hour in range(count)]


def _drawn(micros: int) -> object:
    """A JSON number for the browser's script, which draws it; nothing is counted with it."""
    return msgspec.json.decode(format_micros(micros))
