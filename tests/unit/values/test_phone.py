"""Phone numbers as a value, and the fast path that must say what the library says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog.phone_parsing import parse_phone, parse_with_library
from ringbid.values.phone import PhoneNumber, area_code, is_e164, national_digits, parse_north_american

SPELLINGS = [
    "+12125550123",
    " 12125550123",
    "12125550123",
    "2125550123",
    "(212) 555-0123",
    "212-555-0123",
    "212.555.0123",
    "212 555 0123",
    "1 (212) 555-0123",
    "+1 212 555 0123",
    "+1-212-555-0123",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_the_ways_north_americans_write_a_number_are_one_number(text: str) -> None:
    assert parse_north_american(text) == "+12125550123"


@pytest.mark.parametrize(
    "text",
    [
        *("", "+", "+2125550123", " 2125550123", "1125550123", "2121550123", "212555012", "21255501234"),
        *("+442079460958", "2125550123\n", "２１２５５５０１２３", "++12125550123", "+ 12125550123", "anonymous"),
    ],
)
def test_anything_that_is_not_plainly_north_american_is_left_to_the_library(text: str) -> None:
    assert parse_north_american(text) is None


@settings(max_examples=200)
@given(
    st.sampled_from(["", "+", " ", "+1", " 1", "1", "1-", "+1 ", "1 ", "+1."]),
    st.sampled_from(["{}{}{}", "({}) {}-{}", "({}){}{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "{}  {}-{}"]),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
)
def test_the_fast_path_never_says_anything_else_than_the_library(
    start: str, form: str, area: str, exchange: str, line: str
) -> None:
    text = start + form.format(area, exchange, line)
    fast = parse_north_american(text)
    if fast is not None:
        assert parse_with_library(text) == fast
    assert parse_phone(text) == parse_with_library(text)


@pytest.mark.parametrize(
    ("number", "shape"),
    [
        ("+12125550123", True),
        ("+442079460958", True),
        ("+1234567", False),
        ("+11125550123", False),
        ("+12121550123", False),
        ("+121255501234", False),
        ("+123456", False),
        ("+2345678", True),
        ("+234567890123456", True),
        ("+2345678901234567", False),
        ("+0123456789", False),
        ("12125550123", False),
        ("+12125550123\n", False),
        ("", False),
    ],
)
def test_a_number_has_the_shape_of_e164_or_not(number: str, *, shape: bool) -> None:
    assert is_e164(number) is shape


def test_digits_and_area_code_are_those_of_the_numbers_own_plan() -> None:
    ours, theirs = PhoneNumber("+12125550123"), PhoneNumber("+442079460958")
    assert (national_digits(ours), area_code(ours)) == ("2125550123", "212")
    assert (national_digits(theirs), area_code(theirs)) == ("442079460958", None)
