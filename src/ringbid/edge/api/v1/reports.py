"""`/reports`: the funnel and the money by whatever is chosen, as the console's reports show them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from litestar.params import QueryParameter

from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.amounts import Amount, amount_of
from ringbid.edge.api.v1.problems import invalid
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.counts import Counts
from ringbid.reports.funnel import Filters, Question, Report, Row, check_question, make_report
from ringbid.reports.homes import home_of
from ringbid.reports.periods import MOST_DAYS, Period, make_period, read_period
from ringbid.values.money import Money

Group = Annotated[
    str,
    QueryParameter(
        max_length=200,
        description="What the rows are: publisher, buyer, campaign, number, hour, weekday, day, state, reason, or "
        "tag:NAME of a declared tag that is not private.",
    ),
]
PeriodName = Annotated[
    Literal["today", "yesterday", "7d", "30d", "month", "last-month"],
    QueryParameter(description="Whole days on the company's clock; not read where days are given."),
]
Day = Annotated[date | None, QueryParameter(description="A day in the company's time zone.")]
Name = Annotated[str | None, QueryParameter(max_length=200, description="Only this one, by its id.")]
Facet = Annotated[
    str | None, QueryParameter(max_length=200, description="Only this one; one of number, state, reason and tag.")
]
# Litestar keeps the name `state` of a handler's parameter for itself.
CallerState = Annotated[
    str | None, QueryParameter(name="state", max_length=200, description="Only callers of this state, such as CA.")
]


class CountsTold(msgspec.Struct, frozen=True, kw_only=True):
    """How many got how far, and what they brought. Who reached a step stands in all before it, which begin with pings
    and direct calls together."""

    pings: int
    direct_calls: int
    asked: int
    bid: int
    reserved: int
    delivered: int
    connected: int
    converted: int
    paid: int
    connected_seconds: int
    revenue: Amount
    payout: Amount
    margin: Amount


class RowTold(msgspec.Struct, frozen=True, kw_only=True):
    """`before` is the period before; `compared` is as much of `counts` as there can be in it, where the period still
    runs."""

    key: str
    name: str
    counts: CountsTold
    compared: CountsTold
    before: CountsTold


class EndingTold(msgspec.Struct, frozen=True, kw_only=True):
    """How many pings and direct calls ended so. Each has ended in one way, so that these add up to all."""

    code: str
    text: str
    count: int


class ReportTold(msgspec.Struct, frozen=True, kw_only=True):
    """`as_of`: all that happened until then is counted. `other_currencies`: so many conversions are counted whose money
    is left out, since it is not in the company's currency."""

    as_of: datetime | None
    group: str
    first_day: date
    last_day: date
    time_zone: str
    other_currencies: int
    total: RowTold
    data: list[RowTold]
    endings: list[EndingTold]


@operation("GET", "/reports", policy=Policy.READ, tag="Reports")
async def read_report(
    request: WebRequest,
    group: Group = "publisher",
    period: PeriodName = "today",
    first_day: Day = None,
    last_day: Day = None,
    campaign: Name = None,
    publisher: Name = None,
    buyer: Name = None,
    number: Facet = None,
    caller_state: CallerState = None,
    reason: Facet = None,
    tag: Annotated[str | None, QueryParameter(max_length=200, description="Only this value, as NAME:VALUE.")] = None,
) -> ReportTold:
    """A report of whole days, beside the days before them.

    A call counts on the day of its ping. Reports live as long as calls do, longer than the pings themselves.
    """
    office, company_id = office_of(request), actor_of(request).company_id
    snapshot, now = office.catalogs.snapshot, office.clock.now()
    home = home_of(snapshot, company_id)
    facets = [
        (name, value) for name, value in (("number", number), ("state", caller_state), ("reason", reason)) if value
    ]
    if tag is not None:
        name, _, value = tag.partition(":")
        if not name or not value:
            raise invalid("tag", actual=tag, expected="NAME:VALUE")
        facets.append((f"tag:{name}", value))
    if len(facets) > 1:
        raise invalid(facets[1][0].partition(":")[0], actual=facets[1][1], expected="one of number, state, reason, tag")
    facet, chosen = facets[0] if facets else ("", "")
    question = Question(
        company_id=company_id,
        currency=home.currency,
        period=_period(period, first_day, last_day, now=now, zone=home.zone),
        group=group,
        filters=Filters(
            campaign=campaign or "", publisher=publisher or "", buyer=buyer or "", facet=facet, value=chosen
        ),
    )
    problem = check_question(question, home.tags)
    if problem is not None:
        raise invalid("group", actual=group, expected=problem)
    reading = await office.reports.read(question)
    return _told(make_report(question, reading, snapshot.companies.get(company_id)))


def _period(name: str, first: date | None, last: date | None, *, now: datetime, zone: str) -> Period:
    if first is None and last is None:
        chosen = read_period(name, "", "", now=now, zone=zone)
        assert isinstance(chosen, Period), "the parameter's type allows no other name"
        return chosen
    last = last or now.astimezone(ZoneInfo(zone)).date()
    first = first or last
    if not date(2000, 1, 1) <= first <= last <= date(2100, 12, 31) or (last - first).days >= MOST_DAYS:
        expected = f"from 2000-01-01 to last_day ({last}), at most {MOST_DAYS} days before it"
        raise invalid("first_day", actual=first, expected=expected)
    return make_period(first, last, now=now, zone=zone)


def _told(report: Report) -> ReportTold:
    period, currency = report.question.period, report.question.currency
    return ReportTold(
        as_of=report.as_of,
        group=report.question.group,
        first_day=period.first,
        last_day=period.last,
        time_zone=period.zone,
        other_currencies=report.foreign,
        total=_row(report.total, currency),
        data=[_row(row, currency) for row in report.rows],
        endings=[EndingTold(code=one.code, text=one.text, count=one.count) for one in report.endings],
    )


def _row(row: Row, currency: str) -> RowTold:
    return RowTold(
        key=row.key,
        name=row.name,
        counts=_counts(row.counts, currency),
        compared=_counts(row.compared, currency),
        before=_counts(row.before, currency),
    )


def _counts(counts: Counts, currency: str) -> CountsTold:
    return CountsTold(
        pings=counts.pings,
        direct_calls=counts.direct_calls,
        asked=counts.asked,
        bid=counts.bid,
        reserved=counts.reserved,
        delivered=counts.delivered,
        connected=counts.connected,
        converted=counts.converted,
        paid=counts.paid,
        connected_seconds=counts.connected_ms // 1000,
        revenue=amount_of(Money(counts.revenue_micros, currency)),
        payout=amount_of(Money(counts.payout_micros, currency)),
        margin=amount_of(Money(counts.margin_micros, currency)),
    )


HANDLERS = [read_report]
