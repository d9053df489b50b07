"""RTB keys and access keys of the file: a secret becomes its hash here, and nothing behind this module ever sees it.

Called by `campaign_reading`. A key comes from the file (`key`), from an export (`key_sha256`), from what is in force,
or is made here and handed back once.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from ringbid.catalog.fields import Fields
from ringbid.catalog.model import AccessKey, AccessRight, Explain, RateLimit, RtbKey
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.references import Known
from ringbid.catalog.snapshot import key_id_of
from ringbid.values.ids import BuyerId, CampaignId, KeyId, PublisherId
from ringbid.values.phone import PhoneNumber

_KEY = re.compile(r"[\x21-\x7e]{16,256}")
_KEY_ALLOWED = "16 to 256 visible ASCII characters without spaces"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAG_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{0,32}")
_TAG_PREFIX_ALLOWED = "at most 32 letters, digits and _ . : -"
_STAND_IN = KeyId("")
_RIGHTS: tuple[AccessRight, ...] = get_args(AccessRight)
_MONTH_SECONDS = 30 * 86_400
DEFAULT_NAME = "Default"

KeyList = Literal["rtb_keys", "access_keys"]
KeyName = tuple[CampaignId, KeyList, str]  # by its name in its list, a key that the file gives no secret goes on


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made because the file has none for this name. The secret can be shown now and never again."""

    campaign_id: CampaignId
    name: str
    secret: str
    kind: KeyList = "rtb_keys"

    def __repr__(self) -> str:
        return f"NewKey({self.campaign_id!r}, {self.name!r}, secret hidden)"


class KeyReader:
    """Reads the keys of all campaigns of one file: no secret may stand for two of them."""

    def __init__(self, keys_in_force: Mapping[KeyName, KeyId]) -> None:
        self.new_keys: list[NewKey] = []
        self._in_force = keys_in_force
        self._seen: dict[KeyId, str] = {}

    def read_rtb_keys(self, campaign: Fields, campaign_id: CampaignId) -> tuple[RtbKey, ...]:
        """The RTB keys of one campaign."""
        keys = campaign.mappings("rtb_keys", "name", unnamed=DEFAULT_NAME)
        return tuple(self._read_rtb_key(fields, campaign_id) for fields in keys)

    def read_access_keys(self, campaign: Fields, campaign_id: CampaignId, known: Known) -> tuple[AccessKey, ...]:
        """The access keys of one campaign."""
        keys = campaign.mappings("access_keys", "name", unnamed=DEFAULT_NAME)
        return tuple(self._read_access_key(fields, campaign_id, known) for fields in keys)

    def _read_rtb_key(self, fields: Fields, campaign_id: CampaignId) -> RtbKey:
        name = fields.text("name", DEFAULT_NAME)
        return RtbKey(
            id=self._read_id(fields, (campaign_id, "rtb_keys", name)),
            name=name,
            ttl_seconds=fields.integer("ttl_seconds", 15, low=1, high=3600),
            timeout_seconds=fields.decimal(
                "timeout_seconds", Decimal(5), low=Decimal("0.001"), high=Decimal(60), decimals=3
            ),
            inbound_number=_read_inbound_number(fields),
            tag_prefix=_read_tag_prefix(fields),
            allow_no_caller_number=fields.boolean("allow_no_caller_number", False),
            count_on_reserve=fields.boolean("count_on_reserve", False),
            route_only_to_reserved_buyer=fields.boolean("route_only_to_reserved_buyer", False),
            duplicate_scope=fields.choice("duplicate_scope", ("key", "campaign"), "key"),
            explain=fields.choice("explain", get_args(Explain), "reason"),
            rate_limit=_read_rate_limit(fields),
            after_expiry=fields.choice(
                "after_expiry", ("route_as_direct", "route_unpaid", "reject"), "route_as_direct"
            ),
            paused=fields.boolean("paused", False),
        )

    def _read_access_key(self, fields: Fields, campaign_id: CampaignId, known: Known) -> AccessKey:
        name = fields.text("name", DEFAULT_NAME)
        key_id = self._read_id(fields, (campaign_id, "access_keys", name))
        allows = _read_allows(fields)
        if allows and "write_tags" not in allows:
            for of_tags in ("tag_prefix", "keep_seconds"):
                fields.refuse_given(of_tags, allowed="only a key that allows write_tags has it")
        buyer = fields.reference("buyer", known.buyers, "buyer")
        publisher = fields.reference("publisher", known.publishers, "publisher")
        return AccessKey(
            id=key_id,
            name=name,
            allows=allows,
            buyer=None if buyer is None else BuyerId(buyer),
            publisher=None if publisher is None else PublisherId(publisher),
            tag_prefix=_read_tag_prefix(fields),
            keep_seconds=fields.integer("keep_seconds", 86_400, low=1, high=_MONTH_SECONDS),
            until_seconds=fields.integer("until_seconds", 86_400, low=0, high=_MONTH_SECONDS),
            paused=fields.boolean("paused", False),
        )

    def _read_id(self, fields: Fields, key_name: KeyName) -> KeyId:
        secret, hashed = fields.value("key"), fields.value("key_sha256")
        if secret is not None and hashed is not None:
            fields.refuse_as("key_sha256", found="key and key_sha256", allowed="one of them")
            return _STAND_IN
        if secret is not None:
            return self._of_secret(fields, secret)
        if hashed is not None:
            return self._of_hash(fields, hashed)
        in_force = self._in_force.get(key_name)
        if in_force is not None:
            return self._once(fields, "name", in_force)
        made = str(uuid.UUID(int=secrets.randbits(128), version=4))
        campaign_id, kind, name = key_name
        self.new_keys.append(NewKey(campaign_id, name, made, kind))
        return key_id_of(made)

    def _of_secret(self, fields: Fields, secret: object) -> KeyId:
        if isinstance(secret, str) and _KEY.fullmatch(secret):
            return self._once(fields, "key", key_id_of(secret))
        fields.refuse_as("key", found=_hidden(secret), allowed=_KEY_ALLOWED)
        return _STAND_IN

    def _of_hash(self, fields: Fields, hashed: object) -> KeyId:
        if isinstance(hashed, str) and _SHA256.fullmatch(hashed):
            return self._once(fields, "key_sha256", KeyId(hashed))
        allowed = "64 hex digits in lower case, as export prints them"
        fields.refuse_as("key_sha256", found=_hidden(hashed), allowed=allowed)
        return _STAND_IN

    def _once(self, fields: Fields, name: str, key_id: KeyId) -> KeyId:
        if key_id in self._seen:
            found = f"the same key as {self._seen[key_id]}"
            fields.refuse_as(name, found=found, allowed="a key of its own for each: it says which campaign is meant")
        self._seen.setdefault(key_id, fields.path)
        return key_id


