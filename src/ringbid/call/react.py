"""What follows when something happened to a call: places, money, messages, and when to look at it again. Pure.

`transitions` says what the call becomes, `convert` what it is worth, `tell` who must know. `store.calls` writes all of
a reaction in the transaction that handles its cause, so that an event that comes twice is paid once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ringbid.call import convert, transitions
from ringbid.call.convert import Conversion, Side
from ringbid.call.event import CallEvent
from ringbid.call.events import call_events, conversion_events
from ringbid.call.ports import CallPlans, Lookups, Reaction, StoredCall
from ringbid.call.state import Attempt, AttemptState, CallState, Phase
from ringbid.call.tell import messages_of
from ringbid.call.trace import CallTrace
from ringbid.catalog.model import WebhookTrigger
from ringbid.catalog.snapshot import CampaignView
from ringbid.ledger.entry import buyer_account, publisher_account
from ringbid.ledger.posting import Posting, book_conversion
from ringbid.outbox.events import Event, event_messages
from ringbid.outbox.message import Message
from ringbid.reservations.books import Request
from ringbid.reservations.limits import Subject
from ringbid.reservations.moving import Count, Finish
from ringbid.routing.plan import subjects_of
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, PingId, RandomBytes
from ringbid.values.money import Money
from ringbid.values.quote import SideTerms

UNHEARD_SECONDS = 60  # after the last buyer should have stopped ringing, or talking, without a word from the network
RECORD_SECONDS = 600  # so long the webhooks of a call's end wait for its record, and with it for its duration


@dataclass(slots=True)
class _Work:
    """A reaction while it is made."""

    call: StoredCall
    plans: CallPlans
    lookups: Lookups
    random_bytes: RandomBytes
    counts: list[Request[Any]] = field(default_factory=list)
    requests: list[Request[Any]] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.lookups.now

    @property
    def home(self) -> CampaignView | None:
        """The campaign as it is now; None where it was removed."""
        return self.plans.snapshot.campaigns.get((self.call.company_id, self.call.campaign_id))

    def react(self, row: str) -> Reaction:
        return Reaction(
            state=self.call.state,
            row=row,
            # Counted before it is freed: between the two nobody may find room that is not there.
            requests=(*self.counts, *self.requests),
            postings=tuple(self.postings),
            messages=tuple(self.messages),
            converted=tuple(self.converted),
            check_at_ms=check_at_ms(self.call, to_ms(self.now)),
        )

    def set_state(self, state: CallState) -> None:
        self.call = with_state(self.call, state)

    def set_attempt(self, attempt: Attempt) -> None:
        attempts = tuple(attempt if one.attempt_id == attempt.attempt_id else one for one in self.call.state.attempts)
        self.set_state(replace(self.call.state, attempts=attempts))

    def free(self, attempt_id: PingId) -> None:
        self.requests.append(Finish(attempt_id))

    def count(self, attempt: Attempt) -> None:
        self.counts.append(Count(attempt.attempt_id, self._subjects_of, attempt.buyer_id))

    def tell(self, trigger: WebhookTrigger, attempt: Attempt | None, conversion: Conversion | None = None) -> None:
        self.tell_events(call_events(self.call, trigger, attempt=attempt, now=self.now))
        home = self.home
        if home is None:
            return
        plan = self.plans.plan_for(home.company, home.campaign)
        self.messages += messages_of(
            self.call,
            plan,
            trigger,
            attempt=attempt,
            conversion=conversion,
            now=self.now,
            random_bytes=self.random_bytes,
        )

    def tell_events(self, events: tuple[Event, ...]) -> None:
        """To the event webhooks of the company, whatever became of the campaign."""
        company = self.plans.snapshot.companies.get(self.call.company_id)
        if company is not None:
            self.messages += event_messages(events, company.catalog.event_webhooks)

    def converted_before(self, side: Side, terms: SideTerms) -> bool:
        key = self.dedupe_key(side, terms)
        last_ms = self.lookups.last_converted_ms(key) if key is not None else None
        return last_ms is not None and to_ms(self.now) - last_ms < terms.dedupe_seconds * 1000

    def dedupe_key(self, side: Side, terms: SideTerms) -> str | None:
        """Who must not convert again under which rule; None for a caller that is not known."""
        call = self.call
        if call.caller_number is None:
            return None
        return f"{call.company_id}/{call.campaign_id}/{terms.rule_id}/{side}/{call.caller_number}"

    def book(self, before: Attempt, after: Attempt) -> None:
        """What has converted between the two: booked, remembered, counted and told."""
        self.set_attempt(after)
        self.count_converted(before, after)
        for conversion in convert.conversions(before, after):
            self.book_one(conversion, posting_of(self.call, conversion))

    def count_converted(self, before: Attempt, after: Attempt) -> None:
        """A call whose first side converts counts, where the buyer's caps count those; its second adds nothing."""
        if after.cap_counts == "converted" and convert.has_converted(after) and not convert.has_converted(before):
            self.count(after)

    def book_one(self, conversion: Conversion, posting: Posting) -> None:
        attempt = conversion.attempt
        self.postings.append(posting)
        key = self.dedupe_key(conversion.side, conversion.terms) if conversion.terms.dedupe_seconds else None
        if key is not None:
            self.converted.append(key)
        self.tell("converted", attempt, conversion)
        self.tell_events(conversion_events(self.call, posting, buyer_id=attempt.buyer_id, now=self.now))

    def _subjects_of(self, buyer_id: BuyerId) -> tuple[Subject, ...]:
        home = self.home
        return subjects_of(home.company, buyer_id) if home is not None else ()


