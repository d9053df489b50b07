"""What is allowed in a catalog and yet hardly meant: publishers who are paid nothing, campaigns that can route no call.

Read by `ringbid doctor`, which says how each is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbid.catalog.model import Campaign, Catalog
from ringbid.values.ids import PublisherId


@dataclass(frozen=True, slots=True)
class Doubt:
    """`path` is the place in the catalog's file; `mend` says what to write there."""

    path: str
    text: str
    mend: str


def find_doubts(catalog: Catalog, *, sip_domain: str | None) -> tuple[Doubt, ...]:
    """Everything doubtful in one company's catalog, in the order of the file."""
    doubts: list[Doubt] = []
    if not catalog.company.rtb_enabled:
        doubts.append(Doubt("company.rtb_enabled", "every ping is rejected", "rtb_enabled: true"))
    for campaign in catalog.campaigns:
        doubts.extend(doubts_of_campaign(campaign, catalog, sip_domain=sip_domain))
    return tuple(doubts)


def doubts_of_campaign(campaign: Campaign, catalog: Catalog, *, sip_domain: str | None) -> tuple[Doubt, ...]:
    """Everything doubtful in one campaign."""
    return tuple(_of_campaign(campaign, catalog, sip_domain=sip_domain))


def _of_campaign(campaign: Campaign, catalog: Catalog, *, sip_domain: str | None) -> Iterator[Doubt]:
    path = f"campaigns[{campaign.id}]"
    if not campaign.rtb_keys:
        yield Doubt(f"{path}.rtb_keys", "no key, so nobody can ping it", "a key: rtb_keys: [{name: Default}]")
    if not campaign.routing.buyers:
        yield Doubt(f"{path}.routing.buyers", "no buyers, so every ping ends without one", "at least one buyer")
    if not campaign.numbers and sip_domain is None:
        yield Doubt(f"{path}.numbers", "no number to answer with", "a number, or the setting sip.domain")
    timer_rules = [rule for rule in campaign.conversions if rule.on == "timer"]
    if campaign.conversions and not timer_rules:
        yield Doubt(f"{path}.conversions", "every rule waits for a postback, so no payout can be quoted", "on: timer")
    unpaid = [
        publisher.id
        for publisher in catalog.publishers
        if not publisher.paused
        and not any(publisher.id in (rule.publishers or (publisher.id,)) for rule in campaign.conversions)
    ]
    if unpaid:
        yield Doubt(f"{path}.conversions", _unpaid_words(unpaid), f"publishers: [{', '.join(unpaid[:3])}, …] in a rule")


def _unpaid_words(publishers: list[PublisherId]) -> str:
    if len(publishers) == 1:
        return f"no rule names publisher {publishers[0]}, so it is quoted a payout of 0"
    named = ", ".join(publishers[:3])
    more = f" and {len(publishers) - 3} more" if len(publishers) > 3 else ""
    return f"no rule names publishers {named}{more}, so they are quoted a payout of 0"
