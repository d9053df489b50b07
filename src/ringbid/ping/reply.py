"""The reply, as the publisher gets it: the exact bodies of the ping API.

Rendered here and not at the edge, because a reply is stored with its ping in the transaction that decides it, so that
an
Idempotency-Key gets the very same bytes again. `edge.api` adds the HTTP status and headers.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ringbid.reservations.reservation import Reservation, State
from ringbid.values.clock import format_utc
from ringbid.values.ids import PingId
from ringbid.values.money import format_micros
from ringbid.values.reason import Fault, Stage
from ringbid.values.verdict import Refused

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class PingReply:
    """An HTTP status and a JSON body. `replayed`: these are the bytes of an earlier reply."""

    status: int
    body: bytes
    replayed: bool = False


STATUS_WORDS = {State.HELD: "reserved", State.CONFIRMED: "confirmed"}


def reserved_body(reservation: Reservation, *, sip_domain: str | None, shielded: bool = False) -> bytes:
    """The object of an open reservation. `shielded`: it is returned to a duplicate ping."""
    quote = reservation.quote
    sip_address = f',"sip_address":"{reservation.ping_id}@{sip_domain}"' if sip_domain else ""
    shield = ',"retreaver_ping_shield":true' if shielded else ""
    return (
        f'{{"uuid":"{reservation.ping_id}","status":"{STATUS_WORDS[reservation.state]}",'
        f'"retreaver_payout":{format_micros(quote.payout_micros)},"retreaver_seconds":{quote.seconds},'
        f'"inbound_number":"{reservation.inbound_number}"{sip_address},'
        f'"expires_at":"{format_utc(reservation.expires_at)}"{shield}}}'
    ).encode()


def refused_body(ping_id: PingId, status: str, refused: Refused) -> bytes:
    """The object of a ping that got no place: never a number in it, and only what the publisher may read. What the
    publisher itself sent wrongly is named."""
    reason = refused.reason
    body = {"uuid": ping_id, "status": status, "info": reason.safe_text, "code": reason.safe_code}
    if reason.stage is Stage.REQUEST and reason.fault is Fault.PUBLISHER:
        body.update(_found_and_expected(refused))
    return _encode(body)


def error_body(refused: Refused) -> bytes:
    """The object of a request that was no ping: what was wrong, what was found, what was expected."""
    reason = refused.reason
    body = {"status": "rejected", "info": reason.safe_text, "code": reason.code}
    return _encode({**body, **_found_and_expected(refused)})


def _found_and_expected(refused: Refused) -> dict[str, str]:
    told = {"found": refused.actual, "expected": refused.expected}
    return {name: text for name, text in told.items() if text is not None}
