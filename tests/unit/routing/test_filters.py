"""Every operator on every type of tag, and the words that a failed filter is explained with."""

from datetime import date
from decimal import Decimal

import pytest

from ringbid.catalog.model import Filter, FilterScalar, Operator, TagDeclaration, TagType
from ringbid.routing.filters import CompiledFilter, compile_filter
from ringbid.routing.tags import Tags, TagValue, tags_of_ping
from ringbid.values.ids import CampaignId, PingId, PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

CHRISTMAS, EASTER = date(2025, 12, 25), date(2026, 4, 5)


def compiled(operator: str, value: object = None, kind: TagType | None = "text") -> CompiledFilter:
    declared = None if kind is None else TagDeclaration(key="tag", type=kind)
    return compile_filter(Filter(tag="tag", operator=operator, value=value), declared, setting="buyers[a].filters[0]")


def reason_of(operator: str, value: object, found: TagValue, kind: TagType | None = "text") -> Reason | None:
    refused = compiled(operator, value, kind).check(Tags({"tag": found}, {}))
    return None if refused is None else refused.reason


def sent(**parameters: TagValue) -> Tags:
    return tags_of_ping(
        parameters=parameters,
        caller_number=None,
        publisher_id=PublisherId("PUB"),
        campaign_id=CampaignId("auto"),
        tag_prefix="",
        call_uuid=PingId("the-uuid"),
    )


MATCHES = [
    ("text", "==", "CA", "CA"),
    ("text", "==", "CA", "ca"),
    ("text", "==", ("CA", "NV"), "nv"),
    ("text", "!=", "CA", "NV"),
    ("text", "in", ("CA", "NV"), "CA"),
    ("text", "not in", ("CA", "NV"), "NY"),
    ("text", "contains", "Sur", "auto insurance"),
    ("text", "starts with", "AUTO", "auto insurance"),
    ("text", "starts with", ("home", "auto"), "Auto insurance"),
    ("text", ">", "b", "C"),
    ("text", ">=", "b", "B"),
    ("text", "<", "b", "A"),
    ("text", "<=", "b", "B"),
    ("text", "==", "STRASSE", "Straße"),
    ("number", "==", 18, "18.0"),
    ("number", "==", Decimal("18.50"), "18.5"),
    ("number", "!=", 18, "19"),
    ("number", ">", 18, "18.0001"),
    ("number", ">=", 18, "18"),
    ("number", ">=", 9, "10"),  # as texts, 10 would come before 9
    ("number", "<", 18, "-1e3"),
    ("number", "<=", Decimal("0.5"), " 0.5 "),
    ("number", "in", (1, 2), "2"),
    ("number", "not in", (1, 2), "3"),
    ("number", "==", 10**20, "100000000000000000000"),
    ("boolean", "==", True, "YES"),
    ("boolean", "==", True, "1"),
    ("boolean", "==", False, "no"),
    ("boolean", "!=", True, "False"),
    ("date", "==", CHRISTMAS, "2025-12-25"),
    ("date", "!=", CHRISTMAS, "2025-12-26"),
    ("date", ">", CHRISTMAS, "2026-01-01"),
    ("date", ">=", CHRISTMAS, " 2025-12-25"),
    ("date", "<", CHRISTMAS, "2025-12-24"),
    ("date", "<=", CHRISTMAS, "2025-12-25"),
    ("date", "in", (CHRISTMAS, EASTER), "2026-04-05"),
    ("date", "not in", (CHRISTMAS, EASTER), "2026-04-06"),
]
FAILURES = [
    ("text", "==", "CA", "CAL"),
    ("text", "!=", "CA", "ca"),
    ("text", "in", ("CA", "NV"), "NY"),
    ("text", "not in", ("CA", "NV"), "nv"),
    ("text", "contains", "sur", "auto"),
    ("text", "starts with", "insurance", "auto insurance"),
    ("text", ">", "b", "B"),
    ("text", ">=", "b", "A"),
    ("text", "<", "b", "B"),
    ("text", "<=", "b", "c"),
    ("number", "==", 18, "18.1"),
    ("number", "!=", 18, "18.00"),
    ("number", ">", 18, "18"),
    ("number", ">=", 18, "17.9999"),
    ("number", "<", 18, "18"),
    ("number", "<=", 18, "18.1"),
    ("number", "in", (1, 2), "3"),
    ("number", "not in", (1, 2), "2.0"),
    ("boolean", "==", True, "false"),
    ("boolean", "!=", True, "yes"),
    ("date", "==", CHRISTMAS, "2025-12-24"),
    ("date", "!=", CHRISTMAS, "2025-12-25"),
    ("date", ">", CHRISTMAS, "2025-12-25"),
    ("date", ">=", CHRISTMAS, "2025-12-24"),
    ("date", "<", CHRISTMAS, "2025-12-25"),
    ("date", "<=", CHRISTMAS, "2025-12-26"),
    ("date", "in", (CHRISTMAS,), "2026-04-05"),
    ("date", "not in", (CHRISTMAS,), "2025-12-25"),
]


