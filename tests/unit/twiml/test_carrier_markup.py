"""The simulated carrier is strict: it follows what real carriers follow, and complains of everything else."""

from __future__ import annotations

import pytest

from ringbid.edge.emulate.carrier_markup import DialVerb, HangupVerb, RedirectVerb, RejectVerb, read_markup
from ringbid.settings import CarrierKind


def read(inner: str, *, kind: CarrierKind = "twilio", answered: bool = False, first: bool = True) -> object:
    return read_markup(f"<Response>{inner}</Response>".encode(), "text/xml", kind=kind, answered=answered, first=first)


def complaint(inner: str, *, kind: CarrierKind = "twilio", answered: bool = False, first: bool = True) -> str:
    found = read(inner, kind=kind, answered=answered, first=first)
    assert isinstance(found, str), found
    return found


def test_the_verbs_that_are_followed() -> None:
    assert read("") == ()
    assert read("<Reject/>") == (RejectVerb(False),)
    assert read('<Reject reason="busy"/>') == (RejectVerb(True),)
    assert read("<Hangup/>") == (HangupVerb(),)
    assert read("<Redirect>https://a.example/x</Redirect>") == (RedirectVerb("https://a.example/x"),)
    dialled = read("<Dial><Number>+12025550111</Number></Dial><Hangup/>")
    assert isinstance(dialled, tuple)
    assert isinstance(dialled[0], DialVerb)
    assert (dialled[0].ring_seconds, dialled[0].talk_seconds, dialled[0].answer_on_bridge) == (30, 14400, False)


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("<Say>hello</Say>", "no verb that is followed"),
        ("<Dial/>", "rings 0 at once"),
        ("<Dial>" + "<Number>+12025550111</Number>" * 11 + "</Dial>", "rings 11 at once"),
        ("<Dial><Number>5550111</Number></Dial>", "not in E.164"),
        ("<Dial><Number> +12025550111</Number></Dial>", "not in E.164"),
        ("<Dial><Client>jane</Client></Dial>", "no noun"),
        ("<Dial>+12025550111</Dial>", "rings 0"),
        ("<Dial>text<Number>+12025550111</Number></Dial>", "stray text"),
        ('<Dial timeOut="5"><Number>+12025550111</Number></Dial>', "no attribute timeOut"),
        ('<Dial timeout="0"><Number>+12025550111</Number></Dial>', "timeout is '0'"),
        ('<Dial timeout="5.5"><Number>+12025550111</Number></Dial>', "timeout is '5.5'"),
        ('<Dial timeLimit="20000"><Number>+12025550111</Number></Dial>', "timeLimit is '20000'"),
        ('<Dial answerOnBridge="yes"><Number>+12025550111</Number></Dial>', "neither true nor false"),
        ('<Dial callerId="anonymous"><Number>+12025550111</Number></Dial>', "callerId"),
        ('<Dial record="always"><Number>+12025550111</Number></Dial>', "record cannot be"),
        ('<Dial method="GET"><Number>+12025550111</Number></Dial>', "only POST"),
        ('<Dial action="/relative"><Number>+12025550111</Number></Dial>', "no absolute URL"),
        ('<Dial action="https://a.example/?b=1&amp;a=2"><Number>+12025550111</Number></Dial>', "alphabetical"),
        ('<Dial><Number statusCallbackEvent="ringing,answered">+12025550111</Number></Dial>', "unknown events"),
        ('<Dial><Number statusCallbackMethod="GET">+12025550111</Number></Dial>', "only POST"),
        ("<Dial><Number><b/>+12025550111</Number></Dial>", "no elements"),
        ("<Dial><Sip>carol@example.org</Sip></Dial>", "no SIP URI"),
        ("<Dial><Sip>sip:carol@example.org?Route=evil</Sip></Dial>", "no name of a SIP header"),
        ("<Dial><Sip>sip:carol@example.org?X-A=" + "a" * 1024 + "</Sip></Dial>", "1024 characters"),
        ('<Reject reason="sorry"/>', "no reason"),
        ("<Reject>no</Reject>", "stray text"),
        ("<Reject><Say/></Reject>", "no elements"),
        ("<Reject/><Hangup/>", "never reached"),
        ("<Dial><Number>+12025550111</Number></Dial><Reject/>", "not the first verb"),
        ("<Hangup/><Hangup/>", "never reached"),
        ("<Redirect/>", "leads nowhere"),
        ("hello", "stray text"),
    ],
)
def test_what_it_complains_of(inner: str, why: str) -> None:
    assert why in complaint(inner)


@pytest.mark.parametrize(("answered", "first"), [(True, True), (False, False), (True, False)])
def test_reject_is_only_for_calls_that_nobody_has_touched(answered: bool, first: bool) -> None:
    assert "not the first verb" in complaint("<Reject/>", answered=answered, first=first)


@pytest.mark.parametrize(
    "attribute", ['timeout="4"', 'timeout="121"', 'timeLimit="59"', 'record="record-from-answer-dual"']
)
def test_telnyx_has_limits_of_its_own(attribute: str) -> None:
    inner = f"<Dial {attribute}><Number>+12025550111</Number></Dial>"
    assert isinstance(read(inner), tuple)
    assert attribute.partition("=")[0] in complaint(inner, kind="telnyx")


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"<Response/>", "application/json", "content type"),
        (b"<Response/>", "", "content type"),
        (b"<Response>", "text/xml", "no XML"),
        (b"", "text/xml", "no XML"),
        (b"<Answer/>", "text/xml", "not Response"),
        (b'<Response version="1"/>', "application/xml", "no attribute version"),
    ],
)
def test_what_is_no_document(body: bytes, content_type: str, why: str) -> None:
    found = read_markup(body, content_type, kind="twilio", answered=False, first=True)
    assert isinstance(found, str)
    assert why in found
