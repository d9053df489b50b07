"""What the address of a report asks for: its period, its groups and its filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ringbid.edge.console.report_plots import HEATS
from ringbid.edge.console.report_table import SORTABLE
from ringbid.edge.web.office import WebRequest
from ringbid.reports.funnel import FACETS, Filters, Question, check_question
from ringbid.reports.homes import Home
from ringbid.reports.periods import DEFAULT, preset, read_period
from ringbid.values.ids import CompanyId

SIZES = (25, 50, 100, 500)
LONGEST = 200  # of a filter
FILTERS = ("campaign", "publisher", "buyer", *FACETS, "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """`wrong`: what of the address could not be read, in sentences; then defaults stand in its place."""

    question: Question
    sort: str
    size: int
    offset: int
    heat: str
    wrong: tuple[str, ...]


def read_query(request: WebRequest, company_id: CompanyId, home: Home, now: datetime) -> ReportQuery:
    """What `request` asks for."""
    given = {name: value[:LONGEST] for name, value in request.query_params.items()}
    wrong = []
    period = read_period(
        given.get("period", DEFAULT), given.get("from", ""), given.get("to", ""), now=now, zone=home.zone
    )
    if isinstance(period, str):
        wrong.append(period)
        period = preset(DEFAULT, now=now, zone=home.zone)
    filters = _read_filters(given)
    if filters is None:
        wrong.append("Filter by one of number, state, reason and tag (as tag=NAME:VALUE) at a time.")
        filters = Filters()
    group = given.get("group") or "publisher"
    question = Question(company_id=company_id, currency=home.currency, period=period, group=group, filters=filters)
    problem = check_question(question, home.tags)
    if problem is not None:
        wrong.append(problem)
        question = Question(company_id=company_id, currency=home.currency, period=period)
    sort = given.get("sort", "")
    if sort.removeprefix("-") not in SORTABLE:
        sort = "name" if question.group in ("hour", "weekday", "day") else "-pings"
    return ReportQuery(
        question=question,
        sort=sort,
        size=_whole(given.get("size"), SIZES[0], most=SIZES[-1]) or SIZES[0],
        offset=_whole(given.get("cursor"), 0, most=1_000_000),
        heat=given.get("heat", "") if given.get("heat") in HEATS else "all",
        wrong=tuple(wrong),
    )


def _read_filters(given: dict[str, str]) -> Filters | None:
    facets = [(name, given[name]) for name in FACETS if given.get(name)]
    if given.get("tag"):
        name, _, value = given["tag"].partition(":")
        facets.append((f"tag:{name}", value))
    if len(facets) > 1 or any(not value for _, value in facets):
        return None
    facet, value = facets[0] if facets else ("", "")
    return Filters(
        campaign=given.get("campaign", ""),
        publisher=given.get("publisher", ""),
        buyer=given.get("buyer", ""),
        facet=facet,
        value=value,
    )


def _whole(text: str | None, otherwise: int, *, most: int) -> int:
    return min(int(text), most) if text is not None and text.isascii() and text.isdecimal() else otherwise
