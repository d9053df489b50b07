"""The table of a call: what each kind of event does in each state, repeated, late and reordered ones too. Pure.

`advance` looks the event up and returns the new state, the name of the row, and effects: what must happen besides, in
the same transaction. Money is decided by `convert` from the record alone, so that the order of events cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from msgspec.structs import replace

from ringbid.call.event import CallEvent, Cause, EventKind
from ringbid.call.state import Attempt, AttemptState, CallState, Phase
from ringbid.catalog.model import WebhookTrigger
from ringbid.values.clock import to_ms
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason


@dataclass(frozen=True, slots=True)
class FreePlace:
    """The buyer's place is free again."""

    attempt_id: PingId


@dataclass(frozen=True, slots=True)
class CountConnected:
    """The buyer has answered: the call counts in the windows of its caps, where they count connected calls."""

    attempt_id: PingId


@dataclass(frozen=True, slots=True)
class Decide:
    """The record has come: decide what converts."""

    attempt_id: PingId


@dataclass(frozen=True, slots=True)
class Tell:
    """Webhooks of this trigger are due; about the call as a whole where `attempt_id` is None."""

    trigger: WebhookTrigger
    attempt_id: PingId | None


Effect: TypeAlias = FreePlace | CountConnected | Decide | Tell


@dataclass(frozen=True, slots=True)
class Step:
    """What an event did. `row` is the name of the table's row."""

    state: CallState
    row: str
    effects: tuple[Effect, ...] = ()


Row: TypeAlias = Callable[[CallState, Attempt, CallEvent], Step]
CallRow: TypeAlias = Callable[[CallState, CallEvent], Step]

_CAUSES: Mapping[Cause, Reason] = MappingProxyType(
    {
        "busy": Reason.BUYER_BUSY,
        "no_answer": Reason.BUYER_NO_ANSWER,
        "declined": Reason.BUYER_REFUSED_CALL,
        "unreachable": Reason.BUYER_UNREACHABLE,
        "failed": Reason.BUYER_CALL_FAILED,
        "cancelled": Reason.CALLER_HUNG_UP,
    }
)
_RINGING, _CONNECTED, _FAILED = AttemptState.RINGING, AttemptState.CONNECTED, AttemptState.FAILED
_UNNEEDED, _DONE = AttemptState.UNNEEDED, AttemptState.DONE
# What was thought of a call of which a record proves that it was answered.
_DISPROVED = (Reason.NOBODY_ANSWERED.code, Reason.CALL_UNHEARD.code)


def advance(state: CallState, event: CallEvent) -> Step:
    """What `event` does to a call in `state`. An event that changes nothing has a row that says why."""
    of_call = _OF_CALL.get(event.kind)
    if of_call is not None:
        return of_call[state.phase](state, event)
    attempt = state.find(event.attempt_id)
    if attempt is None:
        return Step(state, "unknown_attempt")
    return _OF_ATTEMPT[event.kind][attempt.state](state, attempt, event)


def _nothing(row: str) -> Row:
    return lambda state, _attempt, _event: Step(state, row)


def _nothing_to_call(row: str) -> CallRow:
    return lambda state, _event: Step(state, row)


def _with(state: CallState, *changed: Attempt) -> CallState:
    """`state` with these attempts in place of their former selves."""
    by_id = {attempt.attempt_id: attempt for attempt in changed}
    return replace(state, attempts=tuple(by_id.get(one.attempt_id, one) for one in state.attempts))


# One attempt


