"""Every scenario file under this folder, run against the whole product but the network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from support.scenario import open_world, run_step

FILES = sorted(Path(__file__).parent.rglob("*.yaml"))


def test_there_are_scenarios() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario_ends_as_its_file_says(path: Path, tmp_path: Path) -> None:
    scenario = yaml.safe_load(path.read_text())
    assert scenario["title"]

    async def run() -> None:
        async with open_world(tmp_path, scenario) as world:
            for number, step in enumerate(scenario["steps"], start=1):
                try:
                    await run_step(world, step, scenario)
                except AssertionError as failure:
                    raise AssertionError(f"step {number} ({next(iter(step))}): {failure}") from failure

    asyncio.run(run())
