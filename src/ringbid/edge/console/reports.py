"""`/reports`: the funnel and the money by whatever is chosen, plotted, compared and exported from one reading."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.response import Stream

from ringbid.accounts.policy import Policy
from ringbid.edge.console import report_plots as plots
from ringbid.edge.console.links import with_query
from ringbid.edge.console.pages import draw_beside, page
from ringbid.edge.console.report_query import FILTERS, SIZES, ReportQuery, read_query
from ringbid.edge.console.report_table import (
    ENDING_COLUMNS,
    change_of,
    columns_of,
    export_row,
    header_of,
    line_of,
    share,
)
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.export import MEDIA_TYPES, Cell, FileFormat, stream_csv, stream_xlsx
from ringbid.reports.funnel import FACETS, GROUPS, Report, Row, make_report, name_of, sort_rows
from ringbid.reports.homes import home_of
from ringbid.reports.periods import PRESETS

Tile = tuple[str, str, str]  # label, value, note

# What one looks at next within a row; time and reasons lead nowhere.
_NEXT_GROUP = {"campaign": "publisher", "publisher": "buyer", "buyer": "reason", "number": "hour", "state": "hour"}


@get("/reports", opt={"policy": Policy.READ}, name="reports")
async def show_report(request: WebRequest) -> Response[str]:
    """The report that the address asks for."""
    query, report = await _read(request)
    question = report.question
    rows = _sorted(query, report)
    shown = rows[query.offset : query.offset + query.size]
    url = _own_url(request)
    following = query.offset + query.size
    drawn = page(
        request,
        "reports.html",
        title="Reports",
        status=422 if query.wrong else 200,
        query=query,
        report=report,
        wrong=query.wrong,
        tiles=tiles_of(report),
        groups=[(group, _group_name(group), with_query(url, group=group, cursor=None)) for group in _groups(request)],
        presets=[(name, words) for name, (words, _) in PRESETS.items()],
        choices=_choices(request),
        chips=_chips(request, url),
        columns=columns_of(_group_name(question.group)),
        lines=[line_of(row, _drill(url, question.group, row)) for row in shown],
        total=line_of(report.total, None),
        ending_columns=ENDING_COLUMNS,
        ending_rows=[(one, share(one.count, report.total.counts.all)) for one in report.endings],
        counts_plot=plots.counts_plot(report),
        money_plot=plots.money_plot(report),
        endings_plot=plots.endings_plot(report),
        heat_cells=[] if plots.heat_is_empty(report) else plots.heat_cells(report, query.heat),
        heats=[(name, words, with_query(url, heat=name)) for name, (words, _) in plots.HEATS.items()],
        row_count=len(rows),
        sizes=SIZES,
        next_cursor=str(following) if following < len(rows) else None,
        previous_cursor=str(max(0, query.offset - query.size)) if query.offset else None,
        csv=with_query(url.replace("/reports", "/reports.csv", 1), size=None, cursor=None),
        xlsx=with_query(url.replace("/reports", "/reports.xlsx", 1), size=None, cursor=None),
        url=url,
        curl=_curl(request, report),
    )
    return await draw_beside(request, drawn)


@get("/reports.csv", opt={"policy": Policy.READ}, name="reports-csv")
async def download_csv(request: WebRequest) -> Stream:
    """The whole table as CSV."""
    return await _download(request, "csv")


@get("/reports.xlsx", opt={"policy": Policy.READ}, name="reports-xlsx")
async def download_xlsx(request: WebRequest) -> Stream:
    """The whole table as a workbook."""
    return await _download(request, "xlsx")


def tiles_of(report: Report) -> list[Tile]:
    """The header: the funnel's shares and the money, with how they have changed."""
    total, currency = report.total.counts, report.question.currency
    now, before = report.total.compared, report.total.before

    def money(micros: int) -> str:
        return f"{_two_decimals(micros)} {currency}"

    return [
        ("Pings", f"{total.pings:,}", _note(now.pings, before.pings)),
        _share_tile("Reserved", total.reserved, (total.all, "pings and direct calls"), now.reserved, before.reserved),
        _share_tile("Delivered", total.delivered, (total.reserved, "reserved"), now.delivered, before.delivered),
        _share_tile("Converted", total.converted, (total.connected, "connected"), now.converted, before.converted),
        ("Revenue", money(total.revenue_micros), _note(now.revenue_micros, before.revenue_micros)),
        ("Payout", money(total.payout_micros), _note(now.payout_micros, before.payout_micros)),
        ("Margin", money(total.margin_micros), _note(now.margin_micros, before.margin_micros)),
    ]


def _share_tile(label: str, part: int, whole: tuple[int, str], now: int, before: int) -> Tile:
    """A share, and of what: the funnel below shows the same counts as shares of all."""
    number, words = whole
    note, change = f"{part:,} of {number:,} {words}", _note(now, before)
    return label, share(part, number), f"{note}; {change}" if change else note


