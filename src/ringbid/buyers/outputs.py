"""What is taken out of a buyer's answer: JMESPath expressions, compiled once, and the text a tag gets from a value.

Used by `buyers.webhook` on what `buyers.answer_json` has read. A price leaves here as plain decimal text, with every
digit the buyer wrote, or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from ringbid.buyers.answer_json import ExactNumber, Json, plain_number
from ringbid.values.money import MAX_MICROS, MICROS_PER_UNIT
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Kind = Literal["text", "money", "seconds"]

MAX_MONEY = MAX_MICROS // MICROS_PER_UNIT
assert MAX_MONEY == 1_000_000, "_MONEY below says so too"
MAX_SECONDS = 86400
MAX_TEXT_LENGTH = 1024  # as for any tag that a ping brings

_EXPECTED: dict[Kind, str] = {
    "text": f"at most {MAX_TEXT_LENGTH:,} characters without control characters",
    "money": f"a decimal number from 0 to {MAX_MONEY:,}",
    "seconds": f"a whole number from 0 to {MAX_SECONDS:,}",
}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# 20 decimals at most: 0.1 + 0.2 has 17 in most languages.
_MONEY = re.compile(r"0{0,9}(?:1000000(?:\.0{1,20})?|[0-9]{1,6}(?:\.[0-9]{1,20})?)")
_SECONDS = re.compile(r"0{0,9}([0-9]{1,5})(?:\.0{1,20})?")
_OPTIONS = jmespath.Options(custom_functions=Functions())
# What JMESPath's functions let out for operands they do not check, besides their own errors.
_EVALUATION_ERRORS = (JMESPathError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Expression:
    """A compiled JMESPath expression."""

    __slots__ = ("_compiled", "_find", "text")

    def __init__(self, text: str) -> None:
        """Raises jmespath's ParseError (a ValueError) where `text` is no expression: `apply` refuses those."""
        self.text = text
        self._compiled = jmespath.compile(text)
        self._find = _finder(self._compiled.parsed)

    def value_in(self, document: Json) -> Json | Refused:
        """What the expression finds; None where nothing. Refused: BID_UNREADABLE, where it fails on this document."""
        if self._find is not None:
            return self._find(document)
        try:
            found: Json = self._compiled.search(document, options=_OPTIONS)
        except _EVALUATION_ERRORS as error:
            return Refused(
                Reason.BID_UNREADABLE,
                actual=f"{self.text}: {shown(str(error))}",
                expected="an answer that the expression can be applied to",
            )
        return found


def _finder(node: Mapping[str, Any]) -> Callable[[Json], Json] | None:
    """What finds the same as the interpreter in a tenth of its time, for the two commonest kinds of expression: a path
    such as `bid.amount`, and a path `==` true, false or a text. None for others."""
    path = _path_of(node)
    if path is not None:
        return _walker(path)
    if node["type"] != "comparator" or node["value"] != "eq" or node["children"][1]["type"] != "literal":
        return None
    path, wanted = _path_of(node["children"][0]), node["children"][1]["value"]
    if path is None or not isinstance(wanted, bool | str):
        return None
    walk = _walker(path)
    return lambda document: type(found := walk(document)) is type(wanted) and found == wanted


def _path_of(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    parts = [_path_of(child) for child in node["children"]]
    return None if None in parts else tuple(name for part in parts if part for name in part)


def _walker(path: tuple[str, ...]) -> Callable[[Json], Json]:
    def walk(document: Json) -> Json:
        for name in path:
            if not isinstance(document, dict):
                return None
            document = document.get(name)
        return document

    return walk


@dataclass(frozen=True, slots=True)
class Output:
    """A tag, what fills it, and what it must be to be believed."""

    tag: str
    expression: Expression
    kind: Kind
    setting: str

    def read(self, document: Json) -> str | Refused | None:
        """The tag's text; None where the answer says nothing. Refused: BID_UNREADABLE."""
        value = self.expression.value_in(document)
        if value is None or isinstance(value, Refused):
            return value
        text = None if self.kind != "text" and isinstance(value, list) else _text_of(value)
        if text is not None:
            text = _CHECKS[self.kind](text)
        if text is None:
            actual = f"{self.tag} is {shown(value)}"
            return Refused(Reason.BID_UNREADABLE, actual=actual, expected=_EXPECTED[self.kind], setting=self.setting)
        return text


def is_true(value: Json) -> bool:
    """JMESPath's truth: null, false, and empty texts, lists and objects are not; everything else is, 0 too."""
    return value is not None and value is not False and value not in ("", [], {})


def shown(value: Json) -> str:
    """`value` for a person: JSON, escaped and cut to 80 characters; a bare text stays without quotes."""
    if isinstance(value, ExactNumber):
        return str(value.exact)
    text = json.dumps(value)
    return (text[1:-1] if isinstance(value, str) else text)[:80]


def _text_of(value: Json) -> str | None:
    """Scalars as text, a list of scalars joined by commas; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ExactNumber):
        return plain_number(value.exact)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):  # made by an expression, such as sum(): its shortest decimal
        number = Decimal(repr(value))
        return plain_number(number) if number.is_finite() else None
    if isinstance(value, list):
        parts = [None if isinstance(item, list) else _text_of(item) for item in value]
        texts = [part for part in parts if part is not None]
        return ",".join(texts) if len(texts) == len(parts) else None
    return None


def _plain_text(text: str) -> str | None:
    if len(text) > MAX_TEXT_LENGTH:
        return None
    return text if text.isprintable() or not _CONTROL.search(text) else None


def _money(text: str) -> str | None:
    return text if _MONEY.fullmatch(text) else None


def _seconds(text: str) -> str | None:
    found = _SECONDS.fullmatch(text)
    return found[1] if found is not None and int(found[1]) <= MAX_SECONDS else None


_CHECKS = {"text": _plain_text, "money": _money, "seconds": _seconds}
