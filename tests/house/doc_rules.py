"""What must be true of the pages: links lead somewhere, files that are named exist, the glossary's words are kept.

`test_docs.py` runs these over the project, and each of them over a planted violation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from house.code_rules import ROOT

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_NAMED_FILE = re.compile(r"`([\w./-]+\.(?:py|md|yaml|toml|sh))`")
_NAMED_PAGE = re.compile(r"\bdocs/[\w./-]*\w")
_MADE_BY_ITS_USER = {"ringbid.toml"}


@dataclass(frozen=True)
class Page:
    """One page of Markdown; `path` is absolute, because links are relative to it."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The page without its code blocks."""
        return _FENCE.sub("", self.text)


def read_pages() -> list[Page]:
    """Every page of the project: those at the top, and docs/."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    assert len(paths) > 5, f"where are the pages? {paths}"
    return [Page(path, path.read_text(encoding="utf-8")) for path in paths]


def find_broken_links(page: Page) -> list[str]:
    """Relative links to a file that is not there, or to a heading that its page does not have."""
    broken = []
    for link in _LINK.findall(page.prose):
        name, _, anchor = link.partition("#")
        target = page.path.parent / name if name else page.path
        text = page.text if not name else target.read_text(encoding="utf-8") if target.is_file() else ""
        missing = bool(name) and not target.exists()
        if missing or (anchor and anchor not in map(_anchor, _HEADING.findall(text))):
            broken.append(f"{page.path.name}: {link} leads nowhere")
    return broken


def find_missing_files(page: Page) -> list[str]:
    """Files named in backticks that exist neither in the project, nor in the package, nor beside the page."""
    places = (ROOT, ROOT / "src/ringbid", page.path.parent)
    return [
        f"{page.path.name}: there is no file {name}"
        for name in _NAMED_FILE.findall(page.prose)
        if name not in _MADE_BY_ITS_USER and not any((place / name).exists() for place in places)
    ]


def find_missing_pages(path: str, text: str) -> list[str]:
    """Pages that a comment or a message in the code sends its reader to; a page's number may stand for its name."""
    return [f"{path}: there is no page {name}" for name in _NAMED_PAGE.findall(text) if not list(ROOT.glob(f"{name}*"))]


def find_gaps(numbers: list[int]) -> list[int]:
    """The numbers that are missing or stand twice in what should count 1, 2, 3, …"""
    return sorted({*range(1, max(numbers, default=0) + 1)} - {*numbers} | {n for n in numbers if numbers.count(n) > 1})


def read_table(text: str, heading: str) -> list[dict[str, str]]:
    """The rows of the first table below `heading`, by the names in its head row."""
    below = text.split(f"\n{heading}\n", 1)[1]
    lines = re.findall(r"^\|(.+)\|\s*$", below.split("\n#", 1)[0], re.MULTILINE)
    head, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


@cache
def foreign_words() -> frozenset[str]:
    """The words that the glossary keeps out of names in the code, in lower case."""
    rows = read_table((ROOT / "docs/glossary.md").read_text(encoding="utf-8"), "## The field")
    words = frozenset(word for row in rows for word in re.findall(r"`(\w+)`", row["never in our names"]))
    assert "affiliate" in words
    return words


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
