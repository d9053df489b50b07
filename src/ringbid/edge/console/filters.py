"""How templates write values: money, times, numbers, reasons."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup, escape

from ringbid.edge.console import drawing, links
from ringbid.edge.console.assets import static_url
from ringbid.reports.call_attempts import say_offset
from ringbid.reports.labels import LABELS, Label
from ringbid.reports.settings_links import setting_link
from ringbid.reservations.ports import CallerPlace
from ringbid.values.clock import format_utc
from ringbid.values.money import Money, format_price
from ringbid.values.reason import BY_CODE, Reason


def add_to(environment: Environment) -> None:
    """Let templates of `environment` use them."""
    environment.filters.update(money=money, clock_time=clock_time, moment=moment, ms=milliseconds)
    environment.filters.update(label=label, place=place, count=count, percent=percent, code_ticks=code_ticks)
    environment.filters.update(offset=offset)
    environment.globals.update(
        static_url=static_url,
        with_query=links.with_query,
        sorted_by=links.sorted_by,
        aria_sort=links.aria_sort,
        sparkline_points=drawing.sparkline_points,
        share=drawing.share,
        setting_link=setting_link,
    )


def money(amount: Money | None) -> str:
    """`1.173 USD`; a dash where there is none."""
    return "–" if amount is None else f"{format_price(amount.micros)} {amount.currency}"


def clock_time(at: datetime, zone: str) -> str:
    """The wall clock's time in `zone`, to the second."""
    return f"{at.astimezone(_zone(zone)):%Y-%m-%d %H:%M:%S}"


def moment(at: datetime | None, zone: str, *, short: bool = False) -> Markup | str:
    """A `<time>` that shows the wall clock in `zone`, and UTC when it is pointed at; `short`: without the date."""
    if at is None:
        return "–"
    shown = clock_time(at, zone)
    utc = format_utc(at)
    if short:
        shown = shown.partition(" ")[2]
    # Not by Markup.format, which takes a third of the time of a long list: but for the zone these are digits.
    return Markup(f'<time datetime="{utc}" title="{utc} ({_zone_in_html(zone)})">{shown}</time>')  # noqa: S704 -- escaped


def place(where: CallerPlace) -> str:
    """`Springfield, CA`, or the country; a dash where nothing is known."""
    if where.city and where.state:
        return f"{where.city}, {where.state}"
    return where.city or where.state or where.country or "–"


def label(reason: Reason | str) -> Label:
    """The word and tone of a reason, or of its code."""
    return LABELS[reason if isinstance(reason, Reason) else BY_CODE[reason]]


def milliseconds(value: float | None) -> str:
    """`0.4 ms`, `42 ms`, `1,240 ms`; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def offset(ms: int) -> str:
    """`+1:39.1` since a call came; `-0:00.5` where a network's clock tells of a moment before it."""
    return say_offset(ms) if ms < 0 else f"+{say_offset(ms)}"


def code_ticks(text: str) -> Markup:
    """A text of ours in which `code` stands between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    marked = [Markup("<code>{}</code>").format(part) if odd % 2 else escape(part) for odd, part in enumerate(parts)]
    return Markup("").join(marked)


def count(value: int | None) -> str:
    """`12,345`; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def percent(part: int, whole: int) -> str:
    """`12.5 %` of `whole`; a dash where there is no whole."""
    return "–" if not whole else f"{part / whole * 100:.1f} %"


@cache
def _zone_in_html(name: str) -> str:
    return str(escape(name))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
