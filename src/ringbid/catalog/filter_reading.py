"""Filters: `{tag, operator, value}`, each value of the type that its tag is declared with.

Used by `buyer_reading` and `conversion_reading`; `routing.filters` compiles what is made here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import get_args

from ringbid.catalog import checks
from ringbid.catalog.fields import TAG, TAG_ALLOWED, Fields, as_decimal, as_text, whole_or_decimal
from ringbid.catalog.model import Filter, FilterScalar, Operator, TagDeclaration, TagType
from ringbid.catalog.problems import describe

_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_ORDERED: tuple[Operator, ...] = ("==", "!=", ">", ">=", "<", "<=", "in", "not in", "exists", "missing")
_OPERATORS_OF: Mapping[TagType, tuple[Operator, ...]] = {
    "text": _OPERATORS,
    "number": _ORDERED,
    "date": _ORDERED,
    "boolean": ("==", "!=", "exists", "missing"),
}
_WITHOUT_VALUE = ("exists", "missing")
_LIST_ONLY = ("in", "not in")
_ONE_ONLY = ("!=", ">", ">=", "<", "<=")  # "not equal to any of them" would be read in two ways: `not in` says which
_COMPARING = (">", ">=", "<", "<=")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_TEXT = 1024  # as long as a tag's value can be


def read_filters(fields: Fields, name: str, tags: Mapping[str, TagDeclaration]) -> tuple[Filter, ...]:
    """The list of filters in the field `name`."""
    return tuple(_read_filter(one, tags) for one in fields.mappings(name))


def _read_filter(fields: Fields, tags: Mapping[str, TagDeclaration]) -> Filter:
    tag = fields.matching("tag", TAG, TAG_ALLOWED)
    operator = fields.required_choice("operator", _OPERATORS)
    value = fields.value("value")
    if fields.value("operator") != operator:
        return Filter(tag=tag, operator=operator)  # noted; what the value should be depends on it
    declared = tags.get(tag)
    kind: TagType = "text" if declared is None else declared.type
    if operator not in _OPERATORS_OF[kind]:
        allowed = f"for {tag}, a {kind} tag, one of: {', '.join(_OPERATORS_OF[kind])}"
        fields.refuse("operator", found=operator, allowed=allowed)
    if operator in _WITHOUT_VALUE:
        if value is not None:
            fields.refuse("value", found=value, allowed=f"no value: {operator} needs none")
        return Filter(tag=tag, operator=operator)
    if isinstance(value, list):
        if operator in _ONE_ONLY or not value:
            instead = " (for several, use: not in)" if operator == "!=" else ""
            allowed = f"one value{instead}" if operator in _ONE_ONLY else "at least one value"
            found = describe(value) if value else "an empty list"
            fields.refuse_as("value", found=found, allowed=allowed)
        each = tuple(_read_scalar(fields, one, operator, kind, inside=f"[{index}]") for index, one in enumerate(value))
        return Filter(tag=tag, operator=operator, value=each)
    if operator in _LIST_ONLY:
        fields.refuse("value", found=value, allowed="a list such as [CA, NV]")
        return Filter(tag=tag, operator=operator)
    return Filter(tag=tag, operator=operator, value=_read_scalar(fields, value, operator, kind))


def _read_scalar(fields: Fields, value: object, operator: Operator, kind: TagType, inside: str = "") -> FilterScalar:
    """One value, of the tag's type."""
    read = _of_type(value, kind)
    if read is None:
        fields.refuse("value", found=value, allowed=_ALLOWED[kind], inside=inside)
        return ""
    if operator == "=~":
        wrong = checks.pattern(str(read))
        if wrong is not None:
            fields.refuse("value", found=value, allowed=wrong, inside=inside)
    if kind == "text" and operator in _COMPARING and not isinstance(value, str):
        # As texts, 9 would be more than 18.
        allowed = "a text for a text tag; to compare numbers, declare the tag with type number"
        fields.refuse("value", found=value, allowed=allowed, inside=inside)
    return read


_ALLOWED: Mapping[TagType, str] = {
    "text": f"a text of 1 to {_LONGEST_TEXT} characters",
    "number": "a number such as 18 or 1.5, without quotes (the tag's type is number)",
    "boolean": "true or false (the tag's type is boolean)",
    "date": "a date such as 2025-12-31 (the tag's type is date)",
}


def _of_type(value: object, kind: TagType) -> FilterScalar | None:
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "number":
        number = as_decimal(value)
        return None if number is None else whole_or_decimal(number)
    text = "true" if value is True else "false" if value is False else as_text(value)
    if text is None or not 1 <= len(text) <= _LONGEST_TEXT:
        return None
    return _as_date(text) if kind == "date" else text


def _as_date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
