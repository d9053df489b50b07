"""Phone numbers as a value: E.164, parsed once at the edge (`catalog.phone_parsing`) and trusted inside."""

from __future__ import annotations

import re
from typing import NewType

PhoneNumber = NewType("PhoneNumber", str)  # E.164: a plus and 7 to 15 digits

# The ways North Americans write a number: +1…, 1…, ten digits, with the usual punctuation, and with the leading space
# that an unencoded plus in a query string becomes. Anything else goes to the library.
_NORTH_AMERICAN = re.compile(r"[ +]?(?:1[ .\-]?)?\(?([2-9]\d\d)\)?[ .\-]{0,2}([2-9]\d\d)[ .\-]?(\d{4})", re.ASCII)
_NORTH_AMERICAN_E164 = re.compile(r"\+1[2-9]\d\d[2-9]\d{6}", re.ASCII)
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


def parse_north_american(text: str) -> PhoneNumber | None:
    """`text` as E.164 where it is plainly a North American number; None where the library must look at it."""
    found = _NORTH_AMERICAN.fullmatch(text)
    if found is None or (text[0] in "+ " and text.lstrip("+ ")[:1] != "1"):
        return None
    return PhoneNumber("+1" + "".join(found.groups()))


def is_e164(text: str) -> bool:
    """Whether `text` has the shape of an E.164 number; for country code 1, also that of the North American plan."""
    return bool(_NORTH_AMERICAN_E164.fullmatch(text) if text.startswith("+1") else _E164.fullmatch(text))


def national_digits(number: PhoneNumber) -> str:
    """The ten digits of a North American number; all digits of any other."""
    return number[2:] if number.startswith("+1") else number[1:]


def area_code(number: PhoneNumber) -> str | None:
    """The three-digit area code of a North American number."""
    return number[2:5] if number.startswith("+1") else None
