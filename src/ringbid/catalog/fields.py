"""One mapping of the file, read field by field: each getter checks, notes a problem, and returns something to go on.

Made on the tree of `yaml_reading`; used by all `*_reading` modules. `null` is the same as leaving a field out. What a
getter returns beside a problem is only a stand-in: a catalog with problems is never used.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import TypeVar

from ringbid.catalog.problems import Problems, describe, did_you_mean, some_of
from ringbid.catalog.yaml_reading import YamlMapping

_Word = TypeVar("_Word", bound=str)

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
ID_ALLOWED = "1 to 64 letters, digits and _ . : - that begin with a letter or digit"
TAG = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
TAG_ALLOWED = "the key of a tag: 1 to 64 letters, digits and _ . : -"


class Fields:
    """The fields of one mapping at `path`. Ask for each field once; `report_unknown` on the root tells the rest."""

    def __init__(self, tree: YamlMapping, path: str, problems: Problems, opened: list[Fields] | None = None) -> None:
        self.path = path
        self._tree = tree
        self._problems = problems
        self._asked: dict[str, None] = {}  # in the order asked, which is the order they are shown in
        self._opened = [] if opened is None else opened
        self._opened.append(self)

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def value(self, name: str) -> object:
        """The field as it stands; None where it is left out."""
        self._asked[name] = None
        return self._tree.get(name)

    def line(self, name: str) -> int:
        """Where the field stands, or its mapping where it is left out."""
        return self._tree.lines.get(name, self._tree.line)

    def refuse(self, name: str, *, found: object, allowed: str, inside: str = "") -> None:
        """Note a problem with a value of this field; `inside` is what its path goes on with."""
        self.refuse_as(name, found=describe(found), allowed=allowed, inside=inside)

    def refuse_as(self, name: str, *, found: str, allowed: str, inside: str = "") -> None:
        """The same where the value itself says too little, or must not be shown."""
        self._problems.add(self.at(name) + inside, found=found, allowed=allowed, line=self.line(name))

    def refuse_given(self, name: str, *, allowed: str) -> None:
        """Note a problem where this field is not left out: `allowed` says where it belongs."""
        value = self.value(name)
        if value is not None:
            self.refuse(name, found=value, allowed=f"nothing: {allowed}")

    def text(self, name: str, default: str | None = None, *, longest: int = 200) -> str:
        """A text of 1 to `longest` characters on one line; required where there is no default."""
        value = self.optional_text(name, longest=longest)
        if value is None and default is None and self._tree.get(name) is None:
            self.refuse(name, found=None, allowed=f"a text of 1 to {longest} characters")
        return value if value is not None else default or ""

    def optional_text(self, name: str, *, longest: int = 200) -> str | None:
        value = self.value(name)
        if value is None:
            return None
        text = as_text(value)
        if text is None or not 1 <= len(text) <= longest or has_control_characters(text):
            self.refuse(name, found=value, allowed=f"a text of 1 to {longest} characters on one line")
            return None
        return text

    def matching(self, name: str, pattern: re.Pattern[str], allowed: str, default: str | None = None) -> str:
        """A text that `pattern` matches whole; required where there is no default."""
        value = self.value(name)
        if value is None and default is not None:
            return default
        text = as_text(value)
        if text is None or not pattern.fullmatch(text):
            self.refuse(name, found=value, allowed=allowed)
            return default or ""
        return text

    def boolean(self, name: str, default: bool) -> bool:
        value = self.value(name)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.refuse(name, found=value, allowed="true or false")
        return default

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.optional_integer(name, low=low, high=high)
        return default if value is None else value

    def optional_integer(self, name: str, *, low: int, high: int) -> int | None:
        value = self.value(name)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            self.refuse(name, found=value, allowed=f"a whole number from {low} to {high}")
            return None
        return value

    def decimal(self, name: str, default: Decimal, *, low: Decimal, high: Decimal, decimals: int) -> Decimal:
        value = self.value(name)
        if value is None:
            return default
        number = as_decimal(value)
        if number is None or not low <= number <= high or not has_at_most(decimals, number):
            self.refuse(name, found=value, allowed=f"a number from {low} to {high} with at most {decimals} decimals")
            return default
        return shortest(number)

    def choice(self, name: str, words: Sequence[_Word], default: _Word) -> _Word:
        """One of `words`."""
        return self._choose(name, words) or default

    def required_choice(self, name: str, words: Sequence[_Word]) -> _Word:
        if self._tree.get(name) is None:
            self.refuse(name, found=None, allowed=f"one of: {', '.join(words)}")
        return self._choose(name, words) or words[0]

    def _choose(self, name: str, words: Sequence[_Word]) -> _Word | None:
        value = self.value(name)
        for word in words:
            if word == value:
                return word
        if value is not None:
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            self.refuse(name, found=value, allowed=f"one of: {', '.join(words)}{near}")
        return None

    def reference(self, name: str, known: Collection[str], what: str) -> str | None:
        """The id of something else in the file, or None where the field is left out."""
        value = self.value(name)
        return None if value is None else self._refer(name, value, known, what)

    def references(self, name: str, known: Collection[str], what: str) -> tuple[str, ...]:
        """A list of ids of other things in the file, each once."""
        found: dict[str, None] = {}
        for index, value in enumerate(self.values(name)):
            referred = self._refer(name, value, known, what, inside=f"[{index}]")
            if referred in found:
                self.refuse_as(
                    name, found=f'"{referred}" a second time', allowed=f"each {what} once", inside=f"[{index}]"
                )
            elif referred is not None:
                found[referred] = None
        return tuple(found)

    def _refer(self, name: str, value: object, known: Collection[str], what: str, inside: str = "") -> str | None:
        text = as_text(value)
        if text is not None and text in known:
            return text
        near = did_you_mean(text or "", known)
        self.refuse(name, found=value, allowed=f"one of the {what}s: {some_of(known)}{near}", inside=inside)
        return None

    def values(self, name: str) -> list[object]:
        """A list as it stands; empty where it is left out."""
        value = self.value(name)
        if isinstance(value, list):
            return value
        if value is not None:
            self.refuse(name, found=value, allowed="a list")
        return []

    def names(self, name: str) -> dict[str, object]:
        """A mapping whose names are free, as it stands; empty where it is left out."""
        value = self.value(name)
        if isinstance(value, YamlMapping):
            return value
        if value is not None:
            self.refuse(name, found=value, allowed="a mapping of names and values")
        return {}

    def mapping(self, name: str) -> Fields | None:
        """The fields of a mapping, or None where it is left out."""
        value = self.value(name)
        if isinstance(value, YamlMapping):
            return Fields(value, self.at(name), self._problems, self._opened)
        if value is not None:
            self.refuse(name, found=value, allowed="a mapping of names and values")
        return None

    def mappings(self, name: str, identity: str | None = None, *, unnamed: str | None = None) -> list[Fields]:
        """The mappings of a list. `identity` is the field that names each of them in paths and must be unique;
        `unnamed` is what one without it is called."""
        found: list[Fields] = []
        lines: dict[str, int] = {}
        for index, value in enumerate(self.values(name)):
            if not isinstance(value, YamlMapping):
                self.refuse(name, found=value, allowed="a mapping of names and values", inside=f"[{index}]")
                continue
            called = (as_text(value.get(identity)) or unnamed) if identity else None
            path = f"{self.at(name)}[{index if called is None else called[:64]}]"
            fields = Fields(value, path, self._problems, self._opened)
            found.append(fields)
            if called is None or identity is None:
                continue
            if called in lines:
                twice = f'"{called[:64]}" a second time; first in line {lines[called]}'
                fields.refuse_as(identity, found=twice, allowed=f"each {identity} once in {name}")
            else:
                lines[called] = value.line
        return found

    def report_unknown(self) -> None:
        """Note every field that nobody asked for, here and in all mappings that were opened from here."""
        for fields in self._opened:
            fields.report_own_unknown()

    def report_own_unknown(self) -> None:
        """The same for this mapping alone."""
        for name in self._tree:
            if name not in self._asked:
                known = ", ".join(self._asked)
                near = did_you_mean(name, self._asked)
                self.refuse_as(name, found="an unknown field", allowed=f"the fields {known}{near}")


def as_text(value: object) -> str | None:
    """A text, or a number as it stands in the file (`id: 4321` is the id "4321"); None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if type(value) is int else None


def as_decimal(value: object) -> Decimal | None:
    """A number of the file; None for anything else."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if type(value) is int else None


def shortest(number: Decimal) -> Decimal:
    """The same number without zeros at its end: 80.0 is 80. At most 28 digits."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def whole_or_decimal(number: Decimal) -> int | Decimal:
    """The same number as the file would have it: 18.0 is the whole number 18."""
    return int(number) if number == number.to_integral_value() else shortest(number)


def has_at_most(decimals: int, number: Decimal) -> bool:
    """Whether `number` says no more than `decimals` places after the point; 1.500 has one."""
    return number == number.quantize(Decimal(1).scaleb(-decimals))


def has_control_characters(text: str) -> bool:
    """Whether there is anything in it that ends a line or moves a cursor."""
    return not text.isprintable() and any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text)
