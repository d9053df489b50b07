"""Where a caller is: from a zip code, or from the number's area code. Offline and in memory.

Zip data comes from the `zipcodes` package, which builds on GeoNames (https://www.geonames.org, CC BY 4.0). Called by
`routing.tags`; `bootstrap` loads it soon after the start, so that hardly a ping waits for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from sys import intern
from threading import Lock
from typing import NamedTuple

from ringbid.routing.area_codes import PLACE_OF_AREA_CODE
from ringbid.values.phone import PhoneNumber, area_code

# fmt: off
_UNITED_STATES = {  # as the postal service has them, with territories, freely associated states and the military
    "alabama": "AL", "alaska": "AK", "american samoa": "AS", "arizona": "AZ", "arkansas": "AR",
    "armed forces americas": "AA", "armed forces europe": "AE", "armed forces pacific": "AP", "california": "CA",
    "colorado": "CO", "connecticut": "CT", "delaware": "DE", "district of columbia": "DC",
    "federated states of micronesia": "FM", "florida": "FL", "georgia": "GA", "guam": "GU", "hawaii": "HI",
    "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "marshall islands": "MH", "maryland": "MD", "massachusetts": "MA",
    "michigan": "MI", "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE",
    "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY",
    "north carolina": "NC", "north dakota": "ND", "northern mariana islands": "MP", "ohio": "OH", "oklahoma": "OK",
    "oregon": "OR", "palau": "PW", "pennsylvania": "PA", "puerto rico": "PR", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virgin islands": "VI", "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI",
    "wyoming": "WY",
}
_CANADA = {
    "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
    "newfoundland and labrador": "NL", "northwest territories": "NT", "nova scotia": "NS", "nunavut": "NU",
    "ontario": "ON", "prince edward island": "PE", "quebec": "QC", "saskatchewan": "SK", "yukon": "YT",
}
# fmt: on
_STATE_NAMED = {**_UNITED_STATES, **_CANADA, "washington dc": "DC", "washington d.c.": "DC"}
_COUNTRY_NAMED = {"usa": "US", "united states": "US", "can": "CA", "canada": "CA"}
_COUNTRY_OF_STATE = {**dict.fromkeys(_UNITED_STATES.values(), "US"), **dict.fromkeys(_CANADA.values(), "CA")}
_ZIP_PLUS_4 = re.compile(r"(\d{5})-?\d{4}", re.ASCII)


class ZipPlace(NamedTuple):
    """A zip code's state (two letters) and city."""

    state: str
    city: str


class NumberPlace(NamedTuple):
    """What a phone number says of its caller's place: ISO country, and state or province, each only where certain."""

    country: str | None
    state: str | None


_NOWHERE = NumberPlace(None, None)
_OF_AREA_CODE = {
    area: NumberPlace(place[:2], place[3:] or None)  # US-CA, or DO
    for area, place in PLACE_OF_AREA_CODE.items()
}


_reading = Lock()


def _places() -> dict[str, ZipPlace]:
    with _reading:  # who needs them while they are being read waits for that, and does not read them again
        return _read_places()


@lru_cache(maxsize=1)
def _read_places() -> dict[str, ZipPlace]:
    import zipcodes  # noqa: PLC0415 -- takes 0.3 s; only a server that answers pings needs it

    # State by state, for the whole list at once takes 160 MB that the process never gives back.
    return {
        row["zip_code"]: ZipPlace(state, intern(row["city"]))
        for state in _UNITED_STATES.values()
        for row in zipcodes.filter_by(state=state)  # type: ignore[no-untyped-call]  # -- it ships no types
    }


def load() -> None:
    """Read the zip codes now (half a second), so that the first ping does not wait for them."""
    _places()


def five_digits(zip_code: str) -> str | None:
    """The five digits of a US zip or zip+4, or None where the text is not shaped like one."""
    if len(zip_code) == 5:
        return zip_code if zip_code.isascii() and zip_code.isdigit() else None
    found = _ZIP_PLUS_4.fullmatch(zip_code)
    return found[1] if found is not None else None


def zip_code(text: str) -> str:
    """A US zip as its five digits, also where the four of zip+4 follow: filters name five. Other text as it is."""
    stripped = text.strip()
    return five_digits(stripped) or stripped


def place_of_zip(five: str) -> ZipPlace | None:
    """State and city of a five-digit zip; None where it is not known."""
    return _places().get(five)


def place_of_number(number: PhoneNumber) -> NumberPlace:
    """Country and state of a number. Toll-free numbers lie nowhere: they are shared by all of North America."""
    area = area_code(number)
    return _abroad(number) if area is None else _OF_AREA_CODE.get(area, _NOWHERE)


def state_code(text: str) -> str:
    """A state or province as two capital letters, also where it is written out; other text as it is."""
    stripped = text.strip()
    return stripped.upper() if is_code(stripped) else _STATE_NAMED.get(stripped.lower(), stripped)


def country_code(text: str) -> str:
    """A country as two capital letters; the commonest other spellings are known, other text stays as it is."""
    stripped = text.strip()
    return stripped.upper() if is_code(stripped) else _COUNTRY_NAMED.get(stripped.lower(), stripped)


def country_of_state(code: str) -> str | None:
    """US or CA for the code of one of their states or provinces: no code is used by both."""
    return _COUNTRY_OF_STATE.get(code)


def is_code(text: str) -> bool:
    """Whether `text` is two letters, as codes of countries and states are."""
    return len(text) == 2 and text.isascii() and text.isalpha()


def _abroad(number: PhoneNumber) -> NumberPlace:
    import phonenumbers  # noqa: PLC0415 -- 40 ms; only calls from outside North America need it

    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    # Satellite and international toll-free numbers have the region "001".
    return NumberPlace(region, None) if region is not None and is_code(region) else _NOWHERE
