"""`/portal/buyer`: a buyer's people see their own calls, how full and how open they are, and how their address answers;
they set their hours and caps, pause themselves, and dispute a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from ringbid.accounts.actor import Actor
from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy
from ringbid.catalog.changing import Applied, Conflict, Edition
from ringbid.catalog.editing import Edit, Set
from ringbid.catalog.model import Buyer, OpenInterval
from ringbid.edge.console.catalog_texts import number_of, read_hours, say_problem, write_hours
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.pages import page
from ringbid.edge.console.portal_lists import asked, only, read_today, tools_of
from ringbid.edge.console.tables import Column
from ringbid.edge.web.forms import read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.disputes import LONGEST_TEXT, read_text
from ringbid.ledger.entry import buyer_account
from ringbid.reports import portal, statements
from ringbid.reports.asks import summary_of
from ringbid.reports.buyer_state import BuyerState, buyer_states, subjects_in
from ringbid.reports.funnel import Filters
from ringbid.reports.listing import ListQuery, Scope, write_cursor
from ringbid.reports.listing_fields import CALLS_OF_BUYER
from ringbid.routing.hours import show_hours
from ringbid.values.ids import BuyerId, CallId, KeyId, parse_ping_id

_OWN = {"policy": Policy.BUYER_PORTAL}
_CALL_COLUMNS = (
    Column("Received", key="created"),
    *(Column(label) for label in ("Campaign", "Caller", "State")),
    Column("Talked", numeric=True),
    Column("Price", numeric=True),
    Column("Dispute"),
)
CAPS = (
    ("concurrency", "Calls at once"),
    ("hourly", "Calls in an hour"),
    ("daily", "Calls in a day"),
    ("monthly", "Calls in a month"),
    ("total", "Calls ever"),
)


@get("/portal/buyer", opt=_OWN, name="buyer_portal")
async def show_overview(request: WebRequest) -> Template:
    """Open or closed and when that changes, caps as they fill, today's calls, and how its address answers."""
    actor, tools = actor_of(request), tools_of(request)
    today = await read_today(request, Filters(buyer=_buyer_id(actor)))
    own = buyer_account(_buyer_id(actor))
    balances = await tools.ledger.balances(actor.company_id)
    disputes = await tools.disputes.disputes(actor.company_id, buyer_id=_buyer_id(actor))
    return page(
        request,
        "portal/buyer.html",
        title="Overview",
        state=await _state(request, await _edition(request)),
        counts=today.total.counts,
        balances=[statements.meaning_of(one.account, one.amount) for one in balances if one.account == own],
        disputes=disputes,
        asks=summary_of(await tools.asks.recent_asks(actor.company_id, _buyer_id(actor))),
    )


@get("/portal/buyer/calls", opt=_OWN, name="buyer_calls")
async def show_calls(request: WebRequest) -> Template:
    """Its own calls, with how long they talked and what they cost."""
    actor, tools = actor_of(request), tools_of(request)
    query, problems = asked(request, CALLS_OF_BUYER)
    found = await tools.listings.calls(_scope(actor), query)
    disputes = await tools.disputes.disputes(actor.company_id, buyer_id=_buyer_id(actor))
    return page(
        request,
        "portal/buyer_calls.html",
        title="Calls",
        columns=_CALL_COLUMNS,
        rows=[portal.buyer_call(row) for row in found.rows],
        disputes={one.call_id: one for one in disputes},
        next=found.next and write_cursor(CALLS_OF_BUYER, found.next, newest_first=query.newest_first),
        problems=problems,
        chosen=dict(request.query_params),
    )


@get("/portal/buyer/calls/{uuid:str}", opt=_OWN, name="buyer_call")
async def show_call(request: WebRequest, uuid: FromPath[str]) -> Template:
    """One of its calls, and its dispute."""
    return await _call_page(request, uuid)


@post("/portal/buyer/calls/{uuid:str}/dispute", opt=_OWN, status_code=200, name="dispute_call")
async def dispute_call(request: WebRequest, uuid: FromPath[str]) -> Response[Any]:
    """Say what is wrong with a call. It can be said once."""
    actor = actor_of(request)
    call = await _own_call(request, uuid)
    text = (await read_form(request)).get("reason", "")
    reason = read_text(text)
    if reason is None:
        wrong = f"Say what is wrong with the call, in 1 to {LONGEST_TEXT} characters."
        return await _call_page(request, uuid, errors={"reason": wrong}, reason=text)
    opened = await tools_of(request).disputes.open_dispute(
        actor.company_id, call.call_id, buyer_id=_buyer_id(actor), reason=reason, author=author_of(actor)
    )
    words = "The dispute is open. You will see the answer here." if opened else "This call was disputed before."
    return _after(f"/portal/buyer/calls/{call.call_id}", words, good=opened)


@get("/portal/buyer/terms", opt=_OWN, name="buyer_terms")
async def show_terms(request: WebRequest) -> Template:
    """Hours, caps and pause, to be changed."""
    return await _terms_page(request)


