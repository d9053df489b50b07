"""The call, as a list of steps: event → match → route → connect → state → conversion → ledger → postbacks, with a
trace.

`Desk` is what the phone networks' adapters call. What follows an event (state, conversion, ledger, postbacks) is
`call.react`, inside the store's transaction; here is what must be known before one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from msgspec.structs import replace

from ringbid.call import memory, react
from ringbid.call.connect import LATE_CODE, UNKNOWN_CODE, Plan, answer_of, connected_state, places, traced_routing
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.events import call_events
from ringbid.call.instruction import Over, Refuse
from ringbid.call.instruction import Routing as Answer
from ringbid.call.match import Match, late, match
from ringbid.call.ports import CallerOf, CallTools, Draft, More, Opening, React, Reaction, StoredCall
from ringbid.call.react import check_at_ms
from ringbid.call.routing import Caller, Routing
from ringbid.call.state import Attempt, CallState, Phase
from ringbid.call.tell import messages_of
from ringbid.call.writing import with_written
from ringbid.catalog.model import WebhookTrigger
from ringbid.outbox.events import event_messages
from ringbid.outbox.message import Message
from ringbid.reservations.calling import CallTake, Claimed, NotOpen
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.tags import OWN, Tags, tags_of_ping
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CampaignId, CompanyId, PingId, PublisherId, new_ping_id
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Given = ParamSpec("Given")
Made = TypeVar("Made", Draft, Reaction)

ASK_SECONDS = 3.0  # how long the buyers of a direct call may take: a caller is on the line
_ROUTINGS = 20  # of one call at one question: each takes a place or rules a buyer out, so this is never reached


class Desk:
    """Implements `call.desk.CallDesk`."""

    def __init__(self, tools: CallTools) -> None:
        self._tools = tools
        self._react: React = partial(react.react, plans=tools.plans, random_bytes=tools.random_bytes)

    async def arrive(self, arrival: Arrival) -> Answer:
        """Match the call, claim its reservation, find who may be rung, take their places."""
        answer_by = self._tools.clock.monotonic() + arrival.patience_seconds
        look = await self._tools.calls.look(arrival)
        if look.existing is not None:
            return await self._answer(look.existing, answer_by)
        found = match(arrival, look.ping, self._tools.plans.snapshot)
        if isinstance(found, Refused):
            return Refuse(call_id=None, reason=found.reason, code=UNKNOWN_CODE)
        opened = await self._open(arrival, found, answer_by)
        if isinstance(opened, NotOpen):  # its time ran out while the call was being routed
            opened = await self._open(arrival, late(found, opened.reservation), answer_by)
            assert isinstance(opened, StoredCall), "a late call claims nothing"
        return await self._answer(opened, answer_by)

    async def go_on(self, provider: str, provider_call_id: str) -> Answer:
        """The next buyers of a call, where those so far did not take it."""
        call = await self._tools.calls.find_by_provider(provider, provider_call_id)
        if call is None:
            return Refuse(call_id=None, reason=Reason.CALL_UNKNOWN, code=UNKNOWN_CODE)
        return await self._answer(call, self._tools.clock.monotonic() + call.state.patience_seconds)

    async def report(self, event: CallEvent) -> None:
        """Take note of an event, with all that follows from it."""
        mail = _Mail()
        await self._tools.calls.report(event, mail.watch(self._react))
        self._leave(mail)

    async def check(self, call_id: CallId) -> None:
        """Look at a call again whose time has come."""
        tools = self._tools
        await tools.calls.change(call_id, partial(react.check, plans=tools.plans, random_bytes=tools.random_bytes))
        tools.on_message()

    def _leave(self, mail: _Mail) -> None:
        if mail.written:
            self._tools.on_message()

    async def _answer(self, call: StoredCall, answer_by: float) -> Answer:
        """What the network is told; further buyers are looked for where nobody is being rung."""
        for _ in range(_ROUTINGS):
            if call.state.phase is not Phase.RINGING or call.state.open_attempts:
                break
            more = await self._route_again(call, answer_by)
            if more is None:
                return Over(call_id=call.call_id)
            call = more
        return answer_of(call)

    async def _open(self, arrival: Arrival, found: Match, answer_by: float) -> StoredCall | NotOpen:
        """Route the call, and write it down with the places that it takes."""
        tools = self._tools
        now = tools.clock.now()
        call_id = CallId(new_ping_id(now, tools.random_bytes))
        state = CallState(
            phase=Phase.ROUTING,
            received_ms=to_ms(arrival.at),
            call_key=tools.random_bytes(16).hex(),
            most_steps=arrival.most_steps,
            patience_seconds=arrival.patience_seconds,
            unpaid=found.unpaid,
            only_reserved=found.only_reserved,
            recoveries_most=found.campaign.routing.recovery_attempts,
        )
        routing = await self._first_routing(arrival, found, call_id, state, answer_by)
        plan: Plan | None = None
        refused = found.refused or await routing.receive()
        if refused is None:
            if found.reservation is None:
                timeout_seconds = float(found.key.timeout_seconds) if found.key is not None else ASK_SECONDS
                await routing.ask(timeout_seconds=min(timeout_seconds, ASK_SECONDS))
            plan = await routing.find_plan()
        mail = _Mail()
        opening = Opening(
            call_id=call_id,
            arrival=arrival,
            company_id=found.company.catalog.company.id,
            campaign_id=found.campaign.id,
            reservation_id=found.ping.ping_id if found.ping is not None else None,
            publisher_id=found.publisher_id,
            received_at=now,
            take=_take(routing, plan, most_steps=arrival.most_steps) if plan is not None else None,
            draft=mail.watch(partial(self._first_draft, found, routing, state, plan, refused)),
            react=mail.watch(self._react),
        )
        opened = await tools.calls.open(opening)
        self._leave(mail)
        return opened

    async def _first_routing(
        self, arrival: Arrival, found: Match, call_id: CallId, state: CallState, answer_by: float
    ) -> Routing:
        """All that is known of the call before anybody is asked: by its ping or its number, by keys, by the network."""
        tools = self._tools
        company_id = found.company.catalog.company.id
        plan = tools.plans.plan_for(found.company, found.campaign)
        written = await self._written(company_id, found.campaign.id, found.publisher_id, arrival.caller_number)
        if found.ping is not None:
            known = memory.of_ping(found.ping, plan, with_bids=found.reservation is not None)
        else:
            seed = int.from_bytes(tools.random_bytes(6), "big")
            known = memory.Memory(tags=_direct_tags(arrival, found, call_id), seed=seed)
        routing = Routing(
            tools=tools,
            caller=Caller(
                call_id=call_id,
                call_key=state.call_key,
                caller_number=arrival.caller_number,
                publisher_id=found.publisher_id,
                inbound_number=arrival.dialled,
            ),
            company=found.company,
            campaign=found.campaign,
            tags=with_written(known.tags, written).with_outputs(arrival.tags, "network"),
            seed=known.seed,
            outputs=dict(known.outputs),
            out=dict(known.out),
            reserved=found.reservation,
            only_reserved=found.only_reserved,
            before_call=found.reservation is not None,
            answer_by=answer_by,
        )
        routing.start()
        return routing

    def _first_draft(
        self,
        found: Match,
        routing: Routing,
        state: CallState,
        plan: Plan | None,
        refused: Refused | None,
        call: StoredCall,
        claimed: Claimed,
        now: datetime,
    ) -> Draft:
        """The call as it is written down, with what was taken of its plan. Inside the store's transaction."""
        if plan is not None:
            state = connected_state(state, plan, claimed, now=now)
        else:
            assert refused is not None, "a call without a plan was refused"
            state = replace(state, phase=Phase.REFUSED, reason=refused.reason.code, code=LATE_CODE)
        campaign = routing.plan
        trace = memory.first_trace(
            found,
            plan=campaign,
            tags=routing.tags,
            outputs=routing.outputs,
            out=routing.out | routing.declined,
            seed=routing.seed,
            refused=refused,
            routing=traced_routing(plan, claimed) if plan is not None else routing.unplanned(),
        )
        call = react.with_state(call, state, trace)
        told = partial(self._told, call, campaign, attempt=None, now=now)
        messages = told("call_received") + self._selected(call, campaign, state.attempts, now)
        if state.phase is Phase.REFUSED:
            messages += told("call_ended")
        return Draft(state=state, trace=trace, messages=messages, check_at_ms=check_at_ms(call, to_ms(now)))

    def _told(
        self, call: StoredCall, plan: CampaignPlan, trigger: WebhookTrigger, *, attempt: Attempt | None, now: datetime
    ) -> tuple[Message, ...]:
        """What is told to the campaign's webhooks, and to the company's event webhooks."""
        told = messages_of(call, plan, trigger, attempt=attempt, now=now, random_bytes=self._tools.random_bytes)
        events = call_events(call, trigger, attempt=attempt, now=now)
        return told + event_messages(events, plan.catalog.event_webhooks)

    def _selected(
        self, call: StoredCall, plan: CampaignPlan, attempts: tuple[Attempt, ...], now: datetime
    ) -> tuple[Message, ...]:
        """What is told of these attempts, whose buyers will be dialled now. (A buyer of whose turn somebody wants to
        know has its turn at once: `call.routing` sees to that.)"""
        told = partial(messages_of, call, plan, "buyer_selected", now=now, random_bytes=self._tools.random_bytes)
        return tuple(message for attempt in attempts for message in told(attempt=attempt))

    async def _route_again(self, call: StoredCall, answer_by: float) -> StoredCall | None:
        """The call with further buyers being rung, or at its end; None where its campaign is gone."""
        tools = self._tools
        home = tools.plans.snapshot.campaigns.get((call.company_id, call.campaign_id))
        if home is None:
            return None
        known = memory.of_call(call)
        written = await self._written(
            call.company_id, call.campaign_id, call.publisher_id, call.caller_number, since=call.received_at
        )
        routing = Routing(
            tools=tools,
            caller=Caller(
                call_id=call.call_id,
                call_key=call.state.call_key,
                caller_number=call.caller_number,
                publisher_id=call.publisher_id,
                inbound_number=call.inbound_number,
                attempts=len(call.state.attempts),
            ),
            company=home.company,
            campaign=home.campaign,
            tags=with_written(known.tags, written),
            seed=known.seed,
            outputs=dict(known.outputs),
            out=dict(known.out),
            only_reserved=call.state.only_reserved,
            before_call=call.trace.match == Reason.CALL_CLAIMED.code,
            answer_by=answer_by,
        )
        routing.start()
        plan = await routing.find_plan()
        mail = _Mail()
        more = await tools.calls.take_more(
            More(
                call_id=call.call_id,
                take=_take(routing, plan, most_steps=call.state.most_steps),
                draft=mail.watch(partial(self._next_draft, routing, plan)),
            )
        )
        self._leave(mail)
        return more

    async def _written(
        self,
        company_id: CompanyId,
        campaign_id: CampaignId,
        publisher_id: PublisherId,
        caller_number: PhoneNumber | None,
        *,
        since: datetime | None = None,
    ) -> Mapping[str, str]:
        """Tags that keys wrote for the caller. Once its call is there they go to the call itself; those that came while
        it was being routed for the first time (`since` it arrived) are still among the caller's."""
        if caller_number is None:
            return {}
        caller = CallerOf(
            company_id=company_id, campaign_id=campaign_id, publisher_id=publisher_id, caller_number=caller_number
        )
        return await self._tools.calls.written_tags(caller, since=since)

    def _next_draft(self, routing: Routing, plan: Plan, call: StoredCall, claimed: Claimed, now: datetime) -> Draft:
        """The call after one more routing. Inside the store's transaction."""
        tried = len(call.state.attempts)
        state = connected_state(call.state, plan, claimed, now=now)
        trace = memory.with_routing(
            call.trace, traced_routing(plan, claimed), outputs=routing.outputs, declined=routing.declined
        )
        call = react.with_state(call, state, trace)
        messages = self._selected(call, plan.campaign, state.attempts[tried:], now)
        if state.phase is Phase.ENDED:
            messages += self._told(call, plan.campaign, "call_ended", attempt=state.last_attempt, now=now)
        return Draft(state=state, trace=trace, messages=messages, check_at_ms=check_at_ms(call, to_ms(now)))


