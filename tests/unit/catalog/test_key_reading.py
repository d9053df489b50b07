"""RTB keys and access keys: only their hash is kept; a new one is shown once."""

from __future__ import annotations

import re

from ringbid.catalog.document import export_yaml
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import CatalogRead, keys_of, read_catalog
from ringbid.values.ids import CampaignId, KeyId

SMALL = "company: {id: acme}\n"


def test_a_key_is_kept_as_its_hash_wherever_it_comes_from() -> None:
    secret, hashed, kept = "s3cret-of-16-chars", "ab" * 32, KeyId("cd" * 32)
    text = (
        SMALL
        + "campaigns: [{id: c, rtb_keys: "
        + f"[{{name: a, key: {secret}}}, {{name: b, key_sha256: {hashed}}}, {{name: k}}]}}]"
    )
    read = read_catalog(
        text,
        keys_in_force={
            (CampaignId("c"), "rtb_keys", "k"): kept,
            (CampaignId("c"), "access_keys", "k"): KeyId("12" * 32),
            (CampaignId("other"), "rtb_keys", "a"): KeyId("ef" * 32),
        },
    )
    assert isinstance(read, CatalogRead)
    assert [key.id for key in read.catalog.campaigns[0].rtb_keys] == [key_id_of(secret), hashed, kept]
    assert read.new_keys == ()
    assert secret not in repr(read) + export_yaml(read.catalog)


def test_a_key_that_nobody_has_yet_is_made_and_handed_back_once() -> None:
    text = SMALL + "campaigns: [{id: c, rtb_keys: [{}, {name: second}]}]"
    reads = [read_catalog(text) for _ in range(2)]
    secrets = set()
    for read in reads:
        assert isinstance(read, CatalogRead)
        assert [(new.campaign_id, new.name) for new in read.new_keys] == [("c", "Default"), ("c", "second")]
        assert [key_id_of(new.secret) for new in read.new_keys] == [
            key.id for key in read.catalog.campaigns[0].rtb_keys
        ]
        secrets.update(new.secret for new in read.new_keys)
        assert not any(secret in repr(read) for secret in secrets)
    assert len(secrets) == 4
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in secrets
    )
    again = read_catalog(text, keys_in_force=keys_of(reads[0].catalog))  # type: ignore[union-attr] -- asserted above
    assert again == CatalogRead(reads[0].catalog, ())  # type: ignore[union-attr] -- asserted above


def test_an_access_key_is_made_and_kept_beside_an_rtb_key_of_the_same_name() -> None:
    text = SMALL + "campaigns: [{id: c, rtb_keys: [{}], access_keys: [{allows: convert}]}]"
    read = read_catalog(text)
    assert isinstance(read, CatalogRead)
    assert [(new.kind, new.name) for new in read.new_keys] == [("rtb_keys", "Default"), ("access_keys", "Default")]
    (campaign,) = read.catalog.campaigns
    assert campaign.access_keys[0].id == key_id_of(read.new_keys[1].secret)
    assert read_catalog(text, keys_in_force=keys_of(read.catalog)) == CatalogRead(read.catalog, ())
