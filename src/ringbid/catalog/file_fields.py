"""A `Catalog` as the fields of its file: every field under the file's name and in the file's order, defaults too.

`plan` compares these trees, `document` writes them as YAML, and `conversion_reading` makes a rule's version of them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ringbid.catalog.fields import shortest, whole_or_decimal
from ringbid.catalog.model import (
    AccessKey,
    AccessRight,
    Buyer,
    BuyerGroup,
    Campaign,
    Caps,
    Catalog,
    Company,
    ConversionRule,
    EventWebhook,
    Filter,
    FilterScalar,
    FixedAmount,
    FixedSeconds,
    InboundNumber,
    OpenInterval,
    PercentAmount,
    Publisher,
    RoutedBuyer,
    Routing,
    RtbKey,
    TagAmount,
    TagDeclaration,
    Webhook,
)
from ringbid.values.ids import BuyerId
from ringbid.values.money import format_micros

Tree = dict[str, object]


def catalog_fields(catalog: Catalog) -> Tree:
    """Every field of the catalog under its name in the file, in the file's order."""
    return {
        "company": company_fields(catalog.company),
        "tags": [tag_fields(tag) for tag in catalog.tags],
        "publishers": [publisher_fields(publisher) for publisher in catalog.publishers],
        "buyers": [buyer_fields(buyer) for buyer in catalog.buyers],
        "buyer_groups": [group_fields(group) for group in catalog.buyer_groups],
        "campaigns": [campaign_fields(campaign) for campaign in catalog.campaigns],
        "event_webhooks": [event_fields(webhook) for webhook in catalog.event_webhooks],
    }


def rule_fields(rule: ConversionRule) -> Tree:
    """Every field of a conversion rule; its id and version are not in the file, they are made of these."""
    return {
        "name": rule.name,
        "buyer": _one_or_list(rule.buyers),
        "publishers": list(rule.publishers),
        "filters": _filters(rule.filters),
        "side": rule.side,
        "on": rule.on,
        "start": rule.start,
        "seconds": _amount(rule.seconds),
        "revenue": _amount(rule.revenue),
        "payout": _amount(rule.payout),
        "postback_seconds": rule.postback_seconds,
        "dedupe_seconds": rule.dedupe_seconds,
    }


def company_fields(company: Company) -> Tree:
    return {
        "id": company.id,
        "name": company.name,
        "time_zone": company.time_zone,
        "currency": company.currency,
        "rtb_enabled": company.rtb_enabled,
        "destinations": list(company.destinations),
    }


def tag_fields(tag: TagDeclaration) -> Tree:
    return {"key": tag.key, "type": tag.type, "required": tag.required, "private": tag.private}


def publisher_fields(publisher: Publisher) -> Tree:
    return {"id": publisher.id, "name": publisher.name, "paused": publisher.paused}


def buyer_fields(buyer: Buyer) -> Tree:
    return {
        "id": buyer.id,
        "name": buyer.name,
        "number": buyer.number,
        "time_zone": buyer.time_zone,
        "hours": None if buyer.hours is None else [interval_fields(interval) for interval in buyer.hours],
        "holidays": buyer.holidays,
        "caps": caps_fields(buyer.caps),
        "cap_counts": buyer.cap_counts,
        "ring_seconds": buyer.ring_seconds,
        "max_duration_seconds": buyer.max_duration_seconds,
        "recover_below_seconds": buyer.recover_below_seconds or None,
        "filters": _filters(buyer.filters),
        "forward_filters": _filters(buyer.forward_filters),
        "paused": buyer.paused,
    }


def interval_fields(interval: OpenInterval) -> Tree:
    return {
        "days": list(interval.days),
        "open": f"{interval.open_minute // 60:02d}:{interval.open_minute % 60:02d}",
        "close": f"{interval.close_minute // 60:02d}:{interval.close_minute % 60:02d}",
    }


def caps_fields(caps: Caps) -> Tree:
    return {
        "concurrency": caps.concurrency,
        "hourly": caps.hourly,
        "daily": caps.daily,
        "monthly": caps.monthly,
        "total": caps.total,
    }


def _filters(filters: tuple[Filter, ...]) -> list[Tree]:
    return [filter_fields(one) for one in filters]


