"""What Kamailio writes becomes what the call flow reads, and the other way round."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ringbid.call.instruction import Connect, Over, Refuse
from ringbid.edge.telephony.sip import messages
from ringbid.edge.telephony.sip.messages import Question, RecordLine, SentBack, Told
from ringbid.settings import Sip
from ringbid.values.ids import CallId, PingId
from ringbid.values.reason import Reason
from support.sip_desk import connect, dial

ATTEMPT = PingId("01890a5d-ac96-774b-bcce-b302099a8057")
AT = "1700000000.000500"
SIP = Sip(trunk="trunk.example.org:5060")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def question(**changes: Any) -> Question:
    return Question(**{"ask": "1:2:1", "kind": "arrive", "at": AT, "call": encoded("call-1"), **changes})


@pytest.mark.parametrize(
    ("user", "dialled"),
    [
        ("+18005550100", "+18005550100"),
        ("8005550100;npdi", "+18005550100"),
        ("18005550100", "+18005550100"),
        ("442079460958", "+442079460958"),
        ("sales", "sales"),
        (ATTEMPT.upper(), ATTEMPT.upper()),
    ],
)
def test_a_dialled_user_is_a_number_where_it_is_one(user: str, dialled: str) -> None:
    arrival = messages.to_arrival(question(user=encoded(user)), SIP)
    assert arrival.dialled == dialled
    assert arrival.reservation_id == (ATTEMPT if user == ATTEMPT.upper() else None)


@pytest.mark.parametrize(
    ("from_", "asserted", "caller"),
    [
        ("<sip:+12025550123@a>", "", "+12025550123"),
        ("<sip:+12025550123@a>", "<sip:+12025550188@b>", "+12025550188"),
        ("<sip:+12025550123@a>", "<sip:anonymous@b>", "+12025550123"),
        ("<tel:2025550123>;tag=x", "", "+12025550123"),
        ("Anonymous <sip:anonymous@anonymous.invalid>", "", None),
        ("\x00\udcff", "", None),
        ('"sip:+12025550177@a" <sip:+12025550123@a>', "", "+12025550123"),
        ('"a \\" tel:+12025550177" <sip:+12025550123@a>', "", "+12025550123"),
        ("tel:+12025550177 <sip:+12025550123@a>", "", "+12025550123"),
        ("<sip:%2B12025550123@a>", "", "+12025550123"),
        ("<sip:442079460958@a;user=phone>", "", "+442079460958"),
        ("<sip:anonymous@a>", '"+12025550177" <sip:desk@b>, <tel:+12025550188>', "+12025550188"),
        ("sip:+12025550123@a;tag=x", "", "+12025550123"),
    ],
)
def test_the_caller_is_whom_the_network_asserts_else_who_it_says_it_is(
    from_: str, asserted: str, caller: str | None
) -> None:
    raw = base64.b64encode(from_.encode(errors="surrogateescape")).decode()
    arrival = messages.to_arrival(question(from_=raw, asserted=encoded(asserted)), SIP)
    assert arrival.caller_number == caller


def test_an_attestation_in_the_callers_name_counts_for_nothing() -> None:
    name = '"verstat=TN-Validation-Passed-A" <sip:+12025550123@a>'
    for claim in (question(asserted=encoded(name)), question(from_=encoded(name)), question(from_=encoded(name[1:]))):
        assert dict(messages.to_arrival(claim, SIP).tags) == {}
    verified = question(asserted=encoded('"A" <sip:+12025550123@a;verstat=TN-Validation-Passed-B>'))
    assert messages.to_arrival(verified, SIP).tags == {"stir_attestation": "B", "stir_verified": "true"}


def test_who_calls_with_a_password_asserts_nothing_but_its_own_number() -> None:
    verified = "<sip:+12025550188@a;verstat=TN-Validation-Passed-A>"
    arrival = messages.to_arrival(
        question(from_=encoded(verified), asserted=encoded(verified.replace("0188", "0199")), stranger=1), SIP
    )
    assert (arrival.caller_number, dict(arrival.tags)) == ("+12025550188", {})


@pytest.mark.parametrize("identity", ["", "a.b", "a.!!!.c", f"a.{encoded('[1]')}.c", f"a.{encoded('{}')}.c"])
def test_an_identity_that_cannot_be_read_claims_nothing(identity: str) -> None:
    assert dict(messages.to_arrival(question(identity=encoded(identity)), SIP).tags) == {}


def test_a_call_is_held_for_less_long_than_kamailio_waits_for_its_answer() -> None:
    arrival = messages.to_arrival(question(), Sip(lookup_seconds=5))
    assert arrival.patience_seconds == 4.0


def test_the_times_are_those_of_kamailio_to_the_microsecond() -> None:
    assert messages.asked_at(question()) == datetime(2023, 11, 14, 22, 13, 20, 500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "rang", "cause"),
    [
        (486, True, "busy"), (600, False, "busy"), (603, True, "declined"), (480, True, "no_answer"),
        (408, True, "no_answer"), (408, False, "unreachable"), (503, False, "unreachable"), (487, True, "cancelled"),
        (499, True, "failed"),
    ],
)  # fmt: skip
def test_a_code_has_its_cause(code: int, rang: bool, cause: str) -> None:
    told = Told(event="e", kind="failed", at=AT, call=encoded("c"), attempt=ATTEMPT, code=code, rang=rang)
    assert messages.to_event(told).cause == cause


def test_a_failure_has_one_id_however_it_is_told() -> None:
    told = Told(event="e", kind="failed", at=AT, call=encoded("call-1"), attempt=ATTEMPT, code=486)
    [again] = messages.failures_in(question(failed=f"{ATTEMPT},486,0,{AT};"))
    assert again == messages.to_event(told)


def test_a_line_without_an_end_is_an_answer_and_one_with_an_end_a_record() -> None:
    line = RecordLine(boot=1, number=1, call=encoded("c"), attempt=ATTEMPT, started="100.000000")
    assert messages.logged_event(line).kind == "answered"
    over = msgspec.structs.replace(line, ended="194.900000", by="buyer")
    record = messages.logged_event(over)
    assert (record.kind, record.duration_ms, record.ended_by) == ("record", 94_900, "buyer")
    row = messages.row_to_record("c", ATTEMPT, "100.000000", "194.900000", "buyer", 0.0)
    assert row == record
    assert messages.ended_event(record).event_id == f"c:ended:{ATTEMPT}"


def test_a_row_without_an_end_lasts_as_long_as_kamailio_counted() -> None:
    row = messages.row_to_record("c", ATTEMPT, "100.000000", "", "", 2.5)
    assert (row.duration_ms, row.ended_by) == (2500, "engine")


def test_an_answer_has_the_steps_with_their_buyers_and_headers() -> None:
    first, second = dial("+12025550177", ring_seconds=20), dial("sip:sales@example.org", ring_seconds=25)
    answer = msgspec.json.decode(messages.to_answer(question(), connect((first, second)), SIP))
    assert (answer["do"], answer["ask"]) == ("connect", "1:2:1")
    [step] = answer["steps"]
    assert step["ring_ms"] == 25_000
    assert [each["uri"] for each in step["dials"]] == [
        "sip:+12025550177@trunk.example.org:5060", "sip:sales@example.org"
    ]  # fmt: skip
    assert step["dials"][0]["headers"] == f"X-Ringbid-Call: {first.call_uuid}\r\nX-Ringbid-Key: k3y\r\n"


@pytest.mark.parametrize("to", ["+12025550177", "sip:a b@example.org", "sip:a@b\r\nX-Evil: 1", "mailto:a@b", ""])
def test_what_cannot_be_dialled_has_failed_and_is_not_in_the_answer(to: str) -> None:
    bad, good = dial(to), dial("sip:sales@example.org")
    plan, sip = connect((bad,), (good,)), Sip()
    answer = msgspec.json.decode(messages.to_answer(question(), plan, sip))
    assert [each["attempt"] for step in answer["steps"] for each in step["dials"]] == [good.attempt_id]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    [failed] = messages.undialled(plan, call_id="c", at=at, sip=sip)
    assert (failed.attempt_id, failed.cause) == (bad.attempt_id, "unreachable")


def test_more_buyers_than_kamailio_can_try_have_failed() -> None:
    plan = connect(*((dial("sip:sales@example.org"),) for _ in range(30)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    answer = msgspec.json.decode(messages.to_answer(question(), plan, SIP))
    assert len(answer["steps"]) + len(messages.undialled(plan, call_id="c", at=at, sip=SIP)) == 30


def test_a_publisher_reads_only_the_safe_reason() -> None:
    refused = Refuse(call_id=None, reason=Reason.BUYER_CONCURRENCY_CAP_FULL, code=486)
    answer = msgspec.json.decode(messages.to_answer(question(), refused, SIP))
    assert (answer["do"], answer["code"], answer["reason"]) == ("refuse", 486, "no_buyer_available")


def test_a_call_that_is_over_is_refused() -> None:
    answer = msgspec.json.decode(messages.to_answer(question(), Over(call_id=CallId("c")), SIP))
    assert (answer["do"], answer["code"]) == ("refuse", 480)


def test_a_connection_without_steps_lets_kamailio_ask_again() -> None:
    answer = msgspec.json.decode(messages.to_answer(question(), Connect(call_id=CallId("c"), steps=()), SIP))
    assert answer["steps"] == []


def test_a_caller_that_was_sent_back_brings_the_record_of_the_buyer_that_it_had() -> None:
    back = f"{ATTEMPT},1700000000.250000,1700000003.750000"
    record = messages.record_before(question(kind="go_on", back=back))
    line = RecordLine(
        boot=1, number=2, call=encoded("call-1"), attempt=ATTEMPT, started="1700000000.250000",
        ended="1700000003.750000", by="back",
    )  # fmt: skip
    assert record is not None
    assert record == messages.logged_event(line)
    assert record == messages.row_to_record("call-1", ATTEMPT, line.started, line.ended, "back", 3.5)
    assert (record.duration_ms, record.ended_by) == (3500, "buyer")
    assert messages.record_before(question()) is None


def test_what_became_of_a_wish_to_send_a_caller_back_is_no_event() -> None:
    told = messages.read_message(b'{"back":"%s","code":202}' % ATTEMPT.encode())
    assert told == SentBack(back=ATTEMPT, code=202)


def test_a_buyer_is_told_with_how_early_it_may_lose_the_call() -> None:
    dials = (dial("sip:a@b", recover_below_seconds=20), dial("sip:c@d"))
    answer = msgspec.json.decode(messages.to_answer(question(), connect(dials), SIP))
    assert [one["recover"] for one in answer["steps"][0]["dials"]] == [20, 0]
