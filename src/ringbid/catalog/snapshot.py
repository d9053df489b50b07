"""The immutable in-memory view of all catalogs, with a version: a ping touches no table to learn its terms.

Made by the store from the newest document of each company (`worker.snapshot` keeps it fresh); read by both flows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ringbid.catalog.model import (
    AccessKey,
    Buyer,
    BuyerGroup,
    Campaign,
    Catalog,
    InboundNumber,
    Publisher,
    RtbKey,
    TagDeclaration,
)
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, KeyId, PublisherId
from ringbid.values.phone import PhoneNumber


def key_id_of(secret: str) -> KeyId:
    """What is stored and looked up instead of a key: its SHA-256 in hex. Look-ups by hash leak no timing."""
    return KeyId(hashlib.sha256(secret.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class CompanyView:
    """One company's catalog with what is looked up by id."""

    catalog: Catalog
    publishers: Mapping[PublisherId, Publisher]
    buyers: Mapping[BuyerId, Buyer]
    groups_of: Mapping[BuyerId, tuple[BuyerGroup, ...]]
    tags: Mapping[str, TagDeclaration]


@dataclass(frozen=True, slots=True)
class KeyView:
    """What an RTB key leads to."""

    company: CompanyView
    campaign: Campaign
    key: RtbKey

    @property
    def setting(self) -> str:
        """Where the key stands in the catalog."""
        return f"campaigns[{self.campaign.id}].rtb_keys[{self.key.name}]"


@dataclass(frozen=True, slots=True)
class AccessView:
    """What an access key leads to."""

    company: CompanyView
    campaign: Campaign
    key: AccessKey


@dataclass(frozen=True, slots=True)
class NumberView:
    """What a call to one of our numbers leads to."""

    company: CompanyView
    campaign: Campaign
    number: InboundNumber


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign with the company it belongs to."""

    company: CompanyView
    campaign: Campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All companies at one version (the id of the newest catalog change).

    A number should be of one campaign: `sharing` refuses another's. Two companies that apply at once may still both
    have it, and then it leads to both, in the order of their ids.
    """

    version: int
    companies: Mapping[CompanyId, CompanyView]
    campaigns: Mapping[tuple[CompanyId, CampaignId], CampaignView]
    keys: Mapping[KeyId, KeyView]
    access: Mapping[KeyId, AccessView]
    numbers: Mapping[PhoneNumber, tuple[NumberView, ...]]


def build_snapshot(version: int, catalogs: list[Catalog]) -> Snapshot:
    """Index `catalogs` (one a company). Keys are unique across companies: `validate` and the store see to it."""
    companies = {catalog.company.id: _company_view(catalog) for catalog in catalogs}
    campaigns = {
        (company_id, campaign.id): CampaignView(company, campaign)
        for company_id, company in sorted(companies.items())
        for campaign in company.catalog.campaigns
    }
    numbers: dict[PhoneNumber, tuple[NumberView, ...]] = {}
    for place in campaigns.values():
        for number in place.campaign.numbers:
            view = NumberView(place.company, place.campaign, number)
            numbers[number.number] = (*numbers.get(number.number, ()), view)
    for place in campaigns.values():
        for number in _answered_numbers(place.campaign):  # a campaign's own number comes first
            if number.number not in numbers:
                numbers[number.number] = (NumberView(place.company, place.campaign, number),)
    return Snapshot(
        version=version,
        companies=MappingProxyType(companies),
        campaigns=MappingProxyType(campaigns),
        keys=MappingProxyType(
            {
                key.id: KeyView(place.company, place.campaign, key)
                for place in campaigns.values()
                for key in place.campaign.rtb_keys
            }
        ),
        access=MappingProxyType(
            {
                key.id: AccessView(place.company, place.campaign, key)
                for place in campaigns.values()
                for key in place.campaign.access_keys
            }
        ),
        numbers=MappingProxyType(numbers),
    )


def _answered_numbers(campaign: Campaign) -> list[InboundNumber]:
    """The numbers that keys answer with: calls come in on them, though the campaign does not list them."""
    return [InboundNumber(number=key.inbound_number) for key in campaign.rtb_keys if key.inbound_number is not None]


def _company_view(catalog: Catalog) -> CompanyView:
    groups_of: dict[BuyerId, tuple[BuyerGroup, ...]] = {}
    for group in catalog.buyer_groups:
        for member in group.buyers:
            groups_of[member] = (*groups_of.get(member, ()), group)
    return CompanyView(
        catalog=catalog,
        publishers=MappingProxyType({publisher.id: publisher for publisher in catalog.publishers}),
        buyers=MappingProxyType({buyer.id: buyer for buyer in catalog.buyers}),
        groups_of=MappingProxyType(groups_of),
        tags=MappingProxyType({tag.key: tag for tag in catalog.tags}),
    )


EMPTY = build_snapshot(0, [])
