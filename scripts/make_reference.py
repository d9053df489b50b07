"""Writes the pages that are generated from the code: docs/reasons.md from `Reason`, docs/settings.md from `Settings`.

`make reference` runs it; with `--check` it writes nothing and fails where a page is stale, as a house test does.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from ringbid.settings import Settings
from ringbid.values.reason import Reason, Stage

DOCS = Path(__file__).parent.parent / "docs"
MADE_BY = "<!-- Made by scripts/make_reference.py (make reference). Edit the code, not this page. -->"

REASONS_HEAD = f"""{MADE_BY}
# Reasons

Why a ping or a buyer ended as it did. The list is closed, a cause has one code, and a code keeps its meaning for ever;
texts may be improved. The same words stand in the API's `code` and `info`, in `ringbid explain` and here.

- *At fault*: who can do something about it.
- *Publisher reads*: the code that a publisher is shown. Where it is `{Reason.NO_BUYER_AVAILABLE.code}` in the place of
  another, the cause itself is for the owner only.
- *Retry*: the same request may succeed a little later, unchanged."""

STAGE_INTRODUCTIONS = {
    Stage.REQUEST: "The request itself cannot be served.",
    Stage.DUPLICATE: "The caller already has an open reservation.",
    Stage.ELIGIBILITY: "The buyer cannot take this call, as far as is known without asking it.",
    Stage.ASK: "The buyer could not be asked, or did not answer.",
    Stage.BID: "The buyer answered.",
    Stage.QUOTE: "What the call would bring.",
    Stage.AUCTION: "Who comes before whom.",
    Stage.RESERVATION: "Whether the place was held.",
    Stage.LOOKUP: "Looking a reservation up, confirming, releasing or extending it.",
    Stage.CALL: "How a call found its way, and what became of each buyer that was tried.",
    Stage.CONVERSION: "Whether a side of the call's money converts.",
    Stage.LEDGER: "Adjusting and voiding what was booked.",
}

SETTINGS_HEAD = f"""{MADE_BY}
# Settings

Each setting is a line of `ringbid.toml` in the working directory and an environment variable. A command-line option
wins over the variable, and the variable over the file. A name's last word is its unit; a list in a variable is JSON,
such as `[443, 8443]`.

```toml
port = 8700

[outbound]
allow_private = false
```"""

UNITS = {"seconds": "seconds", "hours": "hours", "bytes": "bytes"}


def make_reasons_page() -> str:
    """docs/reasons.md: a table for each stage, in the flow's order."""
    parts = [REASONS_HEAD]
    for stage in Stage:
        parts.append(f"\n## {stage.value.capitalize()}\n\n{STAGE_INTRODUCTIONS[stage]}\n")
        parts.append("| code | what happened, and what mends it | at fault | publisher reads | as the text | retry |")
        parts.append("| --- | --- | --- | --- | --- | --- |")
        parts.extend(_reason_row(reason) for reason in Reason if reason.stage is stage)
    return "\n".join(parts) + "\n"


def make_settings_page() -> str:
    """docs/settings.md: the plain settings first, then a table for each section of the file."""
    plain = {
        name: field
        for name, field in Settings.model_fields.items()
        if _section(field) is None and _named_section(field) is None
    }
    parts = [SETTINGS_HEAD, "\n## Top level\n", *_settings_table(plain, prefix="")]
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            parts.append(f"\n## [{name}]\n\n{(section.__doc__ or '').strip()}\n")
            parts.extend(_settings_table(section.model_fields, prefix=f"{name}."))
        named = _named_section(field)
        if named is not None:
            parts.append(f"\n## [{name}.NAME]\n\n{field.description}\n\n{(named.__doc__ or '').strip()}\n")
            parts.extend(_settings_table(named.model_fields, prefix=f"{name}.NAME."))
    return "\n".join(parts) + "\n"


def make_pages() -> dict[str, str]:
    """Every generated page by its file name in docs/."""
    return {"reasons.md": make_reasons_page(), "settings.md": make_settings_page()}


def find_stale_pages(docs: Path) -> list[str]:
    """The names of the pages in `docs` that are missing or not what the code says."""
    return [
        name
        for name, text in make_pages().items()
        if not (docs / name).is_file() or (docs / name).read_text(encoding="utf-8") != text
    ]


def _reason_row(reason: Reason) -> str:
    safe_text = "the same" if reason.safe_text == reason.text else reason.safe_text
    retry = "yes" if reason.retry else "no"
    return _row(
        (f"`{reason.code}`", reason.text, reason.fault.value, f"`{reason.safe_code}`", safe_text, retry),
    )


def _settings_table(fields: dict[str, FieldInfo], *, prefix: str) -> list[str]:
    rows = ["| setting | variable | default | unit | what it does |", "| --- | --- | --- | --- | --- |"]
    for name, field in fields.items():
        setting = prefix + name
        within_name = ".NAME." in setting  # as a variable, such a section is one JSON object
        variable = "" if within_name else f"`RINGBID_{setting.replace('.', '_').upper()}`"
        what = f"{field.description or ''} {_bounds(field)}".strip()
        rows.append(_row((f"`{setting}`", variable, _default(field), _unit(name, field), what)))
    return rows


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _named_section(field: FieldInfo) -> type[BaseModel] | None:
    """The section of which there is one for each name."""
    kinds = get_args(field.annotation)
    return kinds[1] if len(kinds) == 2 and isinstance(kinds[1], type) and issubclass(kinds[1], BaseModel) else None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def _unit(name: str, field: FieldInfo) -> str:
    last_word = name.rsplit("_", 1)[-1]
    if last_word in UNITS:
        return UNITS[last_word]
    kinds = {field.annotation, *get_args(field.annotation)}
    if bool in kinds:
        return "true or false"
    if Path in kinds:
        return "a path"
    if str in kinds or SecretStr in kinds or get_origin(field.annotation) is Literal:
        return "text"
    return "a list of numbers" if ... in kinds else "a number"


def _bounds(field: FieldInfo) -> str:
    """The limits that pydantic holds, in words: `At least 1.`"""
    words = {"ge": "At least", "gt": "More than", "le": "At most", "lt": "Less than"}
    found = [
        f"{word} {_number(getattr(limit, name))}."
        for limit in field.metadata
        for name, word in words.items()
        if getattr(limit, name, None) is not None
    ]
    return " ".join(found)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Write the pages, or with `--check` only compare. The exit code is 1 where a page is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is stale")
    if parser.parse_args().check:
        stale = find_stale_pages(DOCS)
        for name in stale:
            print(f"docs/{name} is not what the code says: run make reference", file=sys.stderr)
        return 1 if stale else 0
    for name, text in make_pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
