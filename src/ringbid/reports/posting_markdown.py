"""Posting instructions as a Markdown document, in the words of the posting page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ringbid.catalog.model import Campaign, Company, Publisher
from ringbid.reports.posting import Ending, Instructions


def posting_markdown(
    told: Instructions,
    *,
    company: Company,
    campaign: Campaign,
    publisher: Publisher,
    status_of: Callable[[Ending], int],
) -> str:
    """The document; `status_of` is the HTTP status that an ending comes with."""
    parameters = (
        (f"`{one.name}`", "required" if one.required else "optional", one.type, f"`{one.example}`", one.meaning)
        for one in told.parameters
    )
    endings = ((f"`{one.code}`", str(status_of(one)), one.text, one.todo) for one in told.endings)
    parts = [
        f"# Posting instructions for {_line(publisher.name)}",
        f"How to ask {_line(company.name)} for a price and a place for a caller of “{_line(campaign.name)}”.",
        "## In three steps",
        _steps(told),
        "## The address",
        _code(told.url),
        "## Parameters",
        _table(("Parameter", "Needed", "Type", "Example", "Meaning"), parameters),
        "Anything else that you send is kept as a tag of the caller.",
        "## Programs to copy",
        *(part for one in told.snippets for part in (f"### {one.language}", _code(one.text))),
        "## Answers",
        "### A place is held",
        _code(told.success),
        "### Nobody takes it",
        _code(told.rejection),
        "### Every code, and what to do",
        _table(("Code", "HTTP", "It means", "What to do"), endings),
    ]
    return "\n\n".join(parts) + "\n"


def _steps(told: Instructions) -> str:
    return (
        "1. Send a ping when a caller is on the line: `POST` or `GET` with the parameters below. "
        f"Wait {told.timeout_seconds} seconds for the answer, and a little longer.\n"
        "2. If `status` is `reserved`, transfer the call to `inbound_number` "
        f"within **{told.ttl_seconds} seconds**, before `expires_at`.\n"
        "3. Transfer with **the same caller ID** that you sent as `caller_number`: by it the call is known."
    )


def _code(text: str) -> str:
    """A fenced block; the fence is longer than any run of backticks in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_line(cell) for cell in line)} |" for line in lines)


def _line(text: str) -> str:
    """On one line, and no border of a table."""
    return " ".join(text.split()).replace("|", "\\|")
