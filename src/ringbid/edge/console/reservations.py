"""`/call_reservations/<uuid>`: why a ping ended as it did, buyer by buyer."""

from __future__ import annotations

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from ringbid.accounts.policy import Policy
from ringbid.edge.console.pages import page
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.explain import explain
from ringbid.values.ids import parse_ping_id


@get("/call_reservations/{uuid:str}", opt={"policy": Policy.READ}, name="reservation")
async def show_reservation(request: WebRequest, uuid: FromPath[str]) -> Template:
    """The explanation of one ping of the actor's company."""
    ping_id = parse_ping_id(uuid)
    ping = await office_of(request).reservations.find(ping_id) if ping_id is not None else None
    if ping is None or ping.company_id != actor_of(request).company_id:
        raise NotFoundException("There is no such reservation. Records of pings are flushed after a day by default.")
    return page(request, "reservation.html", title="Reservation", told=explain(ping))


HANDLERS = [show_reservation]
