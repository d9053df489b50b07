"""The pages are true: what they link to and name exists, what must be explained is, generated pages are fresh."""

from __future__ import annotations

import re
import runpy
import tomllib
from enum import Enum
from hashlib import sha256
from pathlib import Path

import pytest

from house import doc_rules
from house.code_rules import ROOT, assert_none, read_sources
from house.doc_rules import Page, read_pages, read_table
from ringbid.reservations.reservation import State
from ringbid.values.reason import Fault, Reason, Stage

README, ARCHITECTURE, GLOSSARY = ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "docs/glossary.md"
REFERENCE = ROOT / "scripts/make_reference.py"
CONTRACT = (
    "76d6c7f96f0d1807"  # the first digits of the example catalog's SHA-256: others hold copies, so it may not change
)


def _planted(text: str) -> Page:
    return Page(ROOT / "docs" / "planted.md", text)


def test_every_relative_link_leads_somewhere() -> None:
    assert_none([broken for page in read_pages() for broken in doc_rules.find_broken_links(page)])


@pytest.mark.parametrize("link", ["nowhere.md", "../README.md#no-such-heading", "#no-such-heading"])
def test_a_broken_link_is_found(link: str) -> None:
    assert len(doc_rules.find_broken_links(_planted(f"# Page\n\nSee [this]({link}).\n"))) == 1


def test_a_link_to_a_heading_is_followed() -> None:
    assert doc_rules.find_broken_links(_planted("# The page\n\n[here](#the-page), [there](../README.md)\n")) == []


def test_every_file_that_a_page_names_exists() -> None:
    assert_none([missing for page in read_pages() for missing in doc_rules.find_missing_files(page)])


def test_a_named_file_that_is_missing_is_found() -> None:
    assert len(doc_rules.find_missing_files(_planted("See `values/reason.py` and `values/nothing.py`."))) == 1


def test_every_page_that_the_code_names_exists() -> None:
    sources = read_sources("src", "scripts", "bench")
    assert_none([missing for one in sources for missing in doc_rules.find_missing_pages(one.path, one.text)])


def test_a_named_page_that_is_missing_is_found() -> None:
    text = "# see docs/adr/0001, docs/glossary.md and docs/nothing.md."
    assert doc_rules.find_missing_pages("a.py", text) == ["a.py: there is no page docs/nothing.md"]


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in (ROOT / "docs/adr").glob("*.md")]
    assert numbers
    assert doc_rules.find_gaps(numbers) == []


def test_a_gap_and_a_number_used_twice_are_found() -> None:
    assert doc_rules.find_gaps([1, 2, 4, 4]) == [3, 4]


def test_generated_pages_are_what_the_code_says() -> None:
    assert runpy.run_path(str(REFERENCE))["find_stale_pages"](ROOT / "docs") == []


def test_a_stale_generated_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "reasons.md").write_text((ROOT / "docs/reasons.md").read_text(encoding="utf-8") + "edited\n")
    assert runpy.run_path(str(REFERENCE))["find_stale_pages"](tmp_path) == ["reasons.md", "settings.md"]


def test_every_reason_has_its_row_in_the_reference() -> None:
    page = (ROOT / "docs/reasons.md").read_text(encoding="utf-8")
    assert_none([reason.code for reason in Reason if page.count(f"\n| `{reason.code}` |") != 1])


@pytest.mark.parametrize("words", [State, Stage, Fault])
def test_the_glossary_has_every_word_of_the_closed_lists(words: type[Enum]) -> None:
    explained = GLOSSARY.read_text(encoding="utf-8")
    assert_none([word.value for word in words if f"`{word.value}`" not in explained])


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[\[<>=;! ]", line, maxsplit=1)[0] for line in project["dependencies"]}
    rows = read_table(ARCHITECTURE.read_text(encoding="utf-8"), "## What we build on")
    explained = {name for row in rows for name in re.findall(r"`([\w-]+)`", row["library"])}
    assert needed == explained


def test_the_example_catalog_is_the_contract_unchanged_wherever_it_is_copied() -> None:
    copies = [path for path in ROOT.rglob("acme.yaml") if ".venv" not in path.parts]
    assert ROOT / "examples/acme.yaml" in copies
    assert {sha256(path.read_bytes()).hexdigest()[: len(CONTRACT)] for path in copies} == {CONTRACT}
