"""What the pages of both portals have in common: their lists' questions, their ports, days and forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

from litestar.exceptions import NotFoundException

from ringbid.edge.console.shell import shell_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.funnel import Filters, Question, Report, make_report
from ringbid.reports.homes import home_of
from ringbid.reports.listing import ListKind, ListQuery, Problem, read_query
from ringbid.reports.periods import preset
from ringbid.reports.portal import PortalTools

_LONGEST_PAGE = 200
_Row = TypeVar("_Row")


def tools_of(request: WebRequest) -> PortalTools:
    """The ports of portals."""
    tools = office_of(request).portals
    assert tools is not None, "a server has portals"
    return tools


def zone_of(request: WebRequest) -> str:
    """The company's time zone."""
    return shell_of(request).time_zone


async def read_today(request: WebRequest, only: Filters) -> Report:
    """Today on the company's clock, from the sums of reports: counting lists would take as long as they are."""
    office, company_id = office_of(request), actor_of(request).company_id
    home = home_of(office.catalogs.snapshot, company_id)
    period = preset("today", now=office.clock.now(), zone=home.zone)
    question = Question(company_id=company_id, currency=home.currency, period=period, group="hour", filters=only)
    return make_report(
        question, await office.reports.read(question), office.catalogs.snapshot.companies.get(company_id)
    )


def asked(request: WebRequest, kind: ListKind) -> tuple[ListQuery, list[Problem]]:
    """What the address asks of a list; where something is wrong with it, the newest rows, and what is wrong."""
    now = office_of(request).clock.now()
    read = read_query(kind, request.query_params.multi_items(), now=now, zone=ZoneInfo(zone_of(request)))
    if isinstance(read, ListQuery):
        return replace(read, size=min(read.size, _LONGEST_PAGE)), []
    return ListQuery(filters={}), read


def day_of(text: str | None, otherwise: date) -> date:
    """`2026-03`, or `2026-03-04`, as a day; `otherwise` where it is none."""
    try:
        found = date.fromisoformat(f"{text}-01" if text is not None and len(text) == len("2026-03") else text or "")
    except ValueError:
        return otherwise
    return found if 2000 <= found.year <= 9000 else otherwise


def only(rows: Sequence[_Row], otherwise: str = "There is no such thing of yours. It may have been flushed.") -> _Row:
    """The one row there is. Raises NotFoundException with the sentence `otherwise` where there is none."""
    if not rows:
        raise NotFoundException(otherwise)
    return rows[0]