def filter_fields(one: Filter) -> Tree:
    fields: Tree = {"tag": one.tag, "operator": one.operator}
    if one.value is not None:
        fields["value"] = [_scalar(each) for each in one.value] if isinstance(one.value, tuple) else _scalar(one.value)
    return fields


def _scalar(value: FilterScalar) -> object:
    if isinstance(value, Decimal):
        return whole_or_decimal(value)
    return value.isoformat() if isinstance(value, date) else value


def group_fields(group: BuyerGroup) -> Tree:
    return {
        "id": group.id,
        "name": group.name,
        "buyers": list(group.buyers),
        "caps": caps_fields(group.caps),
        "ring": group.ring,
    }


def campaign_fields(campaign: Campaign) -> Tree:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "paused": campaign.paused,
        "max_duration_seconds": campaign.max_duration_seconds,
        "numbers": [number_fields(number) for number in campaign.numbers],
        "rtb_keys": [key_fields(key) for key in campaign.rtb_keys],
        "access_keys": [access_fields(key) for key in campaign.access_keys],
        "routing": routing_fields(campaign.routing),
        "conversions": [rule_fields(rule) for rule in campaign.conversions],
        "webhooks": [webhook_fields(webhook) for webhook in campaign.webhooks],
    }


def number_fields(number: InboundNumber) -> Tree:
    return {"number": number.number, "publisher": number.publisher, "tags": dict(number.tags)}


def key_fields(key: RtbKey) -> Tree:
    limit = key.rate_limit
    return {
        "name": key.name,
        "key_sha256": key.id,
        "ttl_seconds": key.ttl_seconds,
        "timeout_seconds": key.timeout_seconds,
        "inbound_number": key.inbound_number,
        "tag_prefix": key.tag_prefix,
        "allow_no_caller_number": key.allow_no_caller_number,
        "count_on_reserve": key.count_on_reserve,
        "route_only_to_reserved_buyer": key.route_only_to_reserved_buyer,
        "duplicate_scope": key.duplicate_scope,
        "explain": key.explain,
        "rate_limit": None if limit is None else {"pings": limit.pings, "per_seconds": limit.per_seconds},
        "after_expiry": key.after_expiry,
        "paused": key.paused,
    }


def access_fields(key: AccessKey) -> Tree:
    return {
        "name": key.name,
        "key_sha256": key.id,
        "allows": _one_or_list(key.allows),
        "buyer": key.buyer,
        "publisher": key.publisher,
        "tag_prefix": key.tag_prefix,
        "keep_seconds": key.keep_seconds,
        "until_seconds": key.until_seconds,
        "paused": key.paused,
    }


def routing_fields(routing: Routing) -> Tree:
    return {
        "strategy": routing.strategy,
        "performance_window_seconds": routing.performance_window_seconds,
        "recovery_attempts": routing.recovery_attempts,
        "buyers": [routed_fields(routed) for routed in routing.buyers],
    }


def routed_fields(routed: RoutedBuyer) -> Tree:
    return {
        "buyer": routed.buyer,
        "priority": routed.priority,
        "weight": routed.weight,
        "expected_earnings": Decimal(format_micros(routed.expected_earnings_micros)),
    }


def webhook_fields(webhook: Webhook) -> Tree:
    return {
        "name": webhook.name,
        "on": webhook.on,
        "buyer": webhook.buyer,
        "hold_seconds": webhook.hold_seconds or None,
        "side": webhook.side if webhook.on == "converted" else None,
        "method": webhook.method,
        "url": webhook.url,
        "headers": dict(webhook.headers),
        "body": webhook.body,
        "body_type": webhook.body_type,
        "accept": webhook.accept,
        "outputs": dict(webhook.outputs),
    }


def event_fields(webhook: EventWebhook) -> Tree:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "caller_number": webhook.caller_number,
        "paused": webhook.paused,
    }


def _one_or_list(words: tuple[BuyerId, ...] | tuple[AccessRight, ...]) -> object:
    if not words:
        return None
    return words[0] if len(words) == 1 else list(words)


def _amount(amount: FixedSeconds | FixedAmount | TagAmount | PercentAmount) -> object:
    match amount:
        case FixedSeconds(seconds):
            return seconds
        case FixedAmount(micros):
            return Decimal(format_micros(micros))
        case TagAmount(tag):
            return f"[{tag}]"
        case PercentAmount(percent):
            return f"{shortest(percent):f}%"
