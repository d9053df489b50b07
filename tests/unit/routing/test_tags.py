"""What is known about a caller before anyone is asked: who is trusted over whom, and where each tag came from."""

from collections.abc import Mapping

import pytest

from ringbid.routing.tags import Tags, TagValue, tags_of_ping
from ringbid.values.ids import CampaignId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber

NEW_YORK, TORONTO, SANTO_DOMINGO, LONDON = "+12125550123", "+14165550123", "+18095550123", "+442079460958"
TOLL_FREE, SATELLITE = "+18005550123", "+870773111632"


def tags(number: str | None = None, *, prefix: str = "", **parameters: TagValue) -> Tags:
    return tags_of_ping(
        parameters=parameters,
        caller_number=None if number is None else PhoneNumber(number),
        publisher_id=PublisherId("PUB"),
        campaign_id=CampaignId("auto"),
        tag_prefix=prefix,
        call_uuid=PingId("the-uuid"),
    )


def known(found: Tags, *names: str) -> dict[str, tuple[TagValue, str]]:
    """Value and source of each tag that is there."""
    return {name: (found.values[name], found.sources[name]) for name in names if name in found.values}


def place(found: Tags) -> dict[str, tuple[TagValue, str]]:
    return known(found, "caller_zip", "caller_city", "caller_state", "caller_country", "area_code")


def test_every_parameter_becomes_a_tag_and_our_own_facts_are_added() -> None:
    found = tags(NEW_YORK, key="secret", publisher_id="PUB", caller_number="2125550123", age="42", a=("1", "2"))
    assert {name: found.values[name] for name in ("age", "a", "publisher_id", "campaign_id", "call_uuid")} == {
        "age": "42",
        "a": ("1", "2"),
        "publisher_id": "PUB",
        "campaign_id": "auto",
        "call_uuid": "the-uuid",
    }
    assert found.get("caller_number") == NEW_YORK
    assert "key" not in found.values


def test_every_tag_has_a_source_and_every_source_a_tag() -> None:
    for found in (
        tags(),
        tags(geo=" , "),
        tags(NEW_YORK, geo="us", caller_zip="90210", age="1"),
        tags(caller_zip="00000"),
    ):
        assert found.values.keys() == found.sources.keys()


def test_blank_parameters_become_no_tags() -> None:
    assert set(tags(a="", b=()).values) == {"publisher_id", "campaign_id", "call_uuid"}


@pytest.mark.parametrize("name", ["caller_number", "publisher_id", "campaign_id", "call_uuid"])
def test_a_parameter_cannot_forge_what_the_ping_itself_says(name: str) -> None:
    assert tags(**{name: "forged"}).get(name) == tags().get(name)
    first, rest = name[:2], name[2:]
    assert tags(prefix=first, **{rest: "forged"}).get(name) == tags().get(name)


def test_a_prefix_is_put_before_every_name_but_those_of_geography() -> None:
    found = tags(
        None, prefix="x_", age="42", area_code="999", caller_zip="90210", caller_state="NY", geo="us-tx", key="k"
    )
    assert (found.get("x_age"), found.get("age")) == ("42", None)
    assert (found.get("caller_zip"), found.get("caller_state"), found.get("area_code")) == ("90210", "CA", "999")
    assert [name for name in found.values if name.startswith("x_")] == ["x_age"]


def test_a_known_zip_beats_everything_that_was_sent_and_the_number() -> None:
    found = tags(
        TORONTO, caller_zip="90210-1234", geo="gb,us-tx", caller_state="NV", caller_city="Reno", caller_country="MX"
    )
    assert place(found) == {
        "caller_zip": ("90210", "ping"),
        "caller_city": ("Beverly Hills", "zip"),
        "caller_state": ("CA", "zip"),
        "caller_country": ("US", "zip"),
        "area_code": ("416", "number"),
    }


def test_a_zip_in_geo_is_a_zip_unless_another_was_sent() -> None:
    assert place(tags(geo="us-90210")) == {
        "caller_zip": ("90210", "geo"),
        "caller_city": ("Beverly Hills", "zip"),
        "caller_state": ("CA", "zip"),
        "caller_country": ("US", "zip"),
    }
    assert tags(geo="us-90210", caller_zip="10001").get("caller_state") == "NY"


def test_what_was_sent_by_its_own_name_beats_geo_and_geo_beats_the_number() -> None:
    named = tags(NEW_YORK, geo="us-tx,310", caller_state="NV", caller_country="MX", area_code="702")
    assert place(named) == {
        "caller_state": ("NV", "ping"),
        "caller_country": ("MX", "ping"),
        "area_code": ("702", "ping"),
    }
    assert place(tags(NEW_YORK, geo="us-tx,310")) == {
        "caller_state": ("TX", "geo"),
        "caller_country": ("US", "geo"),
        "area_code": ("310", "geo"),
    }


def test_a_state_in_geo_needs_the_country_that_was_sent_or_named_first() -> None:
    assert tags(geo="us-tx", caller_country="CA").get("caller_state") is None
    assert known(tags(geo="gb,us-tx"), "caller_country", "caller_state") == {"caller_country": ("GB", "geo")}
    assert known(tags(geo="ca-on"), "caller_country", "caller_state") == {
        "caller_country": ("CA", "geo"),
        "caller_state": ("ON", "geo"),
    }


def test_the_country_of_a_state_that_was_sent_beats_an_area_code_but_not_a_number_from_abroad() -> None:
    assert known(tags(TORONTO, caller_state="NV"), "caller_country") == {"caller_country": ("US", "ping")}
    assert known(tags(None, caller_state="Ontario"), "caller_country") == {"caller_country": ("CA", "ping")}
    assert known(tags(LONDON, caller_state="NV"), "caller_country") == {"caller_country": ("GB", "number")}


