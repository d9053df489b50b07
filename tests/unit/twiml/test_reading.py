"""A carrier's words, and what they become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ringbid.edge.telephony.twiml import reading
from ringbid.edge.telephony.twiml.reading import Message, read_arrival, read_leg, stir_tags
from support.clocks import START
from support.twiml import CALLER, NUMBER, attempt_id

ATTEMPT = attempt_id(1)


def message(**fields: str) -> Message:
    return Message(provider="main", call_sid="CA1", fields=fields, at=START)


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ({"StirVerstat": "TN-Validation-Passed-A"}, {"stir_attestation": "A", "stir_verified": "true"}),
        ({"StirVerstat": "TN-Validation-Passed-C"}, {"stir_attestation": "C", "stir_verified": "true"}),
        ({"StirVerstat": "TN-Validation-Failed-B"}, {"stir_attestation": "B", "stir_verified": "false"}),
        ({"StirVerstat": "TN-Validation-Passed"}, {"stir_attestation": "A", "stir_verified": "true"}),
        ({"StirVerstat": "TN-Validation-Failed"}, {"stir_verified": "false"}),
        ({"StirVerstat": "No-TN-Validation"}, {"stir_verified": "false"}),
        (
            {"ShakenStirAttestation": "B", "ShakenStirValidated": "true"},
            {"stir_attestation": "B", "stir_verified": "true"},
        ),
        (
            {"ShakenStirAttestation": "A", "ShakenStirValidated": "False"},
            {"stir_attestation": "A", "stir_verified": "false"},
        ),
        ({"ShakenStirAttestation": "X"}, {}),
        ({}, {}),
    ],
)
def test_what_the_network_vouches_for_becomes_tags(fields: dict[str, str], tags: dict[str, str]) -> None:
    assert stir_tags(fields) == tags


@pytest.mark.parametrize(
    ("to", "dialled"),
    [
        (NUMBER, NUMBER),
        ("(888) 555-1234", NUMBER),
        (f"sip:{NUMBER}@trunk.example.org:5060", NUMBER),
        ("sip:442079460958@trunk.example.org", "+442079460958"),
        ("SIP:sales;phone-context=x@sip.example.org", "sales"),
        ("sips:sales@sip.example.org", "sales"),
        ("client:jane", "client:jane"),
        ("", ""),
    ],
)
def test_what_was_dialled_is_a_number_where_it_is_one(to: str, dialled: str) -> None:
    arrival = read_arrival(message(From=f"sip:{CALLER}@host", To=to))
    assert (arrival.dialled, arrival.caller_number, arrival.reservation_id) == (dialled, CALLER, None)


@pytest.mark.parametrize("caller", ["anonymous", "Restricted", "+266696687", "", "sip:anonymous@anonymous.invalid"])
def test_a_caller_who_withholds_the_number_has_none(caller: str) -> None:
    assert read_arrival(message(From=caller, To=NUMBER)).caller_number is None


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        ("busy", None, "busy"),
        ("no-answer", None, "no_answer"),
        ("failed", None, "failed"),
        ("failed", "404", "unreachable"),
        ("failed", "503", "unreachable"),
        ("busy", "603", "declined"),
        ("failed", "486", "busy"),
        ("no-answer", "999", "no_answer"),
        ("busy", "4 6", "busy"),
    ],
)
def test_why_a_buyer_did_not_take_the_call(status: str, code: str | None, cause: str) -> None:
    fields = {"CallStatus": status} | ({} if code is None else {"SipResponseCode": code})
    event = read_leg(message(**fields), ATTEMPT)
    assert event is not None
    assert (event.kind, event.cause, event.attempt_id) == ("failed", cause, ATTEMPT)


@pytest.mark.parametrize("status", ["initiated", "queued", "canceled", "", "something new"])
def test_other_states_of_a_leg_are_no_event(status: str) -> None:
    assert read_leg(message(CallStatus=status), ATTEMPT) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Wed, 04 Mar 2026 14:59:57 +0000", START - timedelta(seconds=3)),
        ("Wed, 04 Mar 2026 15:59:57 +0100", START - timedelta(seconds=3)),
        ("2026-03-04T14:59:57.250Z", START - timedelta(seconds=2.75)),
        ("yesterday", START),
        ("", START),
    ],
)
def test_an_event_has_the_carriers_time_where_it_can_be_read(text: str, at: datetime) -> None:
    event = read_leg(message(CallStatus="ringing", Timestamp=text), ATTEMPT)
    assert event is not None
    assert (event.at, event.at.tzinfo) == (at, UTC)


@pytest.mark.parametrize(("told", "milliseconds"), [("94", 94_000), ("0", 0), ("", 0), ("-5", 0), ("1e3", 0), ("٣", 0)])
def test_a_duration_is_whole_seconds_or_nothing(told: str, milliseconds: int) -> None:
    event = read_leg(message(CallStatus="completed", CallDuration=told), ATTEMPT)
    assert event is not None
    assert event.duration_ms == milliseconds
    assert event.started_at == START - timedelta(milliseconds=milliseconds)


def test_a_duration_that_nobody_can_have_talked_is_cut() -> None:
    assert reading.read_seconds(message(CallDuration="999999999"), "CallDuration") == 7 * 24 * 3600


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("https://api.example.com/Recordings/RE1", "https://api.example.com/Recordings/RE1"),
        ("", None),
        ("javascript:alert(1)", None),
        ("https://api.example.com/a b", None),
        ("https://api.example.com/\n", None),
        (f"https://api.example.com/{'a' * 1024}", None),
    ],
)
def test_where_a_recording_is_must_be_an_address(told: str, url: str | None) -> None:
    assert reading.read_recording(message(RecordingUrl=told)) == url


@pytest.mark.parametrize(("source", "ended_by"), [("caller", "caller"), ("callee", "buyer"), ("unknown", None)])
def test_telnyx_says_with_the_leg_who_hung_up(source: str, ended_by: str | None) -> None:
    event = read_leg(message(CallStatus="completed", CallDuration="5", HangupSource=source), ATTEMPT)
    assert event is not None
    assert event.ended_by == ended_by
