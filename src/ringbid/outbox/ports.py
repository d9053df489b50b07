"""What the sender and the commands need of a store, and the values that pass between them.

`store.outbox` keeps these promises; `worker.outbox` and `worker.outbox_orders` call them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from ringbid.outbox.message import Message, MessageState
from ringbid.values.ids import CallId, CompanyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that is ours to send until its lease ends. `step`: its failed tries since it was last put to wait.

    `secrets` are what it is signed with, the newest first.
    """

    message: Message
    lease: str
    step: int
    secrets: tuple[str, ...]

    @property
    def queue(self) -> str:
        return queue_of(self.message.company_id, self.message.endpoint)


def queue_of(company_id: str, endpoint: str) -> str:
    """An endpoint's name among those of all companies: its messages are sent within a share of their own."""
    return f"{company_id} {endpoint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How one try went, and what follows for its message. A `state` of None: it was broken off, and counts for nothing.

    `retry_in_ms` is from now, where the message waits for another try; `error` says why there was no answer.
    """

    message_id: str
    lease: str
    at: datetime
    took_ms: int
    status: int | None
    error: str | None
    state: MessageState | None
    retry_in_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn gave the sender: messages to send, and when the next one is due, as far as queues go in which none
    was due now: what is sent from the others brings the next turn about. None: there is none."""

    claimed: tuple[Claimed, ...] = ()
    due_in_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the sender could take: `room` messages, at most `most_per_queue` of one queue together with those that are
    `under_way`. What it takes is its own for `lease_ms`."""

    room: int
    most_per_queue: int
    lease_ms: int
    under_way: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One message in a list."""

    number: int  # grows with each message: where a list goes on
    message_id: str
    company_id: CompanyId
    call_id: CallId | None
    kind: str
    endpoint: str
    created_at: datetime
    state: MessageState
    tries: int
    next_at: datetime | None
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTry:
    number: int
    at: datetime
    took_ms: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message with all its tries. `request` is a text for people: secrets are masked."""

    listed: Listed
    request: str
    tries: tuple[ListedTry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisabledEndpoint:
    company_id: CompanyId
    endpoint: str
    disabled_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How the outbox stands now. `late_ms`: for how long its oldest message could have been sent already."""

    waiting: int
    dead: int
    disabled: int
    late_ms: int
    disabled_endpoints: tuple[DisabledEndpoint, ...]


class Replayed(Enum):
    """What a replay did."""

    WAITING = "waiting"
    UNKNOWN = "unknown"  # there is no such message
    UNDER_WAY = "under way"  # it is being sent now
    ENDPOINT_DISABLED = "endpoint disabled"  # enable the endpoint first
    UNSENDABLE = "unsendable"  # no request could be made of it


class SenderStore(Protocol):
    """What the sender needs. Raises StoreUnavailable and StoreOverloaded."""

    async def adopt(self) -> int:
        """Take over what another sender left under way, where it is certain that none is left; how many."""
        ...

    async def turn(self, tried: Sequence[Tried], wish: Wish) -> Turn:
        """Record how tries went, then claim messages that are due: in one transaction, durable on return."""
        ...


class OutboxDesk(Protocol):
    """What the owner's commands change, and how it was before."""

    async def show(self, message_id: str) -> Shown | None:
        """One message with its tries, its secrets masked; None where there is none."""
        ...

    async def replay(self, message_id: str) -> Replayed:
        """Let a message wait again, to be sent now, under the same id."""
        ...

    async def replay_dead(self, company_id: CompanyId, endpoint: str) -> int:
        """The same for all dead messages of an endpoint; how many."""
        ...

    async def enable(self, company_id: CompanyId, endpoint: str) -> int | None:
        """Take an endpoint that a 410 had disabled into use again, with all that was kept from it; how many messages.
        None: it was not disabled."""
        ...

    async def secrets(
        self, company_id: CompanyId, *, endpoint: str | None = None, rotate: bool = False, drop_old: bool = False
    ) -> tuple[str, ...]:
        """The company's signing secrets, or those of its event webhook at `endpoint`, newest first, made where there is
        none. `rotate` makes a new one and keeps the newest of the old ones beside it; `drop_old` keeps the newest
        only."""
        ...
