"""Prices as people read them."""

from __future__ import annotations

import pytest

from ringbid.values.money import format_price


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0.00"), (2_000_000, "2.00"), (1_500_000, "1.50"), (1_173_000, "1.173"), (1, "0.000001"), (-500_000, "-0.50")],
)
def test_a_price_has_two_decimals_and_more_where_it_needs_them(micros: int, text: str) -> None:
    assert format_price(micros) == text
