"""A call's tries at buyers in words and milliseconds: who was rung for how long, who talked, and what it is worth.

Part of `call_story`. Offsets are milliseconds since the call was received, by its provider's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringbid.call.convert import SIDES, counted_ms, terms_of
from ringbid.call.event import EndedBy
from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, AttemptState, Outcome, SideOutcome
from ringbid.ledger.entry import Side
from ringbid.reports.labels import LABELS, Tone
from ringbid.reports.wording import Wording
from ringbid.values.ids import BuyerId, PingId
from ringbid.values.money import Money
from ringbid.values.quote import ConvertsOn, CountedFrom
from ringbid.values.reason import BY_CODE, Reason

# Verdicts that the end of a call gives to everybody who is left, whether its phone rang or its turn was still to come.
_AT_THE_END = (Reason.OTHER_BUYER_ANSWERED, Reason.CALLER_HUNG_UP, Reason.NOBODY_ANSWERED, Reason.CALL_UNHEARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideStory:
    """One side of an attempt's money. `reason` is None while nothing is decided and nothing speaks against it.

    `needed_ms` and `reached_ms` are the time that the rule asks for and the time that counts, where it goes by time;
    `threshold_ms` is the offset at which the call reaches it. `until_ms`: how long a postback is awaited.
    """

    side: Side
    outcome: Outcome
    reason: Reason | None
    tone: Tone
    actual: str | None
    expected: str | None
    quoted: Money
    converted: Money | None
    on: ConvertsOn | None
    start: CountedFrom
    needed_ms: int | None
    reached_ms: int | None
    threshold_ms: int | None
    until_ms: int | None
    decided_ms: int | None  # since 1970, by the store's clock
    rule: str | None
    rule_version: str | None

    @property
    def short_ms(self) -> int:
        """How much time is missing."""
        return max(0, (self.needed_ms or 0) - (self.reached_ms or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStory:
    """One try at one buyer. `dialled_ms` is None where its turn never came. `live`: it rings or talks now, and its
    times go on. `recorded`: its talk is as long as its provider says, and not as it was told in between.
    """

    number: int
    attempt_id: PingId
    buyer_id: BuyerId
    buyer_name: str  # or its id, where nobody asked for names
    to: str
    step: int
    routing: int  # which of the call's routings chose it, from 0
    reason: Reason
    actual: str | None
    dialled_ms: int | None
    answered_ms: int | None
    ended_ms: int | None
    ring_ms: int | None
    talk_ms: int | None
    longest_ms: int  # its maximum duration
    ended_by: EndedBy | None
    live: bool
    recorded: bool
    handed_back: bool
    sides: tuple[SideStory, ...]

    @property
    def tone(self) -> Tone:
        return LABELS[self.reason].tone

    @property
    def ended_how(self) -> str:
        """Who let go, in words; empty where nobody answered or nobody knows."""
        match self.ended_by:
            case "caller":
                return "the caller hung up"
            case "buyer":
                return f"{self.buyer_name} handed the call back" if self.handed_back else f"{self.buyer_name} hung up"
            case "engine":
                at_longest = self.talk_ms is not None and self.talk_ms >= self.longest_ms
                return "cut at its maximum duration" if at_longest else "the network ended it"
            case None:
                return ""


def attempts_of(call: StoredCall, *, now_ms: int, wording: Wording) -> tuple[AttemptStory, ...]:
    """Every attempt in the order in which its turn came."""
    routings = _routings_of(call)
    return tuple(
        _attempt(call, attempt, number=number, routing=routing, now_ms=now_ms, wording=wording)
        for number, (attempt, routing) in enumerate(zip(call.state.attempts, routings, strict=True), start=1)
    )


def verdict_of(attempt: Attempt) -> Reason:
    """What became of the buyer."""
    if attempt.reason is not None:
        return BY_CODE[attempt.reason]
    return Reason.RINGS if attempt.state is AttemptState.RINGING else Reason.TOOK_CALL


def _routings_of(call: StoredCall) -> list[int]:
    """The routing of each attempt: each routing made as many as it says `rings`, in order."""
    made: list[int] = []
    for index, routing in enumerate(call.trace.routings):
        made += [index] * sum(verdict.reason == Reason.RINGS.code for verdict in routing.verdicts)
    missing = len(call.state.attempts) - len(made)
    return (made + [max(0, len(call.trace.routings) - 1)] * missing)[: len(call.state.attempts)]


def _attempt(
    call: StoredCall, attempt: Attempt, *, number: int, routing: int, now_ms: int, wording: Wording
) -> AttemptStory:
    received_ms = call.state.received_ms
    reason = verdict_of(attempt)
    dialled_ms = _dialled_ms(call, attempt, reason, routing)
    talking = attempt.state is AttemptState.CONNECTED
    rings = attempt.state is AttemptState.RINGING and dialled_ms is not None
    end_ms = attempt.ended_ms if attempt.ended_ms is not None else (now_ms if talking or rings else None)
    ring_ms = talk_ms = None
    if dialled_ms is not None:
        picked_up_ms = attempt.answered_ms if attempt.answered_ms is not None else end_ms
        if picked_up_ms is not None:
            ring_ms = max(0, picked_up_ms - (attempt.ringing_ms or dialled_ms))
    if attempt.answered_ms is not None and end_ms is not None:
        talk_ms = attempt.duration_ms if attempt.duration_ms is not None else max(0, end_ms - attempt.answered_ms)
    since = [None if at is None else at - received_ms for at in (dialled_ms, attempt.answered_ms, attempt.ended_ms)]
    return AttemptStory(
        number=number,
        attempt_id=attempt.attempt_id,
        buyer_id=attempt.buyer_id,
        buyer_name=wording.buyer(attempt.buyer_id),
        to=attempt.number,
        step=attempt.step,
        routing=routing,
        reason=Reason.IN_RESERVE if reason is Reason.RINGS and dialled_ms is None else reason,
        actual=attempt.actual,
        dialled_ms=since[0],
        answered_ms=since[1],
        ended_ms=since[2],
        ring_ms=ring_ms,
        talk_ms=talk_ms,
        longest_ms=attempt.max_duration_seconds * 1000,
        ended_by=attempt.ended_by,
        live=talking or rings,
        recorded=attempt.recorded,
        handed_back=attempt.handed_back,
        sides=tuple(_sides(call, attempt, end_ms)),
    )


def _dialled_ms(call: StoredCall, attempt: Attempt, reason: Reason, routing: int) -> int | None:
    """When its turn came: once all before it were over. It is told by nobody, so it is at most what came of it."""
    before = [one for one in call.state.attempts if one.step < attempt.step]
    known = [at for at in (attempt.ringing_ms, attempt.answered_ms) if at is not None]
    if not known and any(one.ended_ms is None for one in before):
        return None
    routed = call.trace.routings[routing].at_ms if routing < len(call.trace.routings) else 0
    turn_ms = max(call.state.received_ms, routed, *(one.ended_ms or 0 for one in before))
    never = not known and attempt.ended_ms is not None and before and turn_ms >= attempt.ended_ms
    if never and reason in _AT_THE_END:
        return None
    ended = [attempt.ended_ms] if attempt.ended_ms is not None else []
    return min(turn_ms, *known, *ended) if known or ended else turn_ms


def _sides(call: StoredCall, attempt: Attempt, end_ms: int | None) -> Iterator[SideStory]:
    for side in SIDES:
        outcome = attempt.revenue if side == "revenue" else attempt.payout
        if attempt.answered_ms is not None or outcome.decided_ms is not None:
            yield _side(call, attempt, side, outcome, end_ms)


def _side(call: StoredCall, attempt: Attempt, side: Side, outcome: SideOutcome, end_ms: int | None) -> SideStory:
    terms, quote = terms_of(attempt, side), attempt.quote
    reason = BY_CODE[outcome.reason] if outcome.reason is not None else None
    needed_ms = reached_ms = threshold_ms = None
    if terms is not None and terms.on == "timer" and attempt.answered_ms is not None:
        needed_ms = terms.seconds * 1000
        from_ms = call.state.received_ms if terms.start == "received" else attempt.answered_ms
        threshold_ms = from_ms + needed_ms - call.state.received_ms
        if attempt.recorded:
            reached_ms = counted_ms(call.state, attempt, terms)
        elif end_ms is not None:
            reached_ms = max(0, end_ms - from_ms)
    quoted_micros = quote.revenue_micros if side == "revenue" else quote.payout_micros
    return SideStory(
        side=side,
        outcome=outcome.outcome,
        reason=reason,
        tone=LABELS[reason].tone if reason is not None else "plain",
        actual=outcome.actual,
        expected=outcome.expected,
        quoted=Money(quoted_micros, quote.currency),
        converted=Money(outcome.amount_micros, quote.currency) if outcome.outcome == "converted" else None,
        on=terms.on if terms is not None else None,
        start=terms.start if terms is not None else "answered",
        needed_ms=needed_ms,
        reached_ms=reached_ms,
        threshold_ms=threshold_ms,
        until_ms=outcome.until_ms,
        decided_ms=outcome.decided_ms,
        rule=terms.rule_id if terms is not None else None,
        rule_version=terms.rule_version if terms is not None else None,
    )


def say_seconds(milliseconds: int) -> str:
    """`94.9 s`: never rounded up to a second that was not reached."""
    return f"{milliseconds // 1000}.{milliseconds % 1000 // 100} s"


def say_offset(milliseconds: int) -> str:
    """`1:39.1`, and `1:02:03.4` past the hour; below zero for what was told before the call came."""
    sign = "-" if milliseconds < 0 else ""
    minutes, rest_ms = divmod(abs(milliseconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{sign}{clock}:{rest_ms // 1000:02}.{rest_ms % 1000 // 100}"


def taken_by(attempts: Sequence[AttemptStory]) -> AttemptStory | None:
    """Who answered last."""
    answered = [one for one in attempts if one.answered_ms is not None]
    return max(answered, key=lambda one: one.answered_ms or 0) if answered else None
