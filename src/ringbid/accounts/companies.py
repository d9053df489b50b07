"""Companies are made with an empty catalog; everything else of them is its owner's to write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringbid.catalog.document import export_yaml
from ringbid.catalog.model import Catalog, Company
from ringbid.catalog.problems import Problem
from ringbid.catalog.validate import read_catalog
from ringbid.values.ids import CompanyId

_MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class NewCompany:
    """`document` is the catalog that it begins with."""

    company_id: CompanyId
    name: str
    document: str


def read_company(*, name: str, time_zone: str, currency: str) -> NewCompany | tuple[Problem, ...]:
    """The company of this name, or what is wrong with the words. Its id is made of the name."""
    company_id = CompanyId(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MOST_LETTERS] or "company")
    company = Company(id=company_id, name=name.strip(), time_zone=time_zone.strip(), currency=currency.strip())
    document = export_yaml(Catalog(company=company))
    read = read_catalog(document)
    return read if isinstance(read, tuple) else NewCompany(company_id, company.name, document)
