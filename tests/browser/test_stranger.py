"""A stranger with nothing but a browser and a terminal: from `ringbid demo` to a refused ping that was understood and
mended. Every page on the way is kept as a picture (`.artefacts/screens/stranger-*.png`) and checked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.pages import View, Watched, check_page, keep_picture, open_context, watch
from support.loopback import free_port

RINGBID = str(Path(sys.executable).with_name("ringbid"))
LONGEST_SECONDS = 580  # on a slow machine
WIDE, ELSEWHERE = View("light", 1280), View("dark", 1280)
MINE = "/live?campaign_id=solar-leads"


@dataclass
class Walk:
    """One browser window on the way, and the pictures that were taken of all of them."""

    watched: Watched
    taken: list[str] = field(default_factory=list)
    prefix: str = "stranger"

    @property
    def page(self) -> Page:
        return self.watched.page

    def look(self, name: str, *, on_paper: bool = False) -> None:
        """Keep a picture of the page as it stands, and check it: as wide as it is, and on a phone."""
        self.page.wait_for_load_state("load")
        self.page.evaluate("scrollTo(0, 0)")
        self.taken.append(name)
        keep_picture(self.page, f"{self.prefix}-{len(self.taken):02d}-{name}")
        check_page(self.page)
        if not on_paper:
            self.page.set_viewport_size({"width": 390, "height": 860})
            keep_picture(self.page, f"{self.prefix}-{len(self.taken):02d}-{name}-390")
            check_page(self.page)
            self.page.set_viewport_size({"width": 1280, "height": 860})
        self.watched.assert_faultless()

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).click()


@contextmanager
def running(command: str, *options: str, says: str) -> Iterator[re.Match[str]]:
    """`ringbid COMMAND` as a process of its own; what it prints up to `says`, a pattern, as the match of that."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGBID_")}
    with subprocess.Popen(
        [RINGBID, command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
        watchdog.start()
        assert process.stdout is not None
        reader = threading.Thread(target=process.stdout.read)  # or it would stop where its pipe is full
        try:
            printed = ""
            for line in process.stdout:
                printed += line
                if found := re.search(says, printed, re.MULTILINE):
                    break
            assert found is not None, printed
            reader.start()
            yield found
        finally:
            watchdog.cancel()
            process.kill()
    reader.join()


def send(curl: str) -> dict[str, Any]:
    """Run what was copied from the page; the reply."""
    ran = subprocess.run(["bash", "-c", f"{curl} --silent --show-error"], capture_output=True, text=True, check=True)
    reply: dict[str, Any] = json.loads(ran.stdout)
    return reply


@pytest.mark.timeout(600)
def test_from_the_demo_to_a_refused_ping_understood_and_mended(browser: Browser) -> None:
    says = r"^Open this +(http://127\.0\.0\.1:\d+)(/claim/[\w-]+)$"
    with running("demo", "--phones", "none", says=says) as link:
        context = open_context(browser, WIDE, base_url=link[1], session=None)
        walk = Walk(watch(context))
        claim(walk, link[2])
        make_campaign(walk)
        make_key(walk)
        other = open_context(browser, ELSEWHERE, base_url=link[1], session=None)
        publisher = Walk(watch(other), walk.taken)
        curl = open_posting_page(walk, publisher)
        see_first_ping(walk, publisher, curl)
        understand_and_mend(walk, curl)
        for one in (context, other):
            one.close()


@pytest.mark.timeout(600)
def test_a_server_of_their_own_is_claimed_with_its_first_company(browser: Browser, tmp_path: Path) -> None:
    says = r"^ +(http://127\.0\.0\.1:\d+)(/claim/[\w-]+)$"
    options = ("--data", str(tmp_path), "--port", str(free_port()))
    with running("serve", *options, says=says) as link:
        context = open_context(browser, WIDE, base_url=link[1], session=None)
        walk = Walk(watch(context), prefix="stranger-serve")
        claim(walk, link[2], company="Sam Calls")
        expect(walk.page.get_by_role("heading", name="No pings yet")).to_be_visible()
        walk.follow("Make one with the wizard")
        walk.page.get_by_label("What is it called?").fill("First calls")
        walk.press("Next")
        expect(walk.page.get_by_role("heading", name="A new buyer")).to_be_visible()
        walk.look("wizard-buyers")
        context.close()


def claim(walk: Walk, path: str, *, company: str | None = None) -> None:
    """From the link in the terminal to an account, and to what is to be done first."""
    page = walk.page
    page.goto(path)
    walk.look("claim")
    page.get_by_label("Your name").fill("Sam Stranger")
    page.get_by_label("E-mail address").fill("sam@new.example")
    page.get_by_label("Password").fill("river lamp quiet moss")
    if company is not None:
        page.get_by_label("Company").fill(company)
    walk.press("Claim it")
    expect(page.get_by_text("This installation is yours.")).to_be_visible()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    walk.look("overview")


def make_campaign(walk: Walk) -> None:
    """Five steps; between two of them the page is closed and opened again."""
    page = walk.page
    walk.follow("Make one with the wizard")
    page.get_by_label("What is it called?").fill("Solar leads")
    page.get_by_label("What kind of calls?").select_option("home")
    walk.look("wizard-name")
    walk.press("Next")
    mine = page.locator("section").filter(has=page.get_by_role("heading", name="A new buyer"))
    mine.get_by_label("Name", exact=True).fill("Sunny Roofs")
    mine.get_by_label("Number or SIP address").fill("+12025550177")
    with page.expect_response(
        lambda one: one.url.endswith("/draft") and "b0_price=20" in (one.request.post_data or "")
    ):
        mine.get_by_label("Pays for a call").fill("20")
    page.goto("/campaigns")
    walk.follow("New campaign")
    expect(page.get_by_text("Your draft of Solar leads")).to_be_visible()
    expect(page.get_by_label("Name", exact=True).first).to_have_value("Sunny Roofs")
    walk.look("wizard-buyers")
    walk.press("Next")
    page.get_by_label("Callers from these states").fill("NY, NJ")
    walk.look("wizard-filters")
    walk.press("Next")
    page.get_by_label("A new publisher").fill("Roof Shop")
    page.get_by_label("Number that calls come in on").fill("+18005550199")
    walk.watched.refusal_expected = True  # without a payout the form answers 422
    walk.press("Next")
    expect(page.get_by_role("alert")).to_contain_text("The payout is 0")
    walk.look("wizard-payout-refused")
    walk.watched.refusal_expected = False
    page.get_by_label("Payout for a call").fill("15")
    walk.press("Next")
    expect(page.get_by_text("A call of Solar leads goes to Sunny Roofs, else to nobody.")).to_be_visible()
    walk.look("wizard-review")
    walk.press("Create the campaign")
    expect(page.get_by_role("heading", name="Solar leads is in force")).to_be_visible()
    walk.look("campaign-made")
    walk.follow("Send a test ping")
    walk.press("Try this ping")
    expect(page.get_by_role("heading", name=re.compile("Reserved for .* at 20.00 USD revenue"))).to_be_in_viewport()
    walk.look("test-ping")


def make_key(walk: Walk) -> None:
    """A second key, that holds a place longer and answers sooner than the first."""
    page = walk.page
    page.goto("/campaigns/solar-leads/keys")
    walk.look("keys")
    walk.follow("Add an RTB key")
    page.get_by_label("Name", exact=True).fill("Roof Shop")
    page.locator("#ttl-seconds").fill("30")
    with page.expect_response("**/key-picture?**"):
        page.locator("#timeout-seconds").fill("3")
    walk.look("key")
    walk.press("Add")
    expect(page.get_by_text("answered within 3 seconds (its timeout)")).to_be_visible()
    expect(page.get_by_text("held for 30 seconds (its TTL)")).to_be_visible()
    walk.look("key-made")


def open_posting_page(walk: Walk, publisher: Walk) -> str:
    """The link, opened by somebody else; the curl command that stands there."""
    walk.press("Posting link for Roof Shop")
    link = walk.page.get_by_role("button", name="Copy the link").get_attribute("data-copy")
    assert link is not None
    walk.look("posting-link")
    publisher.page.goto(link)
    expect(publisher.page.get_by_text("Waiting for your first ping…")).to_be_visible()
    publisher.look("posting-page")
    return publisher.page.locator("#snippet-1").inner_text()


def see_first_ping(walk: Walk, publisher: Walk, curl: str) -> None:
    walk.page.goto(MINE)
    expect(walk.page.locator("#live")).to_be_visible()
    walk.look("live-before")
    reply = send(curl)
    assert reply["status"] == "reserved", reply
    expect(publisher.page.get_by_text(re.compile(r"Your first ping was received .* ✓"))).to_be_visible()
    publisher.look("posting-page-pinged")
    with publisher.page.expect_download() as download:
        publisher.follow("As Markdown")
    assert download.value.path().read_text().startswith("# Posting instructions for Roof Shop")
    publisher.page.emulate_media(media="print")
    expect(publisher.page.get_by_role("heading", name="Try it")).to_be_hidden()
    publisher.look("posting-page-printed", on_paper=True)
    publisher.page.emulate_media(media="screen")
    expect(walk.page.locator(f'#live a[href*="{reply["uuid"]}"]').first).to_be_visible()
    walk.look("live")


def understand_and_mend(walk: Walk, curl: str) -> None:
    """A caller from California is refused; the page says why and leads to the setting; then the same ping is taken."""
    page = walk.page
    refused = curl.replace("+12125550123", "+13105550147")
    reply = send(refused)
    assert reply["status"] == "no-target", reply
    page.locator(f'#live a[href*="{reply["uuid"]}"]').first.click()
    expect(page.get_by_text("no_buyer_available").first).to_be_visible()
    buyer = page.locator("#buyer-sunny-roofs")
    expect(buyer).to_contain_text("Found caller_state = CA")
    expect(buyer).to_contain_text("Needed caller_state in [NY, NJ]")
    walk.look("refused")
    buyer.get_by_role("link", name=re.compile("filters")).click()
    expect(page.locator("#filters")).to_be_visible()
    walk.look("setting")
    field = page.locator("#filters")
    field.fill(field.input_value().replace("NJ", "NJ, CA"))
    walk.press("Save")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page).to_have_url(re.compile(reply["uuid"]))  # back at the ping that was refused
    walk.look("mended")
    walk.follow("Try it again")
    walk.press("Try this ping")
    expect(page.locator("#reply")).to_contain_text('"status": "reserved"')
    walk.look("tried-again")
    again = send(refused)
    assert again["status"] == "reserved", again
    page.goto(f"/call_reservations/{again['uuid']}")
    headline = re.compile(r"Reserved for .* at 20\.00 USD revenue; the publisher is paid 15\.00 USD")
    expect(page.get_by_role("heading", level=1)).to_contain_text(headline)
    walk.look("reserved")
    page.goto("/")
    expect(page.get_by_role("heading", name="First steps")).to_have_count(0)
    walk.look("overview-after")
