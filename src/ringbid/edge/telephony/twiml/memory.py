"""What is remembered of each call between a carrier's requests. In memory only: it sharpens answers, none needs it.

Used by `endpoint`. After a restart, or where another node gets the next request, all of it is gone: then it may stay
unknown who hung up, and a handed back call waits a little longer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field

from ringbid.values.ids import PingId

_MOST_CALLS = 20_000


@dataclass(slots=True)
class Remembered:
    """One call. `dialled`: the attempts of the last Dial; `legs`: which of the carrier's child legs is which attempt;
    `picked_up`: who has answered so far.

    `dial_done` and `recorded`: what the carrier has told about the end of an attempt, set once it has.
    """

    dialled: tuple[PingId, ...] = ()
    legs: dict[str, PingId] = field(default_factory=dict)
    picked_up: set[PingId] = field(default_factory=set)
    dial_done: defaultdict[PingId, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    recorded: defaultdict[PingId, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))


class Memory:
    """The calls of late, by provider and call."""

    def __init__(self, *, most_calls: int = _MOST_CALLS) -> None:
        self._most = most_calls
        self._calls: OrderedDict[tuple[str, str], Remembered] = OrderedDict()

    def of(self, provider: str, call_sid: str) -> Remembered:
        """What is remembered of a call; nothing, where it is new or long gone."""
        key = (provider, call_sid)
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = Remembered()
            if len(self._calls) > self._most:
                self._calls.popitem(last=False)
        return call
