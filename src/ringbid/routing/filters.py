"""Filters on tags, compiled once: does this caller match, and if not, exactly why.

Compiled by `routing.plan` from the catalog; checked by eligibility, by the auction (for tags that an answer fills) and
by conversion rules. Values are compared as the type their tag declares; in text the letter case never matters, because
partners disagree on it. All filters of a buyer must hold; a list of values means any of them, and for `not in` none.
A tag with several values (`geo`) matches where any of them does; for `!=` and `not in`, none of them may be forbidden.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ringbid.catalog.checks import compile_pattern
from ringbid.catalog.model import Filter, FilterScalar, TagDeclaration, TagType
from ringbid.routing.tags import SENT_PLACE, Tags, TagValue
from ringbid.values.money import parse_decimal
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_Comparable = str | Decimal | bool | date
_Test = Callable[[Any], bool]

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_NEGATIVE = frozenset({"!=", "not in"})
_PRESENCE = frozenset({"exists", "missing"})
_WHOLE = frozenset({"==", "!=", "in", "not in"})
_ORDERED = frozenset({">", ">=", "<", "<="})
_TEXT_ONLY = frozenset({"contains", "starts with", "=~"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFilter:
    """One filter, ready to check. `expected` is how it reads: `caller_state in [CA, NV, NY]`."""

    tag: str
    expected: str
    setting: str
    type: TagType
    read: Callable[[str], _Comparable | None]  # one value of the tag, in its type; None: it is none of that type
    test: _Test | None  # does a value match? None: any value, or none, is asked for
    negative: bool  # every value must pass the test, not only one
    if_missing: Refused | None

    def check(self, tags: Tags) -> Refused | None:
        """None where the caller matches; else why not, with the value that was found."""
        value = tags.values.get(self.tag)
        if value is None:
            return self.if_missing
        test = self.test
        if test is None:
            return None if self.if_missing is not None else self._not_matched(value)
        if isinstance(value, str):
            typed = self.read(value)
            if typed is None:
                return self._unreadable(value)
            return None if test(typed) else self._not_matched(value)
        for one in value:
            typed = self.read(one)
            if typed is None:
                return self._unreadable(value)
            if test(typed) is not self.negative:  # any value may match; of a negative filter, none may fail
                return self._not_matched(value) if self.negative else None
        return None if self.negative else self._not_matched(value)

    def _not_matched(self, value: TagValue) -> Refused:
        return Refused(Reason.FILTER_NOT_MATCHED, self._shown(value), self.expected, self.setting)

    def _unreadable(self, value: TagValue) -> Refused:
        return Refused(Reason.FILTER_VALUE_UNREADABLE, self._shown(value), f"{self.tag} as a {self.type}", self.setting)

    def _shown(self, value: TagValue) -> str:
        text = value if isinstance(value, str) else ", ".join(value)
        return f"{self.tag} = {text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + '…'}"


def compile_filter(filter_: Filter, declared: TagDeclaration | None, *, setting: str) -> CompiledFilter:
    """A filter of a validated catalog, ready to check. `setting` is where it stands in the catalog."""
    values = filter_.value if isinstance(filter_.value, tuple) else () if filter_.value is None else (filter_.value,)
    kind = _type_of(filter_, declared, values)
    shown = ", ".join(_show(value) for value in values)
    listed = f" [{shown}]" if isinstance(filter_.value, tuple) else f" {shown}" if values else ""
    expected = f"{filter_.tag} {filter_.operator}{listed}"
    missing = Refused(Reason.FILTER_TAG_MISSING, f"no {filter_.tag}", expected, setting)
    return CompiledFilter(
        tag=filter_.tag,
        expected=expected,
        setting=setting,
        type=kind,
        read=str if filter_.operator == "=~" else _READ[kind],
        test=None
        if filter_.operator in _PRESENCE
        else _make_test(filter_.operator, _with_codes(filter_, values), kind),
        negative=filter_.operator in _NEGATIVE,
        if_missing=None if filter_.operator == "missing" else missing,
    )


def _with_codes(filter_: Filter, values: tuple[FilterScalar, ...]) -> tuple[FilterScalar, ...]:
    """A place's names and their codes beside them: of a ping the code is known, of a buyer's answer what it wrote."""
    read = SENT_PLACE.get(filter_.tag) if filter_.operator in _WHOLE else None
    return values if read is None else (*values, *(read(one) for one in values if isinstance(one, str)))


def _type_of(filter_: Filter, declared: TagDeclaration | None, values: tuple[FilterScalar, ...]) -> TagType:
    """The declared type. An undeclared tag is text, but compared by size with a number it is one: as texts, 9 > 18."""
    if filter_.operator in _TEXT_ONLY:
        return "text"
    if declared is not None:
        return declared.type
    numeric = filter_.operator in _ORDERED and all(parse_decimal(_show(value)) is not None for value in values)
    return "number" if numeric else "text"


def _make_test(operator_: str, values: tuple[FilterScalar, ...], kind: TagType) -> _Test:
    """Does one value of the tag match any of the filter's? For negative operators: does it differ from all of them?"""
    if operator_ == "=~":
        patterns = tuple(compile_pattern(str(value)) for value in values)
        return lambda found: any(matches(found) for matches in patterns)
    wanted = tuple(_constant(value, kind) for value in values)
    if operator_ in ("==", "in"):
        return frozenset(wanted).__contains__
    if operator_ in _NEGATIVE:
        forbidden = frozenset(wanted)
        return lambda found: found not in forbidden
    compare = _COMPARE[operator_]
    if len(wanted) == 1:
        only = wanted[0]
        return lambda found: compare(found, only)
    return lambda found: any(compare(found, value) for value in wanted)


def _constant(value: FilterScalar, kind: TagType) -> _Comparable:
    """A value of the catalog in the filter's type; `catalog.validate` has seen to it that it can be read so."""
    typed = _READ[kind](_show(value))
    assert typed is not None, f"validated: {value!r} is a {kind}"
    return typed


def _read_boolean(text: str) -> bool | None:
    lowered = text.strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _read_date(text: str) -> date | None:
    stripped = text.strip()
    if _DATE.fullmatch(stripped) is None:
        return None
    try:
        return date.fromisoformat(stripped)
    except ValueError:
        return None


def _show(value: FilterScalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


_READ: Mapping[TagType, Callable[[str], _Comparable | None]] = {
    "text": str.casefold,
    "number": parse_decimal,
    "boolean": _read_boolean,
    "date": _read_date,
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "contains": operator.contains,
    "starts with": str.startswith,
}
