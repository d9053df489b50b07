"""Zip codes, area codes and the spellings of states and countries."""

import pytest

from ringbid.routing.area_codes import PLACE_OF_AREA_CODE
from ringbid.routing.geo import (
    NumberPlace,
    country_code,
    country_of_state,
    five_digits,
    place_of_number,
    place_of_zip,
    state_code,
)
from ringbid.values.phone import PhoneNumber


@pytest.mark.parametrize(
    ("zip_code", "place"), [("90210", ("CA", "Beverly Hills")), ("02134", ("MA", "Allston")), ("2134", None)]
)
def test_a_zip_has_a_state_and_a_city(zip_code: str, place: tuple[str, str] | None) -> None:
    assert place_of_zip(zip_code) == place


@pytest.mark.parametrize(
    ("text", "five"),
    [("90210", "90210"), ("90210-1234", "90210"), ("902101234", "90210")]
    + [(text, None) for text in ("", "9021", "902101", "90210-", "90210-12345", "M5V 2", "９０２１０", "9021O")],
)
def test_a_zip_is_five_digits_and_perhaps_four_more(text: str, five: str | None) -> None:
    assert five_digits(text) == five


def test_every_area_codes_state_or_province_is_known_as_one_of_its_country() -> None:
    for place in PLACE_OF_AREA_CODE.values():
        country, _, state = place.partition("-")
        assert not state or country_of_state(state) == country


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("+13105550123", ("US", "CA")),
        ("+17875550123", ("US", "PR")),
        ("+14165550123", ("CA", "ON")),
        ("+18095550123", ("DO", None)),
        ("+18005550123", (None, None)),
        ("+19995550123", (None, None)),
        ("+442079460958", ("GB", None)),
        ("+4915112345678", ("DE", None)),
        ("+80012345678", (None, None)),
    ],
)
def test_a_number_has_the_place_of_its_area_code_or_the_country_of_its_plan(
    number: str, place: tuple[str | None, str | None]
) -> None:
    assert place_of_number(PhoneNumber(number)) == NumberPlace(*place)


@pytest.mark.parametrize(
    ("written", "code"),
    [("ca", "CA"), (" CA ", "CA"), ("California", "CA"), ("NEW YORK", "NY"), ("Ontario", "ON"), ("Bavaria", "Bavaria")],
)
def test_a_state_is_two_capital_letters_however_it_was_written(written: str, code: str) -> None:
    assert state_code(written) == code


@pytest.mark.parametrize(("written", "code"), [("us", "US"), ("USA", "US"), (" canada", "CA"), ("Narnia", "Narnia")])
def test_a_country_is_two_capital_letters_however_it_was_written(written: str, code: str) -> None:
    assert country_code(written) == code
