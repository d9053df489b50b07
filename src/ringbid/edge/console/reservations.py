"""The page that explains: one ping, whether it was reserved or not, buyer by buyer."""

from __future__ import annotations

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from ringbid.accounts.policy import Policy
from ringbid.edge.console.lists import wording_of
from ringbid.edge.console.pages import page, public_url
from ringbid.edge.console.waterfall import picture_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.explain import explain
from ringbid.reports.telling import find_ping

_NOT_THERE = (
    "There is no ping with this id. Records of pings are flushed after a day (the setting retention.rtb_hours): it may "
    "be gone, or the id is not one of this company's pings."
)


@get("/call_reservations/{uuid:str}", opt={"policy": Policy.READ}, name="reservation")
async def show_reservation(request: WebRequest, uuid: FromPath[str]) -> Template:
    """The explanation of one ping of the actor's company."""
    office, actor = office_of(request), actor_of(request)
    ping = await find_ping(office.reservations, actor.company_id, uuid)
    if ping is None:
        raise NotFoundException(_NOT_THERE)
    calls = await office.calls.calls_of_reservation(ping.ping_id) if ping.reservation is not None else ()
    base_url = public_url(request)
    company = office.catalogs.snapshot.companies.get(actor.company_id)
    return page(
        request,
        "reservation/page.html",
        title="Reservation" if ping.reservation is not None else "Ping",
        picture=picture_of(explain(ping, wording_of(company)), company=company, actor=actor, base_url=base_url),
        calls=calls,
        api_call_text=f"curl -H 'Authorization: Bearer YOUR_API_KEY' {base_url}/api/v1/pings/{ping.ping_id}",
    )


HANDLERS = [show_reservation]
