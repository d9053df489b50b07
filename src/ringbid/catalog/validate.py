"""YAML text → a `Catalog`, or everything that is wrong with it. The only way a catalog is made.

Given text by `ringbid apply`, and by the store, which keeps a catalog as the text that `document.export_yaml` made.
The parts of the file are read by the `*_reading` modules; here is their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from ringbid.catalog import checks
from ringbid.catalog.buyer_reading import read_buyers, read_groups, read_time_zone
from ringbid.catalog.campaign_reading import read_campaigns
from ringbid.catalog.event_reading import read_event_webhooks
from ringbid.catalog.fields import ID, ID_ALLOWED, TAG, TAG_ALLOWED, Fields, as_text
from ringbid.catalog.key_reading import KeyName, KeyReader, NewKey
from ringbid.catalog.model import DEFAULT_DESTINATIONS, Catalog, Company, Publisher, TagDeclaration, TagType
from ringbid.catalog.problems import Problem, Problems
from ringbid.catalog.references import Known
from ringbid.catalog.token_checks import check_numbers
from ringbid.catalog.yaml_reading import read_tree
from ringbid.values.ids import CompanyId, KeyId, PublisherId


@dataclass(frozen=True, slots=True)
class CatalogRead:
    """A catalog without problems, and the keys that had to be made for it: show their secrets now."""

    catalog: Catalog
    new_keys: tuple[NewKey, ...]


def read_catalog(
    text: str, *, keys_in_force: Mapping[KeyName, KeyId] | None = None
) -> CatalogRead | tuple[Problem, ...]:
    """Read a catalog file. All problems are told at once, in the order of their lines.

    `keys_in_force`: the keys that go on where the file names a key and gives no secret.
    """
    problems = Problems()
    tree = read_tree(text, problems)
    if not tree and problems.in_order():
        return problems.in_order()
    root = Fields(tree, "", problems)
    keys = KeyReader(keys_in_force or {})
    catalog = _read_root(root, keys)
    root.report_unknown()
    found = problems.in_order()
    return found or CatalogRead(catalog, tuple(keys.new_keys))


def read_stored(document: str) -> Catalog:
    """The catalog of a document that the store keeps. Raises ValueError where it is not what `export_yaml` made."""
    read = read_catalog(document)
    if isinstance(read, CatalogRead) and not read.new_keys:
        return read.catalog
    raise ValueError("; ".join(map(str, read)) if isinstance(read, tuple) else "the stored catalog lacks its keys")


def keys_of(catalog: Catalog) -> dict[KeyName, KeyId]:
    """All keys in force, RTB keys and access keys."""
    keys: dict[KeyName, KeyId] = {}
    for campaign in catalog.campaigns:
        keys |= {(campaign.id, "rtb_keys", key.name): key.id for key in campaign.rtb_keys}
        keys |= {(campaign.id, "access_keys", key.name): key.id for key in campaign.access_keys}
    return keys


def _read_root(root: Fields, keys: KeyReader) -> Catalog:
    company = _read_company(root)
    tags = tuple(_read_tag(fields) for fields in root.mappings("tags", "key"))
    declared = {tag.key: tag for tag in tags if tag.key}  # what has no name was noted, and is no choice for others
    publishers = tuple(_read_publisher(fields) for fields in root.mappings("publishers", "id"))
    buyers = read_buyers(root, company, declared)
    buyer_ids = tuple(dict.fromkeys(buyer.id for _, buyer in buyers if buyer.id))
    groups = read_groups(root, buyer_ids)
    publisher_ids = tuple(dict.fromkeys(publisher.id for publisher in publishers if publisher.id))
    known = Known(tags=declared, publishers=publisher_ids, buyers=buyer_ids)
    campaigns = read_campaigns(root, known, keys)
    check_numbers(buyers, campaigns, declared)
    return Catalog(
        company=company,
        tags=tags,
        publishers=publishers,
        buyers=tuple(buyer for _, buyer in buyers),
        buyer_groups=groups,
        campaigns=campaigns,
        event_webhooks=read_event_webhooks(root),
    )


def _read_company(root: Fields) -> Company:
    fields = root.mapping("company")
    if fields is None:
        if root.value("company") is None:
            root.refuse("company", found=None, allowed="the company whose catalog this is: company: {id: acme}")
        return Company(id=CompanyId(""), name="")
    company_id = CompanyId(fields.matching("id", ID, ID_ALLOWED))
    return Company(
        id=company_id,
        name=fields.text("name", company_id),
        time_zone=read_time_zone(fields, "UTC"),
        currency=_read_currency(fields),
        rtb_enabled=fields.boolean("rtb_enabled", True),
        destinations=_read_destinations(fields),
    )


def _read_destinations(fields: Fields) -> tuple[str, ...]:
    if fields.value("destinations") is None:
        return DEFAULT_DESTINATIONS
    read = []
    for index, value in enumerate(fields.values("destinations")):
        text = as_text(value) or ""
        wrong = checks.destination(text)
        if wrong is not None:
            fields.refuse("destinations", found=value, allowed=wrong, inside=f"[{index}]")
        read.append(text)
    return tuple(read)


def _read_currency(fields: Fields) -> str:
    code = fields.text("currency", "USD")
    wrong = checks.currency(code)
    if wrong is not None:
        fields.refuse("currency", found=code, allowed=wrong)
    return code


def _read_tag(fields: Fields) -> TagDeclaration:
    return TagDeclaration(
        key=fields.matching("key", TAG, TAG_ALLOWED),
        type=fields.choice("type", get_args(TagType), "text"),
        required=fields.boolean("required", False),
        private=fields.boolean("private", False),
    )


def _read_publisher(fields: Fields) -> Publisher:
    publisher_id = PublisherId(fields.matching("id", ID, ID_ALLOWED))
    return Publisher(id=publisher_id, name=fields.text("name", publisher_id), paused=fields.boolean("paused", False))
