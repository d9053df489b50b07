"""`ringbid openapi`: the description of the API, for tools that make clients of it. No server or store is needed."""

from __future__ import annotations

import msgspec
import typer

from ringbid.edge.api.v1.reference import schema


def print_document() -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode())
