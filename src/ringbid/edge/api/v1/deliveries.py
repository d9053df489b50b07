"""`/deliveries`: what was sent, or waits to be: webhooks and event webhooks, with every try, and sending again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.params import PathParameter

from ringbid.accounts.policy import Policy
from ringbid.edge.api.v1.lists import Listing, query_of, told_of
from ringbid.edge.api.v1.paging import page
from ringbid.edge.api.v1.problems import ApiError, not_found
from ringbid.edge.api.v1.routes import operation
from ringbid.edge.web.auditing import note_change
from ringbid.edge.web.office import Office, WebRequest, actor_of, office_of
from ringbid.outbox.ports import Listed, Replayed, Shown
from ringbid.reports.listing_fields import DELIVERIES
from ringbid.values.ids import CompanyId

_TAG = "Webhook deliveries"
StateName = Literal["waiting", "delivered", "dead", "disabled"]
MessageId = Annotated[str, PathParameter(description="`webhook-id` of the message.")]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message in the outbox. `kind` is the event it tells, or `webhook` for a campaign's own webhook."""

    id: str
    kind: str
    endpoint: str
    call_uuid: str | None
    state: StateName
    tries: int
    created_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


class DeliveryTry(msgspec.Struct, frozen=True, kw_only=True):
    """How one try went. `status` is null where there was no answer, and `error` says why."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    error: str | None


class DeliveryTold(msgspec.Struct, frozen=True, kw_only=True):
    """One message with what is sent (secrets masked), and all its tries."""

    delivery: Delivery
    request: str
    tries: list[DeliveryTry]


class DeliveryPage(Listing, frozen=True, kw_only=True):
    """A page of messages."""

    data: list[Delivery]


@operation("GET", "/deliveries", policy=Policy.READ, tag=_TAG, listing=DELIVERIES)
async def list_deliveries(request: WebRequest) -> Response[DeliveryPage]:
    """Messages of the company, the newest first."""
    office, actor = office_of(request), actor_of(request)
    query = query_of(request, office, actor, DELIVERIES)
    found = await office.listings.deliveries(actor.company_id, query)
    body = DeliveryPage(data=list(map(_delivery, found.rows)), **told_of(request, DELIVERIES, query, found))
    return page(request, body, body.next_cursor)


@operation("GET", "/deliveries/{message_id:str}", policy=Policy.READ, tag=_TAG)
async def show_delivery(request: WebRequest, message_id: MessageId) -> DeliveryTold:
    """One message: what is sent, and how each try went."""
    return _told(await _find(office_of(request), actor_of(request).company_id, message_id))


@operation("POST", "/deliveries/{message_id:str}/replay", policy=Policy.MANAGE, tag=_TAG, fails=(409,), status=200)
async def replay_delivery(request: WebRequest, message_id: MessageId) -> DeliveryTold:
    """Send it again now, under the same `webhook-id`, whatever became of it."""
    office, company_id = office_of(request), actor_of(request).company_id
    before = (await _find(office, company_id, message_id)).listed.state
    match await office.messages.replay(message_id):
        case Replayed.UNDER_WAY:
            raise ApiError(409, detail="The message is being sent just now.", fix="Look at it again in a moment.")
        case Replayed.ENDPOINT_DISABLED:
            raise ApiError(
                409,
                detail="The endpoint answered 410 and wants no more, so its messages are kept back.",
                fix="Enable the endpoint again: under Deliveries in the console, or by `ringbid outbox enable`.",
            )
        case Replayed.UNSENDABLE:
            raise ApiError(
                409,
                detail="No request could be made of the message; its last error says why.",
                fix="Mend the webhook in the catalog: the next one is sent.",
            )
    office.on_message()
    await note_change(request, f"deliveries[{message_id}]", before=before.value, after="waiting")
    return _told(await _find(office, company_id, message_id))


async def _find(office: Office, company_id: CompanyId, message_id: str) -> Shown:
    shown = await office.messages.show(message_id)
    if shown is None or shown.listed.company_id != company_id:
        raise not_found()
    return shown


def _told(shown: Shown) -> DeliveryTold:
    tries = [
        DeliveryTry(number=one.number, at=one.at, took_ms=one.took_ms, status=one.status, error=one.error)
        for one in shown.tries
    ]
    return DeliveryTold(delivery=_delivery(shown.listed), request=shown.request, tries=tries)


def _delivery(listed: Listed) -> Delivery:
    return Delivery(
        id=listed.message_id,
        kind=listed.kind,
        endpoint=listed.endpoint,
        call_uuid=listed.call_id,
        state=listed.state.value,
        tries=listed.tries,
        created_at=listed.created_at,
        next_at=listed.next_at,
        ended_at=listed.ended_at,
        last_status=listed.last_status,
        last_error=listed.last_error,
    )


HANDLERS = [list_deliveries, show_delivery, replay_delivery]
