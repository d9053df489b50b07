"""Phone numbers from outside become E.164, or nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog.phone_parsing import parse_network_phone, parse_phone, parse_with_library
from ringbid.values.phone import parse_north_american


@pytest.mark.parametrize(
    "text",
    [
        "+12125550123",
        "12125550123",
        "2125550123",
        "(212) 555-0123",
        "212.555.0123",
        "1-212-555-0123",
        "+1 (212) 555-0123",
        " 12125550123",
        " 2125550123",
        "2125550123 ",
        "  +12125550123  ",
        "212/555/0123",
    ],
)
def test_every_spelling_of_a_north_american_number_is_one_number(text: str) -> None:
    assert parse_phone(text) == "+12125550123"


@pytest.mark.parametrize("text", ["+442079460958", " 442079460958", "+44 20 7946 0958", "+44 (20) 7946-0958"])
def test_a_foreign_number_needs_its_plus_or_the_space_that_it_became(text: str) -> None:
    assert parse_phone(text) == "+442079460958"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("442079460958", "+442079460958"),
        ("85512345678", "+85512345678"),
        ("12125550123", "+12125550123"),
        ("2125550123", "+12125550123"),
        ("00442079460958", None),  # dialled, and not a number
        ("999079460958", None),
        ("86282452253", None),  # UNAVAILABLE, as keys of a phone
        ("anonymous", None),
        ("", None),
    ],
)
def test_a_network_may_leave_the_plus_of_any_number_out(text: str, number: str | None) -> None:
    assert parse_network_phone(text) == number


def test_a_space_before_ten_digits_is_only_a_plus_where_that_makes_an_existing_number() -> None:
    assert parse_phone(" 3125550123") == "+13125550123"  # +31 25550123 is no Dutch number
    assert parse_phone(" 4525551234") == "+4525551234"  # and this is a Danish one


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "not a number",
        "+266696687",  # ANONYMOUS, as networks spell it
        "+7378742833",  # RESTRICTED
        "+86282452253",  # UNAVAILABLE
        "2125550123 ext 5",
        "2125550123x5",
        "212-555-0123;ext=5",
        "tel:2125550123;phone-context=+1",
        "+12125550123;phone-context=example.org",
        "1-800-FLOWERS",
        "\u0662\u0661\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663",  # Arabic digits
        "\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13",  # full-width digits
        "+12125550",
        "+121255501234",
        "1112223333",  # no area code begins with 1
        "+11112223333",
        "+1234567890123456",
        "+44 (0)20 7946 0958",  # the library would drop the 0: not what was written
        "011442079460958",
        "9" * 30,
        "+1" * 30,
        "2125550123\n",
        "\t2125550123",
    ],
)
def test_what_is_not_plainly_one_number_is_refused(text: str) -> None:
    assert parse_phone(text) is None


@st.composite
def _spellings(draw: st.DrawFn) -> str:
    area = draw(st.from_regex(r"[2-9][0-9]{2}", fullmatch=True))
    exchange = draw(st.from_regex(r"[2-9][0-9]{2}", fullmatch=True))
    line = draw(st.from_regex(r"[0-9]{4}", fullmatch=True))
    prefix = draw(st.sampled_from(["", "+", " ", "1", "+1", " 1", "1 ", "1-", "+1 ", "+1-", "+1.", " 1 "]))
    area = draw(st.sampled_from(["{}", "({})", "({}) ", "{}-", "{}.", "{} ", "({})-", "{}) ", "({} "])).format(area)
    return f"{prefix}{area}{exchange}{draw(st.sampled_from(['', ' ', '-', '.']))}{line}"


@settings(max_examples=300)
@given(_spellings())
def test_the_fast_path_says_what_the_library_says(text: str) -> None:
    fast = parse_north_american(text)
    assert fast is None or fast == parse_with_library(text)


@settings(max_examples=300)
@given(st.text(st.sampled_from("0123456789+ ().-/x;\u0662"), max_size=20) | st.text(max_size=20))
def test_no_text_breaks_it_and_what_comes_out_is_stable(text: str) -> None:
    number = parse_phone(text)
    assert number is None or parse_phone(number) == number


def test_the_library_is_not_imported_for_a_plain_number() -> None:
    program = (
        "import sys; from ringbid.catalog.phone_parsing import parse_phone; parse_phone('2125550123');"
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
