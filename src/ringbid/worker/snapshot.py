"""The catalogs in force: follows the store, and compiles each campaign's plan when a ping first needs it.

The store tells when the catalog changed (PostgreSQL notifies, SQLite knows: its one process applied it), with a poll as
the net. The flows read `snapshot` and `plan_of`; a ping that meets a newer catalog in the store waits in `view_at`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from ringbid.catalog.model import Campaign, Catalog
from ringbid.catalog.snapshot import EMPTY, CompanyView, KeyView, Snapshot, build_snapshot
from ringbid.catalog.validate import read_stored
from ringbid.routing.plan import CampaignPlan, compile_plan
from ringbid.values.ids import CampaignId, CompanyId

POLL_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class CatalogStore(Protocol):
    """What is needed of the store: the newest document of each company, and word of changes."""

    async def catalog_heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        """The version of the newest change, and each company's newest document."""
        ...

    async def wait_for_catalog_change(self, timeout_seconds: float) -> None:
        """Return when the catalog may have changed, or after `timeout_seconds`."""
        ...


class Catalogs:
    """The newest snapshot, its documents, and the plans compiled from it."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store
        self._documents: dict[CompanyId, tuple[str, Catalog]] = {}
        self._plans: dict[tuple[CompanyId, CampaignId], CampaignPlan] = {}
        self._fresh = asyncio.Lock()
        self.snapshot: Snapshot = EMPTY

    def plan_of(self, view: KeyView) -> CampaignPlan:
        """The compiled plan of the key's campaign."""
        return self.plan_for(view.company, view.campaign)

    def plan_for(self, company: CompanyView, campaign: Campaign) -> CampaignPlan:
        """The compiled plan of a campaign. Kept until its company's catalog changes."""
        name = (company.catalog.company.id, campaign.id)
        plan = self._plans.get(name)
        if plan is None or plan.catalog is not company.catalog:
            plan = self._plans[name] = compile_plan(company, campaign)
        return plan

    async def view_at(self, view: KeyView, version: int) -> KeyView | None:
        """The same key in a snapshot of at least `version`; None where the key is gone."""
        if self.snapshot.version < version:
            await self.refresh()
        return self.snapshot.keys.get(view.key.id)

    async def refresh(self) -> None:
        """Read the newest catalogs. Documents that did not change keep their values, and so their plans."""
        async with self._fresh:
            version, heads = await self._store.catalog_heads()
            if version == self.snapshot.version:
                return
            documents: dict[CompanyId, tuple[str, Catalog]] = {}
            for company_id, document in heads:
                known = self._documents.get(company_id)
                documents[company_id] = known if known and known[0] == document else (document, read_stored(document))
            self._documents = documents
            self.snapshot = build_snapshot(version, [catalog for _, catalog in documents.values()])
            _log.info("catalog_in_force", version=version, companies=len(documents), keys=len(self.snapshot.keys))

    async def follow(self) -> None:
        """Keep the snapshot fresh until cancelled. A store that cannot be read now is asked again."""
        while True:
            try:
                await self._store.wait_for_catalog_change(POLL_SECONDS)
                await self.refresh()
            except Exception:  # noqa: BLE001 -- whatever it was, the next poll may do better
                _log.exception("catalog_not_read")
                await asyncio.sleep(POLL_SECONDS)
