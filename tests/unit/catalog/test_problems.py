"""Every mistake in a catalog file is told with its path, what was found and what is allowed; all of them at once.

Each file of `mistakes/` is full of them. A line `#! path: found …; allowed: …` says what is told about the next line; a
long one may end with ` …`. What is not written there may not be told.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.catalogs import ACME_TEXT

from ringbid.catalog.problems import Problem, Problems, describe, did_you_mean, some_of
from ringbid.catalog.validate import read_catalog

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
    assert [describe(value) for value in (None, True, 5, [], {})] == ["nothing", "true", "the number 5", "a list", "a mapping"]


def test_a_near_word_is_offered_and_a_far_one_is_not() -> None:
    assert did_you_mean("buyrs", ["buyers", "tags"]) == ". Did you mean buyers?"
    assert did_you_mean("x", ["buyers", "tags"]) == ""
    assert some_of([]) == "none is declared"
    assert some_of(["a", "b", "c"], most=2) == "a, b … (3 in all)"
