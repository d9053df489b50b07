"""The markup, against what Twilio's own library writes and against the strict reader."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from twilio.twiml.voice_response import VoiceResponse

from ringbid.edge.emulate.carrier_markup import DialVerb, read_markup
from ringbid.edge.telephony.twiml.markup import (
    Callbacks,
    dial_markup,
    fallback_markup,
    hangup_markup,
    reject_markup,
)
from ringbid.settings import CarrierKind
from ringbid.values.phone import PhoneNumber
from support.twiml import ANNA, CALL_ID, CALLER, CAROL, KINDS, NUMBER, attempt_id, carrier_settings, dial

BASE = "https://ringbid.example.org/carriers/main"
CALLBACKS = Callbacks(base_url=BASE, call_sid="v3:a/b")
XML = "text/xml; charset=utf-8"
every_kind = pytest.mark.parametrize("kind", KINDS)


def same(ours: bytes, theirs: VoiceResponse) -> None:
    assert ET.canonicalize(ours.decode()) == ET.canonicalize(theirs.to_xml())


def first_dial(markup: bytes, kind: CarrierKind) -> DialVerb:
    verbs = read_markup(markup, XML, kind=kind, answered=False, first=True)
    assert isinstance(verbs, tuple), verbs
    assert isinstance(verbs[0], DialVerb)
    return verbs[0]


def test_a_dial_is_what_twilios_library_writes() -> None:
    ours = dial_markup(
        (dial(1, ANNA, ring_seconds=25), dial(2, CAROL, ring_seconds=25)),
        carrier=carrier_settings("twilio", recording=True),
        callbacks=CALLBACKS,
        caller_number=PhoneNumber(CALLER),
    )
    theirs = VoiceResponse()
    verb = theirs.dial(
        answer_on_bridge=True,
        timeout=25,
        time_limit=3600,
        caller_id=CALLER,
        record="record-from-answer-dual",
        action=f"{BASE}/dial-done?attempts={attempt_id(1)}.{attempt_id(2)}&call=v3%3Aa%2Fb&longest=3600",
        method="POST",
    )
    told = {"status_callback_event": "ringing answered completed", "status_callback_method": "POST"}
    verb.number(ANNA, status_callback=f"{BASE}/leg?attempt={attempt_id(1)}&call=v3%3Aa%2Fb", **told)
    sip = f"{CAROL}?X-Ringbid-Call={CALL_ID}&X-Ringbid-Key=k%26y%2F1"
    verb.sip(sip, status_callback=f"{BASE}/leg?attempt={attempt_id(2)}&call=v3%3Aa%2Fb", **told)
    same(ours, theirs)


def test_hangup_and_reject_are_what_twilios_library_writes() -> None:
    hangup, busy, rejected = VoiceResponse(), VoiceResponse(), VoiceResponse()
    hangup.hangup()
    busy.reject(reason="busy")
    rejected.reject(reason="rejected")
    same(hangup_markup(), hangup)
    same(reject_markup(486), busy)
    same(reject_markup(603), rejected)


@pytest.mark.parametrize(
    ("kind", "ring", "longest", "expected"),
    [
        ("telnyx", 3, 30, (5, 60)),
        ("telnyx", 300, 90_000, (120, 14400)),
        ("telnyx", 45, 600, (45, 600)),
        ("twilio", 3, 30, (3, 30)),
        ("twilio", 900, 90_000, (600, 14400)),
        ("signalwire", 0, 0, (1, 1)),
        ("somleng", 20, 3600, (20, 3600)),
    ],
)
def test_times_are_the_nearest_that_the_carrier_takes(
    kind: CarrierKind, ring: int, longest: int, expected: tuple[int, int]
) -> None:
    step = (dial(1, ANNA, ring_seconds=ring, max_duration_seconds=longest),)
    markup = dial_markup(step, carrier=carrier_settings(kind), callbacks=CALLBACKS, caller_number=None)
    verb = first_dial(markup, kind)
    assert (verb.ring_seconds, verb.talk_seconds) == expected


@every_kind
def test_every_carrier_answers_the_caller_only_when_a_buyer_does(kind: CarrierKind) -> None:
    markup = dial_markup((dial(1, ANNA),), carrier=carrier_settings(kind), callbacks=CALLBACKS, caller_number=None)
    verb = first_dial(markup, kind)
    assert (verb.answer_on_bridge, verb.caller_id) == (True, None)


@every_kind
@pytest.mark.parametrize("own", [None, NUMBER])
def test_buyers_see_the_caller_as_far_as_the_carrier_lets_it_be_written(kind: CarrierKind, own: str | None) -> None:
    carrier = carrier_settings(kind, caller_id=own)
    markup = dial_markup((dial(1, ANNA),), carrier=carrier, callbacks=CALLBACKS, caller_number=PhoneNumber(CALLER))
    # somleng takes the account's own numbers only; where none is written it shows the caller's.
    written = None if kind == "somleng" else CALLER
    assert first_dial(markup, kind).caller_id == (own or written)


@every_kind
@pytest.mark.parametrize(("fallback", "headers"), [(ANNA, {}), (CAROL, {})])
def test_the_fallback_rings_one_place_and_calls_nobody_back(kind: CarrierKind, fallback: str, headers: dict) -> None:
    verb = first_dial(fallback_markup(carrier_settings(kind, fallback=fallback, caller_id=NUMBER)), kind)
    (target,) = verb.targets
    assert (target.address, dict(target.headers), target.callback) == (fallback, headers, None)
    assert (verb.action, verb.caller_id) == (None, NUMBER)


@every_kind
def test_without_a_fallback_the_caller_hears_busy(kind: CarrierKind) -> None:
    assert fallback_markup(carrier_settings(kind)) == reject_markup(486)


@pytest.mark.parametrize("to", ["sip:a<b>&\"'@host.example", "sip:a\x00\n@host.example", "sip:ü@host.example"])
def test_no_address_can_write_markup_of_its_own(to: str) -> None:
    markup = dial_markup((dial(1, to),), carrier=carrier_settings("twilio"), callbacks=CALLBACKS, caller_number=None)
    (target,) = first_dial(markup, "twilio").targets
    assert target.headers == {"X-Ringbid-Call": CALL_ID, "X-Ringbid-Key": "k&y/1"}


def test_an_address_with_headers_of_its_own_keeps_them() -> None:
    markup = dial_markup(
        (dial(1, f"{CAROL};transport=tls?X-Team=blue"),),
        carrier=carrier_settings("twilio"),
        callbacks=CALLBACKS,
        caller_number=None,
    )
    (target,) = first_dial(markup, "twilio").targets
    assert (target.address, target.headers["X-Team"]) == (f"{CAROL};transport=tls", "blue")
    assert target.headers["X-Ringbid-Call"] == CALL_ID
