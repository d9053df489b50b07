"""YAML text → a tree of plain values that know their lines; nothing here knows what a catalog is.

Given text by `validate`; the tree is read through `fields`. YAML 1.2's core words and no more: only `true` and `false`
are booleans (`on: passthrough` stays a name), `09:00` and `02134` stay text, numbers are `int` or `Decimal` and never
float, so that what a number shows is exactly what the file says. Built from the parser's events, not by recursion, and
counted while it is built: neither deep nesting nor aliases of aliases can exhaust the process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

import yaml

from ringbid.catalog.problems import Problems, describe

MAX_BYTES = 5_000_000
MAX_VALUES = 250_000
MAX_DEPTH = 32

# libyaml's parser is ten times as fast; PyYAML has it on all common platforms.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# No exponents, signs of plus or leading zeros: 4321E5, +12025550101 and 02134 are ids, phone numbers and zip codes.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,13})\.[0-9]{1,14}")  # as many digits as Decimal computes with
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class YamlMapping(dict[str, object]):
    """A mapping of the file; `lines` says where each of its names stands, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class _StopReading(Exception):  # noqa: N818 -- ends the reading; the problem is already noted
    """The text cannot be read any further."""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being filled. `name` is the name whose value comes next."""

    container: YamlMapping | list[object]
    anchor: str | None
    values_before: int
    name: str | None = None
    repeated: bool = False


@dataclass(slots=True)
class _Builder:
    """Takes the parser's events one by one."""

    problems: Problems
    root: object = None
    documents: int = 0
    values: int = 0
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)  # the value and how many values it holds

    def take(self, event: yaml.Event) -> None:
        assert event.start_mark is not None, "the parser marks every event"
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(line, found="a second document (---)", allowed="one document")
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.frames.pop()
            self._remember(frame.anchor, frame.container, self.values - frame.values_before)
            self._place(frame.container)

    def _take_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._awaits_name():
            self._take_name(event.value, line)
            return
        self._count(1, line)
        value = self._scalar(event, line)
        self._remember(event.anchor, value, 1)
        self._place(value)

    def _take_name(self, name: str, line: int) -> None:
        frame = self.frames[-1]
        assert isinstance(frame.container, YamlMapping), "only mappings await names"
        frame.name, frame.repeated = name, name in frame.container
        if frame.repeated:
            first = frame.container.lines[name]
            self._note(line, found=f"a second time; first in line {first}", allowed="each name once")
        else:
            frame.container.lines[name] = line

    def _take_alias(self, event: yaml.AliasEvent, line: int) -> None:
        anchor = event.anchor or ""
        if anchor not in self.anchors:
            self._stop(line, found=f"*{anchor}", allowed=f"an anchor that stands complete above (&{anchor})")
        value, size = self.anchors[anchor]
        self._refuse_as_name(line)
        self._count(size, line)
        self._place(value)

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        self._refuse_as_name(line)
        if len(self.frames) >= MAX_DEPTH:
            self._stop(line, found=f"more than {MAX_DEPTH} levels", allowed=f"nesting of at most {MAX_DEPTH} levels")
        if not event.implicit and event.tag != "!":
            self._note(line, found=f"the YAML tag {event.tag}", allowed="plain values")
        self._count(1, line)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        container: YamlMapping | list[object] = YamlMapping(line) if is_mapping else []
        self.frames.append(_Frame(container, event.anchor, self.values - 1))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> object:
        text: str = event.value
        if any("\ud800" <= char <= "\udfff" for char in text):
            self._note(line, found="half of a Unicode character", allowed="whole characters")
            return None
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._note(line, found=f"the YAML tag {event.tag}", allowed="plain values")
            return text
        if event.tag is not None or not event.implicit[0]:
            return text
        if _NOT_FINITE.fullmatch(text):
            self._note(line, found=text, allowed="finite decimal numbers (quote it where it is meant as text)")
            return None
        return _resolve(text)

    def _place(self, value: object) -> None:
        if not self.frames:
            self.root = value
            return
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return
        assert frame.name is not None, "a value follows its name"
        if not frame.repeated:
            frame.container[frame.name] = value
        frame.name = None

    def _awaits_name(self) -> bool:
        return bool(self.frames) and isinstance(self.frames[-1].container, dict) and self.frames[-1].name is None

    def _refuse_as_name(self, line: int) -> None:
        if self._awaits_name():
            self._stop(line, found="a list, mapping or alias as a name", allowed="a plain name before the colon")

    def _remember(self, anchor: str | None, value: object, size: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, size)

    def _count(self, values: int, line: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            self._stop(
                line, found=f"more than {MAX_VALUES} values", allowed=f"at most {MAX_VALUES}, aliases written out"
            )

    def _note(self, line: int, *, found: str, allowed: str) -> None:
        self.problems.add(self._path(), found=found, allowed=allowed, line=line)

    def _stop(self, line: int, *, found: str, allowed: str) -> None:
        self._note(line, found=found, allowed=allowed)
        raise _StopReading

    def _path(self) -> str:
        path = ""
        for frame in self.frames:
            if isinstance(frame.container, list):
                path += f"[{len(frame.container)}]"
            elif frame.name is not None:
                path += f".{frame.name}" if path else frame.name
        return path


def read_tree(text: str, problems: Problems) -> YamlMapping:
    """The file's top mapping. Where there is none, it is empty and `problems` says why."""
    builder = _Builder(problems)
    try:
        size = len(text.encode())
        if size > MAX_BYTES:
            problems.add("", found=f"{size} bytes", allowed=f"at most {MAX_BYTES} bytes")
            return YamlMapping(1)
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _StopReading:
        return YamlMapping(1)
    except UnicodeEncodeError:
        problems.add("", found="half of a Unicode character", allowed="UTF-8")
        return YamlMapping(1)
    except yaml.YAMLError as error:
        _note_syntax(error, text, problems)
        return YamlMapping(1)
    if not isinstance(builder.root, YamlMapping):
        problems.add("", found=describe(builder.root), allowed="a mapping that begins with `company:`")
        return YamlMapping(1)
    return builder.root


def _resolve(text: str) -> object:
    """What a plain scalar means."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def _note_syntax(error: yaml.YAMLError, text: str, problems: Problems) -> None:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        line, column = mark.line + 1, mark.column + 1
    else:
        assert isinstance(error, yaml.reader.ReaderError), "what has no mark is a character that YAML refuses"
        what = f"a character that YAML does not allow (#x{error.character:04x})"
        before = text[: text.find(chr(error.character))]  # its own position counts characters or bytes
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    problems.add("", found=f"{what}, line {line}, column {column}", allowed="well-formed YAML", line=line)
