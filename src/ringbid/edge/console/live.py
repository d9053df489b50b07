"""`/live`: pings as they end, newest on top, over server-sent events. Filters are in the address, as in `/pings`."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from litestar import get
from litestar.response import ServerSentEvent, Template
from litestar.response.sse import ServerSentEventMessage

from ringbid.accounts.policy import Policy
from ringbid.edge.console.links import with_query
from ringbid.edge.console.lists import Asked, company_of, names_of, read_asked, scope_of
from ringbid.edge.console.pages import page
from ringbid.edge.console.shell import shell_of
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.reports.listing_fields import PINGS
from ringbid.reports.listing_rows import PingRow
from ringbid.reports.live import PER_SECOND, fits, sample

FIRST = ("search", "campaign_id", "publisher_id", "buyer_id", "status", "reason")
_COLUMNS = (
    *(Column(label) for label in ("Time", "Result", "Campaign", "Publisher", "Caller", "Buyer")),
    Column("Payout", numeric=True),
    Column("Took", numeric=True),
)
SHOWN = 50  # rows on the screen
_TICK_SECONDS = 1.0
_TICKS = 60  # then the browser connects again, so that who is signed out sees no more


@get("/live", opt={"policy": Policy.READ}, name="live")
async def watch(request: WebRequest) -> Template:
    """The newest pings, and where more of them come from. `paused` stops them."""
    asked = _asked(request)
    rows: tuple[PingRow, ...] = ()
    if not asked.problems:
        rows = (await office_of(request).listings.pings(scope_of(request), asked.query)).rows
    paused = "paused" in request.query_params
    return page(
        request,
        "live.html",
        title="Live",
        status=asked.status,
        asked=asked,
        feed=None if paused or asked.problems else with_query(f"/live/feed?{request.url.query}", paused=None),
        paused=paused,
        **_state(request, rows, left_out=0, ended=0),
    )


@get("/live/feed", opt={"policy": Policy.READ}, name="live-feed")
async def feed(request: WebRequest) -> ServerSentEvent:
    """The rows on the screen at once, and each time that something ended, as `live_rows.html`."""
    return ServerSentEvent(_events(request), headers={"X-Accel-Buffering": "no"})


async def _events(request: WebRequest) -> AsyncIterator[ServerSentEventMessage]:
    asked = _asked(request)
    if asked.problems:
        return
    office, company_id = office_of(request), actor_of(request).company_id
    # In this order a ping that ends meanwhile is read twice, and shown once; in the other it would be lost.
    position = (await office.live.since(company_id, None)).position
    start = (await office.listings.pings(scope_of(request), asked.query)).rows
    known = {row.ping_id for row in start}
    shown = deque(reversed(start), maxlen=SHOWN)
    yield ServerSentEventMessage(data=_draw(request, tuple(reversed(shown)), left_out=0, ended=0))
    ended = left_out = 0
    for _ in range(_TICKS):
        if not await office.live.pause(_TICK_SECONDS):
            return
        burst = await office.live.since(company_id, position)
        position = burst.position
        fitting = [row for row in burst.rows if row.ping_id not in known and fits(row, asked.query.filters)]
        chosen, over = sample(fitting, round(PER_SECOND * _TICK_SECONDS))
        ended += len(fitting) + burst.missed
        left_out += over + burst.missed
        if fitting or burst.missed:
            shown.extend(chosen)
            yield ServerSentEventMessage(data=_draw(request, tuple(reversed(shown)), left_out=left_out, ended=ended))
        else:
            yield ServerSentEventMessage(comment="nothing ended")


def _asked(request: WebRequest) -> Asked:
    return read_asked(request, PINGS, first=FIRST, api="/api/v1/pings", besides=("paused",))


def _state(request: WebRequest, rows: tuple[PingRow, ...], *, left_out: int, ended: int) -> dict[str, Any]:
    """What `live_rows.html` needs."""
    names = names_of(company_of(request))
    return {"rows": rows, "left_out": left_out, "ended": ended, "names": names, "columns": _COLUMNS}


def _draw(request: WebRequest, rows: tuple[PingRow, ...], *, left_out: int, ended: int) -> str:
    engine = request.app.template_engine
    assert engine is not None, "pages have templates"
    values = _state(request, rows, left_out=left_out, ended=ended)
    drawn: str = engine.get_template("live_rows.html").render(shell=shell_of(request), **values)
    return drawn


HANDLERS = [watch, feed]
