"""`/`: how today goes, beside yesterday, and what needs attention."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from ringbid.accounts.policy import Policy, allows
from ringbid.catalog.snapshot import CompanyView
from ringbid.edge.console import report_plots as plots
from ringbid.edge.console.pages import page
from ringbid.edge.console.report_table import ENDING_COLUMNS, share
from ringbid.edge.console.reports import tiles_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.attention import read_attention
from ringbid.reports.first_steps import FirstStep, first_steps
from ringbid.reports.funnel import Question, Report, make_report
from ringbid.reports.homes import home_of
from ringbid.reports.periods import preset

MOST_ENDINGS = 8
_STEPS = ("Pings and direct calls", "Asked", "Bid", "Reserved", "Delivered", "Connected", "Converted", "Paid")


@get("/", opt={"policy": Policy.READ}, name="overview")
async def show_overview(request: WebRequest) -> Template:
    """Today."""
    office, company_id = office_of(request), actor_of(request).company_id
    snapshot, now = office.catalogs.snapshot, office.clock.now()
    home, view = home_of(snapshot, company_id), snapshot.companies.get(company_id)

    async def report_of(period: str) -> Report:
        question = Question(
            company_id=company_id,
            currency=home.currency,
            period=preset(period, now=now, zone=home.zone),
            group="hour",
        )
        return make_report(question, await office.reports.read(question), view)

    today, yesterday = await report_of("today"), await report_of("yesterday")
    attention = await read_attention(
        view, now, recent=office.reports, usage=office.reservations, messages=office.messages
    )
    counts = today.total.counts
    return page(
        request,
        "overview.html",
        title="Overview",
        today=today,
        tiles=tiles_of(today),
        attention=attention,
        first_steps=await _first_steps(request, view),
        day_plot=plots.day_plot(today, yesterday),
        money_plot=plots.money_plot(today),
        steps=[(name, value, share(value, counts.all)) for name, value in zip(_STEPS, counts.steps, strict=True)],
        ending_columns=ENDING_COLUMNS,
        endings=[(one, share(one.count, counts.all)) for one in today.endings[:MOST_ENDINGS]],
        quiet=not counts.all and not yesterday.total.counts.all,
    )


async def _first_steps(request: WebRequest, view: CompanyView | None) -> tuple[FirstStep, ...]:
    """What is to be done first, for who may do it."""
    actor, links = actor_of(request), office_of(request).posting_links
    if view is None or links is None or allows(Policy.MANAGE, actor) != "yes":
        return ()
    return first_steps(view.catalog, await links.progress(actor.company_id))


HANDLERS = [show_overview]
