"""How templates write values: money, times, numbers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment

from ringbid.values.money import Money, format_price


def add_to(environment: Environment) -> None:
    """Let templates of `environment` use them."""
    environment.filters.update(money=money, clock_time=clock_time)


def money(amount: Money | None) -> str:
    """`1.173 USD`; a dash where there is none."""
    return "–" if amount is None else f"{format_price(amount.micros)} {amount.currency}"


def clock_time(at: datetime, zone: str) -> str:
    """The wall clock's time in `zone`, to the second."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
