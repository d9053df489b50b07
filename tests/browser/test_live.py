"""`/live` in a real browser: a ping that ends appears by itself, filters and pause hold."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from browser.pages import View, check_page, open_context, watch
from support.desk_server import Desk

VIEW = View("light", 1280)


def test_a_ping_that_ends_appears_on_top_by_itself(desk: Desk, browser: Browser) -> None:
    context = open_context(browser, VIEW, base_url=desk.base_url)
    watched = watch(context)
    page = watched.page
    page.goto("/live")
    for caller in (
        "+13055550187",
        "+13055550188",
    ):  # the second once the stream brought one
        reply = desk.ping("home-services", caller_number=caller, caller_state="FL", age="15")
        first = page.locator("#live tbody tr").first
        expect(first.locator("a")).to_have_attribute("href", f"/call_reservations/{reply['uuid']}")
    expect(page.locator("#live")).to_contain_text("ended while you watched")
    check_page(page)
    watched.assert_faultless()
    context.close()


def test_filters_and_pause_are_in_the_address_and_hold(desk: Desk, browser: Browser) -> None:
    context = open_context(browser, VIEW, base_url=desk.base_url)
    watched = watch(context)
    page = watched.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/live?campaign_id=medicare&paused=1")
    other = context.new_page()
    other.goto("/live?campaign_id=medicare")
    desk.ping("medicare", caller_number="+12135550189", caller_state="CA", age="15")
    expect(other.locator("#live")).to_contain_text("+12135550189")
    expect(page.locator("#live")).not_to_contain_text("+12135550189")
    assert not [url for url in asked if "/live/feed" in url]
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(f"{desk.base_url}/live?campaign_id=medicare")
    expect(page.locator("#live")).to_contain_text("+12135550189")
    watched.assert_faultless()
    context.close()
