"""Which things of a catalog have addresses of their own, where they stand in it, and how they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ringbid.catalog import file_fields
from ringbid.catalog.model import Campaign, Catalog
from ringbid.edge.api.v1 import catalog_forms as forms

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Things in a list of the catalog, or of a campaign. `listed` is the list's name in the file, `named_by` the field
    that names a thing in it, `secret` whether it may bring a key whose secret is shown once."""

    path: str
    word: str
    tag: str
    listed: str
    named_by: str
    form: type[msgspec.Struct]
    fields: Callable[[Any], Tree]
    of_campaign: bool = False

    def things(self, catalog: Catalog, campaign: Campaign | None) -> Sequence[Any]:
        owner: Any = campaign if self.of_campaign else catalog
        found: Sequence[Any] = getattr(owner, self.listed)
        return found

    def name_of(self, thing: Any) -> str:  # noqa: ANN401 -- any thing of the catalog
        return str(getattr(thing, self.named_by))


def _campaign_fields(campaign: Campaign) -> Tree:
    inside = ("numbers", "rtb_keys", "access_keys", "routing", "conversions", "webhooks")
    return {name: value for name, value in file_fields.campaign_fields(campaign).items() if name not in inside}


KINDS = (
    Kind(
        path="/tags",
        word="tag",
        tag="Tags",
        listed="tags",
        named_by="key",
        form=forms.TagForm,
        fields=file_fields.tag_fields,
    ),
    Kind(
        path="/publishers",
        word="publisher",
        tag="Publishers",
        listed="publishers",
        named_by="id",
        form=forms.PublisherForm,
        fields=file_fields.publisher_fields,
    ),
    Kind(
        path="/buyers",
        word="buyer",
        tag="Buyers",
        listed="buyers",
        named_by="id",
        form=forms.BuyerForm,
        fields=file_fields.buyer_fields,
    ),
    Kind(
        path="/buyer-groups",
        word="buyer_group",
        tag="Buyers",
        listed="buyer_groups",
        named_by="id",
        form=forms.BuyerGroupForm,
        fields=file_fields.group_fields,
    ),
    Kind(
        path="/campaigns",
        word="campaign",
        tag="Campaigns",
        listed="campaigns",
        named_by="id",
        form=forms.CampaignForm,
        fields=_campaign_fields,
    ),
    Kind(
        path="/campaigns/{campaign_id:str}/numbers",
        word="number",
        tag="Campaigns",
        listed="numbers",
        named_by="number",
        form=forms.NumberForm,
        fields=file_fields.number_fields,
        of_campaign=True,
    ),
    Kind(
        path="/campaigns/{campaign_id:str}/rtb-keys",
        word="rtb_key",
        tag="Campaigns",
        listed="rtb_keys",
        named_by="name",
        form=forms.RtbKeyForm,
        fields=file_fields.key_fields,
        of_campaign=True,
    ),
    Kind(
        path="/campaigns/{campaign_id:str}/access-keys",
        word="access_key",
        tag="Campaigns",
        listed="access_keys",
        named_by="name",
        form=forms.AccessKeyForm,
        fields=file_fields.access_fields,
        of_campaign=True,
    ),
    Kind(
        path="/campaigns/{campaign_id:str}/conversions",
        word="conversion_rule",
        tag="Campaigns",
        listed="conversions",
        named_by="name",
        form=forms.ConversionForm,
        fields=file_fields.rule_fields,
        of_campaign=True,
    ),
    Kind(
        path="/campaigns/{campaign_id:str}/webhooks",
        word="webhook",
        tag="Campaigns",
        listed="webhooks",
        named_by="name",
        form=forms.WebhookForm,
        fields=file_fields.webhook_fields,
        of_campaign=True,
    ),
    Kind(
        path="/event-webhooks",
        word="event_webhook",
        tag="Event webhooks",
        listed="event_webhooks",
        named_by="id",
        form=forms.EventWebhookForm,
        fields=file_fields.event_fields,
    ),
)
