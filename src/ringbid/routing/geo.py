"""Where a caller is: from a zip code, or from a North American area code. Offline and in memory.

Zip data comes from the `zipcodes` package, which builds on GeoNames (CC BY 4.0, https://www.geonames.org). Called by
`routing.tags`; `bootstrap` loads it at start, so that no ping waits for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ringbid.routing.area_codes import PLACE_OF_AREA_CODE
from ringbid.values.phone import PhoneNumber, area_code

# fmt: off
STATES = frozenset({
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR",
    "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "PR", "VI", "GU", "AS", "MP", "AA",
    "AE", "AP",
})
_STATE_NAMES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN",
    "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH",
    "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND",
    "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
    "puerto rico": "PR",
}
# fmt: on

_NO_COUNTRY = "001"  # the library's region of international toll-free and satellite numbers


class ZipPlace(NamedTuple):
    """A zip code's state (two letters) and city."""

    state: str
    city: str


class NumberPlace(NamedTuple):
    """What a phone number says of its caller's place: ISO country, and state or province where one is certain."""

    country: str | None
    state: str | None


@lru_cache(maxsize=1)
def _places() -> dict[str, ZipPlace]:
    import zipcodes  # noqa: PLC0415 -- takes 0.3 s; only a server that answers pings needs it

    return {row["zip_code"]: ZipPlace(row["state"], row["city"]) for row in zipcodes.list_all()}  # type: ignore[no-untyped-call]  # the package ships no types


def load() -> None:
    """Read the zip codes now (0.3 s), so that the first ping does not wait for them."""
    _places()


def place_of_zip(zip_code: str) -> ZipPlace | None:
    """State and city of a five-digit zip (or zip+4); None where it is not known."""
    return _places().get(zip_code[:5])


@lru_cache(maxsize=65536)
def place_of_number(number: PhoneNumber) -> NumberPlace:
    """Country and state of a number. Toll-free and personal numbers have a country only where that is certain."""
    area = area_code(number)
    return place_of_area_code(area) if area is not None else NumberPlace(_country_of(number), None)


def place_of_area_code(area: str) -> NumberPlace:
    """Country and state of a North American area code; both None where it is not known."""
    country, _, state = PLACE_OF_AREA_CODE.get(area, "").partition("-")
    return NumberPlace(country or None, state or None)


def state_code(text: str) -> str:
    """A state as two capital letters where it is written out or in small letters; other text as it is."""
    stripped = text.strip()
    if len(stripped) == 2:
        return stripped.upper()
    return _STATE_NAMES.get(stripped.lower(), stripped)


def _country_of(number: PhoneNumber) -> str | None:
    import phonenumbers  # noqa: PLC0415 -- 40 ms; only calls from outside North America need it

    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return None if region == _NO_COUNTRY else region
