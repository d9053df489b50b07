"""Where a simulated carrier's outgoing calls lead: to simulated buyers, or anywhere else that can be rung.

`edge.emulate.carrier` places them; whoever has real telephony gives it lines of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Refusal = Literal["busy", "no-answer", "failed", "declined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One phone to ring. `address` is E.164 or a SIP URI; `headers` go with a SIP call."""

    address: str
    headers: Mapping[str, str]
    caller_id: str | None


class Talk(Protocol):
    """A call that was answered."""

    async def over(self) -> None:
        """Return once the buyer hangs up. Cancelled freely."""
        ...

    async def hang_up(self) -> None:
        """End it, where it has not ended: called once, last."""
        ...


class Lines(Protocol):
    """Places calls."""

    async def ring(self, order: Order, rings: Callable[[], None]) -> Talk | Refusal:
        """Ring until somebody answers or refuses; `rings` is called when the phone does. Cancelled: it rang long
        enough, somebody else answered, or the caller is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one buyer takes calls: after `after_seconds` it answers, or refuses in the way `refuses` says.

    `talk_seconds` None: it never hangs up first. `after_seconds` None: it rings for ever.
    """

    after_seconds: float | None = 1.0
    refuses: Refusal | None = None
    talk_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Talk:
    seconds: float | None

    async def over(self) -> None:
        await _pass(self.seconds)

    async def hang_up(self) -> None:
        """A simulated buyer needs no goodbye."""


class SimulatedLines:
    """Buyers by their address, each with a way to behave; whoever is not listed behaves like `others`.

    Time is the event loop's, which a test may make jump. `rung` has what was rung, in order.
    """

    def __init__(self, buyers: Mapping[str, Behaviour], *, others: Behaviour | None = None) -> None:
        self._buyers = buyers
        self._others = others or Behaviour(refuses="failed", after_seconds=0.1)
        self.rung: list[Order] = []

    async def ring(self, order: Order, rings: Callable[[], None]) -> Talk | Refusal:
        behaviour = self._buyers.get(order.address, self._others)
        self.rung.append(order)
        if behaviour.refuses != "failed":
            rings()
        await _pass(behaviour.after_seconds)
        return behaviour.refuses or _Talk(behaviour.talk_seconds)


async def _pass(seconds: float | None) -> None:
    """Let time pass; None: all of it."""
    if seconds is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)