def test_zip_plus_4_is_the_zip_that_filters_name() -> None:
    assert tags(caller_zip=" 90210-1234 ").get("caller_zip") == "90210"
    assert tags(caller_zip="K1A 0B1").get("caller_zip") == "K1A 0B1"


def test_an_unknown_zip_says_nothing_of_state_and_city() -> None:
    assert place(tags(NEW_YORK, caller_zip="00000", caller_city="Nowhere")) == {
        "caller_zip": ("00000", "ping"),
        "caller_city": ("Nowhere", "ping"),
        "caller_state": ("NY", "number"),
        "caller_country": ("US", "number"),
        "area_code": ("212", "number"),
    }
    assert tags(caller_zip="00000", geo="us-tx").get("caller_state") == "TX"


def test_a_state_that_was_sent_beats_the_number_and_is_written_as_two_letters() -> None:
    for sent in ("nv", "NV", "Nevada", " nevada "):
        assert known(tags(NEW_YORK, caller_state=sent), "caller_state") == {"caller_state": ("NV", "ping")}
    assert tags(caller_state="Bavaria").get("caller_state") == "Bavaria"


@pytest.mark.parametrize("sent", ["us", " US ", "usa", "United States"])
def test_the_country_that_was_sent_is_known_however_it_was_written(sent: str) -> None:
    found = tags(NEW_YORK, caller_country=sent)
    assert known(found, "caller_country", "caller_state") == {
        "caller_country": ("US", "ping"),
        "caller_state": ("NY", "number"),
    }


@pytest.mark.parametrize(
    ("number", "country", "state", "area"),
    [
        (NEW_YORK, "US", "NY", "212"),
        (TORONTO, "CA", "ON", "416"),
        (SANTO_DOMINGO, "DO", None, "809"),
        (LONDON, "GB", None, None),
        (TOLL_FREE, None, None, "800"),
        (SATELLITE, None, None, None),
        (None, None, None, None),
    ],
)
def test_the_number_fills_country_state_and_area_code_where_they_are_certain(
    number: str | None, country: str | None, state: str | None, area: str | None
) -> None:
    found = tags(number)
    assert (found.get("caller_country"), found.get("caller_state"), found.get("area_code")) == (country, state, area)
    assert set(place(found).values()) <= {(country, "number"), (state, "number"), (area, "number")}


def test_the_number_fills_no_state_of_another_country_than_the_callers() -> None:
    assert tags(TORONTO, geo="us").get("caller_state") is None
    assert tags(NEW_YORK, caller_country="CA").get("caller_state") is None


def test_geo_may_be_repeated_or_joined_by_commas() -> None:
    once = tags(geo="US, us-ca,,310")
    assert once.get("geo") == ("us", "us-ca", "310")
    assert tags(geo=("us", "US-CA", "310")).values == once.values
    assert tags(geo=("us,us-ca", "310")).values == once.values


def test_geo_lists_what_was_sent_and_then_what_is_known_without_repeats() -> None:
    found = tags(NEW_YORK, geo="us,us-ny,special", caller_zip="90210")
    assert known(found, "geo") == {"geo": (("us", "us-ny", "special", "us-ca", "us-90210", "212"), "geo")}


@pytest.mark.parametrize(
    ("number", "parameters", "geo", "source"),
    [
        (NEW_YORK, {}, ("us", "us-ny", "212"), "number"),
        (TORONTO, {}, ("ca", "ca-on", "416"), "number"),
        (LONDON, {}, ("gb",), "number"),
        (None, {"caller_zip": "90210"}, ("us", "us-ca", "us-90210"), "zip"),
        (None, {"caller_zip": "00000"}, ("us-00000",), "ping"),
        (None, {"caller_country": "us", "caller_state": "nv"}, ("us", "us-nv"), "ping"),
    ],
)
def test_geo_is_made_of_what_is_known_where_none_was_sent(
    number: str | None, parameters: Mapping[str, TagValue], geo: TagValue, source: str
) -> None:
    assert known(tags(number, **parameters), "geo") == {"geo": (geo, source)}


@pytest.mark.parametrize("sent", ["a", "us-9", "éé", "us-９０２１０", "-", "x-y", "3100", "us-902100"])
def test_geo_that_names_no_place_is_kept_and_concludes_nothing_but_a_plain_country(sent: str) -> None:
    found = tags(geo=sent)
    assert sent in (found.get("geo") or ())
    assert set(place(found)) <= ({"caller_country"} if sent.startswith("us-") else set())


def test_a_postal_code_of_another_country_is_no_us_zip() -> None:
    assert tags(TORONTO, caller_zip="M5V 2T6").get("geo") == ("ca", "ca-on", "416")
    assert tags(caller_zip="902101").get("caller_state") is None


def test_of_a_repeated_place_the_first_counts() -> None:
    found = tags(caller_state=("tx", "NV"), caller_country=("US", "CA"))
    assert (found.get("caller_state"), found.get("caller_country")) == ("TX", "US")


def test_the_tags_of_an_answer_win_and_name_their_webhook() -> None:
    before = tags(age="42", bid="1")
    after = before.with_outputs({"bid": "12.5", "phone": "x"}, "alpha bid")
    assert known(after, "bid", "phone", "age") == {
        "bid": ("12.5", "alpha bid"),
        "phone": ("x", "alpha bid"),
        "age": ("42", "ping"),
    }
    assert before.get("bid") == "1"
    assert before.with_outputs({}, "silent") is before
