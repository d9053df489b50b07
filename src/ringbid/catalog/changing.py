"""Changing a catalog that is in force: read it with its version, change it, or learn why not.

The one way a catalog comes into force, for `ringbid apply`, the console and the API alike; `editing` makes the text.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ringbid.catalog.document import export_yaml
from ringbid.catalog.editing import Edit, Edited, edit_catalog, rewrite
from ringbid.catalog.key_reading import NewKey
from ringbid.catalog.model import Catalog
from ringbid.catalog.plan import Change, plan
from ringbid.catalog.ports import CatalogMoved, CatalogStore, KeyTaken, StoredVersion
from ringbid.catalog.problems import Problem
from ringbid.catalog.sharing import taken_by_others
from ringbid.catalog.validate import keys_of, read_stored
from ringbid.values.author import Author
from ringbid.values.ids import CompanyId

_MOST_KEPT = 64  # catalogs that are kept as they were read; reading a large one takes a tenth of a second


@dataclass(frozen=True, slots=True)
class Edition:
    """A company's catalog in force, and the version that a change of it must name."""

    version: int
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """It is in force, or would be. `new_keys`: their secrets can be shown now and never again. No `changes`: it was so
    already."""

    version: int
    catalog: Catalog
    changes: tuple[Change, ...]
    new_keys: tuple[NewKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """Nothing was changed: this is wrong with what was asked."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was changed: somebody else changed the catalog meanwhile. `changes`: what they did."""

    version: int
    changes: tuple[Change, ...]


Outcome = Applied | Invalid | Conflict
_Making = Callable[[Catalog | None], Edited | tuple[Problem, ...]]


class CatalogEditor:
    """Reads and changes the catalogs of a store."""

    def __init__(self, store: CatalogStore) -> None:
        self._store = store
        self._read: OrderedDict[tuple[CompanyId, int], Catalog] = OrderedDict()

    async def read(self, company_id: CompanyId, version: int | None = None) -> Edition | None:
        """What is in force for the company now, or was as this version; None where it has no such catalog."""
        stored = await self._store.catalog_document(company_id, version)
        return None if stored is None else Edition(stored.version, self._keep(company_id, stored.version, stored.text))

    async def change(
        self,
        author: Author,
        company_id: CompanyId,
        base_version: int,
        edits: Iterable[Edit],
        *,
        plan_only: bool = False,
    ) -> Outcome:
        """Make `edits` in the version `base_version`. With `plan_only` nothing is put in force."""

        def make(before: Catalog | None) -> Edited | tuple[Problem, ...]:
            if before is None:
                return (Problem("", f"no catalog of {company_id}", "a company that has one"),)
            return edit_catalog(before, edits)

        return await self._put(author, company_id, base_version, make, plan_only=plan_only)

    async def rewrite(
        self, author: Author, company_id: CompanyId, base_version: int | None, text: str, *, plan_only: bool = False
    ) -> Outcome:
        """Make the whole catalog what `text` says. `base_version` 0: the company has none yet; None: whichever."""
        return await self._put(
            author, company_id, base_version, lambda before: rewrite(before, text, company_id), plan_only=plan_only
        )

    async def versions(
        self, company_id: CompanyId, *, before: int | None = None, limit: int = 50
    ) -> tuple[StoredVersion, ...]:
        """What was in force, the newest first."""
        return await self._store.catalog_versions(company_id, before=before, limit=limit)

    async def restore(self, author: Author, company_id: CompanyId, base_version: int, version: int) -> Outcome:
        """Put what was in force as `version` in force again, in place of `base_version`."""
        wanted = await self.read(company_id, version)

        def make(before: Catalog | None) -> Edited | tuple[Problem, ...]:
            if wanted is None:
                return (Problem("version", str(version), "a version of this company's catalog"),)
            catalog = wanted.catalog
            return Edited(catalog=catalog, document=export_yaml(catalog), changes=plan(before, catalog), new_keys=())

        return await self._put(author, company_id, base_version, make, plan_only=False)

    async def _put(
        self, author: Author, company_id: CompanyId, base_version: int | None, make: _Making, *, plan_only: bool
    ) -> Outcome:
        edition = await self.read(company_id)
        version, before = (0, None) if edition is None else (edition.version, edition.catalog)
        if base_version not in (None, version):
            return await self._conflict(company_id, base_version)
        made = make(before)
        if not isinstance(made, Edited):
            return Invalid(made)
        _, heads = await self._store.catalog_heads()
        taken = taken_by_others(
            made.catalog, {other: read_stored(text) for other, text in heads if other != company_id}
        )
        if taken:
            return Invalid(taken)
        if plan_only or not made.changes:
            return Applied(version=version, catalog=made.catalog, changes=made.changes)
        try:
            applied = await self._store.change_catalog(
                company_id,
                made.document,
                author=author,
                key_ids=keys_of(made.catalog).values(),
                changes=made.changes,
                base_version=version,
            )
        except CatalogMoved:
            return await self._conflict(company_id, version)
        except KeyTaken:
            return Invalid((Problem("", "a key of another company", "keys of its own"),))
        return Applied(version=applied, catalog=made.catalog, changes=made.changes, new_keys=made.new_keys)

    async def _conflict(self, company_id: CompanyId, base_version: int | None) -> Conflict:
        """What changed since `base_version`; all of it where there is no such version."""
        now = await self.read(company_id)
        assert now is not None, "what has moved is there: catalogs are never removed"
        base = await self._store.catalog_document(company_id, base_version) if base_version else None
        before = None if base is None else self._keep(company_id, base.version, base.text)
        return Conflict(now.version, plan(before, now.catalog))

    def _keep(self, company_id: CompanyId, version: int, text: str) -> Catalog:
        found = self._read.get((company_id, version))
        if found is None:
            found = self._read[company_id, version] = read_stored(text)
        self._read.move_to_end((company_id, version))
        while len(self._read) > _MOST_KEPT:
            self._read.popitem(last=False)
        return found
