"""What the exchange tells a phone network to do with a call: connect it, refuse it, or let it be over.

Made by `call.flow`; `edge.telephony` turns it into the provider's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ringbid.values.ids import BuyerId, CallId, PingId
from ringbid.values.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Ring one buyer, whose place is held meanwhile. `to` is E.164 or a `sip:` URI.

    `recover_below_seconds`: where the buyer hangs up earlier, the caller is kept, and asked for again; 0: never.
    `call_uuid` and `call_key` go to the buyer (`X-Ringbid-Call`, `X-Ringbid-Key`): both let it report a conversion.
    """

    attempt_id: PingId
    buyer_id: BuyerId
    to: str
    ring_seconds: int
    max_duration_seconds: int
    recover_below_seconds: int = 0
    call_uuid: CallId
    call_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Ring the buyers of the first step; where none of them answers, those of the next. Buyers of one step ring at
    once, and the first to answer wins. When the last step has failed, ask again (`CallDesk.go_on`): there may be more.
    """

    call_id: CallId
    steps: tuple[tuple[Dial, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Do not connect the call. `code` is the SIP status that says why: 404, 480, 486, 503 or 603."""

    call_id: CallId | None
    reason: Reason
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Nothing is left to do: the call has been connected and is finished, or the caller is gone."""

    call_id: CallId


Routing: TypeAlias = Connect | Refuse | Over