def react(
    call: StoredCall, event: CallEvent, lookups: Lookups, *, plans: CallPlans, random_bytes: RandomBytes
) -> Reaction:
    """What an event of the phone network does."""
    work = _Work(call, plans, lookups, random_bytes)
    step = transitions.advance(call.state, event)
    work.set_state(step.state)
    for effect in step.effects:
        _follow(work, effect)
    return work.react(step.row)


def report_conversion(
    call: StoredCall,
    lookups: Lookups,
    *,
    attempt_id: PingId,
    sides: tuple[Side, ...],
    plans: CallPlans,
    random_bytes: RandomBytes,
) -> Reaction:
    """What a postback does that reports a conversion of these sides."""
    work = _Work(call, plans, lookups, random_bytes)
    before = _attempt(call.state, attempt_id)
    after = convert.report(call.state, before, sides, now_ms=to_ms(work.now), converted_before=work.converted_before)
    work.book(before, after)
    return work.react("conversion_reported")


def decide_by_hand(
    call: StoredCall,
    lookups: Lookups,
    *,
    conversion: Conversion,
    posting: Posting,
    plans: CallPlans,
    random_bytes: RandomBytes,
) -> Reaction:
    """What follows where a person decided that a side converts: a payout that waits for the revenue follows it."""
    work = _Work(call, plans, lookups, random_bytes)
    after = conversion.attempt
    work.count_converted(_attempt(call.state, after.attempt_id), after)
    work.set_attempt(after)
    work.book_one(conversion, posting)
    followed = convert.report(
        work.call.state, after, (), now_ms=to_ms(work.now), converted_before=work.converted_before
    )
    work.book(after, followed)
    return work.react("converted_by_hand")


def unchanged(call: StoredCall, lookups: Lookups, row: str) -> Reaction:
    """What somebody asked for is done already."""
    return Reaction(state=call.state, row=row, check_at_ms=check_at_ms(call, to_ms(lookups.now)))


