"""Signatures: the same as the carriers' own libraries make, and nothing else is believed."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from ringbid.edge.emulate.carrier_wire import Identity, signature_headers
from ringbid.edge.telephony.twiml.signatures import Form, SignedRequest, sign_form, why_forged
from ringbid.settings import CarrierKind
from support.clocks import START
from support.twiml import ACCOUNT, KINDS, PUBLIC_URL, carrier_settings, signing_key

URL = f"{PUBLIC_URL}/carriers/main/voice"
FORM: Form = (("CallSid", "CA1"), ("From", "+12125550123"), ("To", "+18885551234"), ("CallerName", ""))
every_kind = pytest.mark.parametrize("kind", KINDS)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
forms = st.dictionaries(texts.filter(bool), texts, max_size=8).map(lambda fields: tuple(fields.items()))


def request(kind: CarrierKind, url: str = URL, form: Form = FORM, at=START) -> SignedRequest:
    """A request as this carrier sends it."""
    body = urlencode(form).encode()
    identity = Identity(kind=kind, signing_key=signing_key(kind), account=ACCOUNT)
    headers = dict(signature_headers(identity, url, form, body, at))
    return SignedRequest(url=url, form=form, body=body, headers=headers)


def changed(signed: SignedRequest, **what: object) -> SignedRequest:
    """`signed` with something changed on its way."""
    facts = {name: getattr(signed, name) for name in ("url", "form", "body", "headers")}
    return SignedRequest(**(facts | what))  # type: ignore[arg-type]  # -- tests change one thing at a time


@given(form=forms, path=st.sampled_from(["/voice", "/leg?attempt=1&call=CA1", "/dial-done?attempts=1.2&call=v3%3Ax"]))
@every_kind
def test_what_a_carrier_signs_is_believed(kind: CarrierKind, form: Form, path: str) -> None:
    assert why_forged(carrier_settings(kind), request(kind, PUBLIC_URL + path, form), START) is None


@given(form=forms, url=st.sampled_from([URL, f"{URL}?b=1&a=%20x", "http://host:8700/x"]), secret=st.text(min_size=1))
def test_forms_are_signed_as_twilios_library_does(form: Form, url: str, secret: str) -> None:
    try:
        expected = RequestValidator(secret).compute_signature(url, dict(form))
    except UnicodeEncodeError:  # half a character is no secret
        return
    assert sign_form(secret, url, form) == expected


def test_twilios_library_believes_our_signature_with_and_without_the_port() -> None:
    validator = RequestValidator("secret")
    assert validator.validate(URL, dict(FORM), sign_form("secret", URL, FORM))
    with_port = URL.replace(".org", ".org:443")
    assert validator.validate(with_port, dict(FORM), sign_form("secret", URL, FORM))


@pytest.mark.parametrize("kind", ["twilio", "signalwire", "somleng"])
@pytest.mark.parametrize(
    ("public", "signed"),
    [
        (URL, URL.replace(".org", ".org:443")),
        (URL.replace(".org", ".org:443"), URL),
        ("http://host:80/x", "http://host/x"),
    ],
)
def test_the_port_that_goes_without_saying_may_be_signed_or_not(kind: CarrierKind, public: str, signed: str) -> None:
    assert why_forged(carrier_settings(kind), changed(request(kind, signed), url=public), START) is None


@pytest.mark.parametrize("kind", ["twilio", "signalwire", "somleng"])
@pytest.mark.parametrize(
    "url", [URL.replace("https", "http"), URL.replace(".org", ".org:8443"), f"{URL}?x=1", URL.replace("voice", "leg")]
)
def test_another_address_than_the_signed_one_is_not_believed(kind: CarrierKind, url: str) -> None:
    assert why_forged(carrier_settings(kind), changed(request(kind), url=url), START) == "wrong signature"


@every_kind
def test_a_parameter_added_changed_or_removed_is_noticed(kind: CarrierKind) -> None:
    signed = request(kind)
    for form in ((*FORM, ("a", "b")), (*FORM[:-1], ("CallerName", "x")), FORM[1:]):
        altered = changed(signed, form=form, body=urlencode(form).encode())
        assert why_forged(carrier_settings(kind), altered, START) == "wrong signature"


@every_kind
def test_a_request_without_a_signature_is_not_believed(kind: CarrierKind) -> None:
    assert why_forged(carrier_settings(kind), changed(request(kind), headers={}), START) == "no signature"


@every_kind
@pytest.mark.parametrize("signature", ["", "x", "ä", "AAAA", base64.b64encode(bytes(64)).decode(), "\x00"])
def test_nonsense_in_place_of_a_signature_is_not_believed(kind: CarrierKind, signature: str) -> None:
    signed = request(kind)
    headers = {name: signature if "signature" in name else value for name, value in signed.headers.items()}
    assert why_forged(carrier_settings(kind), changed(signed, headers=headers), START) == "wrong signature"


@every_kind
def test_another_accounts_secret_is_not_believed(kind: CarrierKind) -> None:
    other = base64.b64encode(bytes(32)).decode() if kind == "telnyx" else "another"
    body = urlencode(FORM).encode()
    headers = dict(signature_headers(Identity(kind=kind, signing_key=other, account=ACCOUNT), URL, FORM, body, START))
    assert why_forged(carrier_settings(kind), changed(request(kind), headers=headers), START) == "wrong signature"


def test_signalwires_older_header_is_taken_and_the_newer_wins() -> None:
    carrier, good = carrier_settings("signalwire"), sign_form(signing_key("signalwire"), URL, FORM)
    for headers, why in (
        ({"x-twilio-signature": good}, None),
        ({"x-signalwire-signature": good, "x-twilio-signature": "bad"}, None),
        ({"x-signalwire-signature": "bad", "x-twilio-signature": good}, "wrong signature"),
    ):
        assert why_forged(carrier, changed(request("signalwire"), headers=headers), START) == why


def test_twilio_does_not_sign_with_signalwires_header() -> None:
    headers = {"x-signalwire-signature": sign_form(signing_key("twilio"), URL, FORM)}
    assert why_forged(carrier_settings("twilio"), changed(request("twilio"), headers=headers), START) == "no signature"


@pytest.mark.parametrize(("seconds", "believed"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_telnyx_requests_are_believed_for_five_minutes(seconds: int, believed: bool) -> None:
    why = why_forged(carrier_settings("telnyx"), request("telnyx"), START + timedelta(seconds=seconds))
    assert (why is None) is believed


def test_the_time_that_telnyx_signed_cannot_be_changed() -> None:
    signed = request("telnyx")
    later = START + timedelta(hours=1)
    headers = {**signed.headers, "telnyx-timestamp": str(int(later.timestamp()))}
    assert why_forged(carrier_settings("telnyx"), changed(signed, headers=headers), later) == "wrong signature"


def test_telnyx_signs_the_timestamp_and_the_raw_body() -> None:
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing_key("telnyx")))
    body, time = b"CallSid=v3%3Aabc", str(int(START.timestamp()))
    signature = base64.b64encode(key.sign(f"{time}|".encode() + body)).decode()
    headers = {"telnyx-timestamp": time, "telnyx-signature-ed25519": signature}
    signed = SignedRequest(url=URL, form=(("CallSid", "v3:abc"),), body=body, headers=headers)
    assert why_forged(carrier_settings("telnyx"), signed, START) is None
