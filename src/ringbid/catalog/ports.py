"""What changing a catalog needs of a store. `store.opening.Store` keeps these promises; `changing` works with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.catalog.plan import Change
from ringbid.values.author import Author
from ringbid.values.ids import CompanyId, KeyId


class KeyTaken(Exception):  # noqa: N818 -- what happened, not whose mistake
    """A key of the catalog belongs to another company; nothing was applied."""


class CatalogMoved(Exception):  # noqa: N818 -- what happened, not whose mistake
    """The company's catalog is no longer the version that the change was made for; nothing was applied."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A company's catalog as the store keeps it. `version` is the id of the change that made it."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One of the versions that a company's catalog has had."""

    version: int
    applied_at: datetime
    applied_by: str


class CatalogStore(Protocol):
    """Documents, one company's newest in force. Writes raise StoreOverloaded and StoreUnavailable."""

    async def catalog_heads(self) -> tuple[int, list[tuple[CompanyId, str]]]:
        """The version of the newest change of all (0: none yet), and each company's newest document."""
        ...

    async def catalog_document(self, company_id: CompanyId, version: int | None = None) -> StoredDocument | None:
        """The company's document of this version, or its newest; None where there is none."""
        ...

    async def catalog_versions(
        self, company_id: CompanyId, *, before: int | None = None, limit: int = 50
    ) -> tuple[StoredVersion, ...]:
        """The company's versions, the newest first; those `before` one, where it is given."""
        ...

    async def change_catalog(
        self,
        company_id: CompanyId,
        document: str,
        *,
        author: Author,
        key_ids: Iterable[KeyId],
        changes: tuple[Change, ...],
        base_version: int | None,
    ) -> int:
        """Put `document` in force in place of the company's version `base_version` (0: it has none; None: whichever),
        with its audit rows, in one transaction; the version that has it. Raises CatalogMoved and KeyTaken."""
        ...
