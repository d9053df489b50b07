"""A form over one thing of the catalog: what its fields show, which edits a sent form means, and what was wrong.

Pure. `catalog_pages` asks the editor with what comes out of here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ringbid.catalog.checks import time_zones
from ringbid.catalog.document import DEFAULTS, write_yaml
from ringbid.catalog.editing import Add, Edit, Set, read_part
from ringbid.catalog.file_fields import catalog_fields
from ringbid.catalog.model import Catalog
from ringbid.catalog.paths import follow
from ringbid.catalog.problems import Problem
from ringbid.edge.console import catalog_texts as texts
from ringbid.edge.console.catalog_fields import FIELDS, Field
from ringbid.reports.settings_links import field_id

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A field with the text in it. `error` is what was wrong with the last one."""

    field: Field
    id: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()
    error: str = ""
    fixed: bool = False

    @property
    def boxes(self) -> list[tuple[str, str, bool]]:
        """Where several may be chosen: each choice, its words, and whether it is chosen; what is no choice last."""
        chosen = [str(word) for word in texts.read_words(self.text)]
        known = {one for one, _ in self.choices}
        strange = ((one, f"{one} (not there)") for one in chosen if one not in known)
        return [(one, words, one in chosen) for one, words in (*self.choices, *strange)]


def fields_at(catalog: Catalog, path: str) -> dict[str, object] | None:
    """Every field of the thing at `path`, defaults too; None where there is none."""
    step = follow(catalog_fields(catalog), path)
    value = step.value if step is not None else None
    return value if isinstance(value, dict) else None


def default_fields(kind: str, catalog: Catalog) -> dict[str, object]:
    """What a new thing of this kind is before anybody writes anything."""
    return DEFAULTS[kind] | ({"time_zone": catalog.company.time_zone} if kind == "buyers" else {})


def show(
    kind: str,
    fields: Mapping[str, object],
    catalog: Catalog,
    *,
    sent: Form | None = None,
    errors: Mapping[str, str] | None = None,
    new: bool = False,
) -> list[Shown]:
    """The form's fields: as the catalog has them, or as they were sent and refused with `errors`."""
    shown = []
    for field in FIELDS[kind]:
        text = write(field, value_of(fields, field.name))
        if sent is not None:
            text = sent_text(sent, field)
        shown.append(
            Shown(
                field=field,
                id=field_id(field.name),
                text=text,
                choices=choices_of(field, catalog),
                error=(errors or {}).get(field.name, ""),
                fixed=field.identity and not new,
            )
        )
    return shown


