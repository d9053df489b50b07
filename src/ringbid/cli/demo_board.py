"""What the demo knows so far: each ping with its call, the counts, and what the ledger says. No drawing here.

Filled by `demo`, which looks into the store again and again; `demo_screen` shows it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ringbid.cli.demo_calls import CallView
from ringbid.cli.demo_rows import Row
from ringbid.ledger.entry import COMPANY_ACCOUNTS
from ringbid.ledger.ports import Balance

_KEPT = 200  # pings: of the latest the 95th percentile is told, and any of them may have a call
_CALLS_COME_LATE = timedelta(seconds=5)  # how long after its place has expired a call is still looked for
_SHOWN_AFTER = timedelta(seconds=6)  # a ping that nothing happens to any more makes room for others after this


@dataclass(slots=True)
class Entry:
    """A ping, its call where there is one, and when something about it last changed."""

    row: Row
    changed_at: datetime
    call: CallView | None = None

    def waits(self, now: datetime) -> bool:
        """May a call still come?"""
        until = self.row.held_until
        return self.call is None and until is not None and now < until + _CALLS_COME_LATE

    def moves(self, now: datetime) -> bool:
        """Is there anything to look at again?"""
        return self.waits(now) or (self.call is not None and not self.call.final)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The ledger's balances, in micros of the one currency that the demo has."""

    currency: str = "USD"
    revenue_micros: int = 0
    payout_micros: int = 0
    sum_micros: int = 0
    parties: tuple[Balance, ...] = ()  # buyers and publishers, the largest first

    @property
    def margin_micros(self) -> int:
        return self.revenue_micros - self.payout_micros


@dataclass(slots=True)
class Board:
    """Everything that is shown, from the demo's first moment on."""

    started_at: datetime
    books: Books = field(default_factory=Books)
    postbacks: int = 0
    pings: int = 0
    reserved: int = 0
    calls: int = 0
    connected: int = 0
    converted: int = 0
    converted_example: Entry | None = None  # the first of each kind, for whoever wants to look closer
    failed_over_example: Entry | None = None
    refused_example: Entry | None = None
    history: list[int] = field(default_factory=list)  # revenue at each look at the ledger
    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def add(self, row: Row, now: datetime) -> Entry:
        """One more ping was answered."""
        entry = Entry(row, now)
        self._entries.append(entry)
        self.pings += 1
        self.reserved += row.reserved
        if row.refused and self.refused_example is None:
            self.refused_example = entry
        return entry

    def update(self, entry: Entry, call: CallView, now: datetime) -> CallView | None:
        """What is known of its call now; returns what was known before."""
        before = entry.call
        if before == call:
            return before
        self.calls += before is None
        self.connected += call.connected and not (before is not None and before.connected)
        self.converted += call.converted and not (before is not None and before.converted)
        entry.call, entry.changed_at = call, now
        if call.converted and not call.failed_over and self.converted_example is None:
            self.converted_example = entry
        if call.converted and call.failed_over and self.failed_over_example is None:
            self.failed_over_example = entry
        return before

    def keep_books(self, balances: Iterable[Balance]) -> None:
        """Take over what the ledger says."""
        self.books = books_of(balances)
        self.history.append(self.books.revenue_micros)

    def moving(self, now: datetime) -> Sequence[Entry]:
        """The pings whose calls must be looked at again."""
        return [entry for entry in self._entries if entry.moves(now)]

    def unfinished(self) -> bool:
        """Is a call known that goes on, or has not been decided about?"""
        return any(entry.call is not None and not entry.call.final for entry in self._entries)

    def shown(self, most: int, now: datetime) -> Sequence[Entry]:
        """As many pings as there is room for, in the order in which they came. Calls that go on come first, then what
        happened lately, then the rest."""
        lately = now - _SHOWN_AFTER

        def weight(entry: Entry) -> tuple[bool, bool, datetime]:
            return entry.call is not None and entry.moves(now), entry.changed_at >= lately, entry.changed_at

        chosen = sorted(self._entries, key=weight, reverse=True)[:most]
        kept = {id(entry) for entry in chosen}
        return [entry for entry in self._entries if id(entry) in kept]

    @property
    def slowest_ms(self) -> float | None:
        """What 95 of 100 pings were faster than."""
        took = sorted(entry.row.took_ms for entry in self._entries)
        return took[math.ceil(len(took) * 0.95) - 1] if took else None


def books_of(balances: Iterable[Balance]) -> Books:
    """The balances that a demo shows: the company's two, and everybody else's by size."""
    known = list(balances)
    company = {one.account: one.amount.micros for one in known}
    parties = [one for one in known if one.account not in COMPANY_ACCOUNTS.values()]
    return Books(
        currency=known[0].amount.currency if known else "USD",
        revenue_micros=company.get(COMPANY_ACCOUNTS["revenue"], 0),
        payout_micros=-company.get(COMPANY_ACCOUNTS["payout"], 0),
        sum_micros=sum(one.amount.micros for one in known),
        parties=tuple(sorted(parties, key=lambda one: -abs(one.amount.micros))),
    )
