"""`/portal/publisher`: a publisher's people see their own pings, reservations, calls and payouts, and no buyer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from ringbid.accounts.actor import Actor, Role
from ringbid.accounts.policy import Policy
from ringbid.catalog.model import Campaign, Explain
from ringbid.edge.console.pages import page
from ringbid.edge.console.portal_lists import asked, day_of, only, read_today, tools_of, zone_of
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.entry import publisher_account
from ringbid.ledger.ports import Statement
from ringbid.reports import portal, statements
from ringbid.reports.explain import safe_view
from ringbid.reports.funnel import Filters
from ringbid.reports.journey import EXPIRED
from ringbid.reports.listing import ListQuery, Scope, write_cursor
from ringbid.reports.listing_fields import CALLS_OF_PUBLISHER, PINGS_OF_PUBLISHER
from ringbid.reservations.ports import StoredPing
from ringbid.values.ids import PublisherId, parse_ping_id

_OWN = {"policy": Policy.PUBLISHER_PORTAL}
_PING_COLUMNS = (
    Column("Received", key="created"),
    *(Column(label) for label in ("Campaign", "Caller", "Outcome", "Reservation")),
    Column("Payout", numeric=True),
    Column("After", numeric=True),
)
_CALL_COLUMNS = (
    Column("Received", key="created"),
    *(Column(label) for label in ("Campaign", "Caller", "Number", "State")),
    Column("Talked", numeric=True),
    Column("Payout", numeric=True),
)
_LINE_COLUMNS = (
    *(Column(label) for label in ("Booked", "What", "Call")),
    Column("Amount", numeric=True),
    Column("Balance", numeric=True),
)


@get("/portal", opt={"policy": Policy.SIGNED_IN}, name="portal")
async def open_portal(request: WebRequest) -> Redirect:
    """To one's own part of the exchange."""
    paths = {Role.PUBLISHER: "/portal/publisher", Role.BUYER: "/portal/buyer"}
    return Redirect(paths.get(actor_of(request).role, "/"), status_code=303)


@get("/portal/publisher", opt=_OWN, name="publisher_portal")
async def show_overview(request: WebRequest) -> Template:
    """Today in numbers, what is owed, and where to post."""
    actor = actor_of(request)
    today = await read_today(request, Filters(publisher=_publisher_id(actor)))
    return page(
        request,
        "portal/publisher.html",
        title="Overview",
        counts=today.total.counts,
        not_delivered=sum(one.count for one in today.endings if one.code == EXPIRED),
        balances=await _balances(request, actor),
        campaigns=_campaigns(request, actor),
        publisher=_publisher_id(actor),
    )


@get("/portal/publisher/pings", opt=_OWN, name="publisher_pings")
async def show_pings(request: WebRequest) -> Template:
    """Its own pings, a page at a time."""
    query, problems = asked(request, PINGS_OF_PUBLISHER)
    found = await tools_of(request).listings.pings(_scope(actor_of(request)), query)
    following = found.next and write_cursor(PINGS_OF_PUBLISHER, found.next, newest_first=query.newest_first)
    rows = [portal.publisher_ping(row) for row in found.rows]
    return page(
        request,
        "portal/publisher_pings.html",
        title="Pings",
        columns=_PING_COLUMNS,
        rows=rows,
        next=following,
        problems=problems,
        chosen=dict(request.query_params),
    )


@get("/portal/publisher/pings/{uuid:str}", opt=_OWN, name="publisher_ping")
async def show_ping(request: WebRequest, uuid: FromPath[str]) -> Template:
    """One of its pings: how it ended, in words that are safe, and the tags it was granted."""
    actor = actor_of(request)
    ping_id = parse_ping_id(uuid)
    ping = await office_of(request).reservations.find(ping_id) if ping_id is not None else None
    if ping is None or not portal.is_own_ping(ping, actor):
        raise NotFoundException("There is no such ping of yours. Records of pings are flushed after a day by default.")
    company = office_of(request).catalogs.snapshot.companies.get(actor.company_id)
    private = frozenset(tag.key for tag in company.catalog.tags if tag.private) if company is not None else frozenset()
    query = ListQuery(filters={"search": ping.ping_id}, size=1)
    found = await tools_of(request).listings.pings(_scope(actor), query)
    return page(
        request,
        "portal/publisher_ping.html",
        title="Ping",
        ping=only([portal.publisher_ping(row) for row in found.rows]),
        told=safe_view(ping, _detail(request, ping)),
        tags=portal.granted_tags(ping, actor, private=private),
    )


