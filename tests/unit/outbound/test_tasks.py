"""Tasks that are kept while they run and never fail in silence."""

from __future__ import annotations

import asyncio
import gc

from structlog.testing import capture_logs

from ringbid.edge import tasks


def test_a_task_that_nobody_holds_runs_to_its_end() -> None:
    async def story() -> None:
        done = asyncio.Event()
        free: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            await free
            done.set()

        tasks.start(work(), name="work")
        await asyncio.sleep(0)
        gc.collect()
        free.set_result(None)
        await done.wait()

    asyncio.run(story())


def test_an_exception_is_logged_with_the_task_s_name() -> None:
    async def fail() -> None:
        raise ValueError("unexpected")

    async def story() -> None:
        task = tasks.start(fail(), name="the failing one")
        await asyncio.wait([task])
        await asyncio.sleep(0)

    with capture_logs() as logs:
        asyncio.run(story())
    (line,) = logs
    assert line["event"] == "task_failed"
    assert line["task"] == "the failing one"
    assert isinstance(line["exc_info"], ValueError)


def test_results_come_back_and_cancellation_is_no_failure() -> None:
    async def answer() -> int:
        return 42

    async def story() -> None:
        assert await tasks.start(answer(), name="answer") == 42
        endless = tasks.start(asyncio.Event().wait(), name="endless")
        await asyncio.sleep(0)
        endless.cancel()
        await asyncio.wait([endless])

    with capture_logs() as logs:
        asyncio.run(story())
    assert logs == []
