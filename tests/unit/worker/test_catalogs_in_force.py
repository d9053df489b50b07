"""A change of the catalog comes into force by itself, also where nobody tells of it or the store was away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from ringbid.reservations.ports import StoreUnavailable
from ringbid.values.ids import CompanyId
from ringbid.worker.snapshot import Catalogs
from support.virtual_time import VirtualLoop


@dataclass
class SilentStore:
    """Tells of no change. While `away` it cannot be read."""

    version: int = 1
    away: bool = False

    async def catalog_heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        if self.away:
            raise StoreUnavailable
        return self.version, []

    async def wait_for_catalog_change(self, timeout_seconds: float) -> None:
        await asyncio.sleep(timeout_seconds)


@pytest.mark.parametrize("away_seconds", [0, 7])
def test_a_change_that_nobody_tells_of_is_in_force_within_a_second(away_seconds: int) -> None:
    store = SilentStore(away=away_seconds > 0)
    catalogs = Catalogs(store)

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(catalogs.follow())
            await asyncio.sleep(away_seconds)
            store.away = False
            await asyncio.sleep(1)
            assert catalogs.snapshot.version == 1
            store.version = 2
            await asyncio.sleep(1)
            assert catalogs.snapshot.version == 2
            following.cancel()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(story())
    finally:
        loop.close()
