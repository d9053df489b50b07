"""One company's catalog, changed in a few places: (document, edits) → new document, or what is wrong with it.

The console and the API change nothing but the document, and a changed document is read and checked like a file that
somebody applies. So there is one set of rules, whoever writes. Used by `changing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ringbid.catalog.document import export_yaml, short_fields, write_yaml
from ringbid.catalog.key_reading import NewKey
from ringbid.catalog.model import Catalog
from ringbid.catalog.paths import follow
from ringbid.catalog.plan import Change, plan
from ringbid.catalog.problems import Problem, Problems, describe
from ringbid.catalog.validate import CatalogRead, keys_of, read_catalog
from ringbid.catalog.yaml_reading import read_tree
from ringbid.values.ids import CompanyId


@dataclass(frozen=True, slots=True)
class Set:
    """The field or thing at `path` becomes `value`: what YAML can say, numbers as int or Decimal. None: its default."""

    path: str
    value: object


@dataclass(frozen=True, slots=True)
class Add:
    """A new thing, or value, in the list at `path`; at its end, or before the one at `index`."""

    path: str
    value: object
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """The thing at `path` leaves its list, or the field goes back to its default."""

    path: str


@dataclass(frozen=True, slots=True)
class Move:
    """The thing at `path` takes the place `index` of its list, from 0."""

    path: str
    index: int


Edit = Set | Add | Remove | Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A catalog that may be put in force. `document` is its text; `changes` is what differs; the secrets of `new_keys`
    can be shown now and never again."""

    catalog: Catalog
    document: str
    changes: tuple[Change, ...]
    new_keys: tuple[NewKey, ...]


def edit_catalog(before: Catalog, edits: Iterable[Edit]) -> Edited | tuple[Problem, ...]:
    """`before` with all `edits`, in their order, or everything that is wrong with the result."""
    tree = short_fields(before)
    for edit in edits:
        wrong = _do(tree, edit)
        if wrong is not None:
            return (wrong,)
    found = rewrite(before, write_yaml(tree), before.company.id)
    if isinstance(found, Edited):
        return found
    return tuple(replace(problem, line=None) for problem in found)  # lines of a text that nobody has seen


def rewrite(before: Catalog | None, text: str, company_id: CompanyId) -> Edited | tuple[Problem, ...]:
    """The catalog of the company that `text` says, in place of `before`: its keys go on where the text names them
    without a secret."""
    read = read_catalog(text, keys_in_force=None if before is None else keys_of(before))
    if not isinstance(read, CatalogRead):
        return read
    if read.catalog.company.id != company_id:
        return (Problem("company.id", describe(read.catalog.company.id), f"{company_id}: a company keeps its id"),)
    return Edited(
        catalog=read.catalog,
        document=export_yaml(read.catalog),
        changes=plan(before, read.catalog),
        new_keys=read.new_keys,
    )


def text_at(catalog: Catalog, path: str) -> str | None:
    """The YAML of the thing at `path` as the document has it, empty where all of it is at its default; None where there
    is no such thing."""
    step = follow(short_fields(catalog), path)
    if step is None:
        return None
    return "" if step.value is None else write_yaml(step.value)


def read_part(text: str, path: str) -> Set | tuple[Problem, ...]:
    """The edit that makes the thing at `path` what the YAML `text` says; empty: its default."""
    problems = Problems()
    indented = "\n".join(f"  {line}" for line in text.split("\n"))
    tree = read_tree(f"part:\n{indented}\n", problems)
    if not problems.in_order():
        return Set(path, _plain(tree.get("part")))
    return tuple(
        replace(problem, path=path, line=max(1, (problem.line or 2) - 1))  # the first line is ours
        for problem in problems.in_order()
    )


def _do(tree: dict[str, object], edit: Edit) -> Problem | None:
    """Change the tree; or why that cannot be done."""
    step = follow(tree, edit.path)
    if step is None:
        return Problem(edit.path, "nothing of this name", "what the catalog has: it may have been changed meanwhile")
    container, at = step.container, step.at
    match edit, container:
        case Set(value=None) | Remove(), _:
            if isinstance(container, dict):
                container.pop(str(at), None)
            else:
                container.pop(int(at))
        case Set(value=value), dict():
            container[str(at)] = value
        case Set(value=value), list():
            container[int(at)] = value
        case Add(value=value, index=index), _:
            things = step.value if step.value is not None else []
            if not isinstance(things, list):
                return Problem(edit.path, "no list", "the path of a list")
            things.insert(len(things) if index is None else index, value)
            if isinstance(container, dict):
                container[str(at)] = things
        case Move(index=index), list():
            container.insert(index, container.pop(int(at)))
        case _:
            return Problem(edit.path, "a field", "the path of a thing in a list")
    return None


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
