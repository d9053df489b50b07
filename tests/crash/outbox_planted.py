"""Bugs to plant into a sender: each breaks one promise as a real mistake would, and the audit must find it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ringbid.outbox.message import MessageState, new_message_id
from ringbid.outbox.ports import Tried, Turn, Wish
from ringbid.outbox.schedule import Next
from ringbid.store import outbox_turn
from ringbid.store.outbox import StoredOutbox
from ringbid.store.postgres import PostgresSession
from ringbid.values.clock import SystemClock
from ringbid.worker import outbox as worker


@dataclass(frozen=True)
class Plant:
    """`sow` breaks the product in this process; `found_as` is how the audit must call it."""

    sow: Callable[[], None]
    found_as: str


def _deliver_before_sending() -> None:
    """What is claimed is written down as delivered, and then sent."""
    turn = StoredOutbox.turn

    async def early(store: StoredOutbox, tried: Sequence[Tried], wish: Wish) -> Turn:
        claimed = (await turn(store, (), wish)).claimed
        done = [worker._tried(one, at=SystemClock().now(), status=200, following=_DELIVERED) for one in claimed]
        await turn(store, done, Wish(room=0, most_per_queue=1, lease_ms=1))
        return Turn(claimed=claimed)

    StoredOutbox.turn = early  # type: ignore[method-assign]  # -- that is the bug


_DELIVERED = Next(MessageState.DELIVERED)


def _take_any_answer_for_delivery() -> None:
    worker.next_of = lambda *, status, **_: _DELIVERED if status else Next(MessageState.WAITING, 50)  # type: ignore[attr-defined]  # -- the name is the module's own


def _number_each_try() -> None:
    """Each try has an id of its own."""
    signed = worker.signed_headers  # type: ignore[attr-defined]  # -- the name is the module's own

    def anew(headers: Any, _message_id: str, **how: Any) -> Any:
        return signed(headers, new_message_id(SystemClock().now()), **how)

    worker.signed_headers = anew  # type: ignore[attr-defined]  # -- as above


def _sign_once_for_all() -> None:
    """The timestamp is not of the try."""
    ask = worker._ask
    worker._ask = lambda claimed, *, timestamp: ask(claimed, timestamp=timestamp - 1_000_000)


def _claim_without_a_lease() -> None:
    worker.LEASE_TIMES = 0


def _keep_what_is_claimed_for_ever() -> None:
    """A lease that outlives its sender by days, and nobody who takes over."""

    async def nothing(_store: StoredOutbox) -> int:
        return 0

    worker.LEASE_TIMES = 1_000_000
    StoredOutbox.adopt = nothing  # type: ignore[method-assign]  # -- that is the bug


def _claim_without_the_lock() -> None:
    """Two nodes look at once, and both take what they see. They think a while in between, so that a short test meets
    it."""
    pick = outbox_turn.pick  # type: ignore[attr-defined]  # -- the name is the module's own

    def slowly(*due: Any, **how: Any) -> Any:
        time.sleep(0.01)
        return pick(*due, **how)

    outbox_turn.pick = slowly  # type: ignore[attr-defined]  # -- as above
    PostgresSession.lock = lambda _session, _names: None  # type: ignore[method-assign]  # -- that is the bug


PLANTED = {
    "any answer taken for delivery": Plant(_take_any_answer_for_delivery, "lost: "),
    "claimed for ever": Plant(_keep_what_is_claimed_for_ever, "stuck: "),
    "claimed without a lease": Plant(_claim_without_a_lease, "twice at once"),
    "claimed without the lock": Plant(_claim_without_the_lock, "twice at once"),
    "delivered before sending": Plant(_deliver_before_sending, "lost: "),
    "each try numbered": Plant(_number_each_try, "ids"),
    "signed once for all": Plant(_sign_once_for_all, "signature"),
}
