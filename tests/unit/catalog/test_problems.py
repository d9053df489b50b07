"""Every mistake in a catalog file is told with its path, what was found and what is allowed; all of them at once.

Each file of `mistakes/` is full of them. A line `#! path: found …; allowed: …` says what is told about the next line; a
long one may end with ` …`. What is not written there may not be told.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog.document import export_yaml
from ringbid.catalog.problems import Problem, Problems, describe, did_you_mean, some_of
from ringbid.catalog.validate import CatalogRead, read_catalog
from support.catalogs import ACME, ACME_TEXT

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
MARK = "#! "


def _problems_of(text: str) -> tuple[Problem, ...]:
    read = read_catalog(text)
    assert isinstance(read, tuple), "the file has no problem"
    return read


def _expected(text: str) -> list[tuple[int, str]]:
    """The line and the words of each problem that the file announces."""
    expected: list[tuple[int, str]] = []
    waiting: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().startswith(MARK):
            waiting.append(line.strip().removeprefix(MARK))
        else:
            expected.extend((number, words) for words in waiting)
            waiting = []
    return expected


def _words(problem: Problem, expected: str) -> str:
    words = f"{problem.path or 'the file'}: found {problem.found}; allowed: {problem.allowed}"
    shown = expected.removesuffix(" …")
    return expected if expected.endswith(" …") and words.startswith(shown) else words


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_each_mistake_is_told_at_its_line_and_nothing_else_is(path: Path) -> None:
    text = path.read_text()
    expected = _expected(text)
    problems = _problems_of(text)
    told = [
        (problem.line, _words(problem, words[1] if words else ""))
        for problem, words in zip(problems, [*expected, *[None] * len(problems)], strict=False)
    ]
    assert told == expected


def test_a_file_with_all_kinds_of_mistakes_is_told_everything_at_once() -> None:
    assert len(MISTAKES) >= 9
    assert sum(len(_expected(path.read_text())) for path in MISTAKES) > 150
    assert all(len(_expected(path.read_text())) >= 25 for path in MISTAKES if path.stem in ("buyers", "webhooks"))


def test_one_mistake_keeps_the_whole_file_from_being_read() -> None:
    (problem,) = _problems_of(ACME_TEXT.replace("ring_seconds: 20", "ring_seconds: 0"))
    assert problem == Problem("buyers[alpha].ring_seconds", "the number 0", "a whole number from 1 to 600")
    assert str(problem) == (
        "buyers[alpha].ring_seconds (line 33): found the number 0; allowed: a whole number from 1 to 600"
    )


ODD = [None, True, 0, -1, 10**29, 0.5, "", "[x]", "[[", "sip:", "a" * 300, "é\n"]
ODD += [[], [None], [[]], [{}], {}, {"a": {"b": []}}]


@settings(max_examples=60)
@given(st.data())
def test_no_odd_value_breaks_the_reading(data: st.DataObject) -> None:
    tree = yaml.safe_load(export_yaml(ACME).replace(" on:", ' "on":'))
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = tree
        while True:
            name = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            if not isinstance(node[name], dict | list) or not node[name] or data.draw(st.booleans()):
                break
            node = node[name]
        node[name] = deepcopy(data.draw(st.sampled_from(ODD)))
    read = read_catalog(yaml.safe_dump(tree, sort_keys=False))
    assert isinstance(read, CatalogRead) or all(problem.found and problem.allowed for problem in read)


def test_a_secret_is_not_repeated_in_what_is_told_about_it() -> None:
    secrets = "campaigns: [{id: a, rtb_keys: [{key: hunter2}], webhooks: [{name: w, on: converted, url: 'http://x/'"
    problems = _problems_of(secrets + ', headers: {Authorization: "hunter2\\n"}}]}]')
    assert len(problems) == 3
    assert "hunter2" not in "".join(map(str, problems))


def test_problems_stand_in_the_order_of_the_lines() -> None:
    problems = Problems()
    problems.add("b", found="x", allowed="y", line=7)
    problems.add("a", found="x", allowed="y", line=2)
    problems.add("file", found="x", allowed="y")
    assert [problem.path for problem in problems.in_order()] == ["file", "a", "b"]


def test_long_and_unprintable_values_are_shown_short_and_safe() -> None:
    assert describe("x" * 100) == f'"{"x" * 60}…"'
    assert describe("a\x1b[31m\n") == '"a\\x1b[31m\\x0a"'
    assert [describe(value) for value in (None, True, 5, [], {})] == [
        "nothing",
        "true",
        "the number 5",
        "a list",
        "a mapping",
    ]


def test_a_near_word_is_offered_and_a_far_one_is_not() -> None:
    assert did_you_mean("buyrs", ["buyers", "tags"]) == ". Did you mean buyers?"
    assert did_you_mean("x", ["buyers", "tags"]) == ""


def test_of_words_that_are_as_near_the_first_is_meant() -> None:
    assert did_you_mean("=", ["==", "!=", ">=", "<=", "=~"]) == ". Did you mean ==?"
    assert some_of([]) == "none is declared"
    assert some_of(["a", "b", "c"], most=2) == "a, b … (3 in all)"
