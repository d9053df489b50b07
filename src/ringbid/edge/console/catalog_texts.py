"""Lists and mappings of the catalog as lines that people write in a form, and back.

    caller_state in CA, NV, NY        a filter a line
    Mon-Fri 09:00-17:00               opening hours, an interval a line
    X-Api-Key: demo                   names and values

What cannot be read stays what it is: a text, with which the catalog's own check says what is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

from ringbid.catalog.model import Operator, TagType, Weekday
from ringbid.catalog.problems import Problem

_DAYS: tuple[Weekday, ...] = get_args(Weekday)
_OPERATORS = sorted(get_args(Operator), key=len, reverse=True)
_FILTER = re.compile(rf"\s*(\S+)\s+({'|'.join(map(re.escape, _OPERATORS))})(?:\s+(.*))?\s*", re.DOTALL)
_INTERVAL = re.compile(r"\s*(.+?)\s+(\d{1,2}:\d\d)\s*[-–]\s*(\d{1,2}:\d\d)\s*")
_PATH_OF_INTERVAL = re.compile(r"(?:.*\.)?hours\[\d+\]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,14})?")
_LISTED = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)', re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ALL_QUOTED = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s*,\s*)+(?:"(?:[^"\\]|\\.)*")?', re.DOTALL)
_LISTS = ("in", "not in")
_COMPARING = (">", ">=", "<", "<=")


def say_problem(problem: Problem) -> str:
    """What is wrong with a field. Who writes lines is told of lines, not of the mappings that they stand for."""
    is_line = _PATH_OF_INTERVAL.fullmatch(problem.path) is not None
    allowed = "days and times such as Mon-Fri 09:00-17:00, an interval a line" if is_line else problem.allowed
    return f"Found {problem.found}; allowed: {allowed}."


def number_of(text: str) -> object:
    """A number of the catalog, or the text where it is none."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return text
    return Decimal(text) if "." in text else int(text)


def write_filters(filters: object) -> str:
    """A line for each filter."""
    return "\n".join(_write_filter(one) for one in filters) if isinstance(filters, list) else ""


def read_filters(text: str, types: Mapping[str, TagType]) -> object:
    """The filters of the lines; `types` says of which type each declared tag is."""
    return [_read_filter(line, types) for line in _lines(text)]


def write_hours(hours: object) -> str:
    """A line for each interval: `Mon-Fri 09:00-17:00`."""
    if not isinstance(hours, list):
        return ""
    return "\n".join(f"{_write_days(one['days'])} {one['open']}-{one['close']}" for one in hours)


def read_hours(text: str) -> object:
    """The intervals of the lines; None, for always open, where there is none."""
    return [_read_interval(line) for line in _lines(text)] or None


def write_names(names: object) -> str:
    """`name: value`, a line each."""
    if not isinstance(names, dict):
        return ""
    return "\n".join(
        f"{name}: {value if _is_plain(str(value)) else json.dumps(str(value))}" for name, value in names.items()
    )


def read_names(text: str) -> object:
    """The names and values of the lines."""
    found: dict[str, object] = {}
    for line in _lines(text):
        name, separator, value = line.partition(": " if ": " in line else ":")  # a tag's name may have colons
        if not separator:
            return text  # refused as no mapping
        found[name.strip()] = _read_value(value.strip())
    return found


def write_words(words: object) -> str:
    """Ids in one line, with commas."""
    if isinstance(words, list):
        return ", ".join(str(word) for word in words)
    return "" if words is None else str(words)


def read_words(text: str) -> list[object]:
    """The words between commas and line ends."""
    return [word for part in text.replace("\n", ",").split(",") if (word := part.strip())]


def _write_filter(one: Mapping[str, Any]) -> str:
    value, operator = one.get("value"), one["operator"]
    if value is None:
        return f"{one['tag']} {operator}"
    if not isinstance(value, list):
        return f"{one['tag']} {operator} {_write_scalar(value, operator)}"
    listed = ", ".join(_write_scalar(each, operator, in_list=True) for each in value)
    # One value in a list, where the operator takes a single one as well, says so by its comma.
    ends = "," if operator not in _LISTS and len(value) == 1 else ""
    return f"{one['tag']} {operator} {listed}{ends}"


def _read_filter(line: str, types: Mapping[str, TagType]) -> object:
    found = _FILTER.fullmatch(line)
    if found is None:
        words = line.split(None, 1)
        return {"tag": words[0], "operator": words[1] if len(words) > 1 else None}
    tag, operator, text = found[1], found[2], (found[3] or "").strip()
    kind = types.get(tag, "text")
    if not text:
        return {"tag": tag, "operator": operator}
    if _is_list(operator, text):
        values = [_read_scalar(part.strip(), operator, kind) for part in _LISTED.findall(text) if part.strip()]
        return {"tag": tag, "operator": operator, "value": values}
    return {"tag": tag, "operator": operator, "value": _read_scalar(text, operator, kind)}


def _is_list(operator: str, text: str) -> bool:
    """In a pattern a comma is a comma, unless all patterns stand in quotes."""
    if operator == "=~":
        return bool(_ALL_QUOTED.fullmatch(text))
    return operator in _LISTS or "," in _QUOTED.sub("", text)


def _write_scalar(value: object, operator: str, *, in_list: bool = False) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return str(value)
    in_quotes = (
        not _is_plain(value)
        or (in_list and (operator == "=~" or '"' in value))
        or ("," in value and operator != "=~")
        or (operator in _COMPARING and bool(_NUMBER.fullmatch(value)))
    )
    return json.dumps(value) if in_quotes else value


def _read_scalar(text: str, operator: str, kind: TagType) -> object:
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "number" or (kind == "text" and operator in _COMPARING):
        number = number_of(text)  # of a text tag it is refused: as texts, 9 would be more than 18
        return number if not isinstance(number, str) else _read_value(text)
    return _read_value(text)


def _is_plain(value: str) -> bool:
    """Can it stand on a line without quotes?"""
    return bool(value) and value.isprintable() and value == value.strip() and not value.startswith('"')


def _read_value(text: str) -> str:
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


def _write_days(days: list[str]) -> str:
    indexes = [_DAYS.index(day) for day in _DAYS if day in days]
    if len(indexes) > 2 and indexes == list(range(indexes[0], indexes[-1] + 1)):
        return f"{_DAYS[indexes[0]].title()}-{_DAYS[indexes[-1]].title()}"
    return ", ".join(_DAYS[index].title() for index in indexes)


def _read_interval(line: str) -> object:
    found = _INTERVAL.fullmatch(line)
    if found is None:
        return line
    return {"days": _read_days(found[1]), "open": found[2], "close": found[3]}


def _read_days(text: str) -> list[str]:
    days: list[str] = []
    for part in re.split(r"[,\s]+", text.lower().replace("–", "-").strip()):
        first, _, last = part.partition("-")
        first, last = first[:3], last[:3] or first[:3]
        if first in _DAYS and last in _DAYS and _DAYS.index(first) <= _DAYS.index(last):
            days += _DAYS[_DAYS.index(first) : _DAYS.index(last) + 1]
        elif part:
            days.append(part)
    return list(dict.fromkeys(days))


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
