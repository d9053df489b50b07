"""Simulated buyers: nine real HTTP servers on loopback, each with a port and a way to behave of its own.

Started by the demo, which writes their ports into its catalog; asked like any buyer. A buyer answers at
`/buyers/<behaviour>/bid`, whatever was asked. What varies comes from a seed: the same one brings the same bids. The
numbers that they bid with ring in `phones`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from types import MappingProxyType, TracebackType
from typing import Self, TypeAlias

from ringbid.edge.emulate.answering import AnsweringServers, Response

SECONDS = 6  # how long a call must last for every one of them: a demo has no time for the usual ninety

AddressOf: TypeAlias = Callable[[str], str]  # where the phone of a number is called


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a buyer answers, and after how long. `delay_seconds` None: it never answers."""

    answer: Callable[[Random, AddressOf], Response]
    delay_seconds: float | None = 0.0


def _bid(random: Random, address_of: AddressOf, *, low_cents: int, high_cents: int, phone: str) -> Response:
    cents = random.randrange(low_cents, high_cents + 1)
    amount = f"{cents // 100}.{cents % 100:02d}"
    body = f'{{"accepted":true,"bid":{{"amount":{amount},"min_seconds":{SECONDS},"phone":"{address_of(phone)}"}}}}'
    return Response(body.encode())


def _malformed(random: Random, _: AddressOf) -> Response:
    """One of the ways in which answers really are broken."""
    return random.choice(
        (
            Response(b'{"accepted":true,"bid":{"amount":7.5,"min_seco'),
            Response(b'{"accepted":true,"bid":{"amount":NaN,"min_seconds":90,"phone":"+12025550115"}}'),
            Response(b'{"accepted":true,"bid":{"amount":-7.5,"min_seconds":90,"phone":"+12025550115"}}'),
            Response(b"<html><body>Service is starting</body></html>", content_type="text/html"),
        )
    )


BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "fast": Behaviour(partial(_bid, low_cents=300, high_cents=1250, phone="+12025550111"), 0.008),
        "slow": Behaviour(partial(_bid, low_cents=1800, high_cents=2600, phone="+12025550112"), 0.6),
        "silent": Behaviour(partial(_bid, low_cents=100, high_cents=100, phone="+12025550113"), None),
        "declining": Behaviour(lambda *_: Response(b'{"accepted":false,"reason":"no agent free"}'), 0.02),
        "malformed": Behaviour(_malformed, 0.015),
        "capped": Behaviour(partial(_bid, low_cents=2800, high_cents=3200, phone="+12025550116"), 0.025),
        "closed": Behaviour(partial(_bid, low_cents=500, high_cents=500, phone="+12025550117"), 0.01),
        "pricey": Behaviour(partial(_bid, low_cents=900, high_cents=4200, phone="+12025550118"), 0.045),
        "error": Behaviour(lambda *_: Response(b'{"error":"out of order"}', "500 Internal Server Error"), 0.012),
    }
)


class EmulatedBuyers:
    """All nine, as long as the body of `async with` runs."""

    def __init__(self, *, seed: int, address_of: AddressOf = str) -> None:
        self._address_of = address_of
        self.ports: dict[str, int] = {}  # by behaviour
        self._chance = {
            behaviour: Random(f"{seed}/{behaviour}")  # noqa: S311 -- bids to play with, no secrets
            for behaviour in BEHAVIOURS
        }
        self._servers = AnsweringServers()

    async def __aenter__(self) -> Self:
        for behaviour in BEHAVIOURS:
            self.ports[behaviour] = await self._servers.listen(self._answer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._servers.close()

    def _answer(self, path: str) -> Response:
        name = path.removeprefix("/buyers/").removesuffix("/bid")
        behaviour = BEHAVIOURS.get(name)
        if behaviour is None:
            return Response(b'{"error":"no such buyer"}', "404 Not Found")
        return replace(behaviour.answer(self._chance[name], self._address_of), delay_seconds=behaviour.delay_seconds)
