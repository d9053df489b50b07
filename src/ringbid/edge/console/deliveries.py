"""`/deliveries`: webhooks and postbacks on their way out, their tries, and sending them again."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Stream, Template

from ringbid.accounts.policy import Policy, allows
from ringbid.edge.console.flash import tell_next_page
from ringbid.edge.console.lists import Asked, read_asked, stream_file
from ringbid.edge.console.pages import draw_beside, page
from ringbid.edge.console.tables import Column
from ringbid.edge.web.auditing import note_change
from ringbid.edge.web.forms import guard_forms, read_form
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.outbox.ports import DisabledEndpoint, Listed, Replayed, Shown
from ringbid.reports.export import FileFormat, Row
from ringbid.reports.listing import ListQuery, Page, Scope
from ringbid.reports.listing_fields import DELIVERIES

FIRST = ("state", "created", "kind", "endpoint", "call_id")
COLUMNS = (
    Column("Created", key="created"),
    Column("State"),
    Column("Kind"),
    Column("Endpoint"),
    Column("Call"),
    Column("Tries", numeric=True),
    Column("Next try"),
    Column("Last answer"),
)
HEADER = (
    *("Created", "Message", "State", "Kind", "Endpoint", "Call", "Tries", "Next try", "Ended", "Last status"),
    "Last error",
)
_TRY_COLUMNS = (
    *(Column(label) for label in ("Try", "Time")),
    Column("Took", numeric=True),
    *(Column(label) for label in ("Status", "Error")),
)
_REPLAYED = {
    Replayed.WAITING: "It is sent again now, under the same id.",
    Replayed.UNDER_WAY: "It is being sent just now. Look at it again in a moment.",
    Replayed.ENDPOINT_DISABLED: "Its endpoint answered 410 and wants no more. Enable the endpoint first.",
    Replayed.UNSENDABLE: "No request could be made of it. Mend the webhook: the next one is sent.",
}


@get("/deliveries", opt={"policy": Policy.READ}, name="deliveries")
async def list_deliveries(request: WebRequest) -> Response[str]:
    """A page of the list, and the endpoints that want no more."""
    asked, office, actor = _asked(request), office_of(request), actor_of(request)
    found = None
    if not asked.problems:
        found = await office.listings.deliveries(actor.company_id, asked.query, count=True)
    drawn = page(
        request,
        "deliveries.html",
        title="Deliveries",
        status=asked.status,
        columns=COLUMNS,
        table=asked.table(found, "messages"),
        disabled=await _disabled(request),
        may_change=allows(Policy.MANAGE, actor) == "yes",
        csrf_input=guard_forms(request).field,
    )
    return await draw_beside(request, drawn)


@get("/deliveries.csv", opt={"policy": Policy.READ}, name="deliveries-csv")
async def deliveries_as_csv(request: WebRequest) -> Stream:
    """All that fit, as CSV."""
    return _file(request, "csv")


@get("/deliveries.xlsx", opt={"policy": Policy.READ}, name="deliveries-xlsx")
async def deliveries_as_xlsx(request: WebRequest) -> Stream:
    """All that fit, as a workbook."""
    return _file(request, "xlsx")


@get("/deliveries/{message_id:str}", opt={"policy": Policy.READ}, name="delivery")
async def show_delivery(request: WebRequest, message_id: FromPath[str]) -> Template:
    """One message: what is sent, secrets masked, and how each try went."""
    shown = await _find(request, message_id)
    return page(
        request,
        "delivery.html",
        title="Delivery",
        shown=shown,
        columns=_TRY_COLUMNS,
        may_change=allows(Policy.MANAGE, actor_of(request)) == "yes",
        csrf_input=guard_forms(request).field,
    )


@post("/deliveries/{message_id:str}/replay", opt={"policy": Policy.MANAGE}, name="replay")
async def replay_delivery(request: WebRequest, message_id: FromPath[str]) -> Redirect:
    """Send it again, whatever became of it."""
    shown = await _find(request, message_id)
    replayed = await office_of(request).messages.replay(message_id)
    if replayed is Replayed.WAITING:
        office_of(request).on_message()
        before = shown.listed.state.value
        await note_change(request, f"deliveries[{message_id}]", before=before, after="waiting")
    back = Redirect(f"/deliveries/{message_id}", status_code=303)
    text = _REPLAYED.get(replayed, "There is no such message any more.")
    return tell_next_page(back, text, tone="good" if replayed is Replayed.WAITING else "limit")


@post("/deliveries/enable", opt={"policy": Policy.MANAGE}, name="enable-endpoint")
async def enable_endpoint(request: WebRequest) -> Redirect:
    """Take an endpoint that answered 410 into use again, with all that was kept from it."""
    endpoint = (await read_form(request)).get("endpoint", "")
    count = await office_of(request).messages.enable(actor_of(request).company_id, endpoint)
    back = Redirect("/deliveries", status_code=303)
    if count is None:
        return tell_next_page(back, f"{endpoint} is in use already.", tone="limit")
    office_of(request).on_message()
    await note_change(request, f"endpoints[{endpoint}]", before="disabled", after="enabled")
    return tell_next_page(back, f"{endpoint} is in use again. Messages kept from it that are sent now: {count}.")


def _asked(request: WebRequest) -> Asked:
    return read_asked(request, DELIVERIES, first=FIRST, api="/api/v1/deliveries")


def _file(request: WebRequest, kind: FileFormat) -> Stream:
    asked = _asked(request)
    if asked.problems:
        raise ClientException(asked.problems[0].text, status_code=422)

    async def read(scope: Scope, query: ListQuery) -> Page[Listed]:
        return await office_of(request).listings.deliveries(scope.company_id, query)

    return stream_file(request, asked, kind, read=read, header=HEADER, row_of=file_row)


def file_row(row: Listed) -> Row:
    """In the order of HEADER."""
    return (
        *(row.created_at, row.message_id, row.state.value, row.kind, row.endpoint, row.call_id, row.tries),
        *(row.next_at, row.ended_at, row.last_status, row.last_error),
    )


async def _find(request: WebRequest, message_id: str) -> Shown:
    shown = await office_of(request).messages.show(message_id[:100])
    if shown is None or shown.listed.company_id != actor_of(request).company_id:
        raise NotFoundException("There is no such message. Delivered ones are flushed after a week by default.")
    return shown


async def _disabled(request: WebRequest) -> list[DisabledEndpoint]:
    counts = await office_of(request).messages.counts()
    return [one for one in counts.disabled_endpoints if one.company_id == actor_of(request).company_id]


HANDLERS = [
    list_deliveries,
    deliveries_as_csv,
    deliveries_as_xlsx,
    enable_endpoint,
    show_delivery,
    replay_delivery,
]
