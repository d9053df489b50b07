"""The program of docs/events.md for JavaScript, in a real engine of it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from ringbid.outbox.signing import new_secret, signed_headers
from ringbid.values.clock import SystemClock
from support.desk_server import Desk

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
BODY = '{"type":"ping.reserved","data":{"caller_city":"Española"}}'
EVENT = {"type": "ping.reserved", "data": {"caller_city": "Española"}}
_TRY = """async ([headers, body, secret]) => {
  try { return await readEvent(headers, body, secret) } catch (error) { return error.message }
"""


def test_the_page_s_javascript_takes_what_is_sent_and_nothing_else(browser: Browser, desk: Desk) -> None:
    found = re.search(r"^```javascript\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    program = f"{_TRY}{found[1]}}}"
    old, new = (new_secret(lambda size, fill=fill: bytes([fill]) * size) for fill in (1, 2))
    page = browser.new_page()
    page.goto(f"{desk.base_url}/sign-in")

    def read(*, age_seconds: int = 0, body: str = BODY, secret: str = old) -> object:
        at = int(SystemClock().now().timestamp()) - age_seconds
        headers = dict(signed_headers((), "msg_1", timestamp=at, body=BODY.encode(), secrets=(new, old)))
        return page.evaluate(program, [headers, body, secret])

    assert read() == read(secret=new) == EVENT
    assert read(body=BODY.replace("reserved", "rejected")) == "not from Ringbid"
    assert read(age_seconds=600) == "too old"
    page.close()
