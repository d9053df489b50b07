"""What an answer's values become: JMESPath, the text of a tag, prices and seconds that are believed."""

from __future__ import annotations

import json

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbid.buyers.answer_json import Json, read_json
from ringbid.buyers.outputs import Expression, Kind, Output, is_true
from ringbid.values.money import parse_decimal
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def document(text: str) -> Json:
    read = read_json(text.encode())
    assert not isinstance(read, Refused)
    return read


def output(text: str, kind: Kind = "text", expression: str = "v") -> str | Refused | None:
    return Output("tag", Expression(expression), kind, "webhooks[w].outputs.tag").read(document(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"yes"', "yes"),
        ("12.3400", "12.3400"),
        ("1e2", "100"),
        ("7", "7"),
        ("true", "true"),
        ("false", "false"),
        ('[1, 2.50, "a", false]', "1,2.50,a,false"),
        ('""', ""),
        ('"Zoë\u00a0Ltd"', "Zoë\u00a0Ltd"),
    ],
)
def test_a_value_becomes_the_text_of_a_tag(value: str, text: str) -> None:
    assert output(f'{{"v": {value}}}') == text


@pytest.mark.parametrize("answer", ["{}", '{"v": null}', "[1]", "3", '"text"'])
def test_where_the_answer_says_nothing_the_tag_is_not_filled(answer: str) -> None:
    assert output(answer) is None


@pytest.mark.parametrize(
    "value", ['{"a": 1}', '[{"a": 1}]', "[[1]]", "[null]", '"a\\nb"', '"\\u0007"', json.dumps("x" * 1025)]
)
def test_what_is_no_short_plain_text_is_unreadable(value: str) -> None:
    result = output(f'{{"v": {value}}}')
    assert isinstance(result, Refused)
    assert result.reason is Reason.BID_UNREADABLE
    assert result.setting == "webhooks[w].outputs.tag"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("12.34", "12.34"),
        ('"12.340"', "12.340"),
        ("1000000", "1000000"),
        ("1e6", "1000000"),
        ("-0.0", "0.0"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1000000.00", "1000000.00"),
    ],
)
def test_a_price_keeps_its_decimals(value: str, text: str) -> None:
    assert output(f'{{"v": {value}}}', "money") == text


@pytest.mark.parametrize(
    "value",
    [
        "-5",
        "-0.01",
        "1000000.01",
        "1000001",
        "1180591620717411303424",
        '"1,5"',
        '"$5"',
        '""',
        '" 5"',
        '"1_000"',
        '"NaN"',
        '"1e3"',
        "true",
        "[1]",
        "[1, 2]",
        '{"a": 1}',
        '"٣"',
        '"' + "1" * 30 + '"',
        "0." + "1" * 21,
        '"5\\n"',
    ],
)
def test_an_absurd_or_non_numeric_price_is_unreadable(value: str) -> None:
    result = output(f'{{"v": {value}}}', "money")
    assert isinstance(result, Refused)
    assert result.reason is Reason.BID_UNREADABLE
    assert (result.actual or "").startswith("tag is ")
    assert result.expected == "a decimal number from 0 to 1,000,000"


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0"), ("95", "95"), ("90.0", "90"), ('"86400"', "86400"), ("9e1", "90")]
)
def test_seconds_are_whole(value: str, text: str) -> None:
    assert output(f'{{"v": {value}}}', "seconds") == text


@pytest.mark.parametrize("value", ["-1", "86401", "90.5", '"90s"', "false", "1e9", '""'])
def test_seconds_that_are_no_part_of_a_day_are_unreadable(value: str) -> None:
    assert isinstance(output(f'{{"v": {value}}}', "seconds"), Refused)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    | st.from_regex(r"-?[0-9]{0,8}(\.[0-9]{0,24})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
)
def test_a_believed_price_is_a_decimal_between_nothing_and_a_million(text: str) -> None:
    result = output(json.dumps({"v": text}), "money")
    if isinstance(result, str):
        amount = parse_decimal(result)
        assert amount is not None
        assert 0 <= amount <= 1_000_000


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("bid.amount > `1`", True),
        ("bid.amount >= `12.34`", True),
        ("bid.amount == `12.34`", True),
        ("bid.amount != `12.34`", False),
        ("bids[?price > `1.5`].price | [0]", 2.25),
        ("max(bids[].price)", 2.25),
        ("to_number('3')", 3),
        ("accepted == `true`", True),
        ("accepted == `1`", False),
        ("status == 'ok'", True),
        ('status == `"ok"`', True),
        ("missing == `false`", False),
        ("bid.missing.deeper", None),
        ("status.deeper", None),
        ("type(bid.amount)", "number"),
    ],
)
def test_expressions_compare_and_compute_with_exact_numbers(expression: str, value: object) -> None:
    answer = '{"accepted": true, "status": "ok", "bid": {"amount": 12.34}, "bids": [{"price": 1.5}, {"price": 2.25}]}'
    found = Expression(expression).value_in(document(answer))
    assert found == value
    assert type(found) is type(value) or isinstance(value, float)


def test_a_filtered_number_keeps_its_decimals() -> None:
    assert output('{"bids": [{"p": 1.100}, {"p": 2.500}]}', "money", "bids[?p > `2`].p | [0]") == "2.500"


def test_a_computed_number_is_its_shortest_decimal() -> None:
    assert output('{"a": [0.5, 0.25]}', "money", "sum(a)") == "0.75"


def test_an_expression_that_fails_on_the_answer_makes_it_unreadable() -> None:
    result = Expression("length(bid)").value_in(document('{"bid": 5}'))
    assert isinstance(result, Refused)
    assert result.reason is Reason.BID_UNREADABLE


answers = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["ok", "", "true", "1.5"])
    | st.floats(-9, 9).map(lambda n: round(n, 2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(
    answers,
    st.sampled_from(
        [
            "a",
            "a.b",
            "a.b.a",
            "a == `true`",
            "a.b == 'ok'",
            "b == `false`",
            "a[0]",
            "a[*].b",
            "sort(a)",
            "a > b",
            "join(a, b)",
            "max_by(a, &b)",
            "a && b",
            "keys(a)",
            "abs(a)",
            "*.a",
            "a[?b > `1`]",
            "contains(a, b)",
            "merge(a, b)",
            "avg(a)",
        ]
    ),
)
def test_an_expression_finds_what_jmespath_finds_or_is_refused(answer: object, expression: str) -> None:
    written = json.dumps(answer)
    found = Expression(expression).value_in(document(written))
    if not isinstance(found, Refused):
        assert found == jmespath.search(expression, json.loads(written))


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (0, True),
        (0.0, True),
        ("false", True),
        ([0], True),
        (True, True),
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
    ],
)
def test_truth_is_jmespath_s(value: Json, true: bool) -> None:
    assert is_true(value) is true
