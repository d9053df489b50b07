"""Filters on tags, compiled once: does this caller match, and if not, exactly why.

Compiled by `ping.plan` from the catalog; checked by eligibility, by the auction (for tags that an answer fills) and by
conversion rules. Values are compared as the type their tag declares; text is compared without regard to letter case,
because partners disagree on it. All filters of a buyer must hold; a list of values means any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import contains, ge, gt, le, lt

import re2

from ringbid.catalog.model import Filter, FilterScalar, TagDeclaration, TagType
from ringbid.routing.tags import Tags, TagValue
from ringbid.values.money import parse_decimal
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Comparable = str | int | Decimal | bool | date
Read = Callable[[str], Comparable | None]
Test = Callable[[Comparable], bool]

_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_NEGATIVE = frozenset({"!=", "not in"})
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """One filter, ready to check. `expected` is how it reads: `caller_state in [CA, NV, NY]`."""

    tag: str
    expected: str
    setting: str
    operator: str
    type: TagType
    read: Read
    test: Test

    def check(self, tags: Tags) -> Refused | None:
        """None where the caller matches; else why not, with the value that was found."""
        value = tags.values.get(self.tag)
        if self.operator in ("exists", "missing"):
            if (self.operator == "exists") == (value is not None):
                return None
            return self._refused(Reason.FILTER_NOT_MATCHED, value)
        if value is None:
            return self._refused(Reason.FILTER_TAG_MISSING, None)
        negative = self.operator in _NEGATIVE
        matched = negative
        for text in (value,) if isinstance(value, str) else value:
            typed = self.read(text)
            if typed is None:
                return self._refused(Reason.FILTER_VALUE_UNREADABLE, value)
            if self.test(typed) is not negative:
                matched = not negative  # any value may match; of a negative filter, none may fail
                break
        return None if matched else self._refused(Reason.FILTER_NOT_MATCHED, value)

    def _refused(self, reason: Reason, value: TagValue | None) -> Refused:
        if value is None:
            actual = f"no {self.tag}"
        else:
            shown = value if isinstance(value, str) else ", ".join(value)
            actual = f"{self.tag} = {shown[:_LONGEST_SHOWN]}"
        expected = self.expected if reason is not Reason.FILTER_VALUE_UNREADABLE else f"{self.tag} as a {self.type}"
        return Refused(reason, actual=actual, expected=expected, setting=self.setting)


def compile_filter(filter_: Filter, declared: TagDeclaration | None, *, setting: str) -> CompiledFilter:
    """A filter of the catalog, ready to check. `setting` is where it stands in the catalog."""
    values = filter_.value if isinstance(filter_.value, tuple) else () if filter_.value is None else (filter_.value,)
    kind = _type_of(filter_, declared, values)
    shown = ", ".join(_show(value) for value in values)
    listed = f" [{shown}]" if isinstance(filter_.value, tuple) else f" {shown}" if values else ""
    return CompiledFilter(
        tag=filter_.tag,
        expected=f"{filter_.tag} {filter_.operator}{listed}",
        setting=setting,
        operator=filter_.operator,
        type=kind,
        read=str if filter_.operator == "=~" else _READ[kind],  # a pattern folds letter case by itself
        test=_make_test(filter_.operator, values, kind),
    )


def _type_of(filter_: Filter, declared: TagDeclaration | None, values: tuple[FilterScalar, ...]) -> TagType:
    """The declared type; an undeclared tag is text, but for a number compared by size."""
    if filter_.operator in ("contains", "starts with", "=~"):
        return "text"
    if declared is not None:
        return declared.type
    ordered = filter_.operator in (">", ">=", "<", "<=")
    numeric = bool(values) and all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in values)
    return "number" if ordered and numeric else "text"


def _make_test(operator: str, values: tuple[FilterScalar, ...], kind: TagType) -> Test:
    """Does one value of the tag match any of the filter's? For negative operators: does it differ from all of them?"""
    if operator in ("exists", "missing"):
        return lambda _: True
    if operator == "=~":
        patterns = [re2.compile(f"(?i){value}") for value in values]
        return lambda found: any(pattern.search(found) is not None for pattern in patterns)
    wanted = tuple(_constant(value, kind) for value in values)
    if operator in ("==", "in"):
        accepted = frozenset(wanted)
        return lambda found: found in accepted
    if operator in ("!=", "not in"):
        forbidden = frozenset(wanted)
        return lambda found: found not in forbidden
    compare = _COMPARE[operator]
    if len(wanted) == 1:
        value = wanted[0]
        return lambda found: compare(found, value)
    return lambda found: any(compare(found, value) for value in wanted)


# Of the tag's value and the filter's, in this order; both are of the filter's one type.
_COMPARE: dict[str, Callable[..., bool]] = {
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
    "contains": contains,
    "starts with": str.startswith,
}


def _constant(value: FilterScalar, kind: TagType) -> Comparable:
    """A value of the catalog in the filter's type; `catalog.validate` has seen to it that it can be read so."""
    typed = _READ[kind](_show(value))
    assert typed is not None, f"validated: {value!r} is a {kind}"
    return typed


def _read_number(text: str) -> int | Decimal | None:
    return int(text) if len(text) < 18 and text.isascii() and text.isdecimal() else parse_decimal(text)


def _read_boolean(text: str) -> bool | None:
    lowered = text.strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


# A tag's text in its type; None where it cannot be read so.
_READ: dict[TagType, Read] = {
    "text": str.casefold,
    "number": _read_number,
    "boolean": _read_boolean,
    "date": _read_date,
}


def _show(value: FilterScalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
