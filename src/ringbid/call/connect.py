"""From a route to places, attempts and the answer: what the store is asked to take, and what the network is told. Pure.

`call.flow` decides who may be rung; the store says whose place was free; here the two become the call as it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from msgspec.structs import replace

from ringbid.call.convert import open_sides
from ringbid.call.instruction import Connect, Dial, Over, Refuse, Routing
from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, AttemptState, CallState, Phase, buyer_key
from ringbid.call.trace import TracedRouting
from ringbid.reservations.calling import CallPlace, Claimed
from ringbid.reservations.trace import TracedAsk, TracedVerdict
from ringbid.routing.candidate import Candidate
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.tracing import traced_verdict
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, CallId, PingId
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Verdict

SLACK_SECONDS = 60  # a place outlives the longest call by this: an end that is told late must find it
NO_BUYER_CODE, LATE_CODE, UNKNOWN_CODE = 480, 603, 404

Steps = tuple[tuple[Candidate, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one routing found. `steps` may be rung, best first; `later`: buyers that were left for another routing.

    `attempt_ids` names each buyer's attempt: the reservation's uuid for the buyer that holds it.
    """

    campaign: CampaignPlan
    steps: Steps
    verdicts: Mapping[BuyerId, Verdict]
    attempt_ids: Mapping[BuyerId, PingId]
    asks: tuple[TracedAsk, ...]
    notes: tuple[str, ...]
    later: tuple[Candidate, ...]
    at: datetime
    took_ms: float
    snapshot_version: int


def places(plan: Plan) -> tuple[tuple[CallPlace, ...], ...]:
    """What the store is asked to take, step by step."""
    waited_seconds = 0
    made = []
    for step in plan.steps:
        ring_seconds = max(one.planned.buyer.ring_seconds for one in step)
        made.append(
            tuple(
                CallPlace(
                    attempt_id=plan.attempt_ids[one.planned.buyer.id],
                    buyer_id=one.planned.buyer.id,
                    buyer_number=one.number,
                    subjects=one.planned.subjects,
                    quote=one.quote,
                    longest_seconds=waited_seconds
                    + ring_seconds
                    + _max_duration_seconds(one, plan.campaign)
                    + SLACK_SECONDS,
                )
                for one in step
            )
        )
        waited_seconds += ring_seconds
    return tuple(made)


def attempts(plan: Plan, claimed: Claimed, *, first_step: int) -> tuple[Attempt, ...]:
    """The attempts that the taken places make."""
    taken = {reservation.ping_id: reservation for reservation in claimed.taken}
    made = []
    number = first_step
    for step in plan.steps:
        rung = [one for one in step if plan.attempt_ids[one.planned.buyer.id] in taken]
        for one in rung:
            buyer = one.planned.buyer
            revenue, payout = open_sides(one.quote)
            made.append(
                Attempt(
                    attempt_id=plan.attempt_ids[buyer.id],
                    buyer_id=buyer.id,
                    number=one.number,
                    step=number,
                    quote=one.quote,
                    ring_seconds=buyer.ring_seconds,
                    max_duration_seconds=_max_duration_seconds(one, plan.campaign),
                    recover_below_seconds=buyer.recover_below_seconds,
                    cap_counts=buyer.cap_counts,
                    revenue=revenue,
                    payout=payout,
                )
            )
        number += bool(rung)
    return tuple(made)


def connected_state(state: CallState, plan: Plan, claimed: Claimed, *, now: datetime) -> CallState:
    """`state` with the attempts that were taken; over, where nobody is left to be rung."""
    first_step = 1 + max((one.step for one in state.attempts), default=0)
    made = attempts(plan, claimed, first_step=first_step)
    if made or plan.later:
        return replace(state, phase=Phase.RINGING, attempts=(*state.attempts, *made))
    if not state.attempts:
        return replace(state, phase=Phase.REFUSED, reason=Reason.CALL_NOT_TAKEN.code, code=NO_BUYER_CODE)
    over = replace(state, phase=Phase.ENDED, ended_ms=to_ms(now), end_told=True)
    if state.answered_ms is not None:
        return over  # its buyer let it go, and no other was left
    return replace(over, reason=Reason.NOBODY_ANSWERED.code, code=NO_BUYER_CODE)


def traced_routing(plan: Plan, claimed: Claimed) -> TracedRouting:
    """The verdict on each buyer of the campaign in this routing."""
    verdicts = dict(plan.verdicts)
    full = {verdict.buyer_id: verdict for verdict in claimed.full}
    taken = {reservation.buyer_id for reservation in claimed.taken}
    candidates = {one.planned.buyer.id: one for step in (*plan.steps, plan.later) for one in step}
    order = [*candidates, *(one.buyer.id for one in plan.campaign.buyers if one.buyer.id not in candidates)]
    for buyer_id in candidates:
        reason = Reason.RINGS if buyer_id in taken else Reason.IN_RESERVE
        verdicts[buyer_id] = full.get(buyer_id) or Verdict(buyer_id, reason)
    order += [buyer_id for buyer_id in verdicts if buyer_id not in order]  # one that left the campaign
    return TracedRouting(
        at_ms=to_ms(plan.at),
        took_ms=plan.took_ms,
        snapshot_version=plan.snapshot_version,
        verdicts=[
            _traced(verdicts[buyer_id], candidates.get(buyer_id), plan.campaign)
            for buyer_id in order
            if buyer_id in verdicts
        ],
        asks=list(plan.asks),
        notes=list(plan.notes),
    )


def answer_of(call: StoredCall) -> Routing:
    """What the network is told of a call as it stands."""
    state = call.state
    if state.phase is Phase.REFUSED:
        return Refuse(call_id=call.call_id, reason=_reason(state), code=state.code or NO_BUYER_CODE)
    ringing = [one for one in state.attempts if one.state is AttemptState.RINGING]
    if state.phase is Phase.RINGING and ringing:
        return Connect(call_id=call.call_id, steps=_dials(ringing, call.call_id, state))
    if state.phase is Phase.ENDED and state.answered_ms is None:
        return Refuse(call_id=call.call_id, reason=_reason(state), code=state.code or NO_BUYER_CODE)
    return Over(call_id=call.call_id)


def _dials(ringing: Sequence[Attempt], call_id: CallId, state: CallState) -> tuple[tuple[Dial, ...], ...]:
    more_recoveries = state.recoveries < state.recoveries_most
    return tuple(
        tuple(
            Dial(
                attempt_id=one.attempt_id,
                buyer_id=one.buyer_id,
                to=one.number,
                ring_seconds=one.ring_seconds,
                max_duration_seconds=one.max_duration_seconds,
                recover_below_seconds=one.recover_below_seconds if more_recoveries else 0,
                call_uuid=call_id,
                call_key=buyer_key(state.call_key, one.buyer_id),
            )
            for one in step
        )
        for _, step in groupby(ringing, key=lambda one: one.step)
    )


def _reason(state: CallState) -> Reason:
    return BY_CODE[state.reason] if state.reason is not None else Reason.CALL_NOT_TAKEN


def _max_duration_seconds(one: Candidate, plan: CampaignPlan) -> int:
    own, bound = one.planned.buyer.max_duration_seconds, plan.campaign.max_duration_seconds
    return own if bound is None else min(own, bound)


def _traced(verdict: Verdict, candidate: Candidate | None, plan: CampaignPlan) -> TracedVerdict:
    planned = plan.find(verdict.buyer_id)
    return traced_verdict(
        verdict,
        candidate=candidate,
        priority=planned.routed.priority if planned is not None else 1,
        weight=planned.routed.weight if planned is not None else 1,
    )
