"""A campaign, compiled: everything a ping needs to know of it, made once per catalog change.

Made by `worker.snapshot` through `compile_plan`; read by every step of the flow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ringbid.buyers.template import Template, compile_template
from ringbid.buyers.webhook import CompiledWebhook, compile_webhook
from ringbid.catalog.model import (
    Buyer,
    Campaign,
    Catalog,
    ConversionRule,
    RoutedBuyer,
    Strategy,
    TagAmount,
    Webhook,
    WebhookTrigger,
)
from ringbid.catalog.snapshot import CompanyView
from ringbid.catalog.tokens import tokens_in
from ringbid.reservations.limits import Subject
from ringbid.routing.destinations import Destinations, compile_destinations
from ringbid.routing.filters import CompiledFilter, compile_filter
from ringbid.routing.hours import CompiledHours, compile_hours
from ringbid.routing.quote import CompiledRules, compile_rules
from ringbid.values.ids import BuyerId, CompanyId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuyer:
    """A buyer in its campaign. `filters` can be checked before asking; `answer_filters` need a tag that an answer
    fills.
    """

    buyer: Buyer
    routed: RoutedBuyer
    hours: CompiledHours
    filters: tuple[CompiledFilter, ...]
    forward_filters: tuple[CompiledFilter, ...]  # checked only just before the real call is dialled
    answer_filters: tuple[CompiledFilter, ...]
    # The tags that its own webhooks fill when it is asked, and until it is dialled. Filters and conversion rules take
    # them from its answers alone: where one leaves a tag out, a publisher must not answer for the buyer.
    answered: frozenset[str]
    forward_answered: frozenset[str]
    subjects: tuple[Subject, ...]  # the buyer and its groups
    webhooks: tuple[CompiledWebhook, ...]  # asked only where this buyer could take the call
    number: Template | None  # None: the number has no [tags]
    destinations: Destinations  # where a number with [tags] may lead
    rules: CompiledRules


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """`buyers` in routing order: priority level, then id. `webhooks` are the passthrough ones that belong to no
    buyer.
    """

    catalog: Catalog
    campaign: Campaign
    strategy: Strategy
    currency: str
    buyers: tuple[PlannedBuyer, ...]
    webhooks: tuple[CompiledWebhook, ...]
    call_webhooks: tuple[CompiledWebhook, ...]  # those that fire while a call is handled, of every buyer
    subjects: tuple[Subject, ...]  # all that have caps
    required_tags: tuple[str, ...]
    answered_terms: frozenset[str]  # as `answered_terms`
    known_tags: frozenset[str]  # those that the catalog names: declared ones, and what webhooks fill
    asks: bool  # is anybody asked at all?

    def hooks(self, trigger: WebhookTrigger, buyer_id: BuyerId | None) -> tuple[CompiledWebhook, ...]:
        """The webhooks that fire at `trigger`; those that belong to a buyer only where it is this one."""
        return tuple(
            hook for hook in self.call_webhooks if hook.webhook.on == trigger and hook.webhook.buyer in (None, buyer_id)
        )

    def find(self, buyer_id: BuyerId) -> PlannedBuyer | None:
        """The buyer's place in this campaign, or None where it has none."""
        return next((planned for planned in self.buyers if planned.buyer.id == buyer_id), None)


def compile_plan(company: CompanyView, campaign: Campaign) -> CampaignPlan:
    """Compile one campaign. The catalog was validated: a failure here is a bug."""
    passthrough = tuple(webhook for webhook in campaign.webhooks if webhook.on == "passthrough")
    buyers = tuple(
        _plan_buyer(company, campaign, routed, passthrough)
        for routed in sorted(campaign.routing.buyers, key=lambda routed: (routed.priority, routed.buyer))
    )
    capped = {subject.id: subject for planned in buyers for subject in planned.subjects if subject.caps.any}
    return CampaignPlan(
        catalog=company.catalog,
        campaign=campaign,
        strategy=campaign.routing.strategy,
        currency=company.catalog.company.currency,
        buyers=buyers,
        webhooks=tuple(_compile_webhook(webhook, campaign) for webhook in passthrough if webhook.buyer is None),
        call_webhooks=tuple(_compile_webhook(one, campaign) for one in campaign.webhooks if one.on != "passthrough"),
        subjects=tuple(capped.values()),
        required_tags=tuple(tag.key for tag in company.catalog.tags if tag.required),
        answered_terms=answered_terms(company, campaign),
        known_tags=frozenset((*company.tags, *_outputs(campaign.webhooks))),
        asks=bool(passthrough),
    )