def _hidden(secret: object) -> str:
    """Of what may be somebody's secret no more than its length is shown."""
    return f"a text of {len(secret)} characters" if isinstance(secret, str) else "no text (quote it)"


def _read_tag_prefix(fields: Fields) -> str:
    return fields.matching("tag_prefix", _TAG_PREFIX, _TAG_PREFIX_ALLOWED, "")


def _read_allows(fields: Fields) -> tuple[AccessRight, ...]:
    """`allows` is one right or a list of them."""
    written = fields.value("allows")
    if written in (None, []):
        fields.refuse_as("allows", found="no right", allowed=f"{' or '.join(_RIGHTS)}, or a list of them")
        return ()
    if isinstance(written, list):
        named: tuple[str | None, ...] = fields.references("allows", _RIGHTS, "right")
    else:
        named = (fields.reference("allows", _RIGHTS, "right"),)
    return tuple(right for right in _RIGHTS if right in named)


def _read_inbound_number(fields: Fields) -> PhoneNumber | None:
    text = fields.optional_text("inbound_number")
    if text is None:
        return None
    number = parse_phone(text)
    if number is None:
        fields.refuse("inbound_number", found=text, allowed='E.164 such as "+18885551234"')
    return number


def _read_rate_limit(fields: Fields) -> RateLimit | None:
    limit = fields.mapping("rate_limit")
    if limit is None:
        return None
    for name in ("pings", "per_seconds"):
        if limit.value(name) is None:
            limit.refuse(name, found=None, allowed="a whole number: a limit has both pings and per_seconds")
    return RateLimit(
        pings=limit.integer("pings", 1, low=1, high=1_000_000),
        per_seconds=limit.integer("per_seconds", 1, low=1, high=86_400),
    )
