"""The demo's calls through a simulated carrier: signed TwiML webhooks to the demo's own server, and no real telephony.

Used by `ringbid demo` where Kamailio and SIPp are not installed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from random import Random

from pydantic import SecretStr

from ringbid.buyers.protocol import Outbound
from ringbid.edge.emulate.carrier import SimulatedCarrier
from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.carrier_lines import Order, Refusal, SimulatedLines, Talk
from ringbid.edge.emulate.carrier_wire import Identity
from ringbid.edge.emulate.phones import Turns
from ringbid.edge.telephony.twiml.redirecting import carrier_url
from ringbid.settings import Carrier
from ringbid.values.clock import Clock

NAME = "demo"
_ACCOUNT = "AC00000000000000000000000000000de0"


class SimulatedPhones:
    """A carrier that the server knows under `NAME`, if its settings have `carrier()`."""

    description = "through a simulated carrier: signed TwiML webhooks to this server"

    def __init__(self, *, seed: int) -> None:
        self._secret = secrets.token_hex(16)
        self._random = Random(f"{seed}/carrier")  # noqa: S311 -- ids of calls that never were
        self._carrier: SimulatedCarrier | None = None

    def carrier(self) -> Carrier:
        """The server's setting for it."""
        return Carrier(kind="twilio", secret=SecretStr(self._secret), account=_ACCOUNT)

    def connect(self, *, public_url: str, outbound: Outbound, clock: Clock) -> None:
        """Call this server from now on."""
        base_url = carrier_url(public_url, NAME)
        self._carrier = SimulatedCarrier(
            identity=Identity(kind="twilio", signing_key=self._secret, account=_ACCOUNT),
            outbound=outbound,
            lines=PhoneLines(),
            clock=clock,
            voice_url=f"{base_url}/voice",
            fallback_url=f"{base_url}/fallback",
            status_url=f"{base_url}/status",
            random=self._random,
        )

    async def call(self, placed: PlacedCall) -> None:
        assert self._carrier is not None, "connect() comes first"
        await self._carrier.call(placed)


class PhoneLines:
    """Lines to `phones.PHONES`, each of which takes its calls in one way after the other."""

    def __init__(self) -> None:
        self._turns = Turns()

    async def ring(self, order: Order, rings: Callable[[], None]) -> Talk | Refusal:
        behaviour = self._turns.next(order.address)
        return await SimulatedLines({order.address: behaviour}).ring(order, rings)
