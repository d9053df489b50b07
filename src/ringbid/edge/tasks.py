"""Background work of the event loop: the one place where a task starts.

Called by everything at the edge, the worker and the composition root that runs something beside what it awaits. A task
started elsewhere could vanish while it runs (the loop keeps only a weak reference) and take its exception with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

Result = TypeVar("Result")

_running: set[asyncio.Task[Any]] = set()
_log = structlog.get_logger(__name__)


def start(coroutine: Coroutine[Any, Any, Result], *, name: str) -> asyncio.Task[Result]:
    """Run `coroutine` in the running loop under `name`; it is kept until done, and an exception out of it is logged.

    An expected ending is a value, so an exception is a bug: it is logged here even where somebody awaits the task.
    """
    task = asyncio.create_task(coroutine, name=name)  # noqa: TID251 -- this is the function the ban points to
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def start_awaited(coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Run `coroutine` beside others whose results the caller awaits or cancels, every one: nothing is lost or hidden
    then, and a task costs half as much without a name, a reference and a log."""
    return asyncio.create_task(coroutine)  # noqa: TID251 -- the ban points to this module


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        _log.error("task_failed", task=task.get_name(), exc_info=error)
