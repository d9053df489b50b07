"""What applying a catalog would change, field by field. Shown by `ringbid apply`, with and without `--plan`.

Compares two catalogs as their files' fields (`file_fields.catalog_fields`); an empty plan means that they are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ringbid.catalog.file_fields import catalog_fields
from ringbid.catalog.model import Catalog

_IDENTITIES = ("id", "key", "name", "number", "buyer")  # what names a thing in its list; else its position does
_WHOLE = "body"  # free-form: shown whole
_SECRETS = "headers"
_HASH_SHOWN = 12
_EMPTY = ("", "[]", "{}")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is such as `buyers[alpha].caps.concurrency`; `before` is None for what is created, `after`
    for what is removed. RTB keys and headers, which may be secret, stand as the first digits of their hash."""

    kind: Literal["created", "changed", "removed"]
    path: str
    before: str | None
    after: str | None


def plan(before: Catalog | None, after: Catalog) -> tuple[Change, ...]:
    """The changes from `before` (None: there is no catalog yet) to `after`, in the order of the file."""
    old = {} if before is None else _without_secrets(catalog_fields(before))
    return tuple(_compare("", old, _without_secrets(catalog_fields(after))))


def _compare(path: str, old: object, new: object) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_named(path, old, new, inner="{path}.{name}" if path else "{name}")
    elif isinstance(old, list) and isinstance(new, list) and _is_of_things(old + new):
        yield from _compare_named(path, _by_identity(old), _by_identity(new), inner="{path}[{name}]")
    elif old != new:
        yield Change("changed", path, _one_line(old), _one_line(new))


def _compare_named(path: str, old: dict[str, object], new: dict[str, object], *, inner: str) -> Iterator[Change]:
    for name, value in old.items():
        if name not in new:
            yield from _whole("removed", inner.format(path=path, name=name), value)
    for name, value in new.items():
        at = inner.format(path=path, name=name)
        if name not in old:
            yield from _whole("created", at, value)
        elif name != _WHOLE:
            yield from _compare(at, old[name], value)
        elif old[name] != value:
            yield Change("changed", at, _one_line(old[name]), _one_line(value))
    kept, kept_now = [name for name in old if name in new], [name for name in new if name in old]
    if kept != kept_now:
        yield Change("changed", f"{path} (order)", ", ".join(kept), ", ".join(kept_now))


def _whole(kind: Literal["created", "removed"], path: str, value: object) -> Iterator[Change]:
    """A thing that is new or gone: a line for its own fields, and one for each of the things it holds."""
    if isinstance(value, list) and _is_of_things(value):
        for name, thing in _by_identity(value).items():
            yield from _whole(kind, f"{path}[{name}]", thing)
        return
    held = [name for name, one in value.items() if _holds_things(name, one)] if isinstance(value, dict) else []
    own = {name: one for name, one in value.items() if name not in held} if isinstance(value, dict) else value
    line = _one_line(own)
    yield Change(kind, path, line, None) if kind == "removed" else Change(kind, path, None, line)
    for name in held:
        assert isinstance(value, dict), "only mappings hold things"
        yield from _whole(kind, f"{path}.{name}", value[name])


def _is_of_things(values: list[object]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _holds_things(name: str, value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and _is_of_things(value) and name != _WHOLE
    return isinstance(value, dict) and name != _WHOLE and any(_holds_things(*item) for item in value.items())


def _by_identity(things: list[object]) -> dict[str, object]:
    named: dict[str, object] = {}
    for index, thing in enumerate(things):
        assert isinstance(thing, dict), "only lists of mappings get here"
        named[next((str(thing[field]) for field in _IDENTITIES if field in thing), str(index))] = thing
    return named


def _without_secrets(value: object, name: str = "") -> object:
    if isinstance(value, dict) and name == _SECRETS:
        return {header: f"hidden, sha256 {_hash(str(text))}" for header, text in value.items()}
    if isinstance(value, dict):
        return {inner: one if inner == _WHOLE else _without_secrets(one, inner) for inner, one in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return f"{value}"[:_HASH_SHOWN] if name == "key_sha256" else value


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_SHOWN]


def _one_line(value: object) -> str:
    """A value on one line, as the file would have it; of a mapping what is not off or empty."""
    if isinstance(value, dict):
        lines = {name: _nested(one) for name, one in value.items() if one is not None and one is not False}
        return ", ".join(f"{name}: {line}" for name, line in lines.items() if line not in _EMPTY)
    if isinstance(value, list):
        return f"[{', '.join(_nested(one) for one in value)}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _nested(value: object) -> str:
    return f"{{{_one_line(value)}}}" if isinstance(value, dict) else _one_line(value)
