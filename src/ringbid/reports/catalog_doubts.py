"""What is allowed in a catalog and yet hardly meant: publishers who are paid nothing, campaigns that can route no call.

Read by `ringbid doctor`, which says how each is mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringbid.catalog.model import Campaign, Catalog, ConversionRule
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
        doubts.extend(doubts_of_campaign(campaign, sip_domain=sip_domain))
    rules = [rule for campaign in catalog.campaigns for rule in campaign.conversions]
    unpaid = _unpaid(catalog, rules)
    if rules and unpaid:
        words = f"no conversion rule of any campaign pays {_named(unpaid)} a payout of 0"
        doubts.append(Doubt("publishers", words, f"publishers: [{', '.join(unpaid[:3])}, …] in a rule"))
    return tuple(doubts)


def doubts_of_campaign(campaign: Campaign, *, sip_domain: str | None) -> tuple[Doubt, ...]:
    """Everything doubtful in one campaign."""
    return tuple(_of_campaign(campaign, sip_domain=sip_domain))


def unpaid_words(campaign: Campaign, catalog: Catalog) -> str | None:
    """Whom the campaign's rules leave out. No doubt: a publisher may be meant for other campaigns alone."""
    unpaid = _unpaid(catalog, campaign.conversions)
    if not campaign.conversions or not unpaid:
        return None
    return f"No rule of this campaign pays {_named(unpaid)} a payout of 0 here."


def _of_campaign(campaign: Campaign, *, sip_domain: str | None) -> Iterator[Doubt]:
    path = f"campaigns[{campaign.id}]"
    if not campaign.rtb_keys:
        yield Doubt(f"{path}.rtb_keys", "no key, so nobody can ping it", "a key: rtb_keys: [{name: Default}]")
    if not campaign.routing.buyers:
        yield Doubt(f"{path}.routing.buyers", "no buyers, so every ping ends without one", "at least one buyer")
    if not campaign.numbers and sip_domain is None:
        yield Doubt(f"{path}.numbers", "no number to answer with", "a number, or the setting sip.domain")
    if not campaign.conversions:
        yield Doubt(f"{path}.conversions", "no rule, so every call pays its publisher 0", "at least one rule")
    elif not any(rule.on == "timer" for rule in campaign.conversions):
        yield Doubt(f"{path}.conversions", "every rule waits for a postback, so no payout can be quoted", "on: timer")


def _unpaid(catalog: Catalog, rules: Sequence[ConversionRule]) -> list[PublisherId]:
    """The working publishers that none of these rules pays."""
    paying = [rule for rule in rules if rule.side != "revenue"]
    return [
        publisher.id
        for publisher in catalog.publishers
        if not publisher.paused and not any(publisher.id in (rule.publishers or (publisher.id,)) for rule in paying)
    ]


def _named(publishers: list[PublisherId]) -> str:
    if len(publishers) == 1:
        return f"publisher {publishers[0]}, so it is quoted"
    named = ", ".join(publishers[:3])
    more = f" and {len(publishers) - 3} more" if len(publishers) > 3 else ""
    return f"publishers {named}{more}, so they are quoted"
