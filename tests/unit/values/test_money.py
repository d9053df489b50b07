"""Money is whole micros: read exactly, shared out exactly, shown without noise, and never a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.values.money import (
    MAX_MICROS,
    Money,
    format_micros,
    format_price,
    micros_from_decimal,
    parse_decimal,
    round_decimal_to_micros,
    share_of,
)

MICROS = st.integers(-MAX_MICROS, MAX_MICROS)


@pytest.mark.parametrize("micros", [1.0, 1.5, True, Decimal(1), "1"])
def test_micros_that_are_no_integer_are_refused(micros: object) -> None:
    with pytest.raises(TypeError, match="never a float"):
        Money(micros, "USD")


def test_money_is_shown_with_its_currency() -> None:
    assert str(Money(1_173_000, "USD")) == "1.173 USD"


@pytest.mark.parametrize(
    ("micros", "text", "price"),
    [
        (0, "0", "0.00"),
        (1, "0.000001", "0.000001"),
        (-1, "-0.000001", "-0.000001"),
        (500_000, "0.5", "0.50"),
        (1_173_000, "1.173", "1.173"),
        (2_000_000, "2", "2.00"),
        (-1_500_000, "-1.5", "-1.50"),
        (10_000_000, "10", "10.00"),
        (1_234_567_890_123, "1234567.890123", "1234567.890123"),
    ],
)
def test_an_amount_is_shown_as_the_shortest_number_and_as_a_price(micros: int, text: str, price: str) -> None:
    assert (format_micros(micros), format_price(micros)) == (text, price)


@given(MICROS)
def test_what_is_shown_reads_back_as_the_same_amount(micros: int) -> None:
    for shown in (format_micros(micros), format_price(micros)):
        number = parse_decimal(shown)
        assert number is not None
        assert micros_from_decimal(number) == round_decimal_to_micros(number) == micros


@given(MICROS, st.integers(0, 100_000_000))
def test_a_share_and_the_share_of_the_rest_make_the_whole_or_miss_it_by_one_micro(micros: int, millionths: int) -> None:
    percent = Decimal(millionths) / 1_000_000
    share = share_of(micros, percent)
    assert share + (micros - share) == micros
    assert abs(share + share_of(micros, 100 - percent) - micros) <= 1
    assert abs(share * 100 * 1_000_000 - micros * millionths) * 2 <= 100 * 1_000_000  # never off by more than half


@pytest.mark.parametrize(
    ("micros", "percent", "share"),
    [
        (1, "50", 0),
        (3, "50", 2),
        (5, "50", 2),
        (-3, "50", -2),
        (1_500_000, "80", 1_200_000),
        (7, "100", 7),
        (7, "0", 0),
    ],
)
def test_a_share_is_rounded_half_to_even(micros: int, percent: str, share: int) -> None:
    assert share_of(micros, Decimal(percent)) == share


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("1.173", 1_173_000),
        ("1.1730000", 1_173_000),
        ("1E+3", 1_000_000_000),
        ("0.0000001", None),
        ("0.0000010000000000000000000000000000000001", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e21", None),
        ("1e999999", None),
    ],
)
def test_an_amount_is_taken_exactly_or_not_at_all(amount: str, micros: int | None) -> None:
    assert micros_from_decimal(Decimal(amount)) == micros


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_never_rounded_to_an_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        round_decimal_to_micros(Decimal(amount))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.173", "1.173"), ("-5", "-5"), ("+5", "5"), ("1e3", "1000"), (" 7\n", "7"), (".5", "0.5"), ("007", "7")],
)
def test_a_plain_decimal_is_read(text: str, number: str) -> None:
    assert parse_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "sNaN",
        "nan123",
        "Infinity",
        "-inf",
        "1,5",
        "1_000",
        "1 000",
        "five",
        "0x1F",
        "１",
        "٣",
        "1" * 41,
        "1e9999999999999999999",
        "--1",
        "1e",
        "1.2.3",
        "$1",
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    assert parse_decimal(text) is None