@pytest.mark.parametrize(("kind", "operator", "value", "found"), MATCHES)
def test_an_operator_accepts_what_it_says(kind: TagType, operator: str, value: object, found: str) -> None:
    assert reason_of(operator, value, found, kind) is None


@pytest.mark.parametrize(("kind", "operator", "value", "found"), FAILURES)
def test_an_operator_refuses_everything_else(kind: TagType, operator: str, value: object, found: str) -> None:
    assert reason_of(operator, value, found, kind) is Reason.FILTER_NOT_MATCHED


@pytest.mark.parametrize("kind", ["text", "number", "boolean", "date"])
def test_exists_and_missing_ask_only_whether_the_tag_is_there(kind: TagType) -> None:
    there, away = Tags({"tag": "unreadable as anything"}, {}), Tags({}, {})
    assert compiled("exists", kind=kind).check(there) is None
    assert compiled("missing", kind=kind).check(away) is None
    assert compiled("exists", kind=kind).check(away) == Refused(
        Reason.FILTER_TAG_MISSING, actual="no tag", expected="tag exists", setting="buyers[a].filters[0]"
    )
    assert compiled("missing", kind=kind).check(there) == Refused(
        Reason.FILTER_NOT_MATCHED,
        actual="tag = unreadable as anything",
        expected="tag missing",
        setting="buyers[a].filters[0]",
    )


@pytest.mark.parametrize(
    ("operator", "value"), [("==", "a"), ("!=", "a"), ("in", ("a",)), ("not in", ("a",)), ("<", "a"), ("=~", "a")]
)
def test_a_missing_tag_fails_every_other_filter_also_a_negative_one(operator: str, value: object) -> None:
    refused = compiled(operator, value).check(Tags({}, {}))
    assert refused is not None
    assert (refused.reason, refused.actual) == (Reason.FILTER_TAG_MISSING, "no tag")


@pytest.mark.parametrize(
    ("kind", "operator", "value", "found"),
    [
        ("number", ">=", 18, "eighteen"),
        ("number", "!=", 18, "1_8"),
        ("number", "not in", (18,), "NaN"),
        ("number", "<", 18, "-Infinity"),
        ("number", "<", 18, ""),
        ("number", "==", 18, "１８"),
        ("boolean", "==", True, "maybe"),
        ("boolean", "!=", True, "2"),
        ("date", "<", CHRISTMAS, "12/24/2025"),
        ("date", "!=", CHRISTMAS, "2025-02-30"),
        ("date", "<", CHRISTMAS, "20251224"),
    ],
)
def test_a_value_that_is_not_of_the_declared_type_is_called_unreadable(
    kind: TagType, operator: str, value: object, found: str
) -> None:
    refused = compiled(operator, value, kind).check(Tags({"tag": found}, {}))
    assert refused == Refused(
        Reason.FILTER_VALUE_UNREADABLE,
        actual=f"tag = {found}",
        expected=f"tag as a {kind}",
        setting="buyers[a].filters[0]",
    )


@pytest.mark.parametrize(
    ("operator", "value", "found", "reason"),
    [
        ("in", ("us-ca",), ("us", "us-ca"), None),
        ("==", "us-ca", ("us", "us-ca"), None),
        ("starts with", "us-", ("us", "us-ca"), None),
        ("=~", "^us-..$", ("us", "us-ca"), None),
        ("in", ("us-tx",), ("us", "us-ca"), Reason.FILTER_NOT_MATCHED),
        ("not in", ("us-tx",), ("us", "us-ca"), None),
        ("not in", ("us-ca",), ("us", "us-ca"), Reason.FILTER_NOT_MATCHED),
        ("not in", ("us-ca",), ("us-ca", "us"), Reason.FILTER_NOT_MATCHED),
        ("!=", "us", ("us", "us-ca"), Reason.FILTER_NOT_MATCHED),
    ],
)
def test_of_a_tag_with_many_values_any_may_match_but_none_may_be_forbidden(
    operator: str, value: object, found: TagValue, reason: Reason | None
) -> None:
    assert reason_of(operator, value, found) is reason


