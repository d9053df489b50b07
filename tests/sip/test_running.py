"""`ringbid sip run`: Kamailio is kept running, and ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from ringbid.edge import tasks
from ringbid.edge.telephony.sip.commands import EngineCommands, EngineUnreachable
from ringbid.edge.telephony.sip.engine import EngineFailed, SipEngine
from ringbid.edge.telephony.sip.running import run_engine
from support.loopback import own_network
from support.sip_desk import WAIT_SECONDS
from support.sip_stage import make_settings, until


async def wait_for_another(commands: EngineCommands, first: int) -> None:
    async def another() -> bool:
        with contextlib.suppress(EngineUnreachable):
            return await commands.main_process_id() != first
        return False

    await until(another, "another Kamailio")


def test_a_kamailio_that_was_killed_is_started_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, own_network())
    commands = EngineCommands(settings.sip)

    async def run() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        running = tasks.start(run_engine(settings, stop=stop, on_ready=ready.set), name="run")
        await asyncio.wait_for(ready.wait(), WAIT_SECONDS)
        first = await commands.main_process_id()
        os.kill(first, signal.SIGKILL)
        await wait_for_another(commands, first)
        stop.set()
        await asyncio.wait_for(running, WAIT_SECONDS)
        with pytest.raises(EngineUnreachable):
            await commands.main_process_id()

    asyncio.run(run())


def test_a_kamailio_that_cannot_start_says_why(tmp_path: Path) -> None:
    taken = own_network()

    async def run() -> None:
        engine = SipEngine(make_settings(tmp_path / "a", taken))
        await engine.start()
        try:
            with pytest.raises(EngineFailed, match="in use"):
                await SipEngine(make_settings(tmp_path / "b", taken)).start()
        finally:
            await engine.stop()

    asyncio.run(run())
