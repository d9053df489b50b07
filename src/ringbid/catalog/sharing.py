"""What only one company may have: keys and phone numbers, each of which leads to one campaign.

Checked when a catalog is applied beside those of the other companies; within one file `key_reading` and
`campaign_reading` see to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ringbid.catalog.model import Catalog
from ringbid.catalog.problems import Problem
from ringbid.catalog.validate import keys_of
from ringbid.values.ids import CompanyId


def taken_by_others(catalog: Catalog, others: Mapping[CompanyId, Catalog]) -> tuple[Problem, ...]:
    """Keys and numbers of `catalog` that another company already has. Its own older catalog may be among `others`."""
    foreign = [other for company_id, other in others.items() if company_id != catalog.company.id]
    return (*_taken_keys(catalog, foreign), *_taken_numbers(catalog, foreign))


def _taken_keys(catalog: Catalog, foreign: list[Catalog]) -> Iterator[Problem]:
    taken = {key_id for other in foreign for key_id in keys_of(other).values()}
    for (campaign_id, kind, name), key_id in keys_of(catalog).items():
        if key_id in taken:
            path = f"campaigns[{campaign_id}].{kind}[{name}].key"
            yield Problem(path, "a key of another company", "a key of its own")


def _taken_numbers(catalog: Catalog, foreign: list[Catalog]) -> Iterator[Problem]:
    taken = {one.number for other in foreign for campaign in other.campaigns for one in campaign.numbers}
    for campaign in catalog.campaigns:
        for one in campaign.numbers:
            if one.number in taken:
                path = f"campaigns[{campaign.id}].numbers[{one.number}].number"
                yield Problem(path, "a number of another company", "a number of its own: it says whose a call is")