def test_a_pattern_is_searched_anywhere_and_without_regard_to_letter_case() -> None:
    for pattern, found in [
        ("^A.*Z$", "abcz"),
        ("[A-Z]{3}", "x abc"),
        ("NY|CA", "ca"),
        (r"\D\d", "x9"),
        ("ß", "Straße"),
    ]:
        assert reason_of("=~", pattern, found) is None
    assert reason_of("=~", "^b", "ab") is Reason.FILTER_NOT_MATCHED
    assert reason_of("=~", "(?-i)Ab", "ab") is Reason.FILTER_NOT_MATCHED
    assert reason_of("=~", "(?-i)Ab", "Ab") is None  # the pattern sees the value as it was sent


def test_of_many_patterns_any_may_match() -> None:
    assert reason_of("=~", ("^x", "^a"), "abc") is None
    assert reason_of("=~", ("^x", "^y"), "abc") is Reason.FILTER_NOT_MATCHED


def test_an_undeclared_tag_is_text_unless_a_number_compares_it_by_size() -> None:
    assert reason_of("==", "18", "18.0", None) is Reason.FILTER_NOT_MATCHED
    assert reason_of(">=", 9, "10", None) is None
    assert reason_of(">=", "9", "10", None) is None
    assert reason_of(">=", "9", "10", "text") is Reason.FILTER_NOT_MATCHED
    assert reason_of(">=", "b", "10", None) is Reason.FILTER_NOT_MATCHED
    assert reason_of(">=", 9, "ten", None) is Reason.FILTER_VALUE_UNREADABLE


def test_a_part_of_a_number_tag_is_looked_for_in_its_text() -> None:
    assert reason_of("starts with", "90", "90210", "number") is None


@pytest.mark.parametrize(
    ("filter_", "kind", "found", "actual", "expected"),
    [
        (("in", ("CA", "NV", "NY")), "text", "TX", "tag = TX", "tag in [CA, NV, NY]"),
        ((">=", 18), "number", "17", "tag = 17", "tag >= 18"),
        (("==", True), "boolean", "no", "tag = no", "tag == true"),
        (("<", CHRISTMAS), "date", "2026-01-01", "tag = 2026-01-01", "tag < 2025-12-25"),
        (("=~", "^A"), "text", "b", "tag = b", "tag =~ ^A"),
        (("==", "x"), "text", ("a", "b"), "tag = a, b", "tag == x"),
        (("==", "x"), "text", "y" * 1024, "tag = " + "y" * 100 + "…", "tag == x"),
    ],
)
def test_a_failed_filter_shows_the_value_found_the_filter_and_its_place_in_the_catalog(
    filter_: tuple[str, object], kind: TagType, found: TagValue, actual: str, expected: str
) -> None:
    refused = compiled(*filter_, kind).check(Tags({"tag": found}, {}))
    assert refused == Refused(
        Reason.FILTER_NOT_MATCHED, actual=actual, expected=expected, setting="buyers[a].filters[0]"
    )


@pytest.mark.parametrize(
    ("operator", "value", "state", "passes"),
    [
        ("in", ("New Jersey", "ny"), "NJ", True),
        ("in", ("New Jersey", "ny"), "new york", True),
        ("in", ("New Jersey",), "NY", False),
        ("==", "new jersey", "NJ", True),
        ("!=", "New Jersey", "NJ", False),
        ("not in", ("New Jersey", "Ontario"), "ON", False),
        ("not in", ("New Jersey",), "NY", True),
        ("contains", "New Jersey", "NJ", False),  # a part of a value is no state
        ("in", ("Jalisco",), "Jalisco", True),  # what has no code that we know stays as it is
    ],
)
def test_states_are_compared_as_codes_whether_filter_or_ping_writes_them_out(
    operator: Operator, value: FilterScalar | tuple[FilterScalar, ...], state: str, passes: bool
) -> None:
    filter_ = compile_filter(Filter(tag="caller_state", operator=operator, value=value), None, setting="x")
    tags = sent(caller_state=state)
    assert (filter_.check(tags) is None) is passes


def test_a_state_that_a_buyers_answer_wrote_out_matches_a_filter_that_does_so_too() -> None:
    filter_ = compile_filter(Filter(tag="caller_state", operator="in", value=("New Jersey",)), None, setting="x")
    assert filter_.check(Tags({"caller_state": "New Jersey"}, {})) is None


def test_a_country_is_compared_as_its_code_and_other_tags_are_texts() -> None:
    country = Filter(tag="caller_country", operator="==", value="Canada")
    assert compile_filter(country, None, setting="x").check(sent(caller_country="CA")) is None
    refused = compiled("==", "New Jersey").check(Tags({"tag": "NJ"}, {}))
    assert refused is not None
    assert refused.expected == "tag == New Jersey"
