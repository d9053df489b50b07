"""The story of a call: its headline, its attempts, its money, its timeline, and what of it a publisher may read."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace as changed

from ringbid.call import transitions
from ringbid.call.event import Cause
from ringbid.call.state import CallState, Phase
from ringbid.call.trace import TracedRouting
from ringbid.ledger.correcting import Void, correct
from ringbid.outbox.message import MessageState
from ringbid.reports.call_attempts import say_offset, say_seconds
from ringbid.reports.call_story import CallStory, safe_call_view
from ringbid.reports.call_timeline import ROWS, StoryLine
from ringbid.reservations.trace import TracedVerdict
from ringbid.values.author import Author
from ringbid.values.clock import to_ms
from ringbid.values.ids import PingId
from ringbid.values.money import Money
from ringbid.values.quote import Terms
from ringbid.values.reason import Reason
from support.stored_calls import (
    CALL_ID,
    CALL_KEY,
    CALLED_AT,
    TERMS,
    PlayedCall,
    failed_over,
    make_attempt,
    make_call,
    make_message,
)
from support.stored_pings import make_ping


def line_of(story: CallStory, row: str) -> StoryLine:
    (line,) = [line for line in story.timeline if line.row == row]
    return line


def test_a_call_that_failed_over_and_converted_is_one_sentence_from_busy_to_money() -> None:
    story = failed_over().story()
    assert story.headline == (
        "alpha was busy; delta had the call for 97.3 s; it brought 1.50 USD, and 4321ABCD is paid 1.173 USD."
    )
    assert (story.ending, story.tone, story.live) == (Reason.CONVERTED, "good", False)


def test_a_call_a_tenth_short_says_so_and_never_rounds_up() -> None:
    story = failed_over(94.9).story()
    assert story.headline.endswith("delta had the call for 94.9 s; 0.1 s short of the 95 s that convert.")
    side = story.attempts[1].sides[0]
    assert (side.reached_ms, side.needed_ms, side.short_ms) == (94_900, 95_000, 100)
    assert story.ending is Reason.CALL_TOO_SHORT
    assert say_seconds(94_999) == "94.9 s"


def test_attempts_have_ring_and_talk_times_and_who_hung_up() -> None:
    alpha, delta = failed_over(ended_by="buyer").story().attempts
    assert (alpha.reason, alpha.dialled_ms, alpha.ring_ms, alpha.talk_ms) == (Reason.BUYER_BUSY, 0, 3_600, None)
    assert alpha.actual == "SIP 486"
    assert (delta.reason, delta.dialled_ms, delta.answered_ms) == (Reason.TOOK_CALL, 4_000, 10_000)
    assert (delta.ring_ms, delta.talk_ms, delta.ended_ms) == (5_100, 97_300, 107_300)
    assert delta.ended_how == "delta hung up"
    assert delta.sides[0].threshold_ms == 105_000


def test_a_buyer_whose_turn_never_came_was_not_dialled() -> None:
    played = PlayedCall(make_call(make_attempt("alpha"), make_attempt("delta", step=2)))
    _, waiting = played.story(now=3).attempts
    assert (waiting.dialled_ms, waiting.reason) == (None, Reason.IN_RESERVE)
    played.tell("answered", 5, "alpha").tell("ended", 50)
    alpha, delta = played.story().attempts
    assert (delta.dialled_ms, delta.ring_ms, delta.reason) == (None, None, Reason.OTHER_BUYER_ANSWERED)
    assert not alpha.recorded


def test_buyers_that_rang_together_were_both_dialled() -> None:
    played = PlayedCall(make_call(make_attempt("alpha"), make_attempt("delta"))).tell("answered", 5, "alpha")
    _, delta = played.story(now=9).attempts
    assert (delta.dialled_ms, delta.ring_ms) == (0, 5_000)


@pytest.mark.parametrize(
    ("steps", "said"),
    [((1, 1, 2), "alpha and delta, then echo can be rung"), ((1, 2, 3), "alpha, then delta, then echo")],
)
def test_a_routing_says_who_is_rung_together_and_who_after_whom(steps: tuple[int, ...], said: str) -> None:
    names = zip(("alpha", "delta", "echo"), steps, strict=True)
    story = PlayedCall(make_call(*(make_attempt(name, step=step) for name, step in names))).story(now=3)
    routed = next(line for line in story.timeline if line.kind == "routing")
    assert routed.text.startswith(f"Routed: {said}")


def test_a_live_call_says_how_long_it_has_gone_on_and_when_it_converts() -> None:
    played = PlayedCall(make_call(make_attempt("alpha")))
    assert played.story(now=2).headline == "alpha is being rung now."
    story = played.tell("answered", 5, "alpha").story(now=45)
    assert story.headline == "alpha has had the call for 40.0 s; it converts at 95 s."
    assert (story.live, story.length_ms, story.ending) == (True, 45_000, Reason.TOOK_CALL)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("busy", "alpha was busy"),
        ("no_answer", "alpha did not answer"),
        ("declined", "alpha refused the call"),
        ("unreachable", "alpha could not be reached"),
        ("failed", "alpha could not be called"),
    ],
)
def test_nobody_answered_names_what_each_buyer_did(cause: Cause, said: str) -> None:
    played = PlayedCall(make_call(make_attempt("alpha"))).tell("failed", 4, "alpha", cause=cause).tell("unanswered", 4)
    assert played.story().headline == f"{said}; none of the buyers that were rung answered."


def test_many_buyers_that_failed_are_counted() -> None:
    names = ["a", "b", "c", "d"]
    played = PlayedCall(make_call(*(make_attempt(name, step=n) for n, name in enumerate(names, start=1))))
    for second, name in enumerate(names, start=1):
        played.tell("failed", second, name, cause="busy")
    assert played.tell("unanswered", 5).story().headline.startswith("4 buyers did not take the call; ")


def test_a_caller_that_leaves_while_it_rings_is_told_with_who_rang() -> None:
    played = PlayedCall(make_call(make_attempt("alpha"), make_attempt("delta", step=2))).tell("abandoned", 7)
    story = played.story()
    assert story.headline == "alpha was ringing; the caller hung up before anybody answered."
    assert story.ending is Reason.CALLER_HUNG_UP


def test_a_refused_call_has_its_code_its_reason_and_what_was_found() -> None:
    call = make_call(phase=Phase.REFUSED)
    state = changed(call.state, reason=Reason.CALL_REJECTED_LATE.code, code=603)
    trace = changed(call.trace, match="call_late", actual="expired", expected="held or confirmed", routings=[])
    story = PlayedCall(replace(call, state=state, trace=trace)).story()
    assert story.headline.startswith("Refused with SIP 603: the call came after its reservation had ended")
    assert story.refusal is not None
    assert (story.refusal.actual, story.refusal.expected) == ("expired", "held or confirmed")
    assert (story.match.reason, story.match.actual) == (Reason.CALL_LATE, None)


def test_each_routed_buyer_has_the_verdict_that_came_of_it() -> None:
    (routing,) = failed_over().story().routings
    assert [(one.row.buyer_id, one.reason) for one in routing.buyers] == [
        ("alpha", Reason.BUYER_BUSY),
        ("delta", Reason.TOOK_CALL),
        ("bravo", Reason.FILTER_NOT_MATCHED),
    ]
    passed_over = routing.buyers[-1].row
    assert (passed_over.actual, passed_over.expected) == ("age = 15", "age >= 18")
    assert passed_over.setting == "buyers[bravo].filters[0]"


def test_a_second_routing_has_the_attempts_that_it_made_itself() -> None:
    first = make_call(make_attempt("alpha"))
    again = TracedRouting(
        at_ms=to_ms(CALLED_AT + timedelta(seconds=4)),
        took_ms=1.0,
        snapshot_version=3,
        verdicts=[TracedVerdict(buyer="delta", reason="rings"), TracedVerdict(buyer="alpha", reason="buyer_busy")],
    )
    played = PlayedCall(replace(first, trace=changed(first.trace, routings=[*first.trace.routings, again])))
    played.tell("failed", 4, "alpha", cause="busy")
    played.set_state(changed(played.call.state, attempts=(*played.call.state.attempts, make_attempt("delta", step=2))))
    story = played.story(now=6)
    assert [attempt.routing for attempt in story.attempts] == [0, 1]
    assert [buyer.reason for buyer in story.routings[1].buyers] == [Reason.RINGS, Reason.BUYER_BUSY]
    assert story.routings[1].buyers[1].attempt is None
    assert [line.text for line in story.timeline if line.kind == "routing"][1] == "Routed again: delta can be rung."


def test_a_buyer_that_is_tried_twice_has_each_attempt_in_its_own_routing() -> None:
    first = make_call(make_attempt("alpha"), make_attempt("delta", step=2))
    again = changed(first.trace.routings[0], verdicts=[TracedVerdict(buyer="delta", reason="rings")])
    played = PlayedCall(replace(first, trace=changed(first.trace, routings=[*first.trace.routings, again])))
    played.tell("answered", 5, "alpha").tell("record", 8, "alpha", seconds=3, ended_by="buyer")
    retried = make_attempt("delta", step=3, attempt_id=PingId("another"))
    played.set_state(changed(played.call.state, attempts=(*played.call.state.attempts, retried)))
    tried = [{one.row.buyer_id: one.reason for one in routing.buyers} for routing in played.story(now=9).routings]
    assert tried[0]["delta"] is Reason.OTHER_BUYER_ANSWERED
    assert tried[1]["delta"] is Reason.RINGS


def test_what_is_booked_counts_after_corrections() -> None:
    played = failed_over()
    void = Void(
        company_id=played.call.company_id,
        call_id=CALL_ID,
        side="revenue",
        key="k",
        author=Author(name="jane"),
        note="a test call",
    )
    corrected = correct(played.postings, void)
    played.postings.append(corrected.posting)  # type: ignore[union-attr]  # -- a refusal would fail the test here
    story = played.story()
    assert (story.revenue, story.payout) == (Money(0, "USD"), Money(1_173_000, "USD"))
    assert story.margin == Money(-1_173_000, "USD")
    last = story.booked[-1]
    assert (last.kind, last.amount, last.by_person, last.note) == (
        "void",
        Money(-1_500_000, "USD"),
        True,
        "a test call",
    )


def test_a_side_that_waits_for_a_postback_is_open_and_says_what_it_waits_for() -> None:
    terms = Terms(revenue=msgspec.convert({**msgspec.to_builtins(TERMS), "on": "postback"}, type(TERMS)), payout=TERMS)
    played = PlayedCall(make_call(make_attempt("alpha", terms=terms))).tell("answered", 5, "alpha")
    revenue, payout = played.tell("record", 105, "alpha", seconds=100, ended_by="caller").story().attempts[0].sides
    assert (revenue.reason, revenue.outcome, revenue.needed_ms) == (Reason.POSTBACK_AWAITED, "pending", None)
    assert (payout.reason, payout.outcome) == (Reason.CONVERTED, "converted")


@pytest.mark.parametrize(
    ("state", "facts", "words", "tone"),
    [
        (MessageState.DELIVERED, {}, "delivered (HTTP 200)", "good"),
        (MessageState.DELIVERED, {"tries": 3}, "delivered, at try 3 (HTTP 200)", "good"),
        (MessageState.WAITING, {"tries": 0, "last_status": None}, "waits to be sent", "plain"),
        (MessageState.WAITING, {"last_status": 500}, "failed once (HTTP 500)", "limit"),
        (MessageState.DEAD, {"tries": 9, "last_status": None, "last_error": "refused"}, "9 tries (refused)", "bad"),
        (MessageState.DISABLED, {"last_status": 410}, "kept back: its endpoint wants no more (HTTP 410)", "bad"),
    ],
)
def test_messages_are_told_with_their_state(
    state: MessageState, facts: dict[str, object], words: str, tone: str
) -> None:
    (sent,) = failed_over().story(messages=[make_message(state, **facts)]).sent
    assert sent.words.endswith(words)
    assert (sent.tone, sent.name, sent.offset_ms) == (tone, "tell the publisher", 107_300)


def test_the_timeline_stands_in_order_with_the_row_that_handled_each_event() -> None:
    timeline = failed_over().story().timeline
    assert [line.row or line.kind for line in timeline] == [
        "arrival", "routing", "rings", "fails", "rings", "answers", "ends", "recorded", "decision", "decision",
    ]  # fmt: skip
    assert [line.tone for line in timeline][2:6] == ["plain", "limit", "plain", "good"]
    assert timeline[3].text == "alpha was busy (SIP 486)."
    assert timeline[7].text == "The record: delta had the call for 97.3 s; the caller hung up."
    assert {line.order for line in timeline} == {"in order"}


def test_what_is_told_twice_late_or_out_of_order_is_said_so() -> None:
    played = failed_over().tell("record", 108, "delta", seconds=300)
    again = line_of(played.story(), "recorded_again")
    assert (again.order, again.note, again.tone) == ("repeated", "the first record counts", "plain")
    late = PlayedCall(make_call(make_attempt("alpha"))).tell("answered", 5, "alpha", told_at=3605)
    assert line_of(late.story(), "answers").note == "told 60 min later"
    assert line_of(late.story(), "answers").order == "late"
    swapped = PlayedCall(make_call(make_attempt("alpha"))).tell("ended", 50).tell("answered", 5, "alpha", told_at=51)
    assert line_of(swapped.story(), "answers_after_end").order == "reordered"
    assert line_of(swapped.story(), "ends_before_answer_is_told").order == "reordered"


def test_an_event_that_was_told_before_its_call_stands_before_it() -> None:
    played = PlayedCall(make_call(make_attempt("alpha"))).tell("answered", 0.1, "alpha", told_at=-0.5)
    first = played.story().timeline[0]
    assert (first.row, first.order, first.note) == ("answers", "reordered", "told before the call itself")


def test_an_event_of_an_unknown_attempt_is_a_problem() -> None:
    line = line_of(
        PlayedCall(make_call(make_attempt("alpha"))).tell("answered", 1, "nobody").story(), "unknown_attempt"
    )
    assert (line.order, line.tone, line.attempt) == ("unmatched", "bad", None)


def test_a_call_that_its_network_forgot_says_so_where_its_events_stop() -> None:
    played = PlayedCall(make_call(make_attempt("alpha")))
    played.set_state(transitions.give_up(played.call.state, to_ms(CALLED_AT + timedelta(seconds=80))).state)
    story = played.story()
    last = story.timeline[-1]
    assert (last.kind, last.offset_ms, last.tone) == ("decision", 80_000, "bad")
    assert last.text.startswith("The phone network never told how the call went on")
    assert story.ending is Reason.CALL_UNHEARD


def test_every_row_of_the_table_has_words_and_no_other_has() -> None:
    source = inspect.getsource(transitions)
    helpers = r"_nothing\(|_nothing_to_call\(|_answers_late\("
    named = set(re.findall(rf'(?:{helpers})"(\w+)"', source)) | set(
        re.findall(r'Step\((?:(?!Tell)[^"\n])*"(\w+)"', source)
    )
    named -= {"is_unheard", "is_unrecorded"}  # rows of a check, which no event leads to
    assert named == set(ROWS)


def test_the_ping_is_told_by_what_it_had_reserved() -> None:
    story = failed_over().story(ping=make_ping())
    assert story.promise == "Reserved at 10:14:19 UTC for charlie: revenue 12.50 USD, payout 10.00 USD after 90 s."
    assert story.ping is not None
    assert failed_over().story().promise == "The ping's own record was flushed."
    direct = PlayedCall(make_call(make_attempt("alpha"), reservation_id=None))
    assert direct.story().promise == ""


def test_a_publisher_reads_its_own_money_and_no_name_number_revenue_tag_or_setting() -> None:
    view = safe_call_view(failed_over().story(ping=make_ping(), messages=[make_message()]))
    text = msgspec.json.encode(view).decode()
    secrets = ["alpha", "bravo", "delta", "charlie", "+12025550101", "1.50", "private-token", CALL_KEY, "filters"]
    assert [secret for secret in secrets if secret in text] == []
    assert view["payout"] == {"code": "converted", "info": "The call converted.", "amount": "1.173", "currency": "USD"}
    assert view["connected_seconds"] == 97
    assert view["match"] == {"code": "call_claimed", "info": "The call claimed its reservation."}


def test_a_publisher_reads_only_public_codes_of_numbered_buyers() -> None:
    view = safe_call_view(failed_over().story())
    assert view["buyers"] == [
        {"buyer": 1, "code": "no_buyer_available", "info": "No buyer is available for this call."},
        {"buyer": 2, "code": "took_call", "info": "Connected."},
        {"buyer": 3, "code": "filter_not_matched", "info": "The caller does not match what is wanted."},
    ]
    assert "buyers" not in safe_call_view(failed_over().story(), "reason")
    assert safe_call_view(failed_over().story(), "none") == {}


@pytest.mark.parametrize("phase", list(Phase))
def test_a_call_in_any_phase_with_nothing_known_can_be_told(phase: Phase) -> None:
    state = CallState(phase=phase, received_ms=to_ms(CALLED_AT), call_key=CALL_KEY, code=480)
    if phase is Phase.CONNECTED:
        attempt = make_attempt("alpha", answered_ms=to_ms(CALLED_AT))
        state = changed(state, attempts=(attempt,))
    story = PlayedCall(replace(make_call(), state=state)).story()
    assert story.headline.endswith(".")
    assert safe_call_view(story)["state"] == phase.value


def test_nothing_happened_to_a_call_before_it_came_though_its_carrier_cuts_the_time_to_whole_seconds() -> None:
    story = PlayedCall(make_call(make_attempt("alpha"))).tell("ringing", -0.6, "alpha").story(now=5)
    assert line_of(story, "rings").offset_ms == 0


def test_offsets_are_read_as_on_a_clock() -> None:
    assert [say_offset(ms) for ms in (0, 99_100, 3_723_400, -500)] == ["0:00.0", "1:39.1", "1:02:03.4", "-0:00.5"]
