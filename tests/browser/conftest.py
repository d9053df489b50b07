"""A server with sample data, and real Chromium. The browser lives as long as one file of tests: its driver keeps an
event loop running in this thread, and tests of other folders start loops of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.desk_server import Desk, running_desk

LONGEST_MS = 30_000  # that anything may take, on a slow machine
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# A container's root has no user namespaces to make a sandbox of, and little shared memory.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server that tests of screens share: they read. Who changes things starts one with `running_desk`."""
    with running_desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    assert path is not None, "Chromium is missing: scripts/require_test_tools.sh installs it, or says how"
    expect.set_options(timeout=LONGEST_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()
