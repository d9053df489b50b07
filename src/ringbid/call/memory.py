"""What a routing knows beforehand: from the call's ping, or from the call's own trace when it is routed again. Pure.

`call.flow` makes a `Routing` of it; both traces hold the tags, what buyers answered, and whom an answer put out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from ringbid.call.match import Match
from ringbid.call.ports import StoredCall
from ringbid.call.state import AttemptState
from ringbid.call.trace import CallTrace, TracedRouting
from ringbid.reservations import trace as ping_traces
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedVerdict
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.tags import Tags
from ringbid.routing.tracing import refusal_of, tags_from, traced_tags, traced_verdict
from ringbid.values.ids import BuyerId
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Refused, Verdict

_NO_TAGS = Tags({}, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Tags; what each buyer's own webhooks filled; whom an answer put out; the seed that ties are drawn with."""

    tags: Tags = _NO_TAGS
    outputs: Mapping[BuyerId, Mapping[str, str]] = field(default_factory=dict)
    out: Mapping[BuyerId, Refused] = field(default_factory=dict)
    seed: int = 0


def of_ping(ping: StoredPing, plan: CampaignPlan, *, with_bids: bool) -> Memory:
    """What the ping found out. Without `with_bids` the bids are too old to count, and only its tags are of use.

    A buyer that must be asked and was not has no bid, and so no price: what kept it from being asked keeps it out.
    """
    trace = ping_traces.decode(ping.trace)
    tags = tags_from(trace.tags)
    if not with_bids:
        return Memory(tags=tags, seed=trace.seed)
    outputs: dict[BuyerId, Mapping[str, str]] = {}
    out: dict[BuyerId, Refused] = {}
    verdicts = {BuyerId(verdict.buyer): verdict for verdict in trace.verdicts}
    for ask in trace.asks:
        if ask.buyer is None:
            continue
        buyer_id = BuyerId(ask.buyer)
        if ask.reason is not None:
            out.setdefault(buyer_id, _why_out(ask.reason, ask.detail, verdicts.get(buyer_id)))
        outputs[buyer_id] = {**outputs.get(buyer_id, {}), **ask.outputs}
    for planned in plan.buyers:
        buyer_id = planned.buyer.id
        if planned.webhooks and buyer_id not in outputs:
            known = verdicts.get(buyer_id)
            out.setdefault(buyer_id, refusal_of(known) if known is not None else Refused(Reason.NOT_CONSIDERED))
    return Memory(tags=tags, outputs=outputs, out=out, seed=trace.seed)


def _why_out(code: str, detail: str | None, verdict: TracedVerdict | None) -> Refused:
    """Why an answer put a buyer out. Its verdict says besides what was expected, and which setting decides it."""
    if verdict is not None and verdict.reason == code:
        return refusal_of(verdict)
    return Refused(BY_CODE[code], actual=detail)


def of_call(call: StoredCall) -> Memory:
    """What the call's own trace holds; buyers that were tried are out, but not those that another was faster than."""
    trace = call.trace
    out = {BuyerId(buyer): refusal_of(verdict) for buyer, verdict in trace.refused.items()}
    for attempt in call.state.attempts:
        if attempt.state is AttemptState.UNNEEDED:
            continue
        reason = BY_CODE[attempt.reason] if attempt.reason is not None else Reason.TOOK_CALL
        out[attempt.buyer_id] = Refused(reason, actual=attempt.actual)
    outputs = {BuyerId(buyer): filled for buyer, filled in trace.outputs.items()}
    return Memory(tags=tags_from(trace.tags), outputs=outputs, out=out, seed=trace.seed)


def first_trace(
    found: Match,
    *,
    plan: CampaignPlan,
    tags: Tags,
    outputs: Mapping[BuyerId, Mapping[str, str]],
    out: Mapping[BuyerId, Refused],
    seed: int,
    refused: Refused | None,
    routing: TracedRouting | None,
) -> CallTrace:
    """The trace of a call that was just routed for the first time; or `refused`, and then `routing` has only asks."""
    return CallTrace(
        match=found.reason.code,
        actual=refused.actual if refused is not None else found.actual,
        expected=refused.expected if refused is not None else found.expected,
        setting=refused.setting if refused is not None else None,
        key=found.key.name if found.key is not None else None,
        strategy=plan.strategy,
        seed=seed,
        currency=plan.currency,
        tags=traced_tags(tags),
        outputs=_filled(outputs),
        refused=_refused(out),
        routings=[routing] if routing is not None else [],
    )


def with_routing(
    trace: CallTrace,
    routing: TracedRouting,
    *,
    outputs: Mapping[BuyerId, Mapping[str, str]],
    declined: Mapping[BuyerId, Refused],
) -> CallTrace:
    """The same trace after one more routing, in which these buyers filled tags, and those said no to this call."""
    return replace(
        trace,
        outputs=trace.outputs | _filled(outputs),
        refused=trace.refused | _refused(declined),
        routings=[*trace.routings, routing],
    )


def _filled(outputs: Mapping[BuyerId, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {buyer_id: dict(filled) for buyer_id, filled in outputs.items() if filled}


def _refused(out: Mapping[BuyerId, Refused]) -> dict[str, TracedVerdict]:
    return {buyer_id: traced_verdict(Verdict.of(buyer_id, one), candidate=None) for buyer_id, one in out.items()}
