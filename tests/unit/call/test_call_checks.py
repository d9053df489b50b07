"""Calls whose time has come are looked at, one after the other, whatever one of them does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ringbid.values.ids import CallId
from ringbid.worker.calls import CallChecks
from support.virtual_time import VirtualLoop


class DueCalls:
    """Calls that are due until they have been looked at; with those in `broken` that always fails."""

    def __init__(self, *due: str, broken: frozenset[str]) -> None:
        self.waiting = [CallId(one) for one in due]
        self.looks: list[str] = []
        self._broken = broken

    async def due(self) -> list[CallId]:
        return list(self.waiting)

    async def check(self, call_id: CallId) -> None:
        self.looks.append(call_id)
        if call_id in self._broken:
            raise RuntimeError("a bug, and this call's alone")
        self.waiting.remove(call_id)


def watch(calls: DueCalls, *, seconds: float) -> None:
    async def happen() -> None:
        checks = asyncio.get_running_loop().create_task(CallChecks(calls, calls).run())
        await asyncio.sleep(seconds)
        checks.cancel()
        with suppress(asyncio.CancelledError):
            await checks

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(happen())


def test_a_call_that_cannot_be_looked_at_keeps_no_other_from_it() -> None:
    calls = DueCalls("broken", "second", "third", broken=frozenset({"broken"}))
    watch(calls, seconds=3.5)
    assert calls.waiting == ["broken"]


def test_a_call_that_cannot_be_looked_at_is_tried_again_after_a_pause() -> None:
    calls = DueCalls("broken", broken=frozenset({"broken"}))
    watch(calls, seconds=3.5)
    assert calls.looks == ["broken"] * 4
