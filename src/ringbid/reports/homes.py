"""What reports need to know of a company: its clock, its money, and the tags they may keep for long.

Given to `store.journeys` by `worker.journeys`, and to the pages that show reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringbid.catalog.snapshot import Snapshot
from ringbid.values.ids import CompanyId


@dataclass(frozen=True, slots=True)
class Home:
    """`tags` are the names of those that are declared and not private."""

    zone: str = "UTC"
    currency: str = "USD"
    tags: tuple[str, ...] = ()


Homes = Callable[[CompanyId], Home]


def home_of(snapshot: Snapshot, company_id: CompanyId) -> Home:
    """The company as its catalog has it; a company without one has the defaults."""
    view = snapshot.companies.get(company_id)
    if view is None:
        return Home()
    company = view.catalog.company
    tags = tuple(tag.key for tag in view.catalog.tags if not tag.private)
    return Home(company.time_zone, company.currency, tags)
