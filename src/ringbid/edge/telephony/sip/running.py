"""Keeps Kamailio (and rtpengine) running: `ringbid sip run`, and the demo. Whatever ends is started again.

`bootstrap` makes the database's tables first, where there is one (`store.engine_tables`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from ringbid.edge import tasks
from ringbid.edge.telephony.sip.engine import SipEngine
from ringbid.edge.telephony.sip.recording import Recordings
from ringbid.settings import Settings

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 60.0

_log = structlog.get_logger(__name__)


async def run_engine(settings: Settings, *, stop: asyncio.Event, on_ready: Callable[[], None] | None = None) -> None:
    """Until `stop`. Raises EngineFailed and WrongSipSettings where the first start fails; later ones are tried anew."""
    engine = SipEngine(settings)
    stopping = tasks.start(stop.wait(), name="stop sip")
    converting = tasks.start(Recordings(settings).run(), name="recordings") if settings.sip.media == "record" else None
    try:
        await engine.start()
        if on_ready is not None:
            on_ready()
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            started_at = asyncio.get_running_loop().time()
            ending = [tasks.start(waiting, name="sip engine") for waiting in engine.endings()]
            await asyncio.wait([stopping, *ending], return_when=asyncio.FIRST_COMPLETED)
            for task in ending:
                task.cancel()
            if stop.is_set():
                break
            if asyncio.get_running_loop().time() - started_at > _STEADY_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            _log.error("sip_engine_ended", starts_again_in_seconds=pause_seconds)
            await asyncio.wait([stopping], timeout=pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            await _try_start(engine, stop)
    finally:
        stopping.cancel()
        if converting is not None:
            converting.cancel()
        await engine.stop()


async def _try_start(engine: SipEngine, stop: asyncio.Event) -> None:
    if stop.is_set():
        return
    try:
        await engine.start_what_ended()
    except Exception:  # noqa: BLE001 -- whatever stands in the way may have gone by the next try
        _log.exception("sip_engine_did_not_start")
