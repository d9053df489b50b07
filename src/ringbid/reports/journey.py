"""What became of one caller, from the ping (or the direct call) to the money, as one narrow fact that names no caller.

Pure: `store.journeys` reads what is known of a ping and its call and keeps what `fold` makes of it, `funnel` counts it.
Folding the same facts again gives the same journey, so that it may be done as often as something changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, CallState, Phase
from ringbid.reservations.reservation import State
from ringbid.reservations.trace import Trace, TracedTag, TracedVerdict
from ringbid.values.ids import CompanyId, PingId
from ringbid.values.reason import BY_CODE, Reason, Stage

LONGEST_VALUE = 40  # of a tag's value
_MOST_DIGITS = 4  # in it: zip codes and phone numbers tell callers apart, ages and years do not
OTHER_VALUE = "(not kept)"

# Endings that are no reason: nothing was refused.
WAITING, EXPIRED, RELEASED, UNDER_WAY, PAID, VOIDED = "waiting", "expired", "released", "under_way", "paid", "voided"

# Until here a reason says that the buyer was put out before anybody would have asked it.
_NOT_ASKED = frozenset({Stage.REQUEST, Stage.DUPLICATE, Stage.ELIGIBILITY})
_NO_BID = _NOT_ASKED | {Stage.ASK, Stage.BID, Stage.QUOTE}


class Step(IntEnum):
    """How far a journey got. Who reached a step has reached all before it.

    ASKED: a buyer could take the call, and was asked or has fixed terms. BID: a buyer offered a price. DELIVERED: the
    caller arrived; a direct call, that a buyer was rung. PAID: a payout is booked for the publisher.
    """

    PING = 1
    ASKED = 2
    BID = 3
    RESERVED = 4
    DELIVERED = 5
    CONNECTED = 6
    CONVERTED = 7
    PAID = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What the ping itself says, or the call where there was none. It never changes, and outlives the ping."""

    uuid: PingId
    company_id: CompanyId
    direct: bool  # a call that no ping told of, or that came too late for its reservation
    at_ms: int
    campaign_id: str
    publisher_id: str  # empty: none of the company's
    caller_state: str  # empty: not known
    tags: Mapping[str, str]
    step: Step
    ending: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The ping's reservation as it stands."""

    state: State
    buyer_id: str
    number: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Booked:
    """What is booked for a call. `standing`: a side has converted and was not taken back; `voided`: all of it was."""

    revenue_micros: int = 0
    payout_micros: int = 0
    currency: str = ""
    standing: bool = False
    voided: bool = False


NOTHING_BOOKED = Booked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A row of reports. `check_at_ms`: when it must be folded again though nothing tells; None: never."""

    beginning: Beginning
    buyer_id: str = ""
    number: str = ""
    step: Step
    ending: str
    booked: Booked = NOTHING_BOOKED
    connected_ms: int = 0
    check_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """How asking one buyer went in one ping: `answered`, or the code of what went wrong."""

    buyer_id: str
    outcome: str


def begin_ping(
    *,
    uuid: PingId,
    company_id: CompanyId,
    campaign_id: str,
    publisher_id: str,
    at_ms: int,
    reason: str,
    trace: Trace,
    kept_tags: Iterable[str],
) -> Beginning:
    """What a ping says. `kept_tags` are the names of tags that reports may know."""
    return Beginning(
        uuid=uuid,
        company_id=company_id,
        direct=False,
        at_ms=at_ms,
        campaign_id=campaign_id,
        publisher_id="" if reason == Reason.PUBLISHER_UNKNOWN.code else publisher_id,
        caller_state=_state_of(trace.tags),
        tags=keep_tags(trace.tags, kept_tags),
        step=Step.PING if reason == Reason.DUPLICATE.code else _step_of(trace.verdicts),
        ending=reason,
    )


def begin_call(call: StoredCall, at_ms: int, kept_tags: Iterable[str]) -> Beginning:
    """What a direct call says; or one whose ping was flushed before anybody folded it. How far it got changes with the
    call, and is no part of it."""
    return Beginning(
        uuid=target_of(call),
        company_id=call.company_id,
        direct=target_of(call) == PingId(call.call_id),
        at_ms=at_ms,
        campaign_id=call.campaign_id,
        publisher_id=call.publisher_id,
        caller_state=_state_of(call.trace.tags),
        tags=keep_tags(call.trace.tags, kept_tags),
        step=Step.PING,
        ending=UNDER_WAY,
    )


def target_of(call: StoredCall) -> PingId:
    """The uuid of the journey that a call goes on with: its ping's where it claimed the reservation, else its own."""
    if call.reservation_id is not None and call.trace.match == Reason.CALL_CLAIMED.code:
        return call.reservation_id
    return PingId(call.call_id)


