"""One connection in one thread, the same for both databases: what the store's statements run on.

`sqlite` and `postgres` implement it; `writer` owns one for writing, and reads have their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ringbid.reservations.ports import StoreUnavailable
from ringbid.store.statements import DialectName, Insert, Row, Statement, Value
from ringbid.values.clock import Clock

Query = tuple[Statement, dict[str, Any]]


class ConnectionLost(StoreUnavailable):
    """The connection broke. The session must be reopened; then `committed` tells whether a COMMIT had gone through."""


class RunAgain(Exception):  # noqa: N818 -- what happened, not whose mistake
    """The transaction was given up and left nothing behind; it may simply run again."""


class Session(Protocol):
    """Within a transaction, PostgreSQL gets statements together where no answer is needed in between: `begin`, `lock`
    and the writes are sent with the next `fetch`, or with `commit`.

    Raises StoreUnavailable for what the machine or the network did, and the driver's own exceptions for bugs.
    """

    dialect: DialectName
    shared: bool  # may other processes write too, so that locks must be taken?

    @property
    def clock(self) -> Clock | None:
        """The store's clock, where it is not the database server's."""
        ...

    def begin(self) -> None: ...

    def lock(self, names: Iterable[str]) -> None:
        """Keep every other transaction that locks one of these names waiting until this one ends."""
        ...

    def fetch(self, *queries: Query) -> list[list[Row]]:
        """The rows of each query."""
        ...

    def write(self, statement: Statement, /, **values: Value) -> None: ...

    def insert(self, insert: Insert, rows: Sequence[Row]) -> None: ...

    def update_each(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> int:
        """Run `statement` with each of `rows`; how many rows of the database were changed, all together."""
        ...

    def commit(self) -> None: ...

    def mark(self) -> None:
        """Remember this point of the transaction, for `back_to_mark`; the point before is forgotten. SQLite only."""
        ...

    def back_to_mark(self) -> None:
        """Undo what was done since."""
        ...

    def rollback(self) -> None:
        """End the transaction, if there is one, without a trace. Never raises for a broken connection."""
        ...

    def reopen(self) -> None:
        """Replace a broken connection. Raises StoreUnavailable where that cannot be done now."""
        ...

    def committed(self) -> bool:
        """After `reopen`: is the last transaction that was begun here in the database?"""
        ...

    def close(self) -> None: ...
