"""The reference page of the API in a real browser: it shows itself offline, under the same strict rules as all."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from browser.pages import View, open_context, watch
from support.desk_server import Desk


def test_the_api_s_reference_shows_every_resource_and_asks_nobody_else(browser: Browser, desk: Desk) -> None:
    watched = watch(open_context(browser, View("light", 1280), base_url=desk.base_url, session=None))
    watched.page.goto("/api/v1/docs")
    expect(watched.page.get_by_role("heading", name="Ringbid")).to_be_visible()
    for resource in ("Pings", "Calls", "Ledger", "Campaigns"):
        expect(watched.page.locator(f"#operations-tag-{resource}")).to_be_visible()
    watched.assert_faultless()
    watched.page.context.close()