def choices_of(field: Field, catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """What may be chosen; of a time zone what may be written."""
    if field.kind == "zone":
        return tuple((name, name) for name in sorted(time_zones()))
    if not field.refers:
        return field.choices
    things: Iterable[tuple[str, str]] = (
        ((one.id, one.name) for one in catalog.publishers)
        if field.refers == "publishers"
        else ((one.id, one.name) for one in catalog.buyers)
    )
    named = tuple((one, f"{name} ({one})") for one, name in things)
    return named if field.required or field.kind == "several" else (("", "–"), *named)


def edits_of(
    kind: str, path: str, fields: Mapping[str, object], catalog: Catalog, form: Form
) -> list[Edit] | tuple[Problem, ...]:
    """What the sent form changes of the thing at `path`, which has `fields`: only what is not as it was shown."""
    edits: list[Edit] = []
    for name, value in _changed(kind, fields, catalog, form).items():
        if isinstance(value, tuple):
            return tuple(replace(problem, path=f"{path}.{name}") for problem in value)
        edits.append(Set(f"{path}.{name}", value))
    return edits


def addition_of(kind: str, list_path: str, catalog: Catalog, form: Form) -> list[Edit] | tuple[Problem, ...]:
    """The new thing of the sent form, at the end of the list."""
    thing: dict[str, object] = {}
    for name, value in _changed(kind, default_fields(kind, catalog), catalog, form).items():
        if isinstance(value, tuple):
            return tuple(replace(problem, path=f"{list_path}[new].{name}") for problem in value)
        outer, _, inner = name.rpartition(".")
        place = thing.setdefault(outer, {}) if outer else thing
        assert isinstance(place, dict), "fields lie in mappings"
        if value is not None:
            place[inner] = value
    return [Add(list_path, {name: value for name, value in thing.items() if value != {}})]


def errors_by_field(kind: str, place: str, problems: Iterable[Problem], *, new: bool = False) -> dict[str, str]:
    """What was wrong, by the name of the field; under "" what belongs to none."""
    names = {field.name for field in FIELDS[kind]}
    found: dict[str, str] = {}
    for problem in problems:
        name = _field_of(problem.path, place, names, new=new)
        text = texts.say_problem(problem)
        if not name and problem.path:
            text = f"{problem.path}: {text}"
        found[name] = f"{found[name]} {text}" if name in found else text
    return found


def write(field: Field, value: object) -> str:
    """A value as the text of its field."""
    match field.kind:
        case "check":
            return "true" if value else ""
        case "filters":
            return texts.write_filters(value)
        case "hours":
            return texts.write_hours(value)
        case "names":
            return texts.write_names(value)
        case "words" | "several":
            return texts.write_words(value)
        case "yaml":
            return "" if value is None else write_yaml(value).rstrip("\n")
    return "" if value is None else f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def sent_text(form: Form, field: Field) -> str:
    """What a form has in a field. A box that is not ticked is not sent."""
    return form.get(field.name, "").replace("\r\n", "\n")


def value_of(fields: Mapping[str, object], name: str) -> object:
    """The value at a name such as `caps.daily`."""
    value: object = fields
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _changed(kind: str, fields: Mapping[str, object], catalog: Catalog, form: Form) -> dict[str, object]:
    """The fields whose text is no longer what was shown, with their new values: None for the default, a tuple of
    problems where the text is not even YAML."""
    defaults = default_fields(kind, catalog)
    changed: dict[str, object] = {}
    for field in FIELDS[kind]:
        if field.identity and fields.get(field.name):
            continue
        if field.name not in form and not (field.kind == "check" and "version" in form):
            continue  # not on the page that sent it
        text = sent_text(form, field)
        if _same(field, text, write(field, value_of(fields, field.name))):
            continue
        value = _read(field, text, catalog)
        changed[field.name] = None if write(field, value_of(defaults, field.name)) == text else value
    renamed = {"name": changed.pop("name")} if "name" in changed else {}  # last: the path of the others has the old one
    return _limits_together(changed, form) | renamed


def _same(field: Field, text: str, before: str) -> bool:
    """Does the field say what it said before?"""
    if field.kind == "several":  # boxes have an order of their own
        return set(texts.read_words(text)) == set(texts.read_words(before))
    return text.strip() == before.strip()


def _limits_together(changed: dict[str, object], form: Form) -> dict[str, object]:
    """A rate limit is one thing: its two numbers come and go together."""
    if not any(name.startswith("rate_limit.") for name in changed):
        return changed
    kept = {name: value for name, value in changed.items() if not name.startswith("rate_limit.")}
    limit = {
        name: texts.number_of(text)
        for name in ("pings", "per_seconds")
        if (text := form.get(f"rate_limit.{name}", "").strip())
    }
    return kept | {"rate_limit": limit or None}


def _read(field: Field, text: str, catalog: Catalog) -> object:
    match field.kind:
        case "check":
            return text == "true"
        case "filters":
            return texts.read_filters(text, {tag.key: tag.type for tag in catalog.tags})
        case "hours":
            return texts.read_hours(text)
        case "names":
            return texts.read_names(text)
        case "words" | "several":
            return texts.read_words(text) or None
        case "yaml":
            part = read_part(text, field.name)
            return part.value if isinstance(part, Set) else part
        case "number":
            return texts.number_of(text) if text.strip() else None
    return text.strip() or None


def _field_of(path: str, place: str, names: set[str], *, new: bool) -> str:
    inside = ""
    if new and path.startswith(f"{place}["):
        inside = path[len(place) :].partition("].")[2]
    elif path.startswith(f"{place}."):
        inside = path[len(place) + 1 :]
    while inside and inside not in names:
        if f"{inside}.pings" in names:
            return f"{inside}.pings"
        inside = inside.rpartition("[")[0] if inside.endswith("]") else inside.rpartition(".")[0]
    return inside