def _rings(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
    at_ms = to_ms(event.at)
    if attempt.ringing_ms is not None:
        return Step(state, "rings_again")
    return Step(_with(state, replace(attempt, ringing_ms=at_ms)), "rings")


def _answers(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
    """The buyer has picked up: everybody else is not needed."""
    at_ms = to_ms(event.at)
    connected = replace(attempt, state=_CONNECTED, answered_ms=at_ms)
    others = [one for one in state.attempts if one.state is _RINGING and one.attempt_id != attempt.attempt_id]
    unneeded = [
        replace(one, state=_UNNEEDED, reason=Reason.OTHER_BUYER_ANSWERED.code, ended_ms=at_ms) for one in others
    ]
    after = replace(
        _with(state, connected, *unneeded), phase=Phase.CONNECTED, answered_ms=state.answered_ms or at_ms, ended_ms=None
    )
    freed = tuple(FreePlace(one.attempt_id) for one in others)
    return Step(after, "answers", (CountConnected(attempt.attempt_id), *freed, Tell("answered", attempt.attempt_id)))


def _answers_late(row: str) -> Row:
    """The end was told first: the attempt was freed then, and only now it is known that somebody had answered."""

    def answers(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
        at_ms = to_ms(event.at)
        done = replace(attempt, state=_DONE, reason=None, actual=None, answered_ms=at_ms)
        after = replace(_with(state, done), answered_ms=state.answered_ms or at_ms)
        return Step(after, row, (CountConnected(attempt.attempt_id), Tell("answered", attempt.attempt_id)))

    return answers


def _fails(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
    return Step(_with(state, _failed(attempt, event)), "fails", (FreePlace(attempt.attempt_id),))


def _fails_late(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
    """Somebody else has answered meanwhile; the verdict on this buyer is still worth knowing."""
    return Step(_with(state, _failed(attempt, event)), "fails_late")


def _failed(attempt: Attempt, event: CallEvent) -> Attempt:
    reason = _CAUSES[event.cause or "failed"]
    actual = f"SIP {event.code}" if event.code is not None else None
    return replace(attempt, state=_FAILED, reason=reason.code, actual=actual, ended_ms=to_ms(event.at))


def _is_recorded(state: CallState, attempt: Attempt, event: CallEvent) -> Step:
    """The provider's own account: it decides, whatever was told before. A negative or endless duration is cut."""
    if attempt.recorded:
        return Step(state, "recorded_again")
    started = event.started_at or event.at
    longest_ms = attempt.max_duration_seconds * 1000
    duration_ms = min(max(0, event.duration_ms or 0), longest_ms)
    started_ms = to_ms(started)
    first_told = attempt.answered_ms is None
    recorded = replace(
        attempt,
        state=_DONE,
        reason=None,
        actual=None,
        answered_ms=started_ms,
        ended_ms=started_ms + duration_ms,
        duration_ms=duration_ms,
        ended_by=event.ended_by,
        recording_url=event.recording_url,
        recorded=True,
    )
    effects: list[Effect] = []
    if first_told:
        effects += [CountConnected(attempt.attempt_id), Tell("answered", attempt.attempt_id)]
    if attempt.open:
        effects.append(FreePlace(attempt.attempt_id))
    after = replace(
        _with(state, recorded),
        answered_ms=min(state.answered_ms or started_ms, started_ms),
        reason=None if state.reason in _DISPROVED else state.reason,
    )
    effects.append(Decide(attempt.attempt_id))
    if any(one.state is _CONNECTED for one in after.attempts):
        return Step(after, "recorded_while_the_next_one_talks", tuple(effects))
    if _may_be_recovered(after, recorded):
        why = Reason.BUYER_HANDED_BACK if recorded.handed_back else Reason.BUYER_HUNG_UP_EARLY
        lost = replace(recorded, reason=why.code, actual=f"after {duration_ms / 1000:.1f} s")
        again = replace(_with(after, lost), phase=Phase.RINGING, recoveries=after.recoveries + 1)
        return Step(again, "recorded_and_recovers", tuple(effects))
    talked_until_ms = max(one.ended_ms or 0 for one in after.attempts if one.answered_ms is not None)
    over, freed = _close(after, ended_ms=talked_until_ms)
    over, told = _tell_end(over)
    return Step(over, "recorded", (*effects, *freed, *told))


def _may_be_recovered(state: CallState, attempt: Attempt) -> bool:
    """Did the buyer let go so early, or hand the call back, that the next one may have it?"""
    if state.caller_gone or state.phase is Phase.ENDED or state.recoveries >= state.recoveries_most:
        return False
    early = (attempt.duration_ms or 0) < attempt.recover_below_seconds * 1000
    return attempt.handed_back or (attempt.ended_by == "buyer" and early)


# The call


def _close(state: CallState, *, ended_ms: int, reason: Reason | None = None) -> tuple[CallState, tuple[FreePlace, ...]]:
    """The call is over: whoever still rings is not needed, every place is free."""
    changed: list[Attempt] = []
    for one in state.open_attempts:
        if one.state is _CONNECTED:
            changed.append(replace(one, state=_DONE, ended_ms=ended_ms))
        elif reason is None:
            changed.append(replace(one, state=_UNNEEDED, reason=Reason.OTHER_BUYER_ANSWERED.code, ended_ms=ended_ms))
        else:
            changed.append(replace(one, state=_FAILED, reason=reason.code, ended_ms=ended_ms))
    over = replace(
        _with(state, *changed),
        phase=Phase.ENDED,
        ended_ms=ended_ms,
        reason=reason.code if reason is not None else state.reason,
    )
    return over, tuple(FreePlace(one.attempt_id) for one in changed)


def _tell_end(state: CallState) -> tuple[CallState, tuple[Tell, ...]]:
    """Everybody is told of the end once, and not before it is known how long the call was and what it brought."""
    if state.end_told or state.unrecorded is not None:
        return state, ()
    return replace(state, end_told=True), (Tell("call_ended", None),)


def _ends(state: CallState, event: CallEvent) -> Step:
    """An answered call has ended. How long it was, its record will say."""
    over, freed = _close(state, ended_ms=to_ms(event.at))
    return Step(over, "ends", freed)


def _ends_early(state: CallState, event: CallEvent) -> Step:
    """An answered call has ended, but who answered was not told yet; or it had lost its buyer, and no other took it."""
    over, freed = _close(state, ended_ms=to_ms(event.at))
    if freed or state.answered_ms is None:
        return Step(over, "ends_before_answer_is_told", freed)
    over, told = _tell_end(over)
    return Step(over, "ends_between_buyers", told)


def _is_abandoned(state: CallState, event: CallEvent) -> Step:
    over, freed = _close(replace(state, caller_gone=True), ended_ms=to_ms(event.at), reason=Reason.CALLER_HUNG_UP)
    over, told = _tell_end(over)
    return Step(over, "is_abandoned", (*freed, *told))


def _is_abandoned_after_answer(state: CallState, _event: CallEvent) -> Step:
    """How the call went its record will say; but no other buyer is needed any more."""
    return Step(replace(state, caller_gone=True), "abandoned_after_answer")


def _is_unanswered(state: CallState, event: CallEvent) -> Step:
    over, freed = _close(state, ended_ms=to_ms(event.at), reason=Reason.NOBODY_ANSWERED)
    over, told = _tell_end(over)
    return Step(over, "is_unanswered", (*freed, *told))


def give_up(state: CallState, now_ms: int) -> Step:
    """The network has not told how the call went on, long after it must have: its places are freed, and nobody waits
    for its end any more. A record that comes after all still counts."""
    tell = Tell("call_ended", None)
    if state.phase is Phase.ENDED:
        return Step(replace(state, end_told=True), "is_unrecorded", (tell,))
    over, freed = _close(state, ended_ms=now_ms, reason=Reason.CALL_UNHEARD)
    return Step(replace(over, end_told=True), "is_unheard", (*freed, tell))


_OF_ATTEMPT: Mapping[EventKind, Mapping[AttemptState, Row]] = MappingProxyType(
    {
        "ringing": {
            _RINGING: _rings,
            _CONNECTED: _nothing("rings_late"),
            _FAILED: _nothing("rings_late"),
            _UNNEEDED: _nothing("rings_late"),
            _DONE: _nothing("rings_late"),
        },
        "answered": {
            _RINGING: _answers,
            _CONNECTED: _nothing("answers_again"),
            _FAILED: _answers_late("answers_after_failing"),
            _UNNEEDED: _answers_late("answers_after_end"),
            _DONE: _nothing("answers_late"),
        },
        "failed": {
            _RINGING: _fails,
            _CONNECTED: _nothing("fails_after_answering"),
            _FAILED: _nothing("fails_again"),
            _UNNEEDED: _fails_late,
            _DONE: _nothing("fails_after_answering"),
        },
        "record": dict.fromkeys(AttemptState, _is_recorded),
    }
)
_OF_CALL: Mapping[EventKind, Mapping[Phase, CallRow]] = MappingProxyType(
    {
        "abandoned": {
            Phase.ROUTING: _is_abandoned,
            Phase.RINGING: _is_abandoned,
            Phase.CONNECTED: _is_abandoned_after_answer,
            Phase.ENDED: _nothing_to_call("abandoned_late"),
            Phase.REFUSED: _nothing_to_call("abandoned_late"),
        },
        "unanswered": {
            Phase.ROUTING: _is_unanswered,
            Phase.RINGING: _is_unanswered,
            Phase.CONNECTED: _nothing_to_call("unanswered_after_answer"),
            Phase.ENDED: _nothing_to_call("unanswered_late"),
            Phase.REFUSED: _nothing_to_call("unanswered_late"),
        },
        "ended": {
            Phase.ROUTING: _ends_early,
            Phase.RINGING: _ends_early,
            Phase.CONNECTED: _ends,
            Phase.ENDED: _nothing_to_call("ends_again"),
            Phase.REFUSED: _nothing_to_call("ends_again"),
        },
    }
)
