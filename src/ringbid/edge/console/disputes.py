"""`/disputes`: what buyers say against calls, for the company's own people to answer: it stands, or is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from ringbid.accounts.actor import Actor
from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy, allows
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.lists import company_of, names_of
from ringbid.edge.console.pages import page
from ringbid.edge.console.portal_lists import tools_of
from ringbid.edge.console.whole_tables import Line, WholeTable, files_of, view_of
from ringbid.edge.web.forms import read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.correcting import Void
from ringbid.ledger.disputes import LONGEST_TEXT, Dispute, read_text
from ringbid.ledger.entry import Side
from ringbid.values.ids import CallId, parse_ping_id
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_LABELS = ("Opened", "Call", "Buyer", "What is wrong", "Answer")
# What closing does: nothing to the money, or all of it is taken back.
DECISIONS = (("stands", "The call stands"), ("void", "Void the call: nothing is owed for it, and nothing paid"))


@get("/disputes", opt={"policy": Policy.READ}, name="disputes")
async def list_disputes(request: WebRequest) -> Template:
    """Open ones first."""
    view = view_of(request, await _disputes(request))
    return page(request, "portal/disputes.html", title="Disputes", view=view, buyers=_buyers(request))


async def _disputes(request: WebRequest) -> WholeTable:
    found = await tools_of(request).disputes.disputes(actor_of(request).company_id)
    lines = [Line((one.opened_at, one.call_id, one.buyer_id, one.reason, one.answer or "open"), one) for one in found]
    return WholeTable(name="disputes", labels=_LABELS, lines=lines)


@get("/disputes/{uuid:str}", opt={"policy": Policy.READ}, name="dispute")
async def show_dispute(request: WebRequest, uuid: FromPath[str]) -> Template:
    """One, by its call."""
    return _dispute_page(request, await _find(request, uuid))


@post("/disputes/{uuid:str}", opt={"policy": Policy.MANAGE}, status_code=200, name="close_dispute")
async def close_dispute(request: WebRequest, uuid: FromPath[str]) -> Response[Any]:
    """Answer it. Voiding is a correction in the ledger like any other, with the answer as its note."""
    actor, form = actor_of(request), await read_form(request)
    dispute = await _find(request, uuid)
    if not dispute.open:
        return _after(closed=False)
    answer = read_text(form.get("answer", ""))
    decision = form.get("decision", "")
    errors = {}
    if answer is None:
        errors["answer"] = f"Say why, in 1 to {LONGEST_TEXT} characters. The buyer reads it."
    if decision not in dict(DECISIONS):
        errors["decision"] = "Choose what becomes of the call."
    if answer is None or errors:
        return _dispute_page(request, dispute, errors=errors, form=form)
    if decision == "void":
        refused = await _void(request, actor, dispute, answer)
        if refused is not None:
            return _dispute_page(request, dispute, errors={"decision": refused.reason.text}, form=form)
    closed = await tools_of(request).disputes.close_dispute(
        actor.company_id, dispute.call_id, answer=answer, author=author_of(actor)
    )
    return _after(closed=closed)


def _after(*, closed: bool) -> Response[Any]:
    words = "The dispute is closed." if closed else "It was closed before. Nothing was changed."
    return tell_next_page(Redirect("/disputes", status_code=303), words, tone="good" if closed else "limit")


async def _void(request: WebRequest, actor: Actor, dispute: Dispute, answer: str) -> Refused | None:
    """Take back what is booked on both sides; where one has nothing, there is nothing to take."""
    for side in get_args(Side):
        void = Void(
            company_id=actor.company_id,
            call_id=dispute.call_id,
            side=side,
            key=f"dispute {dispute.call_id} {side}",
            author=author_of(actor),
            note=f"Dispute: {answer}"[:500],
        )
        done = await office_of(request).ledger.correct(void)
        if isinstance(done, Refused) and done.reason not in (Reason.NOTHING_BOOKED, Reason.ALREADY_VOIDED):
            return done
    return None


def _dispute_page(
    request: WebRequest,
    dispute: Dispute,
    *,
    errors: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Template:
    return page(
        request,
        "portal/dispute.html",
        title="Dispute",
        status=422 if errors else 200,
        dispute=dispute,
        buyers=_buyers(request),
        decisions=DECISIONS,
        may_answer=allows(Policy.MANAGE, actor_of(request)) == "yes",
        errors=errors or {},
        form=form or {},
    )


def _buyers(request: WebRequest) -> Mapping[str, str]:
    """Their names by their ids."""
    return names_of(company_of(request))["buyer_id"]


async def _find(request: WebRequest, uuid: str) -> Dispute:
    call_id = parse_ping_id(uuid)
    dispute = None
    if call_id is not None:
        dispute = await tools_of(request).disputes.find_dispute(actor_of(request).company_id, CallId(call_id))
    if dispute is None:
        raise NotFoundException("There is no such dispute.")
    return dispute


HANDLERS: list[ControllerRouterHandler] = [
    *(list_disputes, show_dispute, close_dispute),
    *files_of("/disputes", Policy.READ, _disputes),
]
