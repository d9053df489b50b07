"""The options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="RINGBID_DATA", metavar="DIR", help="The folder of the SQLite store (default ringbid-data)."
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database", envvar="RINGBID_DATABASE", metavar="URL", help="A PostgreSQL URL, instead of the SQLite store."
    ),
]