@get("/portal/publisher/calls", opt=_OWN, name="publisher_calls")
async def show_calls(request: WebRequest) -> Template:
    """Its own calls, with what they pay."""
    query, problems = asked(request, CALLS_OF_PUBLISHER)
    found = await tools_of(request).listings.calls(_scope(actor_of(request)), query)
    following = found.next and write_cursor(CALLS_OF_PUBLISHER, found.next, newest_first=query.newest_first)
    return page(
        request,
        "portal/publisher_calls.html",
        title="Calls",
        columns=_CALL_COLUMNS,
        rows=[portal.publisher_call(row) for row in found.rows],
        next=following,
        problems=problems,
        chosen=dict(request.query_params),
    )


@get("/portal/publisher/payouts", opt=_OWN, name="publisher_payouts")
async def show_payouts(request: WebRequest) -> Template:
    """Its statement of a month: what each call paid, and what is owed."""
    actor = actor_of(request)
    zone = zone_of(request)
    today = office_of(request).clock.now().astimezone(ZoneInfo(zone)).date()
    first = day_of(request.query_params.get("month"), today).replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    start, end = statements.period_of(first, last, zone)
    statement = await _statement(request, actor, start, end)
    return page(
        request,
        "portal/publisher_payouts.html",
        title="Payouts",
        columns=_LINE_COLUMNS,
        statement=statement,
        lines=[portal.payout_line(line) for line in statement.lines] if statement is not None else [],
        month=first,
        before=_month_before(first),
        after=last + timedelta(days=1) if last < today else None,
        next=statement.next_after if statement is not None else None,
    )


async def _statement(request: WebRequest, actor: Actor, start: datetime, end: datetime) -> Statement | None:
    company = office_of(request).catalogs.snapshot.companies.get(actor.company_id)
    return await tools_of(request).ledger.statement(
        actor.company_id,
        publisher_account(_publisher_id(actor)),
        currency=company.catalog.company.currency if company is not None else "USD",
        start=start,
        end=end,
        after=request.query_params.get("after") or None,
        limit=200,
    )


async def _balances(request: WebRequest, actor: Actor) -> list[str]:
    """What the publisher is owed, in each currency."""
    own = publisher_account(_publisher_id(actor))
    found = await tools_of(request).ledger.balances(actor.company_id)
    return [statements.meaning_of(one.account, one.amount) for one in found if one.account == own]


def _month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def _scope(actor: Actor) -> Scope:
    return Scope(company_id=actor.company_id, publisher_id=_publisher_id(actor))


def _publisher_id(actor: Actor) -> PublisherId:
    assert actor.publisher_id is not None, "the policy lets in publishers' users alone"
    return actor.publisher_id


def _campaigns(request: WebRequest, actor: Actor) -> tuple[Campaign, ...]:
    """The campaigns that its pings may go to: those with a key."""
    company = office_of(request).catalogs.snapshot.companies.get(actor.company_id)
    if company is None:
        return ()
    return tuple(campaign for campaign in company.catalog.campaigns if campaign.rtb_keys)


def _detail(request: WebRequest, ping: StoredPing) -> Explain:
    """How much the key lets its publishers read back."""
    view = office_of(request).catalogs.snapshot.keys.get(ping.key_id)
    return view.key.explain if view is not None else "reason"


HANDLERS = [open_portal, show_overview, show_pings, show_ping, show_calls, show_payouts]
