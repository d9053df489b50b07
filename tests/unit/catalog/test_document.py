"""Export: the file that makes the same catalog."""

from __future__ import annotations

from decimal import Decimal

import yaml
from hypothesis import HealthCheck, example, given, settings
from support.catalogs import ACME, ACME_KEY, ACME_TEXT, catalog_of, catalogs, make_buyer, make_campaign, make_catalog
from support.catalogs import make_webhook

from ringbid.catalog.document import export_yaml
from ringbid.catalog.model import Catalog
from ringbid.catalog.plan import plan
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import CatalogRead, read_catalog


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(catalogs())
@example(ACME)
def test_reading_an_export_gives_an_equal_catalog(catalog: Catalog) -> None:
    text = export_yaml(catalog)
    assert read_catalog(text) == CatalogRead(catalog, ()), text
    assert plan(catalog, catalog_of(text)) == ()
    assert export_yaml(catalog_of(text)) == text
