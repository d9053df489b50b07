"""What the demo shows of one call: the buyers that were rung, how long they talked, what it brought. Pure.

Made of a stored call (`view_of`); `demo_board` keeps it beside its ping, `demo_table` and `demo_lines` draw it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, AttemptState, CallState, Phase, SideOutcome
from ringbid.reports.labels import LABELS, Label
from ringbid.values.ids import CallId
from ringbid.values.money import Money, format_price
from ringbid.values.reason import BY_CODE, Reason

_TALKS = Label("talks", "good")
_TALKED = Label("talked", "plain")
_RANG = Label("rang", "plain")
_OVER = Label("ended", "plain")  # and its record has not come yet
_UNCLAIMED = (Reason.CALL_LATE, Reason.CALL_DIRECT)


@dataclass(frozen=True, slots=True)
class Tried:
    """A buyer that was rung, and what became of that."""

    buyer: str
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as it is shown. `came`: how it came, where it did not claim its place in time. `ending` is None as long as
    it goes on. Times are in milliseconds since 1970. `final`: nothing about it changes any more."""

    call_id: CallId
    came: Label | None
    tried: tuple[Tried, ...]
    connected_ms: int | None
    talked_ms: int | None
    needed_seconds: int
    ending: Label | None
    note: str
    revenue: Money | None
    payout: Money | None
    final: bool

    @property
    def rung(self) -> bool:
        """Has anybody been rung?"""
        return bool(self.tried)

    @property
    def connected(self) -> bool:
        """Did anybody answer?"""
        return self.connected_ms is not None

    @property
    def converted(self) -> bool:
        """Did it bring revenue?"""
        return self.revenue is not None

    @property
    def failed_over(self) -> bool:
        """Did a buyer get it that was not the first?"""
        return self.connected and len(self.tried) > 1


def view_of(call: StoredCall) -> CallView:
    """The view of a call as it stands now."""
    state = call.state
    answered = state.last_answered
    over = state.phase in (Phase.ENDED, Phase.REFUSED)
    talking = state.phase is Phase.CONNECTED and answered is not None and answered.state is AttemptState.CONNECTED
    terms = answered.quote.terms.revenue if answered is not None else None
    came = BY_CODE.get(call.trace.match)
    ending, note = _ending(state) if over else (None, "")
    return CallView(
        call_id=call.call_id,
        came=LABELS[came] if came in _UNCLAIMED and state.phase is not Phase.REFUSED else None,
        tried=tuple(_tried(state)),
        connected_ms=answered.answered_ms if answered is not None and (talking or over) else None,
        talked_ms=_talked_ms(answered) if over and answered is not None else None,
        needed_seconds=terms.seconds if terms is not None else 0,
        ending=ending,
        note=note,
        revenue=_booked([one.revenue for one in state.attempts], state),
        payout=_booked([one.payout for one in state.attempts], state),
        final=state.phase is Phase.REFUSED or state.end_told,
    )


def _tried(state: CallState) -> Iterator[Tried]:
    for attempt in state.attempts:
        label = _label_of(attempt)
        if label is not None:
            yield Tried(attempt.buyer_id, label)


def _label_of(attempt: Attempt) -> Label | None:
    """None where its phone was never reached for: it was in reserve, or somebody else had answered."""
    if attempt.reason is not None:
        reason = BY_CODE[attempt.reason]
        waited_in_vain = reason in (Reason.CALLER_HUNG_UP, Reason.OTHER_BUYER_ANSWERED, Reason.NOBODY_ANSWERED)
        if waited_in_vain:
            return _RANG if attempt.ringing_ms is not None else None
        return LABELS[reason]
    if attempt.state is AttemptState.CONNECTED:
        return _TALKS
    if attempt.answered_ms is not None:
        return _TALKED
    return LABELS[Reason.RINGS] if attempt.ringing_ms is not None else None


def _talked_ms(attempt: Attempt) -> int | None:
    if attempt.duration_ms is not None:
        return attempt.duration_ms
    if attempt.answered_ms is not None and attempt.ended_ms is not None:
        return attempt.ended_ms - attempt.answered_ms
    return None


def _ending(state: CallState) -> tuple[Label, str]:
    """The chip of a call that is over, and what there is to add."""
    answered = state.last_answered
    if answered is None:
        reason = BY_CODE.get(state.reason or "", Reason.NOBODY_ANSWERED)
        return LABELS[reason], "turned away" if state.phase is Phase.REFUSED else ""
    revenue, payout = answered.revenue, answered.payout
    if any(one.revenue.outcome == "converted" for one in state.attempts):
        withheld = payout.outcome == "not_converted" and payout.reason is not None
        return LABELS[Reason.CONVERTED], LABELS[BY_CODE[payout.reason or ""]].word if withheld else ""
    if revenue.reason is None:
        return _OVER, ""
    return LABELS[BY_CODE[revenue.reason]], revenue.expected or ""


def _booked(sides: list[SideOutcome], state: CallState) -> Money | None:
    """What the sides that have converted bring together; None where none has."""
    converted = [side.amount_micros for side in sides if side.outcome == "converted"]
    return Money(sum(converted), state.attempts[0].quote.currency) if converted else None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that has happened to a call: to the buyer, where it names one."""

    buyer: str
    label: Label
    note: str = ""


def changes(before: CallView | None, after: CallView) -> Iterator[Change]:
    """What has happened to a call between two looks at it, in order."""
    known = before.tried if before is not None else ()
    if before is None and after.came is not None:
        yield Change("", after.came)
    for number, tried in enumerate(after.tried):
        if number >= len(known) or known[number].label != tried.label:
            talked = f"{after.talked_ms / 1000:.1f} s" if after.talked_ms is not None else ""
            yield Change(tried.buyer, tried.label, talked if tried.label == _TALKED else "")
    if after.ending is not None and after.ending != _OVER and (before is None or before.ending != after.ending):
        yield Change("", after.ending, _money_words(after))


def _money_words(view: CallView) -> str:
    """`revenue 1.50, payout 1.173 USD`, or what there is to add where it brought nothing."""
    if view.revenue is None:
        return view.note
    payout = f"payout {format_price(view.payout.micros)}" if view.payout is not None else f"no payout ({view.note})"
    return f"revenue {format_price(view.revenue.micros)}, {payout} {view.revenue.currency}"
