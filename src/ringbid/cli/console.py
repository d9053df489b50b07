"""What commands print to, and how they end badly: one clear error and exit code 1, never a traceback."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text


def output() -> Console:
    """Standard output. No colour where it is no terminal or NO_COLOR is set."""
    _survive_narrow_encodings()
    return Console(highlight=False)


def fail(message: str, *hints: str) -> NoReturn:
    """Say in a sentence what went wrong and, in the lines below, what to do; then exit with code 1."""
    _survive_narrow_encodings()
    console = Console(stderr=True, highlight=False)
    one_line = " ".join(message.split()).rstrip(".")
    console.print(Text.assemble(("Error: ", "bold red"), f"{one_line}."), soft_wrap=True)
    for hint in hints:
        console.print(Text(f"  {hint}"), soft_wrap=True)
    raise typer.Exit(1)


def _survive_narrow_encodings() -> None:
    """A terminal that cannot show a bar or an arrow shows a question mark, and does not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
