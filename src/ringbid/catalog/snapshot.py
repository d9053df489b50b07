"""The immutable in-memory view of all catalogs, with a version: a ping touches no table to learn its terms.

Made by the store from the newest document of each company (`worker.snapshot` keeps it fresh); read by both flows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ringbid.catalog.model import Buyer, BuyerGroup, Campaign, Catalog, Publisher, RtbKey, TagDeclaration
from ringbid.values.ids import BuyerId, CompanyId, KeyId, PublisherId


def key_id_of(secret: str) -> KeyId:
    """What is stored and looked up instead of an RTB key: its SHA-256 in hex. Look-ups by hash leak no timing."""
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All companies at one version (the id of the newest catalog change)."""

    version: int
    companies: Mapping[CompanyId, CompanyView]
    keys: Mapping[KeyId, KeyView]


EMPTY = Snapshot(0, MappingProxyType({}), MappingProxyType({}))


def build_snapshot(version: int, catalogs: list[Catalog]) -> Snapshot:
    """Index `catalogs` (one a company). Keys are unique across companies: `validate` and the store see to it."""
    companies: dict[CompanyId, CompanyView] = {}
    keys: dict[KeyId, KeyView] = {}
    for catalog in catalogs:
        view = _company_view(catalog)
        companies[catalog.company.id] = view
        for campaign in catalog.campaigns:
            for key in campaign.rtb_keys:
                keys[key.id] = KeyView(view, campaign, key)
    return Snapshot(version, MappingProxyType(companies), MappingProxyType(keys))


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
