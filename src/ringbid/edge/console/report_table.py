"""The table of a report, once as cells of a page and once as rows of a file: the same columns in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ringbid.edge.console.tables import Column
from ringbid.reports.counts import Counts, divide, percent
from ringbid.reports.export import Cell
from ringbid.reports.funnel import Report, Row
from ringbid.values.money import Money, format_price

_CENT, _TENTH_OF_CENT = 10_000, 1_000  # in micros: averages are not shown to the millionth


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A column of numbers. `key` is what `sort` says for it, an attribute of Counts."""

    key: str
    label: str
    hint: str
    money: bool = False
    rounded_to: int = 1

    def of(self, counts: Counts) -> int | None:
        value = getattr(counts, self.key)
        assert value is None or isinstance(value, int)
        if value is None or self.rounded_to == 1:
            return value
        units = divide(value, self.rounded_to)
        assert units is not None, "it is rounded to something"
        return units * self.rounded_to


FIGURES = (
    Figure(key="pings", label="Pings", hint="Requests for a price and a place."),
    Figure(key="direct_calls", label="Direct calls", hint="Calls that no ping told of, or that came too late."),
    Figure(key="asked", label="Asked", hint="A buyer could take it, and was asked or has fixed terms."),
    Figure(key="bid", label="Bid", hint="A buyer offered a price."),
    Figure(key="reserved", label="Reserved", hint="A place was held with a buyer."),
    Figure(key="delivered", label="Delivered", hint="The caller arrived."),
    Figure(key="connected", label="Connected", hint="A buyer answered."),
    Figure(key="converted", label="Converted", hint="One side of the money was earned."),
    Figure(key="paid", label="Paid", hint="A payout is booked for the publisher."),
    Figure(key="revenue_micros", label="Revenue", hint="What buyers pay.", money=True),
    Figure(key="payout_micros", label="Payout", hint="What publishers are paid.", money=True),
    Figure(key="margin_micros", label="Margin", hint="Revenue less payout.", money=True),
    Figure(
        key="margin_per_ping_micros",
        label="Margin per ping",
        hint="And per direct call.",
        money=True,
        rounded_to=_TENTH_OF_CENT,
    ),
    Figure(
        key="revenue_per_call_micros",
        label="Revenue per call",
        hint="Of the calls that were connected.",
        money=True,
        rounded_to=_CENT,
    ),
    Figure(
        key="payout_per_call_micros",
        label="Payout per call",
        hint="Of the calls that were delivered.",
        money=True,
        rounded_to=_CENT,
    ),
    Figure(key="seconds_per_call", label="Seconds per call", hint="Of the calls that were connected."),
)
ENDING_COLUMNS = (Column("How they ended"), Column("Count", numeric=True), Column("Share", numeric=True))
SORTABLE = ("name", *(figure.key for figure in FIGURES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the page. `change` compares pings and direct calls with the period before; `path` leads into the row."""

    name: str
    path: str | None
    change: str
    cells: Sequence[str]


def columns_of(group: str) -> list[Column]:
    """The columns of the page's table."""
    first = Column(group.removeprefix("tag:").capitalize(), "name")
    return [first, *(Column(one.label, one.key, numeric=True, hint=one.hint) for one in FIGURES)]


def line_of(row: Row, path: str | None) -> Line:
    """A row as the page shows it. Amounts are of the one currency that stands above the table."""
    cells = [_show(figure, figure.of(row.counts)) for figure in FIGURES]
    return Line(name=row.name, path=path, change=change_of(row.compared.all, row.before.all), cells=cells)


def change_of(now: int, before: int) -> str:
    """`+12.5 %`, against the period before; `new` where there was nothing, and empty of nothing."""
    if not before:
        return "new" if now else ""
    part = percent(now - before, before)
    assert part is not None, "there was something before"
    return f"{part:+} %"


def header_of(report: Report) -> list[str]:
    """The first line of a file."""
    currency = report.question.currency
    named = [f"{one.label} ({currency})" if one.money else one.label for one in FIGURES]
    return [report.question.group, "Name", *named, *(f"{one} before" for one in ("Pings and direct calls", "Margin"))]


def export_row(report: Report, row: Row) -> list[Cell]:
    """A row of a file: exact, with what makes the ratios."""
    currency = report.question.currency
    cells: list[Cell] = [row.key, row.name]
    for figure in FIGURES:
        value = figure.of(row.counts)
        cells.append(Money(value, currency) if figure.money and value is not None else value)
    return [*cells, row.before.all, Money(row.before.margin_micros, currency)]


def share(part: int, whole: int) -> str:
    """`12.5 %`; a dash of nothing."""
    found: Decimal | None = percent(part, whole)
    return "–" if found is None else f"{found} %"


def _show(figure: Figure, value: int | None) -> str:
    if value is None:
        return "–"
    return format_price(value) if figure.money else f"{value:,}"
