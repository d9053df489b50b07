"""Messages for tests of the outbox, and their way into a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from ringbid.outbox.message import Message, MessageState, new_message_id
from ringbid.outbox.ports import Claimed, Listed, Shown, Tried, Wish
from ringbid.store.opening import Store
from ringbid.store.outbox_writing import enqueue
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CompanyId
from support.clocks import START

ACME = CompanyId("acme")
ENDPOINT = "auto-insurance/Tell the publisher"
OTHER = "auto-insurance/Tell the owner"
QUEUE = f"{ACME} {ENDPOINT}"
LEASE_MS = 30_000


def message(
    number: int = 1,
    *,
    company_id: CompanyId = ACME,
    endpoint: str = ENDPOINT,
    call_id: CallId | None = None,
    url: str = "https://publisher.example/postback?call=1",
    body: bytes = b'{"payout":1.17}',
    unsendable: str | None = None,
) -> Message:
    """The number-th message: its id sorts behind those before."""
    return Message(
        message_id=new_message_id(START + timedelta(milliseconds=number)),
        company_id=company_id,
        call_id=call_id,
        kind="webhook",
        endpoint=endpoint,
        method="POST",
        url=url,
        headers=(("Content-Type", "application/json"), ("Authorization", "Bearer hunter2")),
        body=body,
        unsendable=unsendable,
    )


async def put(store: Store, *messages: Message, at: datetime = START) -> None:
    """Write messages as the call flow does: in a transaction."""
    await store._writer.transact(lambda session: enqueue(session, messages, to_ms(at)))


def wish(room: int = 100, *, most_per_queue: int = 100, under_way: Iterable[str] = ()) -> Wish:
    """What a sender could take; `under_way` are the queues of what it sends."""
    return Wish(room=room, most_per_queue=most_per_queue, lease_ms=LEASE_MS, under_way=Counter(under_way))


def tried(
    claimed: Claimed, state: MessageState | None, *, status: int | None = None, retry_in_ms: int | None = None
) -> Tried:
    """How a try of `claimed` went."""
    usual = {MessageState.DELIVERED: 204, MessageState.DISABLED: 410, None: None}
    return Tried(
        message_id=claimed.message.message_id,
        lease=claimed.lease,
        at=START,
        took_ms=12,
        status=status if status is not None else usual.get(state, 500),
        error=None,
        state=state,
        retry_in_ms=retry_in_ms,
    )


async def claim(store: Store, **how: object) -> tuple[Claimed, ...]:
    """What a sender gets that could take as much as `wish` says."""
    return (await store.outbox.turn([], wish(**how))).claimed  # type: ignore[arg-type]  # -- a test may be loose with types


async def send(store: Store, state: MessageState, **how: int) -> Claimed:
    """Claim the one message that is due, and record a try."""
    [claimed] = await claim(store)
    await store.outbox.turn([tried(claimed, state, **how)], wish(room=0))
    return claimed


async def show(store: Store, message_id: str) -> Shown:
    """A message with its tries."""
    shown = await store.outbox.show(message_id)
    assert shown is not None
    return shown


async def stands(store: Store, message_id: str) -> Listed:
    """How it stands with a message."""
    return (await show(store, message_id)).listed
