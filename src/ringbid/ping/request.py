"""The first step: parameters become a `PingRequest`, or a refusal that stores nothing but a count.

`edge.api` parses bytes into parameters; this reads what they mean. `terms` are checked after: a request that is well
formed but may not be served (paused, unknown publisher …) is a rejected ping, with a uuid and a trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.snapshot import KeyView, Snapshot, key_id_of
from ringbid.reservations.ports import IdempotencyUse
from ringbid.values.ids import PingId, PublisherId
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Parameter = str | tuple[str, ...]
Parameters = Mapping[str, Parameter]

_MAX_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PingRequest:
    """A well-formed request for a price and a place. `received_monotonic` is when it arrived, in monotonic seconds."""

    ping_id: PingId
    received_at: datetime
    received_monotonic: float
    view: KeyView
    snapshot_version: int
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    inbound_number: PhoneNumber | None
    parameters: Parameters
    idempotency: IdempotencyUse | None


def find_key(parameters: Parameters, snapshot: Snapshot) -> KeyView | Refused:
    """What the request's RTB key leads to."""
    secret = single(parameters, "key")
    if not secret:
        return Refused(Reason.KEY_MISSING)
    view = snapshot.keys.get(key_id_of(secret))
    return view if view is not None else Refused(Reason.KEY_UNKNOWN)


def read_request(
    parameters: Parameters,
    *,
    snapshot: Snapshot,
    idempotency_key: str | None,
    ping_id: PingId,
    received_at: datetime,
    received_monotonic: float,
) -> PingRequest | Refused:
    """The request that `parameters` make, or what is wrong with them (the first thing, in the order of the API's
    page).
    """
    view = find_key(parameters, snapshot)
    if isinstance(view, Refused):
        return view
    return read_request_of(
        view,
        parameters,
        snapshot_version=snapshot.version,
        idempotency_key=idempotency_key,
        ping_id=ping_id,
        received_at=received_at,
        received_monotonic=received_monotonic,
    )


def read_request_of(
    view: KeyView,
    parameters: Parameters,
    *,
    snapshot_version: int,
    idempotency_key: str | None,
    ping_id: PingId,
    received_at: datetime,
    received_monotonic: float,
) -> PingRequest | Refused:
    """The same where the key is known already."""
    publisher_id = single(parameters, "publisher_id") or single(parameters, "source_id")
    if not publisher_id:
        return Refused(Reason.PUBLISHER_MISSING)
    caller_number = _caller_number(parameters, view)
    if isinstance(caller_number, Refused):
        return caller_number
    inbound_number = _inbound_number(parameters, view)
    if isinstance(inbound_number, Refused):
        return inbound_number
    idempotency = _idempotency(idempotency_key, parameters)
    if isinstance(idempotency, Refused):
        return idempotency
    return PingRequest(
        ping_id=ping_id,
        received_at=received_at,
        received_monotonic=received_monotonic,
        view=view,
        snapshot_version=snapshot_version,
        publisher_id=PublisherId(publisher_id),
        caller_number=caller_number,
        inbound_number=inbound_number,
        parameters=parameters,
        idempotency=idempotency,
    )


def check_terms(request: PingRequest) -> Refused | None:
    """Why this publisher may not ping this campaign at all, or None. Each cause has its own code."""
    company, campaign, key = request.view.company, request.view.campaign, request.view.key
    if not company.catalog.company.rtb_enabled:
        return Refused(Reason.RTB_DISABLED, actual="false", expected="true", setting="company.rtb_enabled")
    if key.paused:
        setting = f"{request.view.setting}.paused"
        return Refused(Reason.KEY_PAUSED, actual="paused", expected="not paused", setting=setting)
    if campaign.paused:
        setting = f"campaigns[{campaign.id}].paused"
        return Refused(Reason.CAMPAIGN_PAUSED, actual="paused", expected="not paused", setting=setting)
    publisher = company.publishers.get(request.publisher_id)
    if publisher is None:
        expected = "one of the company's publishers"
        return Refused(Reason.PUBLISHER_UNKNOWN, actual=request.publisher_id, expected=expected, setting="publishers")
    if publisher.paused:
        setting = f"publishers[{publisher.id}].paused"
        return Refused(Reason.PUBLISHER_PAUSED, actual="paused", expected="not paused", setting=setting)
    return None


def single(parameters: Parameters, name: str) -> str | None:
    """The value of a parameter that has one value; the first where it was repeated."""
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    return value[0] if value else None


def _caller_number(parameters: Parameters, view: KeyView) -> PhoneNumber | Refused | None:
    text = single(parameters, "caller_number")
    if text is None or not text.strip():
        if view.key.allow_no_caller_number:
            return None
        return Refused(
            Reason.CALLER_NUMBER_MISSING,
            actual="no caller_number",
            expected="caller_number=+12125550123",
            setting=f"{view.setting}.allow_no_caller_number",
        )
    number = parse_phone(text)
    if number is None:
        return Refused(
            Reason.CALLER_NUMBER_INVALID, actual=text[:40], expected="E.164 such as +12125550123, or ten digits"
        )
    return number


def _inbound_number(parameters: Parameters, view: KeyView) -> PhoneNumber | Refused | None:
    text = single(parameters, "inbound_number")
    if text is None or not text.strip():
        return None
    number = parse_phone(text)
    if number is None:
        return Refused(Reason.INBOUND_NUMBER_INVALID, actual=text[:40], expected="E.164 such as +18885551234")
    if all(number != ours.number for ours in view.campaign.numbers):
        setting = f"campaigns[{view.campaign.id}].numbers"
        expected = "a number of this campaign"
        return Refused(Reason.INBOUND_NUMBER_UNKNOWN, actual=number, expected=expected, setting=setting)
    return number


def _idempotency(key: str | None, parameters: Parameters) -> IdempotencyUse | Refused | None:
    if key is None:
        return None
    if not 1 <= len(key) <= _MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        return Refused(
            Reason.IDEMPOTENCY_KEY_INVALID, actual=f"{len(key)} characters", expected="1 to 255 visible ones"
        )
    canonical = msgspec.json.encode(sorted(parameters.items()))
    return IdempotencyUse(key=key, fingerprint=hashlib.sha256(canonical).hexdigest())
