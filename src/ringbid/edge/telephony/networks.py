"""Orders to phone networks, each to the one whose call it is. Implements `call.ports.Networks`.

A carrier is asked through its REST API (`twiml.redirecting`); the SIP engine by whatever `bootstrap` gives here.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from ringbid.buyers.protocol import Answer, Outbound
from ringbid.call.ports import Networks, TakeBack
from ringbid.edge.telephony.twiml.redirecting import redirect_call
from ringbid.settings import Carrier
from ringbid.values.clock import Clock
from ringbid.values.ids import PingId
from ringbid.values.verdict import Refused

_SECONDS = 5.0
# What carriers say where there is no such call, or where it is over.
_NOT_LIVE = frozenset({400, 404, 409, 410, 422})

_log = structlog.get_logger(__name__)


class PhoneNetworks:
    """Every network of the settings. One for each server. `others` are by the name of their provider."""

    def __init__(
        self,
        *,
        carriers: Mapping[str, Carrier],
        public_url: str | None,
        outbound: Outbound,
        clock: Clock,
        others: Mapping[str, Networks] | None = None,
    ) -> None:
        self._carriers = carriers
        self._public_url = public_url
        self._outbound = outbound
        self._clock = clock
        self._others = dict(others or {})

    async def hand_back(self, provider: str, provider_call_id: str, attempt_id: PingId) -> TakeBack:
        other, carrier = self._others.get(provider), self._carriers.get(provider)
        if other is not None:
            return await other.hand_back(provider, provider_call_id, attempt_id)
        if carrier is None or self._public_url is None:
            return TakeBack.NOT_SUPPORTED
        ask = redirect_call(carrier, name=provider, public_url=self._public_url, call_sid=provider_call_id)
        if ask is None:
            return TakeBack.NOT_SUPPORTED
        answer = await self._outbound.send(ask, ends_at=self._clock.monotonic() + _SECONDS)
        taken = _read(answer)
        if taken is not TakeBack.DONE:
            why = answer.reason.code if isinstance(answer, Refused) else answer.status
            _log.warning("call_not_taken_back", carrier=provider, attempt=attempt_id, why=why)
        return taken


def _read(answer: Answer | Refused) -> TakeBack:
    if isinstance(answer, Refused):
        return TakeBack.UNREACHABLE
    if 200 <= answer.status < 300:
        return TakeBack.DONE
    return TakeBack.NOT_LIVE if answer.status in _NOT_LIVE else TakeBack.UNREACHABLE
