"""Every screen in a real browser: light and dark, wide and on a phone, without a fault and open to everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from browser.pages import VIEWS, View, check_page, keep_picture, open_context, watch
from browser.screens import SCREENS, Screen
from support.desk_server import Desk


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_shown_without_fault_and_can_be_used_by_everybody(
    screen: Screen, view: View, desk: Desk, browser: Browser
) -> None:
    context = open_context(browser, view, base_url=desk.base_url, session=screen.session)
    watched = watch(context)
    watched.refusal_expected = screen.status >= 400
    answer = watched.page.goto(screen.path.format_map(desk.things))
    assert answer is not None
    assert answer.status == screen.status
    watched.page.wait_for_load_state("load")
    keep_picture(watched.page, f"{screen.name}-{view}")
    check_page(watched.page)
    watched.assert_faultless()
    context.close()
