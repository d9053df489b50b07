"""What the company's event webhooks are told of calls and of their money. Pure.

The names and shapes are those of `/api/v1/calls`. `call.flow` and `call.react` ask where the webhooks of a campaign are
told, and `store.event_telling` where a correction is booked.
"""

from __future__ import annotations

from datetime import datetime

from ringbid.call.convert import SIDES, Side
from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, CallState
from ringbid.catalog.model import EventType, WebhookTrigger
from ringbid.ledger.correcting import standing_of
from ringbid.ledger.posting import Posting
from ringbid.outbox.events import Data, Event, amount_told, reason_told
from ringbid.values.clock import from_ms
from ringbid.values.ids import CallId
from ringbid.values.money import Money
from ringbid.values.reason import BY_CODE

_TYPES: dict[WebhookTrigger, EventType] = {
    "call_received": "call.started",
    "answered": "call.connected",
    "call_ended": "call.ended",
}


def call_events(
    call: StoredCall, trigger: WebhookTrigger, *, attempt: Attempt | None, now: datetime
) -> tuple[Event, ...]:
    """The event of what fires the campaign's webhooks at `trigger`; none at the others."""
    event_type = _TYPES.get(trigger)
    if event_type is None:
        return ()
    key: str = call.call_id
    data = _call_told(call)
    if event_type == "call.connected" and attempt is not None:  # a call may be connected again, to the next buyer
        key = attempt.attempt_id
        data["attempt"] = {
            "number": _number_of(call.state, attempt),
            "uuid": attempt.attempt_id,
            "buyer_id": attempt.buyer_id,
        }
    if event_type == "call.ended":
        why = call.state.reason
        data["reason"] = reason_told(BY_CODE[why]) if why is not None else None
        data |= {side: _converted(call.state, side) for side in SIDES}
    return (_event(event_type, key, call, data, now),)


def conversion_events(call: StoredCall, posting: Posting, *, buyer_id: str, now: datetime) -> tuple[Event, ...]:
    """A side of the call's money was decided, and `posting` books it."""
    told = _posting_told(posting) | _about(call) | {"buyer_id": buyer_id}
    return tuple(
        _event("conversion.created", posting.posting_key, call, {**told, **share}, now) for share in _shares(posting)
    )


def correction_events(call: StoredCall | None, postings: tuple[Posting, ...], *, now: datetime) -> tuple[Event, ...]:
    """The last of a call's `postings` changes, or takes back, what was booked before. `call` of None: it was flushed,
    and its money is what is left of it."""
    posting = postings[-1]
    standing = standing_of(postings, posting.side)
    events = []
    for share in _shares(posting):
        account = share["account"]
        total = Money(standing.shares.get(account, 0), posting.currency)
        kind, _, name = account.partition("/")
        data = {
            **_posting_told(posting),
            **(_about(call) if call is not None else _NOTHING_KNOWN),
            "buyer_id": name if kind == "buyer" else _buyer_of(call),
            **share,
            "total": amount_told(total),
        }
        events.append(
            Event(
                type="conversion.adjusted",
                key=f"{posting.posting_key} {account}",
                company_id=posting.company_id,
                call_id=CallId(posting.call_id),
                at=now,
                data=data,
            )
        )
    return tuple(events)


def _event(event_type: EventType, key: str, call: StoredCall, data: Data, now: datetime) -> Event:
    return Event(type=event_type, key=key, company_id=call.company_id, call_id=call.call_id, at=now, data=data)


def _call_told(call: StoredCall) -> Data:
    state = call.state
    return {
        "uuid": call.call_id,
        **_about(call),
        "buyer_id": _buyer_of(call),
        "inbound_number": call.inbound_number,
        "phase": state.phase.value,
        "received_at": call.received_at,
        "answered_at": from_ms(state.answered_ms) if state.answered_ms is not None else None,
        "ended_at": from_ms(state.ended_ms) if state.ended_ms is not None else None,
        "connected_seconds": state.duration_ms // 1000 if state.duration_ms is not None else None,
    }


def _about(call: StoredCall) -> Data:
    return {
        "reservation_uuid": call.reservation_id,
        "campaign_id": call.campaign_id,
        "publisher_id": call.publisher_id or None,
        "caller_number": call.caller_number,
    }


_NOTHING_KNOWN: Data = dict.fromkeys(("reservation_uuid", "campaign_id", "publisher_id", "caller_number"))


def _buyer_of(call: StoredCall | None) -> str | None:
    """Who answered last."""
    answered = [one for one in call.state.attempts if one.answered_ms is not None] if call is not None else []
    return answered[-1].buyer_id if answered else None


def _posting_told(posting: Posting) -> Data:
    return {
        "call_uuid": posting.call_id,
        "kind": posting.kind,
        "side": posting.side,
        "rule_id": posting.rule_id,
        "rule_version": posting.rule_version,
        "author": posting.author,
        "note": posting.note,
    }


def _shares(posting: Posting) -> list[Data]:
    return [
        {"account": account, "amount": amount_told(Money(micros, posting.currency))}
        for account, micros in posting.shares.items()
    ]


def _converted(state: CallState, side: Side) -> Data | None:
    """What all attempts together brought on this side; None where it did not convert."""
    found = [(one.revenue if side == "revenue" else one.payout, one.quote.currency) for one in state.attempts]
    won = [(outcome.amount_micros, currency) for outcome, currency in found if outcome.outcome == "converted"]
    return amount_told(Money(sum(micros for micros, _ in won), won[0][1])) if won else None


def _number_of(state: CallState, attempt: Attempt) -> int:
    return [one.attempt_id for one in state.attempts].index(attempt.attempt_id) + 1
