"""Who may be rung, in which order, and why the others may not: every buyer is checked again now. Pure.

A call with a reservation rings the reserved buyer first, with the number and the quote that were fixed at its ping; the
rest follow ranked as at the ping. Any other call is ranked by what its own passthrough webhooks answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ringbid.call.match import NO_PUBLISHER
from ringbid.catalog.model import BuyerGroup
from ringbid.catalog.snapshot import CompanyView
from ringbid.reservations.limits import Usage
from ringbid.reservations.reservation import Reservation
from ringbid.routing.candidate import Candidate, check_answered, make_candidate
from ringbid.routing.eligibility import check_buyer
from ringbid.routing.plan import CampaignPlan, PlannedBuyer
from ringbid.routing.ranking import rank
from ringbid.routing.tags import Tags
from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.quote import Quote, Terms
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused, Verdict

Outputs = Mapping[BuyerId, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a routing is decided by. `outputs`: what each buyer's own webhooks filled. `out`: buyers that are out before
    anything is checked (they declined, or were tried). `reserved`: the claimed reservation, while its buyer is untried.
    """

    plan: CampaignPlan
    company: CompanyView
    tags: Tags
    outputs: Outputs
    out: Mapping[BuyerId, Refused]
    publisher_id: PublisherId
    reserved: Reservation | None
    only_reserved: bool
    before_call: bool  # was a price promised for this call?
    now: datetime
    usage: Mapping[str, Usage]
    seed: int


@dataclass(frozen=True, slots=True)
class Route:
    """Who may be rung, best first, and one verdict for every other buyer of the campaign."""

    order: tuple[Candidate, ...]
    verdicts: Mapping[BuyerId, Verdict]


def route(facts: Facts) -> Route:
    """The order in which buyers are rung."""
    verdicts: dict[BuyerId, Verdict] = {}
    candidates: dict[BuyerId, Candidate] = {}
    for planned in facts.plan.buyers:
        made = _candidate(planned, facts)
        if isinstance(made, Refused):
            verdicts[planned.buyer.id] = Verdict.of(planned.buyer.id, made)
        else:
            candidates[planned.buyer.id] = made
    reserved_id = facts.reserved.buyer_id if facts.reserved is not None else None
    first = candidates.pop(reserved_id, None) if reserved_id is not None else None
    if reserved_id is not None and facts.plan.find(reserved_id) is None:
        setting = f"campaigns[{facts.plan.campaign.id}].routing.buyers"
        removed = Refused(Reason.BUYER_REMOVED, actual="removed", expected="in the campaign", setting=setting)
        verdicts[reserved_id] = Verdict.of(reserved_id, removed)
    ranking = rank([one.offer() for one in candidates.values()], strategy=facts.plan.strategy, seed=facts.seed)
    rest = tuple(candidates[offer.buyer_id] for offer in ranking.order)
    return Route((first, *rest) if first is not None else rest, verdicts)


def tags_of(facts: Facts, planned: PlannedBuyer) -> Tags:
    """The tags as they are for this buyer, with what its own webhooks filled."""
    buyer_id = planned.buyer.id
    known = facts.tags.without(planned.answered)
    return known.with_outputs(facts.outputs.get(buyer_id, {}), f"{buyer_id}'s answer")


def check_forward(planned: PlannedBuyer, tags: Tags) -> Refused | None:
    """Why this buyer may not be dialled after all: its forward filters, with all that is known now."""
    return check_answered(planned.forward_filters, tags, answered=planned.forward_answered)


def rung_together(first: Candidate, order: Collection[Candidate], company: CompanyView) -> tuple[Candidate, ...]:
    """`first`, and those of its group that are rung at the same time: `ring: all_at_once`."""
    together: list[BuyerGroup] = [
        group for group in company.groups_of.get(first.planned.buyer.id, ()) if group.ring == "all_at_once"
    ]
    members = {buyer_id for group in together for buyer_id in group.buyers}
    return tuple(one for one in order if one is first or one.planned.buyer.id in members)


def _candidate(planned: PlannedBuyer, facts: Facts) -> Candidate | Refused:
    buyer_id = planned.buyer.id
    out = facts.out.get(buyer_id)
    if out is not None:
        return out
    reserved = facts.reserved if facts.reserved is not None and facts.reserved.buyer_id == buyer_id else None
    if facts.only_reserved and reserved is None:
        return Refused(Reason.ONLY_RESERVED_BUYER, expected="the reserved buyer")
    tags = tags_of(facts, planned)
    # A reservation that counts has its place already: how full the buyer is does not concern it.
    usage = {} if reserved is not None and reserved.counted else facts.usage
    refused = check_buyer(planned, tags=tags, now=facts.now, usage=usage)
    if refused is not None:
        return refused
    if reserved is not None:
        return Candidate(planned=planned, number=reserved.buyer_number, quote=reserved.quote)
    made = make_candidate(
        planned,
        tags=tags,
        publisher_id=facts.publisher_id,
        currency=facts.plan.currency,
        before_call=facts.before_call,
    )
    if facts.publisher_id == NO_PUBLISHER and not isinstance(made, Refused):
        return replace(made, quote=_without_payout(made.quote))
    return made


def _without_payout(quote: Quote) -> Quote:
    """The quote of a call that no publisher sent: there is nobody to be paid, whatever a rule for all says."""
    terms = Terms(revenue=quote.terms.revenue)
    return replace(quote, payout_micros=0, seconds=0, rule_id=None, rule_version=None, terms=terms)
