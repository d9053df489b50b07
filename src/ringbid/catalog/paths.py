"""Paths into the tree of a catalog, such as `campaigns[auto].rtb_keys[Default].ttl_seconds`: how problems, changes and
verdicts name a place.

Names in brackets are free texts (`conversions[pays 80% [bid]]`), so a path is followed in the tree it leads into, never
taken apart by itself. Used by `editing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbid.catalog.fields import as_text
from ringbid.catalog.key_reading import DEFAULT_NAME

# What names a thing in its list; a list that is not here counts its things from 0.
_IDENTITIES = {
    "tags": "key",
    "publishers": "id",
    "buyers": "id",
    "buyer_groups": "id",
    "campaigns": "id",
    "numbers": "number",
    "rtb_keys": "name",
    "access_keys": "name",
    "conversions": "name",
    "webhooks": "name",
    "event_webhooks": "id",
}
_LONGEST_SHOWN = 64  # of a name in a problem's path


@dataclass(frozen=True, slots=True)
class Step:
    """From a mapping to the value of a name, or from a list to the thing at an index."""

    container: dict[str, object] | list[object]
    at: str | int

    @property
    def value(self) -> object:
        """What is there; None where a mapping does not have the name."""
        if isinstance(self.container, dict):
            assert isinstance(self.at, str), "mappings have names"
            return self.container.get(self.at)
        assert isinstance(self.at, int), "lists have indexes"
        return self.container[self.at]


def follow(tree: dict[str, object], path: str) -> Step | None:
    """Where `path` leads; None where there is no such place. The last name may be one that its mapping does not have
    yet, and so may a mapping on the way (`buyers[alpha].caps.daily`): it is made where it is missing."""
    return _follow(tree, path)


def identity(list_name: str, thing: object, index: int) -> str:
    """How `thing` is called in the paths of the list `list_name`."""
    if isinstance(thing, dict):
        field = _IDENTITIES.get(list_name)
        if field == "id" and "id" not in thing:
            field = "buyer"  # of the buyers in a campaign's routing
        named = as_text(thing.get(field)) if field else None
        if named is None and list_name in {"rtb_keys", "access_keys"}:
            named = DEFAULT_NAME
        if named is not None:
            return named
    return str(index)


def _follow(container: dict[str, object], path: str) -> Step | None:
    for name, rest in _names(container, path):
        step = Step(container, name)
        found = _after(step, name, rest)
        if found is not None:
            return found
    return None


def _after(step: Step, name: str, rest: str) -> Step | None:
    """The step that the `rest` of a path leads to from here."""
    if not rest:
        return step
    value = step.value
    if rest.startswith("."):
        if value is None and isinstance(step.container, dict):
            value = {}
            found = _follow(value, rest[1:])
            if found is not None:
                step.container[name] = value
            return found
        return _follow(value, rest[1:]) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    for index, thing in enumerate(value):
        for called in {identity(name, thing, index), identity(name, thing, index)[:_LONGEST_SHOWN]}:
            if rest.startswith(f"[{called}]"):
                found = _after(Step(value, index), name, rest[len(called) + 2 :])
                if found is not None:
                    return found
    return None


def _names(container: dict[str, object], path: str) -> Iterator[tuple[str, str]]:
    """The ways to read the next name: one that the mapping has (longest first, for names with dots), or a new one."""
    for name in sorted(container, key=len, reverse=True):
        rest = path[len(name) :]
        if path.startswith(name) and rest[:1] in {"", ".", "["}:
            yield name, rest
    end = min((at for at in (path.find("."), path.find("[")) if at >= 0), default=len(path))
    new = path[:end]
    if new and new not in container and "]" not in new:  # else it is the end of another thing's name
        yield new, path[end:]
