"""The reference page of the API in a real browser: it shows itself offline, under the same strict rules as all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from browser.pages import VIEWS, View, check_page, keep_picture, open_context, watch
from support.desk_server import Desk


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_the_api_s_reference_shows_every_resource_and_asks_nobody_else(
    browser: Browser, desk: Desk, view: View
) -> None:
    watched = watch(open_context(browser, view, base_url=desk.base_url, session=None))
    watched.page.goto("/api/v1/docs")
    expect(watched.page.get_by_role("heading", name="Ringbid")).to_be_visible()
    for resource in ("Pings", "Calls", "Ledger", "Campaigns"):
        expect(watched.page.locator(f"#operations-tag-{resource}")).to_be_visible()
    expect(watched.page.get_by_role("region", name="Server and key")).to_be_visible()
    keep_picture(watched.page, f"api-docs-{view}")
    check_page(watched.page)
    watched.assert_faultless()
    watched.page.context.close()
