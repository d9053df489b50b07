"""What the endpoint refuses, and that nothing happens then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from ringbid.edge.emulate.carrier_wire import Identity, signature_headers
from ringbid.settings import CarrierKind
from support.asgi import Response, call
from support.clocks import START, JumpingClock
from support.twiml import (
    ACCOUNT,
    ANNA,
    BOB,
    CALLER,
    KINDS,
    NUMBER,
    PUBLIC_URL,
    ScriptedDesk,
    attempt_id,
    connect,
    dial,
    make_api,
    signing_key,
)
from support.virtual_time import VirtualLoop

PLAIN = {"AccountSid": ACCOUNT, "CallSid": "CA1", "CallStatus": "ringing", "From": CALLER, "To": NUMBER}
DIAL_DONE = f"attempts={attempt_id(1)}&call=CA1&longest=3600"
every_kind = pytest.mark.parametrize("kind", KINDS)


class Caller:
    """Sends signed requests to one endpoint."""

    def __init__(self, kind: CarrierKind, desk: ScriptedDesk) -> None:
        self.kind, self.desk, self.clock = kind, desk, JumpingClock()
        self.api = make_api(desk, kind, self.clock)

    def signed(self, path: str, query: str, fields: Mapping[str, str]) -> dict[str, str]:
        """The headers of such a request."""
        url = f"{PUBLIC_URL}{path}{'?' if query else ''}{query}"
        identity = Identity(kind=self.kind, signing_key=signing_key(self.kind), account=ACCOUNT)
        form = tuple(fields.items())
        return dict(signature_headers(identity, url, form, urlencode(form).encode(), self.clock.now()))

    def post(self, what: str, fields: Mapping[str, str] = PLAIN, **request: Any) -> Response:
        return asyncio.run(self.send(what, fields, **request))

    async def send(
        self,
        what: str,
        fields: Mapping[str, str] = PLAIN,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        body: bytes | None = None,
    ) -> Response:
        path = f"/carriers/{what}"
        sent = self.signed(path, query, fields) if headers is None else headers
        body = urlencode(fields).encode() if body is None else body
        return await call(self.api, method, path, query=query, headers=sent, body=body)

    def untouched(self) -> bool:
        return (self.desk.arrivals, self.desk.events, self.desk.asked) == ([], [], 0)


@pytest.fixture
def desk() -> ScriptedDesk:
    return ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB)))


REQUESTS = [
    ("main/voice", "", PLAIN),
    ("main/dial-done", DIAL_DONE, {**PLAIN, "DialCallStatus": "completed", "DialCallDuration": "95"}),
    ("main/leg", f"attempt={attempt_id(1)}&call=CA1", {**PLAIN, "CallSid": "CA2", "ParentCallSid": "CA1"}),
    ("main/status", "", {**PLAIN, "CallStatus": "completed"}),
    ("main/again", "", {**PLAIN, "CallStatus": "in-progress"}),
    ("main/fallback", "", PLAIN),
]
every_request = pytest.mark.parametrize(("what", "query", "fields"), REQUESTS, ids=[one[0] for one in REQUESTS])


@every_kind
@every_request
def test_an_unsigned_request_is_refused_and_nothing_happens(
    kind: CarrierKind, what: str, query: str, fields: dict[str, str], desk: ScriptedDesk
) -> None:
    caller = Caller(kind, desk)
    assert caller.post(what, fields, query=query, headers={}).status == 403
    assert caller.untouched()


@every_kind
@every_request
def test_a_request_signed_for_other_words_is_refused_and_nothing_happens(
    kind: CarrierKind, what: str, query: str, fields: dict[str, str], desk: ScriptedDesk
) -> None:
    caller = Caller(kind, desk)
    headers = caller.signed(f"/carriers/{what}", query, {**fields, "From": BOB})
    assert caller.post(what, fields, query=query, headers=headers).status == 403
    assert caller.untouched()


@every_request
def test_a_telnyx_request_that_is_replayed_later_is_refused(
    what: str, query: str, fields: dict[str, str], desk: ScriptedDesk
) -> None:
    caller = Caller("telnyx", desk)
    headers = caller.signed(f"/carriers/{what}", query, fields)
    caller.clock.advance(301)
    assert caller.post(what, fields, query=query, headers=headers).status == 403
    assert caller.untouched()


@every_kind
def test_whatever_is_replayed_at_once_gets_the_same_answer_and_changes_nothing(
    kind: CarrierKind, desk: ScriptedDesk
) -> None:
    caller = Caller(kind, desk)
    busy = {**PLAIN, "DialCallStatus": "busy"}
    assert caller.post("main/voice").body == caller.post("main/voice").body
    gone_on = caller.post("main/dial-done", busy, query=DIAL_DONE)
    events = list(desk.events)
    assert caller.post("main/dial-done", busy, query=DIAL_DONE).body == gone_on.body
    assert caller.post("main/voice").status == 200
    assert (desk.events, desk.asked, len(desk.arrivals)) == (events, 0, 1)


@every_kind
def test_a_request_about_another_account_is_refused(kind: CarrierKind, desk: ScriptedDesk) -> None:
    caller = Caller(kind, desk)
    assert caller.post("main/voice", {**PLAIN, "AccountSid": "AC-another"}).status == 403
    assert caller.untouched()


@every_kind
@pytest.mark.parametrize("call_sid", ["", "x" * 129])
def test_a_request_about_no_call_is_refused(kind: CarrierKind, call_sid: str, desk: ScriptedDesk) -> None:
    caller = Caller(kind, desk)
    assert caller.post("main/voice", {**PLAIN, "CallSid": call_sid}).status == 403
    assert caller.untouched()


@pytest.mark.parametrize(
    ("what", "query", "fields"),
    [
        ("main/dial-done", "", PLAIN),
        ("main/dial-done", "attempts=nonsense&call=CA1", PLAIN),
        ("main/dial-done", f"attempts={attempt_id(1)}&call=CA9", PLAIN),
        ("main/leg", "call=CA1", PLAIN),
        ("main/leg", f"attempt={attempt_id(1)}", PLAIN),
        ("main/leg", f"attempt={attempt_id(1)}&call=CA9", {**PLAIN, "ParentCallSid": "CA1"}),
    ],
)
def test_a_signed_request_to_an_address_that_was_not_given_changes_nothing(
    what: str, query: str, fields: dict[str, str], desk: ScriptedDesk
) -> None:
    caller = Caller("telnyx", desk)
    assert caller.post(what, fields, query=query).status == 400
    assert caller.untouched()


@pytest.mark.parametrize("what", ["main", "main/", "main/nothing", "other/voice", "main/voice/x", "/voice", ""])
def test_other_addresses_lead_nowhere(what: str, desk: ScriptedDesk) -> None:
    assert Caller("twilio", desk).post(what, headers={}).status == 404


def test_only_post_is_taken(desk: ScriptedDesk) -> None:
    answer = Caller("twilio", desk).post("main/voice", method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join([b"a=1"] * 400), b"CallSid=%ff"])
def test_a_body_that_is_no_form_is_refused(body: bytes, desk: ScriptedDesk) -> None:
    caller = Caller("telnyx", desk)
    assert caller.post("main/voice", body=body).status == 403
    assert caller.untouched()


def test_a_body_that_is_too_large_is_refused_unread(desk: ScriptedDesk) -> None:
    assert Caller("twilio", desk).post("main/voice", body=b"x" * 70_000).status == 413


@every_kind
def test_without_the_store_the_carrier_is_told_to_take_its_fallback(kind: CarrierKind, desk: ScriptedDesk) -> None:
    desk.unavailable = True
    answer = Caller(kind, desk).post("main/voice")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


@every_kind
def test_what_the_store_cannot_take_just_now_is_told_to_it_again(kind: CarrierKind, desk: ScriptedDesk) -> None:
    caller = Caller(kind, desk)
    caller.post("main/voice")
    desk.reports_that_fail = 4
    busy = {**PLAIN, "DialCallStatus": "busy"}
    assert caller.post("main/dial-done", busy, query=DIAL_DONE).status == 200
    assert [event.attempt_id for event in desk.events] == [attempt_id(1)]


@every_kind
def test_when_the_store_is_back_the_same_end_of_dial_is_served(kind: CarrierKind, desk: ScriptedDesk) -> None:
    caller = Caller(kind, desk)
    caller.post("main/voice")
    desk.unavailable = True
    busy = {**PLAIN, "DialCallStatus": "busy"}
    assert caller.post("main/dial-done", busy, query=DIAL_DONE).status == 503
    desk.unavailable = False
    answer = caller.post("main/dial-done", busy, query=DIAL_DONE)
    assert (answer.status, BOB.encode() in answer.body) == (200, True)
    assert [event.attempt_id for event in desk.events] == [attempt_id(1)]


def test_an_arrival_has_the_time_that_telnyx_signed(desk: ScriptedDesk) -> None:
    caller = Caller("telnyx", desk)
    headers = caller.signed("/carriers/main/voice", "", PLAIN)
    caller.clock.advance(7)
    caller.post("main/voice", headers=headers)
    assert desk.arrivals[0].at == START


@pytest.mark.parametrize(
    ("status", "kind"),
    [("completed", "ended"), ("busy", "unanswered"), ("no-answer", "abandoned"), ("failed", "abandoned")],
)
def test_the_end_of_the_callers_side_is_told(status: str, kind: str, desk: ScriptedDesk) -> None:
    caller = Caller("twilio", desk)
    assert caller.post("main/status", {**PLAIN, "CallStatus": status}).status == 204
    assert desk.kinds() == [kind]


def test_a_call_that_ends_while_it_rings_was_abandoned_whatever_the_carrier_calls_it(desk: ScriptedDesk) -> None:
    caller = Caller("telnyx", desk)
    caller.post("main/voice")
    loop = VirtualLoop()  # the end of Dial is waited for, and does not come
    loop.run_until_complete(caller.send("main/status", {**PLAIN, "CallStatus": "completed"}))
    loop.close()
    assert desk.kinds() == ["abandoned"]


@every_kind
def test_an_end_that_is_told_before_that_of_dial_abandons_no_call_that_was_answered(
    kind: CarrierKind, desk: ScriptedDesk
) -> None:
    caller = Caller(kind, desk)
    over = {**PLAIN, "CallStatus": "completed"}
    talked = {**over, "DialCallStatus": "completed", "DialCallDuration": "95"}

    async def scene() -> None:
        await caller.send("main/voice")  # that a buyer picked up was told, too, and has not come
        await asyncio.gather(caller.send("main/status", over), caller.send("main/dial-done", talked, query=DIAL_DONE))

    asyncio.run(scene())
    assert desk.kinds() == ["record", "ended"]


@pytest.mark.parametrize("missing", [{}, {"DialCallDuration": ""}])
def test_an_end_of_dial_without_a_duration_leaves_it_to_the_leg(missing: dict[str, str], desk: ScriptedDesk) -> None:
    caller = Caller("twilio", desk)
    answer = caller.post("main/dial-done", {**PLAIN, "DialCallStatus": "completed", **missing}, query=DIAL_DONE)
    assert b"<Hangup />" in answer.body
    leg = {**PLAIN, "CallSid": "CA2", "ParentCallSid": "CA1", "CallStatus": "completed", "CallDuration": "95"}
    caller.post("main/leg", leg, query=f"attempt={attempt_id(1)}&call=CA1")
    assert (desk.kinds(), desk.only("record").duration_ms) == (["answered", "record"], 95_000)


def test_a_call_in_progress_is_no_end(desk: ScriptedDesk) -> None:
    caller = Caller("twilio", desk)
    assert caller.post("main/status", {**PLAIN, "CallStatus": "in-progress"}).status == 204
    assert desk.events == []
