"""Who may ask for what about which call: access keys, and how a request names a call or a caller.

Used by `writing`, `postback` and `hand_back`, and by `edge.api.calls`. A key speaks for its campaign; where it has a
publisher or a buyer, only for calls of that publisher, or that were connected to that buyer.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbid.call.ports import CallerOf, StoredCall
from ringbid.call.state import Attempt, Phase
from ringbid.catalog.model import AccessRight
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.snapshot import AccessView, Snapshot, key_id_of
from ringbid.values.ids import PingId, PublisherId, parse_ping_id
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_KEY_EXPECTED = "key=…, the key's secret"


@dataclass(frozen=True, slots=True)
class CallName:
    """How a request names a call: by a uuid, or else by its caller. One of the two is set."""

    call_uuid: PingId | None = None
    caller_number: PhoneNumber | None = None


def find_access(secret: str | None, right: AccessRight, snapshot: Snapshot) -> AccessView | Refused:
    """What the key leads to, where it allows this."""
    if not secret:
        return Refused(Reason.ACCESS_KEY_UNKNOWN, actual="no key", expected=_KEY_EXPECTED)
    view = snapshot.access.get(key_id_of(secret))
    if view is None or view.key.paused:
        return Refused(Reason.ACCESS_KEY_UNKNOWN)
    if right not in view.key.allows:
        return Refused(Reason.ACCESS_NOT_ALLOWED, actual=", ".join(view.key.allows), expected=right)
    return view


def read_name(call_uuid: str | None, caller_number: str | None) -> CallName | Refused:
    """The call that is meant; a uuid counts more than a number."""
    if call_uuid is not None and call_uuid.strip():
        uuid = parse_ping_id(call_uuid.strip())
        return CallName(call_uuid=uuid) if uuid is not None else Refused(Reason.CALL_UNKNOWN)
    if caller_number is None or not caller_number.strip():
        return Refused(Reason.CALL_REQUEST_INVALID, actual="neither", expected="call_uuid or caller_number")
    number = parse_phone(caller_number)
    if number is None:
        expected = "E.164 such as +12125550123, or ten digits"
        return Refused(Reason.CALLER_NUMBER_INVALID, actual=caller_number[:40], expected=expected)
    return CallName(caller_number=number)


def is_for(view: AccessView, call: StoredCall) -> bool:
    """Is this a call that the key speaks for?"""
    key = view.key
    return (
        call.company_id == view.company.catalog.company.id
        and call.campaign_id == view.campaign.id
        and key.publisher in (None, call.publisher_id)
        and (key.buyer is None or any(one.buyer_id == key.buyer for one in answered(call)))
    )


def answered(call: StoredCall) -> tuple[Attempt, ...]:
    """The attempts at buyers that picked up, the latest first."""
    picked_up = [one for one in call.state.attempts if one.answered_ms is not None]
    return tuple(sorted(picked_up, key=lambda one: one.answered_ms or 0, reverse=True))


def caller_of(view: AccessView, caller_number: PhoneNumber) -> CallerOf:
    """The caller, as far as the key speaks for it."""
    return CallerOf(
        company_id=view.company.catalog.company.id,
        campaign_id=view.campaign.id,
        publisher_id=view.key.publisher or PublisherId(""),
        caller_number=caller_number,
    )


def over_at_ms(call: StoredCall) -> int | None:
    """When the call ended; None while it goes on."""
    state = call.state
    if state.phase not in (Phase.ENDED, Phase.REFUSED):
        return None
    return state.ended_ms if state.ended_ms is not None else state.received_ms


def late(view: AccessView, call: StoredCall, now_ms: int) -> Refused | None:
    """Why the key does not count for this call any more, or None."""
    ended_ms = over_at_ms(call)
    until_seconds = view.key.until_seconds
    if ended_ms is None or now_ms - ended_ms <= until_seconds * 1000:
        return None
    actual = f"{(now_ms - ended_ms) // 1000} s after the end"
    return Refused(Reason.ACCESS_LATE, actual=actual, expected=f"within {until_seconds} s")
