"""What is wrong with a catalog file: every error with its path, what was found and what is allowed.

Collected by `yaml_reading`, `fields` and the `*_reading` modules; shown by `ringbid apply`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter

_LONGEST_SHOWN = 60
_NEAR = 0.6  # of a word that is the same, 1: from here on it may be a slip of the pen


@dataclass(frozen=True, slots=True)
class Problem:
    """One error. `path` is such as `buyers[bravo].filters[0].operator`; empty for the file as a whole."""

    path: str
    found: str
    allowed: str
    line: int | None = field(default=None, compare=False)  # where it stands in the file, from 1

    def __str__(self) -> str:
        where = self.path or "the file"
        line = "" if self.line is None else f" (line {self.line})"
        return f"{where}{line}: found {self.found}; allowed: {self.allowed}"


class Problems:
    """Collects problems while reading goes on, so that all of them are told at once."""

    def __init__(self) -> None:
        self._all: list[Problem] = []

    def add(self, path: str, *, found: str, allowed: str, line: int | None = None) -> None:
        self._all.append(Problem(path, found, allowed, line))

    def in_order(self) -> tuple[Problem, ...]:
        """All problems in the order of the file's lines."""
        return tuple(sorted(self._all, key=lambda problem: problem.line or 0))


def describe(value: object) -> str:
    """A value of the file as a person would name it; long texts are cut."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"the number {value:f}" if isinstance(value, Decimal) else f"the number {value}"
    if isinstance(value, str):
        shown = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
        return '"' + "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown) + '"'
    return "a mapping" if isinstance(value, dict) else "a list"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean x?` where a known word is near, else nothing: to end an `allowed` with. Of several as near, the
    first: `=` is most likely meant as `==`."""
    listed = sorted(known, reverse=True) if isinstance(known, AbstractSet) else list(known)
    near = [(difflib.SequenceMatcher(None, one, word).ratio(), one) for one in listed]
    nearness, nearest = max(near, key=itemgetter(0), default=(0.0, ""))
    return f". Did you mean {nearest}?" if nearness >= _NEAR else ""


def some_of(names: Iterable[str], most: int = 12) -> str:
    """A list for a sentence: the names in their order, cut where there are very many."""
    listed = list(names)
    if not listed:
        return "none is declared"
    return ", ".join(listed[:most]) + (f" … ({len(listed)} in all)" if len(listed) > most else "")
