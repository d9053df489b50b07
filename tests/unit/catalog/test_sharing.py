"""Across companies: a key and a number lead to one place only."""

from __future__ import annotations

from ringbid.catalog.model import AccessKey
from ringbid.catalog.problems import Problem
from ringbid.catalog.sharing import taken_by_others
from ringbid.catalog.snapshot import key_id_of
from support.catalogs import make_campaign, make_catalog, make_company, make_key

SHARED = "shared-by-two-companies"
NUMBER = Problem(
    "campaigns[auto].numbers[+18444021146].number",
    "a number of another company",
    "a number of its own: it says whose a call is",
)


def test_a_number_that_another_company_has_is_refused() -> None:
    own = make_catalog(campaigns=(make_campaign(rtb_keys=()),))
    other = make_catalog(company=make_company("other"), campaigns=(make_campaign("home", rtb_keys=()),))
    assert taken_by_others(own, {other.company.id: other}) == (NUMBER,)


def test_a_key_of_whichever_kind_that_another_company_has_is_refused() -> None:
    rtb = make_campaign(numbers=(), rtb_keys=(make_key(SHARED),))
    access = make_campaign(
        numbers=(), rtb_keys=(), access_keys=(AccessKey(id=key_id_of(SHARED), name="crm", allows=("convert",)),)
    )
    for own, other, path in [
        (rtb, access, "campaigns[auto].rtb_keys[Default].key"),
        (access, rtb, "campaigns[auto].access_keys[crm].key"),
    ]:
        theirs = make_catalog(company=make_company("other"), campaigns=(other,))
        assert taken_by_others(make_catalog(campaigns=(own,)), {theirs.company.id: theirs}) == (
            Problem(path, "a key of another company", "a key of its own"),
        )


def test_a_companys_own_older_catalog_has_nothing_of_another() -> None:
    catalog = make_catalog()
    assert taken_by_others(catalog, {catalog.company.id: catalog}) == ()
