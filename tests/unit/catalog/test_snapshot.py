"""The indexes over all catalogs: where a key, a number and a campaign lead."""

from __future__ import annotations

from ringbid.catalog.model import AccessKey, InboundNumber
from ringbid.catalog.snapshot import EMPTY, build_snapshot, key_id_of
from ringbid.values.ids import CampaignId, CompanyId
from ringbid.values.phone import PhoneNumber
from support.catalogs import KEY, make_campaign, make_catalog, make_company, make_key, make_publisher

NUMBER = PhoneNumber("+18444021146")
ACCESS = AccessKey(id=key_id_of("an access key of acme"), allows=("convert",))
PUBLISHER = make_publisher()
NUMBERS = (InboundNumber(number=NUMBER, publisher=PUBLISHER.id), InboundNumber(number=PhoneNumber("+18885551234")))
AUTO = make_campaign(access_keys=(ACCESS,), numbers=NUMBERS)
HOME = make_campaign("home", rtb_keys=(make_key("another-secret-key"),), numbers=())
ACME = make_catalog(campaigns=(AUTO, HOME))


def test_keys_numbers_and_campaigns_lead_to_their_campaign_and_company() -> None:
    snapshot = build_snapshot(7, [ACME])
    company = snapshot.companies[CompanyId("acme")]
    assert (snapshot.version, company.catalog) == (7, ACME)
    key, access = snapshot.keys[key_id_of(KEY)], snapshot.access[ACCESS.id]
    assert (key.company, key.campaign, key.key) == (company, AUTO, AUTO.rtb_keys[0])
    assert (access.company, access.campaign, access.key) == (company, AUTO, ACCESS)
    (number,) = snapshot.numbers[NUMBER]
    assert (number.company, number.campaign, number.number) == (company, AUTO, NUMBERS[0])
    home = snapshot.campaigns[(CompanyId("acme"), CampaignId("home"))]
    assert (home.company, home.campaign) == (company, HOME)


def test_an_access_key_opens_no_ping_and_an_rtb_key_gives_no_access() -> None:
    snapshot = build_snapshot(1, [ACME])
    assert ACCESS.id not in snapshot.keys
    assert set(snapshot.access) == {ACCESS.id}


def test_a_number_that_two_companies_have_leads_to_both_in_a_fixed_order() -> None:
    other = make_catalog(company=make_company("zeta"), campaigns=(make_campaign(rtb_keys=()),))
    for catalogs in ([ACME, other], [other, ACME]):
        views = build_snapshot(1, catalogs).numbers[NUMBER]
        assert [view.company.catalog.company.id for view in views] == ["acme", "zeta"]


def test_the_snapshot_before_the_first_catalog_leads_nowhere() -> None:
    assert EMPTY.version == 0
    for index in (EMPTY.companies, EMPTY.campaigns, EMPTY.keys, EMPTY.access, EMPTY.numbers):
        assert not index
