"""The frame of every page, used: the theme switch, the menu of narrow windows, the way to the jump field, copying."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.pages import View, Watched, check_page, open_context, watch
from support.desk_server import Desk

PATH = "/call_reservations/{reserved}"


def open_page(browser: Browser, desk: Desk, view: View) -> Watched:
    watched = watch(open_context(browser, view, base_url=desk.base_url))
    watched.page.goto(PATH.format_map(desk.things))
    return watched


@pytest.fixture
def wide(browser: Browser, desk: Desk) -> Iterator[Watched]:
    watched = open_page(browser, desk, View("light", 1280))
    yield watched
    watched.assert_faultless()
    watched.page.context.close()


@pytest.fixture
def narrow(browser: Browser, desk: Desk) -> Iterator[Watched]:
    watched = open_page(browser, desk, View("light", 390))
    yield watched
    watched.assert_faultless()
    watched.page.context.close()


def background(watched: Watched) -> str:
    color: str = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


def test_a_chosen_theme_is_kept_on_the_next_page(wide: Watched) -> None:
    light = background(wide)
    wide.page.locator("summary", has_text="Acme Calls").click()
    wide.page.get_by_role("button", name="Dark").click()
    dark = background(wide)
    wide.page.reload()
    assert (light != dark, background(wide)) == (True, dark)


def test_slash_and_control_k_lead_to_the_jump_field(wide: Watched) -> None:
    for keys in ("/", "Control+k"):
        wide.page.reload()
        wide.page.keyboard.press(keys)
        expect(wide.page.locator("#jump")).to_be_focused()
        expect(wide.page.locator("#jump")).to_have_value("")


def test_the_first_tab_leads_past_the_rail(wide: Watched) -> None:
    wide.page.keyboard.press("Tab")
    expect(wide.page.locator(".skip-link")).to_be_focused()
    wide.page.keyboard.press("Enter")
    expect(wide.page.locator("#main")).to_be_focused()


def test_on_a_phone_the_rail_is_a_menu_that_the_keyboard_opens_and_closes(narrow: Watched) -> None:
    menu = narrow.page.locator("summary[aria-label=Menu]")
    menu.focus()
    narrow.page.keyboard.press("Enter")
    expect(narrow.page.locator(".rail-menu")).to_have_attribute("open", "")
    check_page(narrow.page)
    narrow.page.keyboard.press("Escape")
    expect(narrow.page.locator(".rail-menu")).not_to_have_attribute("open", "")
    expect(menu).to_be_focused()


def test_the_jump_field_leads_to_a_ping_a_buyer_and_a_caller(wide: Watched, desk: Desk) -> None:
    for wanted, path in (
        (desk.things["outbid"], f"/call_reservations/{desk.things['outbid']}"),
        ("Alpha insurance", "/buyers/alpha"),
        ("(212) 555-0124", "/pings?search=%2B12125550124"),
    ):
        wide.page.keyboard.press("Control+k")
        wide.page.keyboard.type(wanted)
        wide.page.keyboard.press("Enter")
        wide.page.wait_for_url(f"**{path}")
