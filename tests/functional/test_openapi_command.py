"""`ringbid openapi` prints what a server serves."""

from __future__ import annotations

import asyncio
import json

from typer.testing import CliRunner

from ringbid.cli import app
from support.api_v1 import api_world
from support.stores import StorePlace


def test_the_command_prints_the_document_that_is_served(sqlite_place: StorePlace) -> None:
    async def served() -> object:
        async with api_world(sqlite_place) as api:
            return (await api.get("/openapi.json", by=None)).json()

    printed = CliRunner().invoke(app, ["openapi"])
    assert printed.exit_code == 0, printed.output
    document = json.loads(printed.stdout)
    assert document["openapi"].startswith("3.1")
    assert document == asyncio.run(served())
