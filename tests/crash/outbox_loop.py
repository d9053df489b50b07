"""The outbox under fire: messages wait, senders are killed at random moments, the receiver fails; then the audit.

The audit reads the tables with plain SQL and the receiver's memory, and returns every broken promise as a line of text.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.outbox_receiver import Receiver
from crash.outbox_senders import Senders, senders, settings_of
from ringbid.outbox.message import Message, new_message_id
from ringbid.store.opening import Store, open_store
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CompanyId
from support.clocks import JumpingClock
from support.outbox import put
from support.store_clients import rows_of
from support.stores import StorePlace

COMPANY = CompanyId("crash")
ENDPOINTS = 5
SHORT_LIVES = 0.2  # of all: killed before they have done much
SHORT_LIFE_SECONDS = 0.03
REQUESTS_IN_A_LIFE_SECONDS = 30.0
QUIET_SECONDS = 20.0  # without a request and with messages left: they are stuck, on a slow machine, too


@dataclass(frozen=True)
class Outcome:
    """What the audit found, and how much was tried. `duplicates`: taken again, after they had been taken."""

    violations: list[str]
    messages: int
    kills: int
    requests: int
    duplicates: int
    seconds: float

    def __str__(self) -> str:
        counts = f"{self.messages} messages, {self.kills} kills, {self.requests} requests"
        counts += f", {self.duplicates} duplicates, {self.seconds:.1f} s"
        return "\n".join([f"{len(self.violations)} broken promises; {counts}", *self.violations[:20]])


@dataclass
class Fire:
    """One run. `at_once`: how many senders run at a time. Half of the messages come while they do, on PostgreSQL."""

    data: Path
    database: str | None
    messages: int
    kills: int
    seed: int
    at_once: int = 1
    plant: str | None = None
    quiet_seconds: float = QUIET_SECONDS

    def run(self) -> Outcome:
        began = time.monotonic()
        moments = random.Random(self.seed)
        [secret] = self._on_the_store(lambda store: store.outbox.secrets(COMPANY))
        receiver = Receiver(secret=secret, seed=self.seed, answer_seconds=0.003 if self.at_once == 1 else 0.03)
        receiver.start()
        try:
            first = self.messages if self.database is None else self.messages // 2
            ids = self._enqueue(range(first), receiver.port)
            with senders(data=self.data, database=self.database, plant=self.plant) as fleet:
                for _ in range(self.at_once):
                    fleet.start()
                for number in range(self.kills):
                    if number == self.kills // 2:
                        ids |= self._enqueue(range(first, self.messages), receiver.port)
                    self._live(receiver, moments)
                    fleet.kill()
                    fleet.start()
                self._settle(receiver, fleet)
        finally:
            receiver.stop()
        violations = list(audit(receiver, ids, self._rows()))
        duplicates = sum(max(0, visits.taken - 1) for visits in receiver.visits.values())
        took = time.monotonic() - began
        return Outcome(violations, self.messages, self.kills, receiver.requests, duplicates, took)

    def _live(self, receiver: Receiver, moments: random.Random) -> None:
        """Let the oldest sender live for a while: for so many requests that all lives need about all messages."""
        if moments.random() < SHORT_LIVES:
            time.sleep(moments.uniform(0, SHORT_LIFE_SECONDS))
            return
        most = 2 * self.messages // max(1, self.kills)
        wanted = receiver.requests + moments.randint(1, max(2, most))
        receiver.wait_for(wanted, within_seconds=2.0)

    def _settle(self, receiver: Receiver, fleet: Senders) -> None:
        """Wait until nothing waits any more, or nothing moves."""
        while self._waiting() and time.monotonic() - receiver.heard_at < self.quiet_seconds:
            receiver.wait_for(receiver.requests + 100, within_seconds=0.2)

    def _enqueue(self, numbers: range, port: int) -> dict[bytes, str]:
        """Put messages into the store; each one's id by its body."""
        made = [_message(number, port) for number in numbers]
        if made:
            self._on_the_store(lambda store: put(store, *made, at=SystemClock().now()))
        return {message.body: message.message_id for message in made}

    def _on_the_store(self, work: Any) -> Any:
        async def happen() -> Any:
            store: Store = await open_store(settings_of(self.data, self.database), SystemClock())
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(happen())

    def _waiting(self) -> int:
        [(count,)] = self._query("select count(*) from outbox where state = 'waiting'")
        return int(count)

    def _rows(self) -> list[tuple[Any, ...]]:
        """Of each message: its id, state and tries, and of its recorded tries: how many, the last number, how many
        with a 2xx."""
        return self._query(
            "select o.message_id, o.state, o.tries, count(t.number), coalesce(max(t.number), 0),"
            " coalesce(sum(case when t.status between 200 and 299 then 1 else 0 end), 0)"
            " from outbox o left join outbox_try t on t.message_id = o.message_id"
            " group by o.message_id, o.state, o.tries"
        )

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        database: Any = "sqlite" if self.database is None else "postgresql"
        return rows_of(StorePlace(database, settings_of(self.data, self.database), JumpingClock()), query)


def audit(receiver: Receiver, ids: dict[bytes, str], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Every broken promise. `ids`: the id of each message by its body; `rows` as of `Fire._rows`."""
    stored = {row[0]: row[1:] for row in rows}
    if receiver.forged:
        yield f"{receiver.forged} requests with a wrong signature or timestamp"
    for body in receiver.visits.keys() - ids.keys():
        yield f"{body!r} was sent by nobody"
    for body, message_id in ids.items():
        visits = receiver.visits[body]
        if message_id not in stored:
            yield f"lost: {message_id} is not in the store"
            continue
        state, tries, recorded, last_number, good = stored.pop(message_id)
        if state == "delivered" and not visits.taken:
            yield f"lost: {message_id} is delivered, and was never taken in {visits.requests} requests"
        elif state != "delivered":
            yield f"stuck: {message_id} is {state} after {tries} tries, taken {visits.taken} times"
        if visits.requests and visits.ids != {message_id}:
            yield f"{message_id} was sent under {len(visits.ids)} ids that are not all its own"
        if visits.most_open > 1:
            yield f"{message_id} was sent twice at once"
        if not tries == recorded == last_number:
            yield f"{message_id} has {tries} tries, {recorded} recorded, the last with number {last_number}"
        if good > visits.taken:
            yield f"{message_id} was taken {visits.taken} times, and recorded as taken {good} times"
    for message_id in stored:
        yield f"{message_id} is in the store, and nobody put it there"


def _message(number: int, port: int) -> Message:
    return Message(
        message_id=new_message_id(SystemClock().now()),
        company_id=COMPANY,
        kind="webhook",
        endpoint=f"campaign/webhook {number % ENDPOINTS}",
        method="POST",
        url=f"http://127.0.0.1:{port}/{number}",
        headers=(("Content-Type", "application/json"),),
        body=b'{"conversion":%d}' % number,
    )
