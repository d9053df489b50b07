"""The commands that the pages promise exist and do what they say."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import typer.main
from click import Command

from house.code_rules import ROOT, assert_none
from house.doc_rules import read_pages
from ringbid.cli.commands import app

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMANDS: dict[str, Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # -- a group has them
_COMMAND = re.compile(r"(?:^|[`$/\s])ringbid ([a-z]+)((?: [^\n`#|]*)?)", re.MULTILINE)


def _recipe(target: str) -> str:
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found, f"there is no target {target}"
    return found[1]


def _code(text: str) -> str:
    """What stands in code blocks and in backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


def _find_unknown_commands(text: str) -> list[str]:
    """Commands and options of `ringbid` that a page shows and the program does not have."""
    unknown = []
    for name, rest in _COMMAND.findall(_code(text)):
        command = COMMANDS.get(name)
        if command is None:
            unknown.append(name)
            continue
        members = getattr(command, "commands", None)  # those of a group
        if members is not None:
            member, _, options_of = rest.strip().partition(" ")
            if member and member not in members:
                unknown.append(f"{name} {member}")
            if member not in members:
                continue
            unknown += _find_unknown_options(f"{name} {member}", members[member], options_of)
            continue
        unknown += _find_unknown_options(name, command, rest)
    return unknown


def _find_unknown_options(name: str, command: Command, rest: str) -> list[str]:
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = [word.split("=")[0] for word in shlex.split(rest) if word.startswith("--")]
    return [f"{name} {option}" for option in options if option not in known]


def test_every_command_that_a_page_shows_exists() -> None:
    pages = [(page.path.name, _find_unknown_commands(page.text)) for page in read_pages()]
    assert_none([f"{name}: ringbid {unknown}" for name, found in pages for unknown in found])


def test_the_readme_shows_every_command() -> None:
    shown = {name for name, _ in _COMMAND.findall(_code((ROOT / "README.md").read_text(encoding="utf-8")))}
    assert shown == set(COMMANDS)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("`ringbid frobnicate`", ["frobnicate"]), ("```\n$ ringbid serve --frobnicate 1\n```\n", ["serve --frobnicate"])],
)
def test_a_command_that_does_not_exist_is_found(text: str, unknown: list[str]) -> None:
    assert _find_unknown_commands(text) == unknown


def test_a_check_runs_lint_format_types_imports_and_house_rules() -> None:
    for tool in ("ruff check .", "ruff format --check .", "mypy", "lint-imports", "pytest tests/house"):
        assert tool in _recipe("check")


def test_the_test_command_checks_first_and_ends_with_the_whole_suite() -> None:
    lines = _recipe("test").strip().splitlines()
    assert any(line.endswith(" check") for line in lines[:-1])
    assert lines[-1].strip() == "@scripts/run_tests.sh $(BIN)/python $(ARGS)"
    runs = re.findall(r"^run (.+)$", (ROOT / "scripts/run_tests.sh").read_text(encoding="utf-8"), re.MULTILINE)
    parts = [re.sub(r"--\w+ \w+ ", "", run) for run in runs]
    assert parts == ['-m "not alone" "$@"', '-m alone "$@"'], "together these are all tests"


def test_make_help_names_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert targets
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^  make (\w+) ", shown.stdout, re.MULTILINE) == targets[1].split()


def test_ci_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111, "it can be executed"
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make test"
    assert "\nmake test" in (ROOT / "README.md").read_text(encoding="utf-8")
