"""A buyer's JSON, read strictly: what two parsers could read as two prices is not read at all.

Used by `buyers.webhook` on the body of an answer. Numbers keep their decimals: each is a float to JMESPath and carries
the decimal that stood on the wire.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, DecimalException
from typing import Self, TypeAlias

from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH = 32
MAX_DIGITS = 40  # of one number; also the most that its exponent may be off zero

_EXPECTED = "one JSON value in UTF-8"
# A string, also one that never ends. Possessive, so that a hostile body costs one pass.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


class ExactNumber(float):
    """A JSON number with a point or an exponent: compares as a float, and `exact` is what was written."""

    __slots__ = ("exact",)
    exact: Decimal

    def __new__(cls, written: str) -> Self:
        number = super().__new__(cls, written)
        number.exact = Decimal(written)
        return number


ExactNumber.__name__ = "float"  # JMESPath's functions tell types by their names, and must take this for a number


class _UnreadableError(Exception):
    """Out of the parser's hooks; never leaves this module. Its text is what was found."""


def read_json(body: bytes) -> Json | Refused:
    """The value in `body` (already within the byte limit). Refused: BID_UNREADABLE with what was found."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return _unreadable(f"not UTF-8: byte 0x{body[error.start]:02x} at {error.start}")
    if text.startswith("\ufeff"):
        return _unreadable("a byte order mark")
    if _too_deep(body):
        return _unreadable(f"nested more than {MAX_DEPTH} deep")
    try:
        value: Json = _decoder.decode(text)
        if "\\u" in text:  # only an escape can bring them in: they are not valid as they stand
            _refuse_bad_characters(value)
    except json.JSONDecodeError as error:
        return _unreadable(f"not JSON: {error.msg} at character {error.pos}")
    except _UnreadableError as error:
        return _unreadable(str(error))
    return value


def plain_number(number: Decimal) -> str:
    """`number` without exponent and without a minus before nothing."""
    return f"{number or abs(number):f}"


def _too_deep(body: bytes) -> bool:
    """Whether `body` nests more than MAX_DEPTH deep, told before parsing: the parser recurses."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(_BRACES_AS_BRACKETS, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")  # one level less, everywhere
    return b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH


def _unreadable(actual: str) -> Refused:
    return Refused(Reason.BID_UNREADABLE, actual=actual, expected=_EXPECTED)


def _whole(written: str) -> int:
    if len(written) > MAX_DIGITS:
        raise _UnreadableError(f"a number of {len(written)} characters")
    return int(written)


def _decimal(written: str) -> ExactNumber:
    if len(written) > MAX_DIGITS:
        raise _UnreadableError(f"a number of {len(written)} characters")
    try:
        number = ExactNumber(written)
    except DecimalException:
        raise _UnreadableError(f"the number {written}") from None
    if abs(number.exact.adjusted()) > MAX_DIGITS:
        raise _UnreadableError(f"the number {written}")
    return number


def _constant(written: str) -> float:
    raise _UnreadableError(f"the number {written}")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _UnreadableError(f"the key {key[:64]!a} twice")
            seen.add(key)
    return found


def _refuse_bad_characters(value: Json) -> None:
    waiting: list[Json] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str):
            if "\0" in one:
                raise _UnreadableError("a NUL character")
            if not one.isascii() and any("\ud800" <= character <= "\udfff" for character in one):
                raise _UnreadableError("half of a surrogate pair")


_decoder = json.JSONDecoder(
    parse_float=_decimal, parse_int=_whole, parse_constant=_constant, object_pairs_hook=_object, strict=True
)
