"""Whole calls of a strict simulated carrier, over the webhooks: what the desk learns, what buyers and callers see."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ringbid.edge.emulate.carrier_calls import CallReport, PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour
from ringbid.edge.emulate.carrier_wire import Habits
from ringbid.edge.telephony.twiml.redirecting import redirect_call
from ringbid.settings import CarrierKind
from support.twiml import (
    ANNA,
    BOB,
    CALL_ID,
    CALLER,
    CAROL,
    KINDS,
    NUMBER,
    PUBLIC_URL,
    Exchange,
    ScriptedDesk,
    attempt_id,
    carrier_settings,
    connect,
    dial,
    refuse,
    run_with,
)
from support.virtual_time import NOON

every_kind = pytest.mark.parametrize("kind", KINDS)
BUSY = Behaviour(refuses="busy", after_seconds=0.5)
ANSWERS = Behaviour(after_seconds=2.0)
DEAF = Behaviour(after_seconds=None)


def play(
    kind: CarrierKind,
    desk: ScriptedDesk,
    buyers: dict[str, Behaviour],
    *,
    placed: PlacedCall | None = None,
    habits: Habits | None = None,
    broken: frozenset[str] = frozenset(),
    forgetful: bool = False,
    **settings: object,
) -> tuple[CallReport, Exchange]:
    """One call, start to end."""
    reports: list[tuple[CallReport, Exchange]] = []

    async def scene(exchange: Exchange) -> None:
        call = placed or PlacedCall(caller=CALLER, dialled=NUMBER, talk_seconds=95.0)
        reports.append((await exchange.carrier.call(call), exchange))

    run_with(scene, kind=kind, desk=desk, buyers=buyers, habits=habits, broken=broken, forgetful=forgetful, **settings)
    return reports[0]


@every_kind
def test_a_call_is_announced_connected_timed_and_told(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)))
    report, _ = play(kind, desk, {ANNA: ANSWERS})
    assert (report.status, report.answered, report.errors) == ("completed", True, ())
    (arrival,) = desk.arrivals
    assert (arrival.provider, arrival.provider_call_id) == ("main", report.sid)
    assert (arrival.caller_number, arrival.dialled, arrival.reservation_id) == (CALLER, NUMBER, None)
    assert dict(arrival.tags) == {"stir_attestation": "A", "stir_verified": "true"}
    assert desk.kinds() == ["ringing", "answered", "record", "ended"]
    record = desk.only("record")
    assert (record.attempt_id, record.duration_ms, record.ended_by) == (attempt_id(1), 95_000, "caller")
    assert record.started_at == NOON + timedelta(seconds=2)
    assert {event.provider_call_id for event in desk.events} == {report.sid}


@every_kind
def test_a_busy_buyer_and_one_that_does_not_answer_give_way_to_the_next(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB, ring_seconds=10), dial(3, CAROL)))
    report, exchange = play(kind, desk, {ANNA: BUSY, BOB: DEAF, CAROL: ANSWERS})
    assert report.errors == ()
    assert [(leg.address, leg.status) for leg in report.legs] == [
        (ANNA, "busy"),
        (BOB, "no-answer"),
        (CAROL, "completed"),
    ]
    failures = [(event.attempt_id, event.cause) for event in desk.events if event.kind == "failed"]
    assert failures == [(attempt_id(1), "busy"), (attempt_id(2), "no_answer")]
    assert desk.only("record").attempt_id == attempt_id(3)
    assert [order.address for order in exchange.lines.rung] == [ANNA, BOB, CAROL]
    assert (len(desk.arrivals), desk.asked) == (1, 0)


@every_kind
def test_a_sip_buyer_gets_the_call_and_its_key_as_headers(kind: CarrierKind) -> None:
    _, exchange = play(kind, ScriptedDesk(connect(dial(1, CAROL))), {CAROL: ANSWERS})
    (order,) = exchange.lines.rung
    assert dict(order.headers) == {"X-Ringbid-Call": CALL_ID, "X-Ringbid-Key": "k&y/1"}
    assert order.caller_id == CALLER


@every_kind
def test_when_a_plan_is_through_the_desk_is_asked_for_more_and_then_the_call_ends(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)), later=[connect(dial(2, BOB)), refuse(480)])
    report, _ = play(kind, desk, {ANNA: BUSY, BOB: BUSY})
    assert (report.status, report.answered, report.errors) == ("no-answer", False, ())
    assert (desk.asked, [leg.status for leg in report.legs]) == (2, ["busy", "busy"])


@every_kind
@pytest.mark.parametrize(
    ("code", "status"), [(404, "no-answer"), (603, "no-answer"), (480, "busy"), (486, "busy"), (503, "busy")]
)
def test_a_refused_call_is_rejected_before_it_is_answered(kind: CarrierKind, code: int, status: str) -> None:
    report, exchange = play(kind, ScriptedDesk(refuse(code)), {})
    assert (report.status, report.answered, report.errors) == (status, False, ())
    assert exchange.lines.rung == []


@every_kind
def test_buyers_of_one_step_ring_at_once_and_the_first_to_answer_has_the_call(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect((dial(1, ANNA), dial(2, BOB), dial(3, CAROL)), dial(4, "+12025550199")))
    buyers = {ANNA: Behaviour(after_seconds=8.0), BOB: Behaviour(after_seconds=3.0), CAROL: BUSY}
    report, _ = play(kind, desk, buyers)
    assert report.errors == ()
    assert [leg.status for leg in report.legs] == ["canceled", "completed", "busy"]
    assert (desk.only("record").attempt_id, desk.only("failed").attempt_id) == (attempt_id(2), attempt_id(3))


@every_kind
def test_where_nobody_of_a_step_answers_all_of_it_is_told(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect((dial(1, ANNA), dial(2, BOB))))
    play(kind, desk, {ANNA: BUSY, BOB: DEAF})
    failures = {event.attempt_id: event.cause for event in desk.events if event.kind == "failed"}
    assert failures == {attempt_id(1): "busy", attempt_id(2): "no_answer"}


@every_kind
def test_a_caller_who_hangs_up_while_it_rings_has_abandoned_the_call(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB)))
    placed = PlacedCall(caller=CALLER, dialled=NUMBER, patience_seconds=4.0)
    report, exchange = play(kind, desk, {ANNA: DEAF, BOB: ANSWERS}, placed=placed)
    assert (report.answered, report.errors) == (False, ())
    assert desk.kinds() == ["ringing", "abandoned"]
    assert [order.address for order in exchange.lines.rung] == [ANNA]
    assert desk.asked == 0


@every_kind
def test_a_buyer_that_lets_go_early_is_told_as_such_and_the_next_is_asked_for(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA), dial(2, "+12025550199")), later=[connect(dial(3, BOB))])
    report, exchange = play(kind, desk, {ANNA: Behaviour(talk_seconds=3.0), BOB: ANSWERS})
    assert report.errors == ()
    records = [(event.attempt_id, event.duration_ms, event.ended_by) for event in desk.events if event.kind == "record"]
    assert records == [(attempt_id(1), 3_000, "buyer"), (attempt_id(3), 95_000, "caller")]
    # The rest of the first plan was let go when somebody answered: it is not rung any more.
    assert [order.address for order in exchange.lines.rung] == [ANNA, BOB]


@every_kind
def test_the_longest_duration_is_kept_and_told_as_the_engines_end(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA, max_duration_seconds=90)))
    play(kind, desk, {ANNA: ANSWERS}, placed=PlacedCall(caller=CALLER, dialled=NUMBER))
    record = desk.only("record")
    assert (record.duration_ms, record.ended_by) == (90_000, "engine")


@every_kind
def test_a_sip_address_with_a_uuid_names_its_reservation(kind: CarrierKind) -> None:
    desk = ScriptedDesk(refuse(404))
    uuid = attempt_id(77)
    placed = PlacedCall(
        caller="anonymous", dialled=f"sip:{uuid.upper()}@sip.example.org;transport=tls", attestation=None
    )
    play(kind, desk, {}, placed=placed)
    (arrival,) = desk.arrivals
    assert (arrival.reservation_id, arrival.caller_number) == (uuid, None)
    assert "stir_attestation" not in arrival.tags


@every_kind
@pytest.mark.parametrize("order", ["together", "dial_done_first", "leg_first"])
def test_in_whatever_order_the_ends_are_told_the_call_is_recorded_once(kind: CarrierKind, order: str) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)))
    report, _ = play(kind, desk, {ANNA: ANSWERS}, habits=Habits(order=order))  # type: ignore[arg-type]  # -- listed above
    assert report.errors == ()
    assert (desk.only("record").duration_ms, desk.kinds().count("record")) == (95_000, 1)


@every_kind
def test_a_carrier_that_sends_everything_twice_changes_nothing(kind: CarrierKind) -> None:
    def script() -> ScriptedDesk:
        return ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB)), later=[connect(dial(3, CAROL)), refuse(480)])

    buyers = {ANNA: BUSY, BOB: BUSY, CAROL: Behaviour(talk_seconds=4.0)}
    once, twice = script(), script()
    report, _ = play(kind, once, buyers)
    repeated, exchange = play(kind, twice, buyers, habits=Habits(repeats=2))
    assert (repeated.legs, repeated.errors) == (report.legs, ())
    assert twice.events == once.events
    assert twice.asked == once.asked
    assert len(exchange.carrier.sent) > 20


@every_kind
def test_an_endpoint_that_forgets_everything_between_two_requests_still_goes_on(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA), dial(2, BOB)), later=[connect(dial(3, CAROL), dial(4, CAROL))])
    report, exchange = play(kind, desk, {ANNA: BUSY, BOB: BUSY, CAROL: BUSY}, forgetful=True)
    assert report.errors == ()
    assert [order.address for order in exchange.lines.rung] == [ANNA, BOB, CAROL, CAROL]
    assert [event.attempt_id for event in desk.events if event.kind == "failed"] == [
        attempt_id(n) for n in (1, 2, 3, 4)
    ]


@every_kind
@pytest.mark.parametrize("forgetful", [False, True])
def test_a_live_call_is_taken_back_from_its_buyer_and_goes_to_the_next(kind: CarrierKind, forgetful: bool) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)), later=[connect(dial(2, BOB))])
    reports: list[CallReport] = []

    async def scene(exchange: Exchange) -> None:
        async def hand_back(sid: str) -> None:
            settings = carrier_settings(kind, api_url="https://api.example.com", api_key="k")
            ask = redirect_call(settings, name="main", public_url=PUBLIC_URL, call_sid=sid)
            assert ask is not None
            assert (await exchange.carrier.rest(ask)).status == 200

        placed = PlacedCall(caller=CALLER, dialled=NUMBER, talk_seconds=95.0)
        calling = asyncio.get_running_loop().create_task(exchange.carrier.call(placed))
        await asyncio.sleep(30)
        await hand_back(desk.arrivals[0].provider_call_id)
        reports.append(await calling)

    run_with(scene, kind=kind, desk=desk, buyers={ANNA: ANSWERS, BOB: ANSWERS}, forgetful=forgetful)
    assert reports[0].errors == ()
    records = {event.attempt_id: event.duration_ms for event in desk.events if event.kind == "record"}
    assert records == {attempt_id(1): 28_000, attempt_id(2): 95_000}


@every_kind
def test_where_the_voice_address_does_not_answer_the_carrier_takes_the_fallback(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)))
    broken = frozenset({"/carriers/main/voice"})
    report, exchange = play(kind, desk, {BOB: ANSWERS}, broken=broken, habits=Habits(retries=1), fallback=BOB)
    assert [order.address for order in exchange.lines.rung] == [BOB]
    assert (report.status, desk.arrivals) == ("completed", [])
    assert [one.outcome for one in exchange.carrier.sent[:3]] == ["ask_timed_out", "ask_timed_out", 200]


@every_kind
def test_without_the_store_calls_go_to_the_fallback_and_nothing_is_promised(kind: CarrierKind) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)), unavailable=True)
    report, exchange = play(kind, desk, {CAROL: ANSWERS}, fallback=CAROL)
    assert [order.address for order in exchange.lines.rung] == [CAROL]
    assert report.errors[0] == "/carriers/main/voice: no document (503)"
    assert (desk.arrivals, desk.events) == ([], [])


@every_kind
def test_without_a_fallback_a_call_that_cannot_be_routed_hears_busy(kind: CarrierKind) -> None:
    report, _ = play(kind, ScriptedDesk(connect(dial(1, ANNA)), unavailable=True), {})
    assert (report.status, report.answered) == ("busy", False)


@every_kind
def test_a_recorded_call_with_a_number_of_ours_as_the_caller_is_followed_too(kind: CarrierKind) -> None:
    settings = {"recording": True, "caller_id": NUMBER}
    report, exchange = play(kind, ScriptedDesk(connect(dial(1, ANNA))), {ANNA: ANSWERS}, **settings)
    assert (report.errors, exchange.lines.rung[0].caller_id) == ((), NUMBER)


@every_kind
@pytest.mark.parametrize("recording", [True, False])
def test_a_record_says_where_the_carrier_keeps_its_recording(kind: CarrierKind, recording: bool) -> None:
    desk = ScriptedDesk(connect(dial(1, ANNA)))
    play(kind, desk, {ANNA: ANSWERS}, recording=recording)
    url = desk.only("record").recording_url
    assert (url or "").startswith("https://recordings.example.com/") is recording
    assert (url is not None) is recording
