"""`ringbid apply` and `ringbid export`: a catalog goes in from a file, and comes out as one."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ringbid import bootstrap
from ringbid.catalog.plan import Change
from ringbid.catalog.problems import Problem
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, store_name, user_name
from ringbid.values.ids import CompanyId

_SIGNS = {"created": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def apply(file: Path, *, data: Path | None, database: str | None, plan_only: bool) -> None:
    """Put the catalog in `file` in force and say what that changed; with `plan_only`, what it would change."""
    settings = read_settings(data=data, database=database)
    text = _read(file)
    result = run(
        bootstrap.apply_catalog(settings, text, plan_only=plan_only, applied_by=user_name()),
        settings,
    )
    if result.problems:
        count = len(result.problems)
        fail(f"{file} has {count} problem{'s' if count > 1 else ''}; nothing was applied.", *_lines(result.problems))
    console = output()
    for change in result.changes:
        _print_change(console, change)
    if not result.changes:
        console.print(Text(f"Nothing changes: {store_name(settings)} has this very catalog."))
    elif plan_only:
        console.print(Text(f"{_counted(result.changes)}. Nothing was applied: leave --plan out to apply this."))
    else:
        console.print(Text(f"{_counted(result.changes)}. In force as version {result.version}."))
    for key in result.new_keys:
        console.print(Text(f"New RTB key {key.name} of {key.campaign_id}: {key.secret}", "bold"), soft_wrap=True)
    if result.new_keys:
        console.print(Text("Keys are shown this once: only their hash is stored.", "yellow"))


def export(company: str | None, *, data: Path | None, database: str | None) -> None:
    """Print the catalog that is in force."""
    settings = read_settings(data=data, database=database)
    documents = run(bootstrap.read_documents(settings), settings)
    if not documents:
        fail(f"{store_name(settings)} has no catalog yet.", "Put one in with `ringbid apply FILE`.")
    known = ", ".join(sorted(documents))
    if company is None and len(documents) > 1:
        fail("there are several companies.", f"Name one of them: {known}.")
    document = documents.get(CompanyId(company)) if company is not None else next(iter(documents.values()))
    if document is None:
        fail(f"there is no company {company}.", f"Known are: {known}.")
    sys.stdout.write(document)


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8: byte {error.start} cannot be read.")


def _lines(problems: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in problems]


def _counted(changes: tuple[Change, ...]) -> str:
    kinds = [change.kind for change in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in _SIGNS if kind in kinds)


def _print_change(console: Console, change: Change) -> None:
    sign, style = _SIGNS[change.kind]
    line = Text.assemble((f"{sign} {change.path}", style))
    if change.kind == "changed":
        line.append(f"  {change.before}", "dim").append(" → ").append(f"{change.after}")
    else:
        line.append(f"  {change.after if change.before is None else change.before}", "dim")
    console.print(line, soft_wrap=True)
