"""The table of a call, for any events in any order, also those that contradict each other: nothing is done twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ringbid.call.event import CallEvent, Cause, EndedBy, EventKind
from ringbid.call.state import Attempt, AttemptState, CallState, Phase, decode, encode
from ringbid.call.transitions import CountConnected, Decide, FreePlace, Step, Tell, advance, give_up
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, PingId
from ringbid.values.quote import Quote
from ringbid.values.reason import BY_CODE

START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
QUOTE = Quote(revenue_micros=0, payout_micros=0, seconds=95, currency="USD")
IDS = [PingId(f"0197e5b0-5f7a-7c00-8000-00000000000{number}") for number in range(4)]
OF_ATTEMPT = ("ringing", "answered", "failed", "record")


def attempt(number: int, step: int = 1, recover_below_seconds: int = 0) -> Attempt:
    return Attempt(
        attempt_id=IDS[number],
        buyer_id=BuyerId(f"buyer-{number}"),
        number="+12025550101",
        step=step,
        quote=QUOTE,
        ring_seconds=20,
        max_duration_seconds=600,
        recover_below_seconds=recover_below_seconds,
    )


def ringing(*attempts: Attempt, recoveries_most: int = 1) -> CallState:
    return CallState(
        phase=Phase.RINGING,
        received_ms=to_ms(START),
        call_key="k",
        attempts=attempts,
        recoveries_most=recoveries_most,
    )


def event(kind: EventKind, number: int = 0, *, after: float = 1.0, **fields: object) -> CallEvent:
    at = START + timedelta(seconds=after)
    of_attempt = {"attempt_id": IDS[number]} if kind in OF_ATTEMPT else {}
    return CallEvent(provider="sip", event_id="e", provider_call_id="c", kind=kind, at=at, **of_attempt, **fields)  # type: ignore[arg-type]  -- the fields are those of an event


def record(number: int = 0, *, duration_ms: int | None, by: EndedBy = "caller", after: float = 100.0) -> CallEvent:
    started_at = START + timedelta(seconds=5)
    return event("record", number, after=after, started_at=started_at, duration_ms=duration_ms, ended_by=by)


states = st.builds(
    lambda recover, most, first, together: ringing(
        *(attempt(number, 1 if together else number, recover) for number in range(first)), recoveries_most=most
    ),
    st.sampled_from([0, 10]),
    st.integers(0, 2),
    st.integers(1, 3),
    st.booleans(),
)
events = st.builds(
    event,
    st.sampled_from(get_args(EventKind)),
    st.integers(0, 3),
    after=st.integers(0, 700),
    cause=st.sampled_from([None, *get_args(Cause)]),
    code=st.sampled_from([None, 486]),
    started_at=st.none() | st.integers(-10, 700).map(lambda seconds: START + timedelta(seconds=seconds)),
    duration_ms=st.none() | st.integers(-1000, 1_000_000),
    ended_by=st.sampled_from([None, *get_args(EndedBy)]),
)


@settings(max_examples=400)
@given(state=states, told=st.lists(events | st.none(), max_size=25))
def test_whatever_is_told_is_done_once_and_frees_every_place_once(
    state: CallState, told: list[CallEvent | None]
) -> None:
    """None stands for a look that gives the call up."""
    done: Counter[object] = Counter()
    for one in told:
        if one is None and state.end_told:
            continue
        step: Step = give_up(state, to_ms(START) + 800_000) if one is None else advance(state, one)
        opened = {each.attempt_id for each in state.open_attempts}
        left = {each.attempt_id for each in step.state.open_attempts}
        freed = [effect.attempt_id for effect in step.effects if isinstance(effect, FreePlace)]
        assert Counter(freed) == Counter(opened - left), "every place that is given up is freed, and no other"
        assert not left - opened, "no event takes a place"
        if step.state.phase is Phase.ENDED:
            assert not left, "a call that is over has no place"
        assert decode(encode(step.state)) == step.state
        for each in step.state.attempts:
            assert each.reason is None or each.reason in BY_CODE
            assert each.duration_ms is None or 0 <= each.duration_ms <= 600_000
        done.update(effect for effect in step.effects if isinstance(effect, CountConnected | Decide | Tell))
        state = step.state
    assert not done or max(done.values()) == 1, done


@settings(max_examples=200)
@given(state=states, told=st.lists(events, max_size=12))
def test_what_was_told_changes_nothing_when_it_is_told_again_at_the_end(
    state: CallState, told: list[CallEvent]
) -> None:
    for one in told:
        state = advance(state, one).state
    if state.phase is not Phase.ENDED:
        return
    for one in told:
        step = advance(state, one)
        frees = [effect for effect in step.effects if isinstance(effect, FreePlace | Decide)]
        assert not frees
        assert step.state.phase is Phase.ENDED


@pytest.mark.parametrize(
    ("duration_ms", "kept_ms"), [(-1, 0), (None, 0), (0, 0), (599_999, 599_999), (600_001, 600_000), (2**40, 600_000)]
)
def test_a_duration_that_cannot_be_is_cut(duration_ms: int | None, kept_ms: int) -> None:
    found = advance(ringing(attempt(0)), record(duration_ms=duration_ms)).state.attempts[0]
    assert found.duration_ms == kept_ms
    assert found.answered_ms is not None
    assert found.ended_ms == found.answered_ms + kept_ms


def test_the_end_of_a_call_is_that_of_its_last_talk_in_whatever_order_the_records_come() -> None:
    both = ringing(attempt(0), attempt(1, 2))
    late = CallEvent(**{name: getattr(record(1, duration_ms=30_000), name) for name in CallEvent.__slots__})
    state = both
    for one in (event("answered", 1, after=10), event("answered", 0, after=5), event("ended", after=40)):
        state = advance(state, one).state
    for one in (late, record(0, duration_ms=2000)):
        state = advance(state, one).state
    assert state.ended_ms == to_ms(START) + 35_000


def test_a_record_clears_what_was_thought_of_a_call_that_nobody_had_told_of() -> None:
    given_up = give_up(ringing(attempt(0)), to_ms(START) + 90_000).state
    assert given_up.reason == "call_unheard"
    recorded = advance(given_up, record(duration_ms=95_000)).state
    assert recorded.reason is None
    assert recorded.attempts[0].reason is None


def test_a_caller_that_is_gone_needs_no_other_buyer() -> None:
    state = ringing(attempt(0, recover_below_seconds=10))
    for one in (event("answered"), event("abandoned"), record(duration_ms=1000, by="buyer")):
        state = advance(state, one).state
    assert state.phase is Phase.ENDED


def test_a_buyer_that_hands_the_call_back_loses_it_however_long_it_talked() -> None:
    state = advance(ringing(attempt(0)), event("answered")).state
    state = replace(state, attempts=(replace(state.attempts[0], handed_back=True),))
    step = advance(state, record(duration_ms=80_000, by="engine"))
    assert (step.state.phase, step.state.attempts[0].reason) == (Phase.RINGING, "buyer_handed_back")
    assert step.state.attempts[0].state is AttemptState.DONE