def check(call: StoredCall, lookups: Lookups, *, plans: CallPlans, random_bytes: RandomBytes) -> Reaction:
    """What has become due: a postback that never came, or a call of which the network tells nothing any more."""
    work = _Work(call, plans, lookups, random_bytes)
    now_ms = to_ms(work.now)
    state = call.state
    row = "checked"
    overdue_ms = _overdue_ms(call)
    if overdue_ms is not None and overdue_ms <= now_ms:
        step = transitions.give_up(state, now_ms)
        row = step.row
        work.set_state(step.state)
        for attempt in step.state.attempts:
            if attempt.answered_ms is not None and not attempt.recorded:
                work.set_attempt(convert.miss_record(attempt))
        for effect in step.effects:
            _follow(work, effect)
    for attempt in work.call.state.attempts:
        if attempt.recorded and convert.waits_until_ms(attempt) is not None:
            decided = convert.decide(work.call.state, attempt, now_ms=now_ms, converted_before=work.converted_before)
            work.book(attempt, decided)
    return work.react(row)


def check_at_ms(call: StoredCall, now_ms: int) -> int | None:
    """When the call must be looked at again; None: never."""
    due = [until for one in call.state.attempts if (until := convert.waits_until_ms(one)) is not None]
    overdue_ms = _overdue_ms(call)
    if overdue_ms is not None:
        due.append(max(overdue_ms, now_ms + 1000))
    return min(due) + 1 if due else None


def posting_of(call: StoredCall, conversion: Conversion) -> Posting:
    """The ledger's line for a conversion: booked once, however often it is decided."""
    attempt = conversion.attempt
    number = [one.attempt_id for one in call.state.attempts].index(attempt.attempt_id) + 1
    account = buyer_account(attempt.buyer_id) if conversion.side == "revenue" else publisher_account(call.publisher_id)
    return book_conversion(
        company_id=call.company_id,
        call_id=call.call_id,
        attempt=number,
        side=conversion.side,
        account=account,
        amount=Money(conversion.amount_micros, attempt.quote.currency),
        rule_id=conversion.terms.rule_id,
        rule_version=conversion.terms.rule_version,
    )


def _follow(work: _Work, effect: transitions.Effect) -> None:
    match effect:
        case transitions.FreePlace(attempt_id):
            work.free(attempt_id)
        case transitions.CountConnected(attempt_id):
            attempt = _attempt(work.call.state, attempt_id)
            if attempt.cap_counts == "connected":
                work.count(attempt)
        case transitions.Decide(attempt_id):
            attempt = _attempt(work.call.state, attempt_id)
            decided = convert.decide(
                work.call.state, attempt, now_ms=to_ms(work.now), converted_before=work.converted_before
            )
            work.book(attempt, decided)
        case transitions.Tell(trigger, attempt_id):
            work.tell(trigger, work.call.state.find(attempt_id) or work.call.state.last_attempt)


def _attempt(state: CallState, attempt_id: PingId) -> Attempt:
    attempt = state.find(attempt_id)
    assert attempt is not None, f"the call has no attempt {attempt_id}"
    return attempt


def _overdue_ms(call: StoredCall) -> int | None:
    """The moment by which the network must have told how the call went on; None where nothing is awaited of it."""
    overdue_ms = _overdue_by_the_network_ms(call.state)
    if overdue_ms is None:
        return None
    # Its clock may be behind ours: a call that rings must not be given up for that.
    return overdue_ms + max(0, to_ms(call.received_at) - call.state.received_ms)


def _overdue_by_the_network_ms(state: CallState) -> int | None:
    if state.phase is Phase.REFUSED or state.end_told:
        return None
    if state.phase is Phase.ENDED:
        return (state.ended_ms or state.received_ms) + RECORD_SECONDS * 1000
    connected = [one for one in state.attempts if one.state is AttemptState.CONNECTED]
    if connected:
        return max((one.answered_ms or 0) + (one.max_duration_seconds + UNHEARD_SECONDS) * 1000 for one in connected)
    ringing = [one for one in state.attempts if one.state is AttemptState.RINGING]
    started_ms = max([state.received_ms, *(one.ended_ms or 0 for one in state.attempts)])
    return started_ms + (sum(one.ring_seconds for one in ringing) + UNHEARD_SECONDS) * 1000


def with_state(call: StoredCall, state: CallState, trace: CallTrace | None = None) -> StoredCall:
    """The call in another state, and with another trace."""
    return dataclasses.replace(call, state=state, trace=trace or call.trace)