@post("/portal/buyer/terms", opt=_OWN, status_code=200, name="save_buyer_terms")
async def save_terms(request: WebRequest) -> Response[Any]:
    """Change one's own hours, caps and pause, and nothing else."""
    actor, form = actor_of(request), await read_form(request)
    edition = await _edition(request)
    version = int(form["version"]) if form.get("version", "").isascii() and form.get("version", "").isdigit() else 0
    outcome = await office_of(request).editor.change(
        author_of(actor), actor.company_id, version, _edits(_buyer_id(actor), form)
    )
    if isinstance(outcome, Applied):
        words = "Saved. It holds from now on." if outcome.changes else "Nothing was changed."
        return _after("/portal/buyer/terms", words)
    if isinstance(outcome, Conflict):
        words = "Somebody else has changed the catalog meanwhile. Look at what it says now, and save again."
        return await _terms_page(request, edition=edition, errors={"": words})
    own = f"buyers[{_buyer_id(actor)}]."
    errors = {_field(problem.path.removeprefix(own)): say_problem(problem) for problem in outcome.problems}
    return await _terms_page(request, edition=edition, errors=errors, form=form)


def _edits(buyer_id: BuyerId, form: Mapping[str, str]) -> list[Edit]:
    """What the form says of the buyer: these fields, whatever else was sent."""
    own = f"buyers[{buyer_id}]"
    edits: list[Edit] = [
        Set(f"{own}.paused", value="paused" in form),
        Set(f"{own}.hours", read_hours(form.get("hours", ""))),
    ]
    for kind, _ in CAPS:
        text = form.get(f"caps-{kind}", "").strip()
        edits.append(Set(f"{own}.caps.{kind}", number_of(text) if text else None))
    return edits


def _field(path: str) -> str:
    """The field of the form that a path of the buyer's is about."""
    return path.partition("[")[0].replace(".", "-")


async def _terms_page(
    request: WebRequest,
    *,
    edition: Edition | None = None,
    errors: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Template:
    edition = edition or await _edition(request)
    buyer = _buyer(request, edition)
    limits = {f"caps-{kind}": getattr(buyer.caps, kind) for kind, _ in CAPS}
    shown = {
        "paused": buyer.paused,
        "hours": write_hours([_written(one) for one in buyer.hours]) if buyer.hours is not None else "",
        **{name: "" if limit is None else str(limit) for name, limit in limits.items()},
    }
    if form is not None:
        shown |= {name: form.get(name, "") for name in shown} | {"paused": "paused" in form}
    return page(
        request,
        "portal/buyer_terms.html",
        title="Hours and caps",
        status=422 if errors else 200,
        buyer=buyer,
        version=edition.version,
        shown=shown,
        caps=CAPS,
        hours=show_hours(buyer.hours),
        errors=errors or {},
    )


def _written(interval: OpenInterval) -> dict[str, object]:
    """As the catalog writes it."""
    return {
        "days": list(interval.days),
        "open": _clock(interval.open_minute),
        "close": _clock(interval.close_minute),
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


async def _call_page(
    request: WebRequest, uuid: str, *, errors: Mapping[str, str] | None = None, reason: str = ""
) -> Template:
    call = await _own_call(request, uuid)
    dispute = await tools_of(request).disputes.find_dispute(actor_of(request).company_id, call.call_id)
    return page(
        request,
        "portal/buyer_call.html",
        title="Call",
        status=422 if errors else 200,
        call=call,
        dispute=dispute,
        errors=errors or {},
        reason=reason,
    )


async def _own_call(request: WebRequest, uuid: str) -> portal.BuyerCall:
    """Raises NotFoundException where no call of this buyer has the uuid."""
    call_id = parse_ping_id(uuid)
    if call_id is None:
        raise NotFoundException(_NO_CALL)
    query = ListQuery(filters={"search": CallId(call_id)}, size=1)
    found = await tools_of(request).listings.calls(_scope(actor_of(request)), query)
    return portal.buyer_call(only(found.rows, _NO_CALL))


_NO_CALL = "There is no such call of yours."


async def _edition(request: WebRequest) -> Edition:
    """The company's catalog as it is in force."""
    edition = await office_of(request).editor.read(actor_of(request).company_id)
    if edition is None:
        raise NotFoundException("The company has no catalog any more.")
    return edition


def _buyer(request: WebRequest, edition: Edition) -> Buyer:
    """The own buyer. Raises NotFoundException where it has left the catalog."""
    own = _buyer_id(actor_of(request))
    return only([one for one in edition.catalog.buyers if one.id == own], "The buyer has left the catalog.")


async def _state(request: WebRequest, edition: Edition) -> BuyerState:
    """How the own buyer stands now: one look at the store."""
    look = await office_of(request).reservations.look(
        key_id=KeyId(""), duplicate_key=None, subjects=subjects_in(edition.catalog), idempotency=None
    )
    own = _buyer(request, edition)
    return next(one for one in buyer_states(edition.catalog, look.usage, look.now) if one.buyer.id == own.id)


def _after(path: str, words: str, *, good: bool = True) -> Response[Any]:
    return tell_next_page(Redirect(path, status_code=303), words, tone="good" if good else "limit")


def _scope(actor: Actor) -> Scope:
    return Scope(company_id=actor.company_id, buyer_id=_buyer_id(actor))


def _buyer_id(actor: Actor) -> BuyerId:
    assert actor.buyer_id is not None, "the policy lets in buyers' users alone"
    return actor.buyer_id


HANDLERS = [show_overview, show_calls, show_call, dispute_call, show_terms, save_terms]
