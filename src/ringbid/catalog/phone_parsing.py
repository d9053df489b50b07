"""Text from outside → a phone number, or nothing. The only place that knows the phone number library.

Used at apply (`buyer_reading`, `campaign_reading`), for every ping (`ping.request`, `ping.auction`) and call. Plain
North American spellings take a fast path of one regex; the library is imported when the first other one comes.
"""

from __future__ import annotations

import re

from ringbid.values.phone import PhoneNumber, is_e164, parse_north_american

_LONGEST = 40
_DEFAULT_REGION = "US"
# Digits and the usual punctuation only: no letters (vanity numbers, extensions), no `;phone-context=`, and no digits of
# other scripts, which the library would read.
_SPELLING = re.compile(r"(\+?)([0-9 ().\-/]+)", re.ASCII)
# How many networks write a number of another country: all of its digits, and no plus. Ten are North American.
_WITHOUT_PLUS = re.compile(r"[2-9][0-9]{10,14}", re.ASCII)
_NOT_A_DIGIT = re.compile(r"\D", re.ASCII)
# What networks send instead of a number that is withheld: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE as keys.
_WITHHELD = frozenset({"266696687", "7378742833", "2562533", "8566696", "86282452253"})


def parse_phone(text: str) -> PhoneNumber | None:
    """`text` as E.164, or None where it is no number that can be dialled. Ten digits are North American.

    A single leading space is read as the plus that an unencoded `+` in a query string has lost.
    """
    return parse_north_american(text) or parse_with_library(text)


def parse_network_phone(text: str) -> PhoneNumber | None:
    """The same for what a phone network says of a call: many leave the plus of any number out."""
    number = parse_phone(text)
    if number is None and _WITHOUT_PLUS.fullmatch(text):
        return _international(text, must_exist=True)
    return number


def parse_with_library(text: str) -> PhoneNumber | None:
    """The same for every spelling, without the fast path."""
    if len(text) > _LONGEST:
        return None
    found = _SPELLING.fullmatch(text.strip(" "))
    if found is None:
        return None
    plus, rest = found.groups()
    if plus:
        return _international(rest)
    if not text.startswith(" "):
        return _national(rest)
    # Was the space a plus? Then the number must be one that exists; otherwise the space may be a space.
    return _international(rest, must_exist=True) or _national(rest) or _international(rest)


def is_region(code: str) -> bool:
    """Is this the code of a country that has numbers, such as US?"""
    import phonenumbers  # noqa: PLC0415 -- as above: only a file that names countries pays for it

    return code in phonenumbers.SUPPORTED_REGIONS


def costs_extra(number: PhoneNumber) -> bool:
    """Is this a number at which the caller pays more than for the call: premium rate or shared cost?"""
    import phonenumbers  # noqa: PLC0415 -- as above

    dear = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)
    return phonenumbers.number_type(phonenumbers.parse(number)) in dear


def _international(rest: str, *, must_exist: bool = False) -> PhoneNumber | None:
    digits = _NOT_A_DIGIT.sub("", rest)
    return None if digits in _WITHHELD else _read(f"+{digits}", digits, must_exist=must_exist)


def _national(rest: str) -> PhoneNumber | None:
    digits = _NOT_A_DIGIT.sub("", rest)
    return _read(digits, digits if digits.startswith("1") else f"1{digits}")


def _read(text: str, digits: str, *, must_exist: bool = False) -> PhoneNumber | None:
    """The number, where it is exactly `digits`: what the library drops or adds was no part of a plain number."""
    import phonenumbers  # noqa: PLC0415 -- 30 ms that a process pays only where it meets such a number

    try:
        parsed = phonenumbers.parse(text, _DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not (phonenumbers.is_valid_number(parsed) if must_exist else phonenumbers.is_possible_number(parsed)):
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(number) if number == f"+{digits}" and is_e164(number) else None
