"""The commands as a user meets them before anything is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ringbid import __version__
from ringbid.cli import app

HEAVY = {"alembic", "holidays", "msgspec", "phonenumbers", "psycopg", "pydantic", "sqlalchemy", "structlog", "uvicorn"}


def test_loading_the_commands_loads_nothing_heavy() -> None:
    code = "import sys, ringbid.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_help_names_every_command_with_a_whole_sentence() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    commands = text.partition("Commands:")[2].strip().splitlines()
    assert [line.split()[0] for line in commands] == [
        "serve",
        "apply",
        "export",
        "link",
        "ping",
        "explain",
        "demo",
        "doctor",
        "openapi",
        "version",
        "admin",
        "call",
        "ledger",
        "outbox",
        "sip",
        "emulate",
    ]
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


def test_version_prints_the_version() -> None:
    assert CliRunner().invoke(app, ["version"]).output == f"{__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["explain"], ["explain", "no-uuid"], ["apply"], ["serve", "--port", "70000"], ["ping", "no-equals-sign"],
     ["ping", "=x"], ["demo", "--pings", "0"]],
)  # fmt: skip
def test_what_is_asked_wrongly_ends_with_code_2_and_says_how(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "Usage: " in done.output
    assert "Error: " in done.output


@pytest.mark.parametrize("command", ["serve", "apply", "export", "ping", "explain", "doctor"])
def test_every_command_that_has_a_store_takes_data_and_database(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).output
    for word in ("--data DIR", "--database URL", "RINGBID_DATA", "RINGBID_DATABASE"):
        assert word in text
