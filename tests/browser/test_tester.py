"""The ping tester used by the keyboard: a preset, a ping that is tried, a refusal that is understood."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from browser.pages import VIEWS, View, check_page, keep_picture, open_context, watch
from support.desk_server import Desk


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_ping_is_tried_by_the_keyboard_and_its_result_shown_without_leaving_the_page(
    view: View, desk: Desk, browser: Browser
) -> None:
    watched = watch(open_context(browser, view, base_url=desk.base_url))
    page = watched.page
    page.goto("/tester?preset=NY")
    page.get_by_label("age", exact=True).focus()
    page.keyboard.type("44")
    page.get_by_role("button", name="Try this ping").focus()
    page.keyboard.press("Enter")
    result = page.locator("#result")
    expect(result.get_by_text("What the publisher gets")).to_be_visible()
    expect(result.locator("#reply")).to_contain_text('"uuid"')
    expect(result.get_by_text("Buyers, in routing order")).to_be_visible()
    expect(page.get_by_label("age", exact=True)).to_have_value("44")
    keep_picture(page, f"tester-result-{view}")
    check_page(page)
    watched.assert_faultless()
    page.context.close()


def test_buyers_are_asked_only_where_that_is_ticked(desk: Desk, browser: Browser) -> None:
    watched = watch(open_context(browser, View("light", 1280), base_url=desk.base_url))
    page = watched.page
    page.goto("/tester?preset=CA")
    page.get_by_label("RTB key").select_option(label="Auto insurance: Default")
    page.get_by_role("button", name="Try this ping").click()
    expect(page.locator("#buyer-charlie")).to_contain_text("not asked")
    page.get_by_label("Really ask the buyers").check()
    page.get_by_role("button", name="Try this ping").click()
    expect(page.locator("#buyer-charlie")).not_to_contain_text("not asked")
    watched.assert_faultless()
    page.context.close()


def test_it_works_without_script(desk: Desk, browser: Browser) -> None:
    context = browser.new_context(base_url=desk.base_url, java_script_enabled=False)
    context.add_cookies([{"name": "ringbid", "value": "owner", "url": desk.base_url}])
    page = context.new_page()
    page.goto("/tester?preset=nameless")
    page.get_by_role("button", name="Try this ping").click()
    expect(page.locator("#result")).to_contain_text("caller_number_missing")
    context.close()


def test_the_night_preset_tries_the_ping_at_three_in_the_morning(desk: Desk, browser: Browser) -> None:
    watched = watch(open_context(browser, View("light", 1280), base_url=desk.base_url))
    page = watched.page
    page.goto("/tester?preset=night")
    page.get_by_role("button", name="Try this ping").click()
    expect(page.locator("#result time").last).to_contain_text("03:00:00")
    watched.assert_faultless()
    page.context.close()
