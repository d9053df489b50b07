"""`/pings`: the RTB log, and the explanation of one ping."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter

from ringbid.accounts.keys import Scope
from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.ping_told import PingTold, PublisherPing, tell_ping, tell_ping_to_publisher
from ringbid.edge.api.v1.problems import not_found
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.api.v1.viewing import detail_for_publishers, may_see_ping, view_of
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.telling import find_ping

_TAG = "Pings"
UuidPath = Annotated[str, PathParameter(description="A uuid, as a ping's answer names it.")]


@operation("GET", "/pings/{uuid:str}", policy=Policy.SIGNED_IN, scope=Scope.PINGS, tag=_TAG)
async def explain_ping(request: WebRequest, uuid: UuidPath) -> PingTold | PublisherPing:
    """Why a ping ended as it did.

    The owner reads every buyer's verdict with what was found and what was expected, every ask with its answer, and each
    tag with where it came from. A publisher's key reads its own pings, with reasons that are safe for publishers.
    Records of pings are flushed after a day by default.
    """
    office, actor = office_of(request), actor_of(request)
    ping = await find_ping(office.reservations, actor.company_id, uuid)
    if ping is None or not may_see_ping(actor, ping):
        raise not_found()
    if view_of(actor) == "owner":
        return tell_ping(ping)
    return tell_ping_to_publisher(ping, detail_for_publishers(office, ping.key_id), tags=actor.tags)


HANDLERS = [explain_ping]