@dataclass(slots=True)
class _Mail:
    """Is there anything that must leave? The sender is woken only then: each of its turns is a transaction of its own,
    and most of what happens to a call is told to nobody."""

    written: bool = False

    def watch(self, make: Callable[Given, Made]) -> Callable[Given, Made]:
        """The same, and its messages are noted. (It is called in the store's thread, before the store answers.)"""

        def watched(*args: Given.args, **kwargs: Given.kwargs) -> Made:
            made = make(*args, **kwargs)
            self.written = self.written or bool(made.messages)
            return made

        return watched


def _take(routing: Routing, plan: Plan, *, most_steps: int) -> CallTake:
    caller = routing.caller
    return CallTake(
        call_id=caller.call_id,
        company_id=routing.company.catalog.company.id,
        campaign_id=routing.campaign.id,
        publisher_id=caller.publisher_id,
        caller_number=caller.caller_number,
        inbound_number=caller.inbound_number,
        reservation_id=routing.reserved.ping_id if routing.reserved is not None else None,
        steps=places(plan),
        most_steps=most_steps,
    )


def _direct_tags(arrival: Arrival, found: Match, call_id: CallId) -> Tags:
    """The tags of a call that no ping has told of: those of the number it called, and what its own number tells."""
    tags = tags_of_ping(
        parameters=dict(found.number_tags),
        caller_number=arrival.caller_number,
        publisher_id=found.publisher_id,
        campaign_id=found.campaign.id,
        tag_prefix="",
        call_uuid=PingId(call_id),
        source="inbound number",
    )
    return Tags(tags.values, {**tags.sources, **dict.fromkeys(OWN & tags.sources.keys(), "call")})