def fold(beginning: Beginning, held: Held | None, call: StoredCall | None, booked: Booked, now_ms: int) -> Journey:
    """What became of it, as far as is known at `now_ms`."""
    if call is not None:
        return _fold_call(beginning, held, call, booked)
    if held is not None:
        return _fold_held(beginning, held, now_ms)
    if beginning.ending == Reason.RESERVED.code:  # its reservation was flushed, and so it had ended
        return Journey(beginning=beginning, step=Step.RESERVED, ending=EXPIRED)
    return Journey(beginning=beginning, step=beginning.step, ending=beginning.ending)


def ask_outcomes(trace: Trace) -> list[AskOutcome]:
    """How asking went, for each ask of one buyer."""
    return [AskOutcome(ask.buyer, ask.reason or "answered") for ask in trace.asks if ask.buyer is not None]


def keep_tags(tags: Mapping[str, TracedTag], names: Iterable[str]) -> dict[str, str]:
    """The values of these tags that reports may keep for longer than pings live. One that would tell a caller from all
    others (a zip code, a phone number, an address, a long text) is counted, and not kept."""
    return {name: keep_value(tag.value) for name in names if (tag := tags.get(name)) is not None}


def keep_value(value: str | list[str]) -> str:
    """One value as reports keep it."""
    text = (value if isinstance(value, str) else ", ".join(value)).strip()
    personal = "@" in text or sum(character.isdigit() for character in text) > _MOST_DIGITS
    return OTHER_VALUE if personal or len(text) > LONGEST_VALUE or not text.isprintable() else text


def _fold_held(beginning: Beginning, held: Held, now_ms: int) -> Journey:
    waits = held.state.open and now_ms < held.expires_at_ms
    # A claimed one has a call, which is told on its own; until that is seen it is under way.
    endings = {
        State.RELEASED: RELEASED,
        State.REJECTED: Reason.CAPS_FILLED.code,
        State.LIVE: UNDER_WAY,
        State.DONE: UNDER_WAY,
    }
    return Journey(
        beginning=beginning,
        buyer_id=held.buyer_id,
        number=held.number,
        step=Step.RESERVED,
        ending=WAITING if waits else endings.get(held.state, EXPIRED),
        check_at_ms=held.expires_at_ms if waits else None,
    )


def _fold_call(beginning: Beginning, held: Held | None, call: StoredCall, booked: Booked) -> Journey:
    state = call.state
    last = state.last_attempt
    step, ending = _end_of(beginning, call, booked)
    buyer_id = last.buyer_id if last is not None else held.buyer_id if held is not None else ""
    return Journey(
        beginning=beginning,
        buyer_id=buyer_id,
        number=held.number if held is not None else call.inbound_number,
        step=step,
        ending=ending,
        booked=booked,
        connected_ms=state.duration_ms or 0,
    )


def _end_of(beginning: Beginning, call: StoredCall, booked: Booked) -> tuple[Step, str]:
    state, last = call.state, call.state.last_attempt
    ending = state.reason or UNDER_WAY
    if booked.standing:
        payout_reason = last.payout.reason if last is not None else None
        unpaid = payout_reason if payout_reason not in (None, Reason.CONVERTED.code) else Reason.CONVERTED.code
        return (Step.PAID, PAID) if booked.payout_micros > 0 else (Step.CONVERTED, unpaid or Reason.CONVERTED.code)
    if state.last_answered is not None:
        return Step.CONNECTED, _why_not_converted(state, state.last_answered, booked)
    if beginning.direct and last is None:
        return _step_of([verdict for routing in call.trace.routings for verdict in routing.verdicts]), ending
    return Step.DELIVERED, ending


def _why_not_converted(state: CallState, answered: Attempt, booked: Booked) -> str:
    if booked.voided:
        return VOIDED
    if state.phase is not Phase.ENDED:
        return UNDER_WAY
    for side in (answered.revenue, answered.payout):
        if side.reason is not None:
            return side.reason
    if answered.revenue.outcome == answered.payout.outcome == "none":
        return Reason.NO_CONVERSION_RULE.code
    return Reason.RECORD_MISSING.code


def _step_of(verdicts: Iterable[TracedVerdict]) -> Step:
    """Where the best of the buyers got to. One that was full when its turn came had offered a price before."""
    step = Step.PING
    for verdict in verdicts:
        stage = BY_CODE[verdict.reason].stage
        if verdict.revenue_micros is not None or stage not in _NO_BID:
            return Step.BID
        if verdict.asked_ms is not None or stage not in _NOT_ASKED:
            step = Step.ASKED
    return step


def _state_of(tags: Mapping[str, TracedTag]) -> str:
    tag = tags.get("caller_state")
    text = "" if tag is None else tag.value if isinstance(tag.value, str) else "".join(tag.value[:1])
    return keep_value(text)
