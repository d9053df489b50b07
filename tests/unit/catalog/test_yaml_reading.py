"""YAML text becomes plain values with their lines, or one clear problem."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog import yaml_reading
from ringbid.catalog.problems import Problem, Problems
from ringbid.catalog.yaml_reading import MAX_BYTES, MAX_DEPTH, read_tree


def _read(text: str) -> dict[str, Any]:
    problems = Problems()
    tree = read_tree(text, problems)
    assert problems.in_order() == ()
    return tree


def _problems(text: str) -> tuple[Problem, ...]:
    problems = Problems()
    read_tree(text, problems)
    return problems.in_order()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-5", -5),
        ("1.50", Decimal("1.50")),
        ("0.1", Decimal("0.1")),
        ("-1.173", Decimal("-1.173")),
        ("09:00", "09:00"),
        ("12:30:45", "12:30:45"),
        ("02134", "02134"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("4321E5", "4321E5"),
        ("+12025550101", "+12025550101"),
        ("2024-05-29", "2024-05-29"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("9" * 31, "9" * 31),
    ],
)
def test_a_plain_value_means_what_the_file_shows(written: str, value: object) -> None:
    tree = _read(f"x: {written}")
    assert tree == {"x": value}
    assert type(tree["x"]) is type(value)


def test_a_decimal_is_never_a_float_and_keeps_its_digits() -> None:
    assert str(_read("x: 0.10000000000000")["x"]) == "0.10000000000000"


@pytest.mark.parametrize("name", ["on", "yes", "true", "null", "12", "1.5"])
def test_a_name_is_always_text(name: str) -> None:
    assert _read(f"{name}: x") == {name: "x"}


def test_names_know_their_lines() -> None:
    tree = read_tree("a: 1\n\nb:\n  - {c: 2}\n", Problems())
    assert tree.lines == {"a": 1, "b": 3}
    assert tree["b"][0].lines == {"c": 4}  # type: ignore[index] -- the test knows that it is a list


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert _read("\ufeffa: 1") == {"a": 1}


def test_an_alias_stands_for_what_it_names() -> None:
    assert _read("a: &x {b: [1]}\nc: *x\nd: &y 5\ne: *y") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": 5, "e": 5}


@pytest.mark.parametrize("written", [".nan", ".NaN", ".inf", "-.inf", "+.INF"])
def test_what_is_no_finite_number_is_refused(written: str) -> None:
    (problem,) = _problems(f"a:\n  - {{b: {written}}}")
    assert (problem.path, problem.found, problem.line) == ("a[0].b", written, 2)
    assert "finite" in problem.allowed


def test_a_name_that_stands_twice_is_refused_with_both_lines() -> None:
    (problem,) = _problems("a: 1\nb:\n  c: 1\n  d: 2\n  c: {e: 3}\n")
    assert (problem.path, problem.line) == ("b.c", 5)
    assert "first in line 3" in problem.found


def test_every_repeated_name_is_told() -> None:
    assert [problem.path for problem in _problems("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3")] == ["a", "b.c", "a"]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a: [1\nb: 2", 2, 2), ("a: b: c", 1, 5), ("\ta: 1", 1, 1), ("ok: 1\n'a\n", 3, 1), ("a: 1\nbé: \x07", 2, 5)],
)
def test_broken_yaml_is_one_problem_with_its_line_and_column(text: str, line: int, column: int) -> None:
    (problem,) = _problems(text)
    assert problem.path == ""
    assert f"line {line}, column {column}" in problem.found
    assert problem.line == line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("# only a comment", "nothing"),
        ("- a", "a list"),
        ("just text", '"just text"'),
        ("a: 1\n---\nb: 2", "a second document (---)"),
        ("a: *nowhere", "*nowhere"),
        ("a: &a [*a]", "*a"),
        ("? [a]\n: 1", "a list, mapping or alias as a name"),
        ("a: \ud800", "half of a Unicode character"),
        ("a: !!float 1", "the YAML tag tag:yaml.org,2002:float"),
        ("a: !!python/object:os.system {}", "the YAML tag tag:yaml.org,2002:python/object:os.system"),
        ("a: !secret x", "the YAML tag !secret"),
    ],
)
def test_what_is_no_plain_mapping_is_refused(text: str, found: str) -> None:
    (problem,) = _problems(text)
    assert problem.found == found
    assert problem.allowed


def test_a_document_over_the_limit_is_not_even_parsed() -> None:
    (problem,) = _problems(f"a: {'x' * MAX_BYTES}")
    assert f"at most {MAX_BYTES} bytes" in problem.allowed


def test_deep_nesting_is_refused() -> None:
    (problem,) = _problems("a: " + "[" * 200)
    assert problem.found == f"more than {MAX_DEPTH} levels"


def test_nesting_without_end_is_refused_by_us_or_by_the_parser_and_not_recursed_into() -> None:
    (problem,) = _problems("a: " + "[" * 100_000)
    assert "level" in problem.found


def test_aliases_of_aliases_are_counted_as_if_they_were_written_out() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    (problem,) = _problems(bomb)
    assert (problem.line, problem.found) == (6, "more than 250000 values"), "the second a4 in a5; nothing later is read"


_SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=12)
_TREES = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100)
@given(_TREES)
def test_what_other_yaml_writers_quote_is_read_back_as_it_was(tree: dict[str, Any]) -> None:
    assert _read(yaml.safe_dump(tree)) == tree


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text("ab: -[]{}&*!|>'\"\n#,?%@`\t0.", max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    problems = Problems()
    tree = read_tree(text, problems)
    assert isinstance(tree, dict)
    assert all(problem.found and problem.allowed for problem in problems.in_order())


def test_the_slow_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: 1\nb: [on, 09:00, 1.50, '2', null]\nc: {d: &x 'é', e: *x}\n"
    fast = _read(text)
    monkeypatch.setattr(yaml_reading, "_LOADER", yaml.BaseLoader)
    assert _read(text) == fast
    assert [problem.path for problem in _problems("a: {b: 1, b: 2}")] == ["a.b"]
    assert _problems("a: \ud800")[0].found == "half of a Unicode character"
    assert _problems('a: "\\ud800"')[0].found == "half of a Unicode character"
