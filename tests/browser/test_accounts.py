"""People in a real browser: from the claim link to one-time codes, an invitation accepted elsewhere, and a key; every
page of it checked, light and dark, wide and on a phone."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from browser.pages import VIEWS, View, Watched, check_page, keep_picture, open_context, watch
from ringbid import bootstrap
from ringbid.settings import Settings
from ringbid.values.clock import SystemClock
from support.desk_server import Desk, running_desk

PASSWORD = "river lamp quiet moss"
WIDE = View("light", 1280)
SETTLED = ("/settings/account", "/settings/users", "/settings/keys", "/settings/companies", "/audit")


@pytest.fixture(scope="module")
def accounts_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server that nobody has claimed."""
    with running_desk(tmp_path_factory.mktemp("accounts"), real_accounts=True) as desk:
        yield desk


def link(desk: Desk) -> str:
    """A new link, as `ringbid link` prints it."""

    async def ask() -> str | None:
        return (await bootstrap.make_link(Settings(data=desk.data), email=None)).path

    path: list[str | None] = []
    thread = threading.Thread(target=lambda: path.append(asyncio.run(ask())))  # Playwright's loop runs in this one
    thread.start()
    thread.join()
    assert path[0] is not None
    return path[0]


def look(page: Page, name: str) -> None:
    page.wait_for_load_state("load")
    keep_picture(page, f"accounts-{name}-{WIDE}")
    check_page(page)


def test_people_come_in_and_bring_others(accounts_desk: Desk, browser: Browser) -> None:
    context = open_context(browser, WIDE, base_url=accounts_desk.base_url, session=None)
    watched = watch(context)
    watched.refusal_expected = True  # forms that are wrong answer 422
    page = watched.page
    claim(page, link(accounts_desk))
    secret = set_up_codes(page)
    invitation = invite(page)
    make_key(page)
    accept_elsewhere(browser, accounts_desk, invitation)
    page.goto("/audit")
    expect(page.get_by_role("cell", name="users[ann@acme.example]")).to_be_visible()
    look(page, "audit")
    for view in VIEWS:
        page.set_viewport_size({"width": view.width, "height": 860})
        page.emulate_media(color_scheme="dark" if view.theme == "dark" else "light")
        for path in SETTLED:
            page.goto(path)
            page.wait_for_load_state("load")
            keep_picture(page, f"{path.strip('/').replace('/', '-')}-{view}")
            check_page(page)
        page.goto("/settings/users")
        page.get_by_role("link", name="Ann Analyst").click()
        page.wait_for_url("**/settings/users/*")
        page.wait_for_load_state("load")
        keep_picture(page, f"settings-user-{view}")
        check_page(page)
    page.set_viewport_size({"width": 1280, "height": 860})
    sign_out_and_in(page, watched, secret)
    watched.assert_faultless()
    context.close()


def claim(page: Page, path: str) -> None:
    page.goto(path)
    look(page, "claim")
    page.get_by_label("Your name").fill("Olga Owner")
    page.get_by_label("E-mail address").fill("olga@acme.example")
    page.get_by_label("Password").fill("olga owner olga owner")
    page.get_by_role("button", name="Claim it").click()
    expect(page.get_by_role("alert")).to_contain_text("easily guessed")
    look(page, "claim-refused")
    expect(page.get_by_label("Password")).to_be_focused()  # and not the first field, which is right
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^(?!.*/claim/)"))
    expect(page.get_by_text("This installation is yours.")).to_be_visible()


def set_up_codes(page: Page) -> str:
    page.goto("/settings/account")
    page.get_by_role("button", name="Set up one-time codes").click()
    secret = page.get_by_role("button", name="Copy the secret").get_attribute("data-copy")
    look(page, "two-factor")
    assert secret is not None
    page.get_by_label("Code of the app").fill(pyotp.TOTP(secret).at(SystemClock().now()))
    page.get_by_role("button", name="Turn them on").click()
    expect(page.get_by_text("Keep these recovery codes")).to_be_visible()
    look(page, "recovery-codes")
    return secret


def invite(page: Page) -> str:
    page.goto("/settings/users")
    page.get_by_label("E-mail address").fill("ann@acme.example")
    page.get_by_label("Role").select_option("analyst")
    page.get_by_role("button", name="Make an invitation").click()
    copied = page.get_by_role("button", name="Copy the invitation's link").get_attribute("data-copy")
    assert copied is not None
    look(page, "invited")
    return copied


def make_key(page: Page) -> None:
    page.goto("/settings/keys")
    page.get_by_label("Name").fill("CRM")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("This is the key.")).to_be_visible()
    look(page, "key")


def accept_elsewhere(browser: Browser, desk: Desk, invitation: str) -> None:
    """In another browser profile, as somebody else would."""
    context = open_context(browser, View("dark", 390), base_url=desk.base_url, session=None)
    watched = watch(context)
    page = watched.page
    page.goto(invitation)
    keep_picture(page, "accounts-invitation-dark-390")
    check_page(page)
    page.get_by_label("Your name").fill("Ann Analyst")
    page.get_by_label("Password").fill("seven green otters waltz")
    page.get_by_role("button", name="Make an account and join").click()
    page.wait_for_url(re.compile(r"^(?!.*/invitation/)"))
    expect(page.get_by_text("Welcome, Ann Analyst.")).to_be_visible()
    watched.assert_faultless()
    context.close()


def sign_out_and_in(page: Page, watched: Watched, secret: str) -> None:
    """By keyboard alone, with a code of the next step: the last one is used up."""
    page.goto("/sign-in")
    page.get_by_text("Acme", exact=False).first.wait_for()
    page.context.clear_cookies()
    page.goto("/settings/account")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("olga@acme.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code**")
    look(page, "sign-in-code")
    expect(page.get_by_label("Code")).to_be_focused()
    totp = pyotp.TOTP(secret)
    page.keyboard.type(totp.at(SystemClock().now() + timedelta(seconds=totp.interval)))
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/account")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    watched.assert_faultless()
