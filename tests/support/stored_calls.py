"""Calls as the store returns them, for what reads and draws them: played by the table of transitions, without a store.

A `PlayedCall` starts with the buyers that one routing found; each `tell` is an event, with the row that handled it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace as changed

from ringbid.call import convert, transitions
from ringbid.call.event import CallEvent, Cause, EndedBy, EventKind
from ringbid.call.ports import StoredCall
from ringbid.call.react import posting_of
from ringbid.call.state import Attempt, CallState, Phase
from ringbid.call.trace import CallTrace, TracedRouting
from ringbid.ledger.posting import Posting
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Listed
from ringbid.reports.call_story import CallStory, tell_call
from ringbid.reports.call_timeline import StoredEvent
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedTag, TracedVerdict
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, PingId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote, SideTerms, Terms
from ringbid.values.reason import Reason
from support.stored_pings import PING_ID

CALL_ID = CallId("019ab0c4-9999-7c41-9a52-0d6a1f6f8a01")
CALL_KEY = "5ec7e7" * 5
CALLED_AT = datetime(2026, 3, 4, 10, 14, 22, tzinfo=UTC)
TERMS = SideTerms(rule_id=RuleId("alpha-and-delta"), rule_version="aa01", seconds=95)
FILTERED = TracedVerdict(
    buyer="bravo",
    reason="filter_not_matched",
    actual="age = 15",
    expected="age >= 18",
    setting="buyers[bravo].filters[0]",
)


def make_attempt(buyer: str, *, step: int = 1, terms: Terms | None = None, **changes: Any) -> Attempt:
    """A try at a buyer that pays 1.50 USD, of which the publisher gets 1.173 USD, after 95 s."""
    quote = Quote(
        revenue_micros=1_500_000,
        payout_micros=1_173_000,
        seconds=95,
        currency="USD",
        rule_id=TERMS.rule_id,
        rule_version=TERMS.rule_version,
        terms=terms if terms is not None else Terms(revenue=TERMS, payout=TERMS),
    )
    revenue, payout = convert.open_sides(quote)
    made = Attempt(
        attempt_id=attempt_id(buyer),
        buyer_id=BuyerId(buyer),
        number="+12025550101",
        step=step,
        quote=quote,
        ring_seconds=20,
        max_duration_seconds=7200,
        revenue=revenue,
        payout=payout,
    )
    return changed(made, **changes)


def attempt_id(buyer: str) -> PingId:
    return PingId(f"attempt-of-{buyer}")


def make_call(*attempts: Attempt, phase: Phase = Phase.RINGING, **changes: Any) -> StoredCall:
    """A call that claimed the reservation of `stored_pings` and was routed once: these buyers ring, bravo may not."""
    rung = [TracedVerdict(buyer=one.buyer_id, reason="rings", revenue_micros=1_500_000) for one in attempts]
    routing = TracedRouting(at_ms=to_ms(CALLED_AT), took_ms=2.5, snapshot_version=3, verdicts=[*rung, FILTERED])
    trace = CallTrace(
        match=Reason.CALL_CLAIMED.code,
        strategy="bid",
        seed=271828,
        currency="USD",
        tags={"caller_state": TracedTag("CA", "zip"), "jornaya_id": TracedTag("private-token", "ping")},
        routings=[routing],
    )
    facts: dict[str, Any] = {
        "call_id": CALL_ID,
        "company_id": CompanyId("acme"),
        "campaign_id": CampaignId("auto-insurance"),
        "provider": "sip",
        "provider_call_id": "call-1",
        "reservation_id": PING_ID,
        "publisher_id": PublisherId("4321ABCD"),
        "caller_number": PhoneNumber("+12125550123"),
        "inbound_number": "+18444021146",
        "received_at": CALLED_AT,
        "state": CallState(phase=phase, received_ms=to_ms(CALLED_AT), call_key=CALL_KEY, attempts=attempts),
        "trace": trace,
    }
    return StoredCall(**(facts | changes))


@dataclass
class PlayedCall:
    """A call while it happens. Seconds are counted from its arrival."""

    call: StoredCall
    events: list[StoredEvent] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)

    def tell(
        self,
        kind: EventKind,
        at: float,
        buyer: str | None = None,
        *,
        told_at: float | None = None,
        cause: Cause | None = None,
        code: int | None = None,
        seconds: float | None = None,
        ended_by: EndedBy | None = None,
    ) -> PlayedCall:
        """Something happens `at`, and is told then or later; a record is of a talk of `seconds` that ended `at`."""
        happened = CALLED_AT + timedelta(seconds=at)
        talked = timedelta(seconds=seconds) if seconds is not None else None
        event = CallEvent(
            provider="sip",
            event_id=f"event-{len(self.events)}",
            provider_call_id="call-1",
            kind=kind,
            at=happened,
            attempt_id=attempt_id(buyer) if buyer is not None else None,
            cause=cause,
            code=code,
            started_at=happened - talked if talked is not None else None,
            duration_ms=talked // timedelta(milliseconds=1) if talked is not None else None,
            ended_by=ended_by,
        )
        step = transitions.advance(self.call.state, event)
        told = CALLED_AT + timedelta(seconds=at if told_at is None else told_at)
        self.events.append((told, step.row, event))
        self.set_state(step.state)
        for effect in step.effects:
            if isinstance(effect, transitions.Decide):
                self._decide(effect.attempt_id, to_ms(told))
        return self

    def set_state(self, state: CallState) -> None:
        self.call = replace(self.call, state=state)

    def story(self, *, now: float = 600.0, ping: StoredPing | None = None, messages: Any = ()) -> CallStory:
        """What is told of it, `now` seconds after it came."""
        return tell_call(
            self.call,
            events=self.events,
            postings=self.postings,
            messages=messages,
            ping=ping,
            now=CALLED_AT + timedelta(seconds=now),
        )

    def _decide(self, of_attempt: PingId, now_ms: int) -> None:
        before = self.call.state.find(of_attempt)
        assert before is not None
        after = convert.decide(self.call.state, before, now_ms=now_ms, converted_before=lambda _side, _terms: False)
        attempts = tuple(after if one.attempt_id == of_attempt else one for one in self.call.state.attempts)
        self.set_state(changed(self.call.state, attempts=attempts))
        self.postings += [posting_of(self.call, conversion) for conversion in convert.conversions(before, after)]


def failed_over(seconds: float = 97.3, *, ended_by: EndedBy = "caller") -> PlayedCall:
    """alpha was busy; delta answered after ten seconds and talked for `seconds`."""
    played = PlayedCall(make_call(make_attempt("alpha"), make_attempt("delta", step=2)))
    played.tell("ringing", 0.4, "alpha").tell("failed", 4, "alpha", cause="busy", code=486)
    played.tell("ringing", 4.9, "delta").tell("answered", 10, "delta")
    played.tell("ended", 10 + seconds)
    return played.tell("record", 10 + seconds, "delta", seconds=seconds, ended_by=ended_by)


def make_message(state: MessageState = MessageState.DELIVERED, **changes: Any) -> Listed:
    """A message of the webhook `tell the publisher`, made at the call's end."""
    facts: dict[str, Any] = {
        "number": 1,
        "message_id": "msg_1",
        "company_id": CompanyId("acme"),
        "call_id": CALL_ID,
        "kind": "webhook",
        "endpoint": "auto-insurance/tell the publisher",
        "created_at": CALLED_AT + timedelta(seconds=107.3),
        "state": state,
        "tries": 1,
        "next_at": None,
        "ended_at": None,
        "last_status": 200,
        "last_error": None,
    }
    return Listed(**(facts | changes))
