"""`/calls/<uuid>`: the whole story of a call, and what a person may decide about its money.

`reports.call_story` tells it, `call.by_hand` and the ledger decide; here are only forms.
"""

from __future__ import annotations

import secrets
from typing import Literal

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from ringbid.accounts.audit import author_of
from ringbid.accounts.policy import Policy, allows
from ringbid.call.by_hand import ByHand, convert_call
from ringbid.call.ports import StoredCall
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.lists import company_of, names_of, wording_of
from ringbid.edge.console.pages import page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.forms import guard_forms, read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.correcting import LONGEST_NOTE, Adjust, Void
from ringbid.ledger.entry import Side
from ringbid.reports.telling import find_call, story_of
from ringbid.values.money import Money, micros_from_decimal, parse_decimal
from ringbid.values.verdict import Refused

Deed = Literal["convert", "adjust", "void"]
_DEEDS: dict[str, Deed] = {"convert": "convert", "adjust": "adjust", "void": "void"}
_SIDES: dict[str, Side] = {"revenue": "revenue", "payout": "payout"}
_ATTEMPT_COLUMNS = (
    Column("Buyer"),
    Column("Verdict"),
    Column("Rang", numeric=True),
    Column("Talked", numeric=True),
    Column("Ended"),
    Column("Conversion"),
)
_MONEY_COLUMNS = (
    *(Column(label) for label in ("Kind", "Side", "Account")),
    Column("Amount", numeric=True),
    *(Column(label) for label in ("Rule", "Who and why")),
)
_SENT_COLUMNS = tuple(Column(label) for label in ("Webhook", "Kind", "Made", "State"))
_DONE = {"convert": "Converted by hand", "adjust": "Adjusted", "void": "Voided"}


@get("/calls/{uuid:str}", opt={"policy": Policy.READ}, name="call")
async def show_call(request: WebRequest, uuid: FromPath[str]) -> Template:
    """The story. `order=newest` turns the flow around."""
    office = office_of(request)
    call = await _find(request, uuid)
    company, portals = company_of(request), office.portals
    story = await story_of(
        call,
        calls=office.calls,
        pings=office.reservations,
        ledger=office.ledger,
        messages=office.messages,
        wording=wording_of(company),
    )
    dispute = await portals.disputes.find_dispute(call.company_id, call.call_id) if portals is not None else None
    newest_first = request.query_params.get("order") == "newest"
    return page(
        request,
        "call.html",
        title="Call",
        story=story,
        dispute=dispute,
        flow=tuple(reversed(story.timeline)) if newest_first else story.timeline,
        newest_first=newest_first,
        names=names_of(company),
        private_tags={tag.key for tag in company.tags.values() if tag.private} if company is not None else (),
        attempt_columns=_ATTEMPT_COLUMNS,
        money_columns=_MONEY_COLUMNS,
        sent_columns=_SENT_COLUMNS,
        may_decide=allows(Policy.MANAGE, actor_of(request)) == "yes",
        csrf_input=guard_forms(request).field,
        key=secrets.token_urlsafe(12),
        longest_note=LONGEST_NOTE,
    )


@post("/calls/{uuid:str}/money", opt={"policy": Policy.MANAGE}, name="call-money")
async def change_money(request: WebRequest, uuid: FromPath[str]) -> Redirect:
    """Convert, adjust or void one side of the call, with a reason."""
    call = await _find(request, uuid)
    fields = await read_form(request)
    deed, side = _DEEDS.get(fields.get("deed", "")), _SIDES.get(fields.get("side", ""))
    back = Redirect(f"/calls/{call.call_id}#money", status_code=303)
    if deed is None or side is None:
        return tell_next_page(back, "Choose what is to be done, and on which side.", tone="bad")
    text = fields.get("amount", "").strip()
    number = parse_decimal(text) if text else None
    micros = micros_from_decimal(number) if number is not None else None
    if (text or deed == "adjust") and deed != "void" and micros is None:
        return tell_next_page(back, f"The amount is {text!r}. Expected an amount such as 12.50.", tone="bad")
    refused = await _decide(
        request, call, deed, side=side, micros=micros, note=fields.get("note", ""), key=fields.get("key", "")
    )
    if refused is not None:
        return tell_next_page(back, _sentence(refused), tone="bad")
    office_of(request).on_message()
    return tell_next_page(back, f"{_DONE[deed]}: the {side} of this call.")


async def _decide(
    request: WebRequest, call: StoredCall, deed: Deed, *, side: Side, micros: int | None, note: str, key: str
) -> Refused | None:
    """Do it; None where it was done."""
    office, author = office_of(request), author_of(actor_of(request))
    if deed == "convert":
        wanted = ByHand(call_id=call.call_id, side=side, author=author, note=note, amount_micros=micros)
        converted = await convert_call(office.calls, wanted, plans=office.plans, random_bytes=office.random_bytes)
        return converted if isinstance(converted, Refused) else None
    if deed == "adjust":
        assert micros is not None, "an adjustment has an amount"
        amount = Money(micros, call.trace.currency)
        adjust = Adjust(
            company_id=call.company_id,
            call_id=call.call_id,
            side=side,
            key=key,
            author=author,
            note=note,
            set_to=amount,
        )
        corrected = await office.ledger.correct(adjust)
    else:
        void = Void(company_id=call.company_id, call_id=call.call_id, side=side, key=key, author=author, note=note)
        corrected = await office.ledger.correct(void)
    return corrected if isinstance(corrected, Refused) else None


def _sentence(refused: Refused) -> str:
    found = f" Found: {refused.actual}." if refused.actual else ""
    expected = f" Expected: {refused.expected}." if refused.expected else ""
    return f"{refused.reason.text}{found}{expected}"


async def _find(request: WebRequest, uuid: str) -> StoredCall:
    call = await find_call(office_of(request).calls, actor_of(request).company_id, uuid)
    if call is None:
        raise NotFoundException("There is no such call. Calls are kept for a year by default.")
    return call


HANDLERS = [show_call, change_money]