def answered_terms(company: CompanyView, campaign: Campaign) -> frozenset[str]:
    """The tags that say what a call brings and where it goes, and that a passthrough webhook's answer fills.

    Nobody else may: where an answer leaves its price out, a publisher must not name its own.
    """
    answered = _outputs(webhook for webhook in campaign.webhooks if webhook.on == "passthrough")
    terms = {tag for rule in campaign.conversions for tag in (*_money_tags(rule), *_seconds_tags(rule))}
    terms.update(tag for routed in campaign.routing.buyers for tag in tokens_in(company.buyers[routed.buyer].number))
    return answered & terms


def subjects_of(company: CompanyView, buyer_id: BuyerId) -> tuple[Subject, ...]:
    """Whose places a call of this buyer takes: its own and its groups'. Empty where the buyer is gone.

    Also where there is no cap: a cap that is set tomorrow counts the calls that are live then.
    """
    buyer = company.buyers.get(buyer_id)
    if buyer is None:
        return ()
    owner = company.catalog.company
    own = Subject(
        id=subject_id(owner.id, "buyer", buyer.id),
        owner="buyer",
        caps=buyer.caps,
        zone=buyer.time_zone,
        setting=f"buyers[{buyer.id}].caps",
    )
    groups = (
        Subject(
            id=subject_id(owner.id, "group", group.id),
            owner="group",
            caps=group.caps,
            zone=owner.time_zone,
            setting=f"buyer_groups[{group.id}].caps",
        )
        for group in company.groups_of.get(buyer.id, ())
    )
    return (own, *groups)


def subject_id(company_id: CompanyId, owner: str, name: str) -> str:
    """The name under which usage is kept: unique in the installation."""
    return f"{company_id}/{owner}/{name}"


def _plan_buyer(
    company: CompanyView, campaign: Campaign, routed: RoutedBuyer, passthrough: tuple[Webhook, ...]
) -> PlannedBuyer:
    buyer = company.buyers[routed.buyer]
    own = [webhook for webhook in passthrough if webhook.buyer == buyer.id]
    answered = _outputs(webhook for webhook in passthrough if webhook.buyer in (None, buyer.id))
    compiled = [
        compile_filter(filter_, company.tags.get(filter_.tag), setting=f"buyers[{buyer.id}].filters[{index}]")
        for index, filter_ in enumerate(buyer.filters)
    ]
    forward = tuple(
        compile_filter(filter_, company.tags.get(filter_.tag), setting=f"buyers[{buyer.id}].forward_filters[{index}]")
        for index, filter_ in enumerate(buyer.forward_filters)
    )
    return PlannedBuyer(
        buyer=buyer,
        routed=routed,
        hours=compile_hours(buyer),
        filters=tuple(one for one in compiled if one.tag not in answered),
        forward_filters=forward,
        answer_filters=tuple(one for one in compiled if one.tag in answered),
        answered=_outputs(own),
        forward_answered=_outputs(webhook for webhook in campaign.webhooks if webhook.buyer == buyer.id),
        subjects=subjects_of(company, buyer.id),
        webhooks=tuple(_compile_webhook(webhook, campaign) for webhook in own),
        number=compile_template(buyer.number, "text") if tokens_in(buyer.number) else None,
        destinations=compile_destinations(company.catalog.company.destinations),
        rules=compile_rules(
            campaign.conversions,
            buyer_id=buyer.id,
            declared=company.tags,
            setting=f"campaigns[{campaign.id}].conversions",
        ),
    )


def _compile_webhook(webhook: Webhook, campaign: Campaign) -> CompiledWebhook:
    money_tags = {tag for rule in campaign.conversions for tag in _money_tags(rule)}
    seconds_tags = {tag for rule in campaign.conversions for tag in _seconds_tags(rule)}
    return compile_webhook(
        webhook,
        setting=f"campaigns[{campaign.id}].webhooks[{webhook.name}]",
        money_tags=frozenset(money_tags),
        seconds_tags=frozenset(seconds_tags),
    )


def _outputs(webhooks: Iterable[Webhook]) -> frozenset[str]:
    """The tags that these webhooks' answers fill."""
    return frozenset(tag for webhook in webhooks for tag, _ in webhook.outputs)


def _money_tags(rule: ConversionRule) -> tuple[str, ...]:
    return tuple(amount.tag for amount in (rule.revenue, rule.payout) if isinstance(amount, TagAmount))


def _seconds_tags(rule: ConversionRule) -> tuple[str, ...]:
    return (rule.seconds.tag,) if isinstance(rule.seconds, TagAmount) else ()
