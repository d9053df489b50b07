"""Taking a live call back: the request to the carrier's REST API."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

import pytest

from ringbid.edge.telephony.twiml.redirecting import redirect_call
from ringbid.settings import CarrierKind
from support.twiml import ACCOUNT, PUBLIC_URL, carrier_settings, signing_key


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{ACCOUNT}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("kind", "settings", "url", "authorization"),
    [
        (
            "twilio",
            {},
            f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls/X1.json",
            basic(signing_key("twilio")),
        ),
        (
            "signalwire",
            {"api_url": "https://acme.signalwire.com/", "api_key": "PT1"},
            f"https://acme.signalwire.com/api/laml/2010-04-01/Accounts/{ACCOUNT}/Calls/X1.json",
            basic("PT1"),
        ),
        ("telnyx", {"api_key": "KEY1"}, f"https://api.telnyx.com/v2/texml/Accounts/{ACCOUNT}/Calls/X1", "Bearer KEY1"),
        (
            "somleng",
            {"api_url": "https://api.somleng.example"},
            f"https://api.somleng.example/2010-04-01/Accounts/{ACCOUNT}/Calls/X1.json",
            basic(signing_key("somleng")),
        ),
    ],
)
def test_each_carrier_is_asked_in_its_own_way(
    kind: CarrierKind, settings: dict[str, str], url: str, authorization: str
) -> None:
    ask = redirect_call(carrier_settings(kind, **settings), name="main", public_url=f"{PUBLIC_URL}/", call_sid="X1")
    assert ask is not None
    assert (ask.method, ask.url) == ("POST", url)
    assert dict(ask.headers)["authorization"] == authorization
    assert parse_qs(ask.body.decode()) == {"Method": ["POST"], "Url": [f"{PUBLIC_URL}/carriers/main/again"]}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("twilio", {"account": None}),
        ("telnyx", {}),
        ("signalwire", {"api_key": "k"}),
        ("signalwire", {"api_url": "https://acme.signalwire.com"}),
        ("somleng", {}),
    ],
)
def test_without_what_it_needs_there_is_no_request(kind: CarrierKind, settings: dict[str, str | None]) -> None:
    assert redirect_call(carrier_settings(kind, **settings), name="main", public_url=PUBLIC_URL, call_sid="X1") is None