def _two_decimals(micros: int) -> str:
    """For a header: rounded to cents, half away from zero."""
    cents = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 and cents else ''}{cents // 100:,}.{cents % 100:02d}"


def _note(now: int, before: int) -> str:
    change = change_of(now, before)
    return f"{change} in number" if change and change != "new" else ""


async def _read(request: WebRequest) -> tuple[ReportQuery, Report]:
    office, company_id = office_of(request), actor_of(request).company_id
    snapshot = office.catalogs.snapshot
    query = read_query(request, company_id, home_of(snapshot, company_id), office.clock.now())
    reading = await office.reports.read(query.question)
    return query, make_report(query.question, reading, snapshot.companies.get(company_id))


def _sorted(query: ReportQuery, report: Report) -> list[Row]:
    column = query.sort.removeprefix("-")
    if column == "name" and report.question.group in ("hour", "weekday", "day"):
        return list(report.rows)[::-1] if query.sort.startswith("-") else list(report.rows)
    return sort_rows(report.rows, column, descending=query.sort.startswith("-"))


async def _download(request: WebRequest, file_format: FileFormat) -> Stream:
    query, report = await _read(request)

    async def pages() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield [export_row(report, row) for row in _sorted(query, report)]

    zone = ZoneInfo(report.question.period.zone)
    stream = (stream_csv if file_format == "csv" else stream_xlsx)(header_of(report), pages(), zone)
    period = report.question.period
    name = f"report-{period.first}-{period.last}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(stream, media_type=MEDIA_TYPES[file_format], headers=headers)


def _own_url(request: WebRequest) -> str:
    query = request.url.query
    return f"/reports?{query}" if query else "/reports"


def _groups(request: WebRequest) -> list[str]:
    home = home_of(office_of(request).catalogs.snapshot, actor_of(request).company_id)
    return [*GROUPS, *(f"tag:{name}" for name in home.tags)]


def _group_name(group: str) -> str:
    return f"Tag {group.removeprefix('tag:')}" if group.startswith("tag:") else group.capitalize()


def _choices(request: WebRequest) -> dict[str, list[tuple[str, str]]]:
    """What the filters offer: names of the catalog."""
    view = office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)
    if view is None:
        return {"campaign": [], "publisher": [], "buyer": []}
    return {
        "campaign": [(one.id, one.name) for one in view.catalog.campaigns],
        "publisher": [(one.id, one.name) for one in view.catalog.publishers],
        "buyer": [(one.id, one.name) for one in view.catalog.buyers],
    }


def _chips(request: WebRequest, url: str) -> list[tuple[str, str]]:
    """The filters that are set: what each says, and the address without it."""
    view = office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)
    chips = []
    for name in FILTERS:
        value = request.query_params.get(name)
        if value:
            words = name_of(name, value, view) if name != "tag" else value.replace(":", " = ", 1)
            chips.append((f"{name.capitalize()}: {words}"[:80], with_query(url, **{name: None, "cursor": None})))
    return chips


def _curl(request: WebRequest, report: Report) -> str:
    """The same question to the API. The key is never shown: it is not known here."""
    question = report.question
    filters, period = question.filters, question.period
    asked: dict[str, object] = {"group": question.group}
    if period.name == "custom":
        asked |= {"first_day": period.first, "last_day": period.last}
    else:
        asked["period"] = period.name
    named = {"campaign": filters.campaign, "publisher": filters.publisher, "buyer": filters.buyer}
    asked |= {name: value for name, value in named.items() if value}
    if filters.facet:
        name, _, tag = filters.facet.partition(":")
        asked[name] = f"{tag}:{filters.value}" if tag else filters.value
    address = f"{str(request.base_url).rstrip('/')}/api/v1/reports?{urlencode(asked)}"
    return f"curl -H 'Authorization: Bearer rbk_…' '{address}'"


def _drill(url: str, group: str, row: Row) -> str | None:
    """The address that looks into a row, with the filters that are set."""
    if not row.key:
        return None
    if group.startswith("tag:"):
        return with_query(url, tag=f"{group.removeprefix('tag:')}:{row.key}", group="publisher", cursor=None)
    if group == "day":
        return with_query(url, **{"period": None, "from": row.key, "to": row.key, "group": "hour", "cursor": None})
    if group in (*_NEXT_GROUP, *FACETS):
        following = _NEXT_GROUP.get(group, "publisher")
        # Of number, state, reason and tags only one can be asked about at a time.
        clears = {name: None for name in (*FACETS, "tag") if group in FACETS}
        changes: dict[str, object] = {**clears, group: row.key, "group": following, "cursor": None}
        return with_query(url, **changes)
    return None


HANDLERS = [show_report, download_csv, download_xlsx]
