"""Who could take this call, as far as that can be known without asking: paused, hours, filters, caps, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ringbid.reservations.limits import NO_USAGE, Usage, refuse_if_full
from ringbid.routing.plan import PlannedBuyer
from ringbid.routing.tags import Tags
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def check_buyer(planned: PlannedBuyer, *, tags: Tags, now: datetime, usage: Mapping[str, Usage]) -> Refused | None:
    """Why this buyer cannot take the call, or None where nothing speaks against it yet. The first cause is named."""
    buyer = planned.buyer
    if buyer.paused:
        return Refused(
            Reason.BUYER_PAUSED, actual="paused", expected="not paused", setting=f"buyers[{buyer.id}].paused"
        )
    refused = planned.hours.check(now)
    if refused is not None:
        return refused
    for compiled in planned.filters:
        refused = compiled.check(tags)
        if refused is not None:
            return refused
    for subject in planned.subjects:
        refused = refuse_if_full(subject, usage.get(subject.id, NO_USAGE))
        if refused is not None:
            return refused
    return None
