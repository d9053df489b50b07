"""From answers to an order: what each buyer's call would bring, and who comes before whom.

`routing.quote` prices, `routing.ranking` orders; here each buyer becomes an offer or a verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.tokens import tokens_in
from ringbid.reservations.ports import Place
from ringbid.routing.filters import CompiledFilter
from ringbid.routing.plan import PlannedBuyer
from ringbid.routing.quote import quote
from ringbid.routing.ranking import Offer
from ringbid.routing.tags import Tags
from ringbid.values.ids import PublisherId
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A buyer that could take the call, with its number and its quote."""

    planned: PlannedBuyer
    number: str
    quote: Quote

    def offer(self) -> Offer:
        """What the ranking needs to know. Earnings per call are the catalog's own until there are calls to learn
        from.
        """
        routed = self.planned.routed
        return Offer(
            buyer_id=self.planned.buyer.id,
            priority=routed.priority,
            weight=routed.weight,
            quote=self.quote,
            earnings_micros=routed.expected_earnings_micros,
        )

    def place(self) -> Place:
        """What the store needs to take a place with this buyer."""
        return Place(
            buyer_id=self.planned.buyer.id,
            buyer_number=self.number,
            subjects=self.planned.subjects,
            quote=self.quote,
        )


def make_candidate(
    planned: PlannedBuyer, *, tags: Tags, publisher_id: PublisherId, currency: str, before_call: bool = True
) -> Candidate | Refused:
    """The candidate that this buyer's tags make, or why it is none: filters on its answer, number, quote, in this
    order. `before_call`: as in `routing.quote`.
    """
    refused = check_answered(planned.answer_filters, tags, answered=planned.answered)
    if refused is not None:
        return refused
    number = _number(planned, tags)
    if isinstance(number, Refused):
        return number
    quoted = quote(planned.rules, publisher_id=publisher_id, tags=tags, currency=currency, before_call=before_call)
    if isinstance(quoted, Refused):
        return quoted
    return Candidate(planned=planned, number=number, quote=quoted)


def check_answered(filters: Iterable[CompiledFilter], tags: Tags, *, answered: Collection[str]) -> Refused | None:
    """The first filter that refuses. `answered`: the tags that the buyer's own answer was to fill, so that it lies with
    the buyer, not with the publisher, where one of them is missing.
    """
    for compiled in filters:
        refused = compiled.check(tags)
        if refused is not None and refused.reason is Reason.FILTER_TAG_MISSING and compiled.tag in answered:
            actual = f"no {compiled.tag} in the buyer's answer"
            return replace(refused, reason=Reason.ANSWER_TAG_MISSING, actual=actual)
        if refused is not None:
            return refused
    return None


def _number(planned: PlannedBuyer, tags: Tags) -> str | Refused:
    """Where the call would go: E.164 or a `sip:` URI."""
    written = planned.buyer.number
    if planned.number is None:
        return written
    setting = f"buyers[{planned.buyer.id}].number"
    for token in tokens_in(written):
        if not tags.get(token):
            return Refused(Reason.NUMBER_UNRESOLVED, actual=f"[{token}] is empty", expected=written, setting=setting)
    filled = planned.number.fill(tags.values)
    if filled.startswith(("sip:", "sips:")):
        allowed = planned.destinations.allows_sip(filled, written=written)
        return filled if allowed else _not_allowed(filled)
    number = parse_phone(filled)
    if number is None:
        expected = "E.164 or a sip: URI"
        return Refused(Reason.NUMBER_UNRESOLVED, actual=filled[:60], expected=expected, setting=setting)
    return number if planned.destinations.allows_number(number) else _not_allowed(number)


def _not_allowed(to: str) -> Refused:
    setting = "company.destinations"
    return Refused(Reason.DESTINATION_NOT_ALLOWED, actual=to[:60], expected="one of the destinations", setting=setting)
