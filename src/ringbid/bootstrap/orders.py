"""What commands order: through the server that owns the SQLite store, where one runs, else on the store itself.

`server` answers the orders that come to it over its control socket with the handlers here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from ringbid.catalog.changing import Applied, CatalogEditor, Conflict
from ringbid.catalog.key_reading import NewKey
from ringbid.catalog.plan import Change
from ringbid.catalog.problems import Problem
from ringbid.catalog.validate import read_catalog
from ringbid.edge.control import Handler, ask_server
from ringbid.ledger.correcting import Corrected, Correction
from ringbid.ledger.messages import answer_message, correction_message, read_answer, read_correction
from ringbid.ledger.ports import Ledger
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.values.author import Author
from ringbid.values.clock import SystemClock
from ringbid.values.verdict import Refused


class ApplyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `ringbid apply` did, or would do. With `problems`, nothing was applied."""

    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    new_keys: tuple[NewKey, ...] = ()
    version: int = 0


async def apply_catalog(settings: Settings, text: str, *, plan_only: bool, applied_by: str) -> ApplyResult:
    """Validate `text`, say what it changes and, unless `plan_only`, put it in force: through the running server where
    one owns the store, else directly."""
    message = {"do": "apply", "text": text, "plan_only": plan_only, "applied_by": applied_by}
    answer = await through_server(settings, message)
    if answer is not None:
        return msgspec.convert(answer, ApplyResult)
    async with opened(settings) as store:
        return await apply_to(store, text, plan_only=plan_only, applied_by=applied_by)


async def apply_to(store: Store, text: str, *, plan_only: bool, applied_by: str) -> ApplyResult:
    """The same, on an open store. Nothing is applied unless everything is right, across companies too."""
    read = read_catalog(text)
    if isinstance(read, tuple):
        return ApplyResult(problems=read, version=await store.catalog_version())
    author = Author(name=applied_by)
    outcome = await CatalogEditor(store).rewrite(author, read.catalog.company.id, None, text, plan_only=plan_only)
    if isinstance(outcome, Applied):
        await store.accounts.adopt_companies()  # a new company is theirs who claimed the installation
        return ApplyResult(changes=outcome.changes, new_keys=outcome.new_keys, version=outcome.version)
    if isinstance(outcome, Conflict):
        problem = Problem("", "a catalog that somebody else changed at this moment", "applying it again")
        return ApplyResult(problems=(problem,), version=outcome.version)
    return ApplyResult(problems=outcome.problems, version=await store.catalog_version())


async def correct_ledger(settings: Settings, correction: Correction) -> Corrected | Refused:
    """Adjust or void what is booked: through the running server where one owns the store, else directly."""
    answer = await through_server(settings, {"do": "correct ledger", **correction_message(correction)})
    if answer is not None:
        return read_answer(answer)
    async with opened(settings) as store:
        return await store.ledger.correct(correction)


async def mend_ledger(settings: Settings) -> int:
    """Make the balances what the entries add up to; how many were wrong."""
    answer = await through_server(settings, {"do": "mend ledger"})
    if answer is not None:
        return int(answer["mended"])
    async with opened(settings) as store:
        return await store.ledger.mend()


def apply_handler(store: Store) -> Handler:
    async def handle(message: dict[str, Any]) -> dict[str, Any]:
        result = await apply_to(
            store, message["text"], plan_only=message["plan_only"], applied_by=message["applied_by"]
        )
        return cast("dict[str, Any]", msgspec.to_builtins(result))

    return handle


def ledger_handlers(ledger: Ledger) -> dict[str, Handler]:
    """What a server does for `correct_ledger` and `mend_ledger`."""

    async def correct(message: dict[str, Any]) -> dict[str, Any]:
        return answer_message(await ledger.correct(read_correction(message)))

    async def mend(_message: dict[str, Any]) -> dict[str, Any]:
        return {"mended": await ledger.mend()}

    return {"correct ledger": correct, "mend ledger": mend}


async def through_server(settings: Settings, message: dict[str, Any]) -> dict[str, Any] | None:
    """The answer of the server that owns the SQLite store; None where none runs, or on PostgreSQL."""
    return await ask_server(settings.data, message) if settings.database is None else None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store, opened for one order."""
    store = await open_store(settings, SystemClock())
    try:
        yield store
    finally:
        await store.close()
