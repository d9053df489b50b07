"""The settings of carriers: what is wrong is told at the start."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from ringbid.settings import Carrier, Settings

TWILIO = {"kind": "twilio", "secret": "token"}


def test_a_carriers_secret_is_not_shown() -> None:
    carrier = Carrier.model_validate({**TWILIO, "api_key": "key"})
    assert "token" not in repr(carrier)
    assert "'key'" not in repr(carrier)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"kind": "plivo", "secret": "x"}, "kind"),
        ({"kind": "twilio"}, "secret"),
        ({"kind": "telnyx", "secret": "not base64!"}, "public key is 32 bytes"),
        ({"kind": "telnyx", "secret": base64.b64encode(bytes(31)).decode()}, "public key is 32 bytes"),
        ({**TWILIO, "caller_id": "5551234"}, "E.164"),
        ({**TWILIO, "fallback": "reception"}, "sip: URI"),
        ({**TWILIO, "tokn": "x"}, "tokn"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Carrier.model_validate(settings)


def test_carriers_need_the_public_address() -> None:
    with pytest.raises(ValidationError, match="public_url"):
        Settings.model_validate({"carriers": {"main": TWILIO}})
    settings = Settings.model_validate({"carriers": {"main": TWILIO}, "public_url": "https://ringbid.example.org"})
    assert list(settings.carriers) == ["main"]


def test_a_secret_is_not_told_where_something_else_is_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"carriers": {"main": {**TWILIO, "caller_id": "x"}}, "public_url": "https://a.example"})
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("name", ["sip", "Main", "a/b", "", "a" * 33, "-a"])
def test_a_carriers_name_fits_into_an_address_and_is_not_the_engines(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"carriers": {name: TWILIO}, "public_url": "https://ringbid.example.org"})
