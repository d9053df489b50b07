"""One routing of a call, as a list of steps: tags → asks and bids → eligibility and ranking → held webhooks and forward
filters → a plan of who may be rung.

Done when a call arrives, and again when the buyers so far did not take it. `call.flow` has the store take the places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ringbid.call.connect import Plan, Steps
from ringbid.call.holding import hold
from ringbid.call.ports import CallTools
from ringbid.call.route import Facts, check_forward, route, rung_together
from ringbid.call.state import buyer_key
from ringbid.call.tell import Tokens, call_tokens
from ringbid.call.trace import TracedRouting
from ringbid.catalog.model import Campaign
from ringbid.catalog.snapshot import CompanyView
from ringbid.catalog.tokens import with_aliases
from ringbid.reservations.calling import NO_KEY
from ringbid.reservations.ports import Look
from ringbid.reservations.reservation import Reservation
from ringbid.reservations.trace import TracedAsk
from ringbid.routing.bids import Asked, ask_buyers
from ringbid.routing.candidate import Candidate
from ringbid.routing.eligibility import check_buyer
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.tags import Tags
from ringbid.routing.tracing import traced_ask
from ringbid.values.clock import Deadline, to_ms
from ringbid.values.ids import BuyerId, CallId, PingId, PublisherId, new_ping_id
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused, Verdict

_MOST_PREPARED = 12  # steps that are offered to the store: as many as one call will hardly need


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The call that is routed, as every webhook names it."""

    call_id: CallId
    call_key: str
    caller_number: PhoneNumber | None
    publisher_id: PublisherId
    inbound_number: str
    attempts: int = 0  # at buyers so far


@dataclass(slots=True, kw_only=True)
class Routing:
    """One routing while it is made. `outputs`, `out` and `declined` grow by what is asked; the last are buyers that
    said no to this very call when it was their turn. `answer_by`: the network waits until then, in monotonic seconds.
    """

    tools: CallTools
    caller: Caller
    company: CompanyView
    campaign: Campaign
    tags: Tags
    seed: int
    outputs: dict[BuyerId, Mapping[str, str]] = field(default_factory=dict)
    out: dict[BuyerId, Refused] = field(default_factory=dict)
    reserved: Reservation | None = None
    only_reserved: bool = False
    before_call: bool = False
    answer_by: float
    declined: dict[BuyerId, Refused] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _asks: list[TracedAsk] = field(default_factory=list)
    _started_at: float = 0.0

    @property
    def plan(self) -> CampaignPlan:
        return self.tools.plans.plan_for(self.company, self.campaign)

    def start(self) -> None:
        """The clock of the trace starts."""
        self._started_at = self.tools.clock.monotonic()

    async def receive(self) -> Refused | None:
        """Hold the call for the webhooks that want to know of it before it is routed; why it goes no further."""
        held = await hold(
            self.plan.hooks("call_received", None),
            self.tags,
            buyer_id=None,
            tokens=self._tokens(self.tags),
            at_most_seconds=self._left_seconds(),
            tools=self.tools,
        )
        self.tags = held.tags
        self._note(held.asked)
        return held.refused

    async def ask(self, *, timeout_seconds: float) -> None:
        """Ask the buyers of a call that no ping has asked for."""
        plan = self.plan
        if not plan.asks:
            return
        usage = await self._usage(plan)
        eligible = []
        for planned in plan.buyers:
            refused = check_buyer(planned, tags=self.tags, now=usage.now, usage=usage.usage)
            if refused is None:
                eligible.append(planned)
            elif planned.webhooks:  # without a bid it has no price; the others are looked at again in each routing
                self.out.setdefault(planned.buyer.id, refused)
        timeout_seconds = min(timeout_seconds, self._left_seconds())
        deadline = Deadline.start(arrived_at=self.tools.clock.monotonic(), timeout_seconds=timeout_seconds)
        left_ms = int(deadline.seconds_for_asks(self.tools.clock.monotonic()) * 1000)
        tokens = {**self._tokens(self.tags), "deadline_ms": str(left_ms)}
        asked = await ask_buyers(plan, eligible, tokens=tokens, deadline=deadline, tools=self.tools)
        self._note(asked)
        for one in asked:
            self._learn(one)

    async def find_plan(self) -> Plan:
        """Who may be rung now, and why the others may not."""
        plan = self.plan
        usage = await self._usage(plan)
        found = route(
            Facts(
                plan=plan,
                company=self.company,
                tags=self.tags,
                outputs=self.outputs,
                out=self.out,
                publisher_id=self.caller.publisher_id,
                reserved=self.reserved,
                only_reserved=self.only_reserved,
                before_call=self.before_call,
                now=usage.now,
                usage=usage.usage,
                seed=self.seed,
            )
        )
        verdicts = dict(found.verdicts)
        steps, later = await self._prepare(found.order, verdicts)
        return Plan(
            campaign=plan,
            steps=steps,
            verdicts=verdicts,
            attempt_ids={one.planned.buyer.id: self._attempt_id(one) for step in steps for one in step},
            asks=tuple(self._asks),
            notes=tuple(self.notes),
            later=later,
            at=usage.now,
            took_ms=self._ms(self.tools.clock.monotonic()),
            snapshot_version=self.tools.plans.snapshot.version,
        )

    def unplanned(self) -> TracedRouting | None:
        """What was asked for a call that goes no further; None where nothing was."""
        if not self._asks:
            return None
        return TracedRouting(
            at_ms=to_ms(self.tools.clock.now()),
            took_ms=self._ms(self.tools.clock.monotonic()),
            snapshot_version=self.tools.plans.snapshot.version,
            verdicts=[],
            asks=list(self._asks),
        )

    async def _prepare(
        self, order: tuple[Candidate, ...], verdicts: dict[BuyerId, Verdict]
    ) -> tuple[Steps, tuple[Candidate, ...]]:
        """The steps that may be rung as things stand, and the buyers that were left for later.

        A buyer whose webhook fires when it is selected is only ever the first: it is told, and what it answers is
        checked, just before it is dialled.
        """
        left = list(order)
        steps: list[tuple[Candidate, ...]] = []
        while left and len(steps) < _MOST_PREPARED:
            together = rung_together(left[0], left, self.company)
            if steps and any(self.plan.hooks("buyer_selected", one.planned.buyer.id) for one in together):
                break
            left = [one for one in left if one not in together]
            fit: list[Candidate] = []
            for one in together:
                refused = await self._select(one, attempt_number=self.caller.attempts + len(fit) + 1)
                if refused is None:
                    fit.append(one)
                else:
                    verdicts[one.planned.buyer.id] = Verdict.of(one.planned.buyer.id, refused)
            if fit:
                steps.append(tuple(fit))
        return tuple(steps), tuple(left)

    async def _select(self, one: Candidate, *, attempt_number: int) -> Refused | None:
        """Why this buyer may not be dialled after all: its held webhook, its forward filters."""
        buyer_id = one.planned.buyer.id
        answers = self.outputs.get(buyer_id, {}), f"{buyer_id}'s answer"
        tags = self.tags.without(one.planned.forward_answered).with_outputs(*answers)
        hooks = self.plan.hooks("buyer_selected", buyer_id)
        if hooks:
            tokens = self._tokens(self.tags.with_outputs(*answers)) | {"buyer_id": buyer_id, "buyer_number": one.number}
            tokens |= {"call_key": buyer_key(self.caller.call_key, buyer_id), "attempt_number": str(attempt_number)}
            left_seconds = self._left_seconds()
            held = await hold(
                hooks, tags, buyer_id=buyer_id, tokens=tokens, at_most_seconds=left_seconds, tools=self.tools
            )
            self._note(held.asked)
            if held.refused is not None:
                self.declined[buyer_id] = held.refused
                return held.refused
            for asked in held.asked:
                if not isinstance(asked.result, Refused):  # one that did not answer may be rung all the same
                    self._learn(asked)
            tags = held.tags
        return check_forward(one.planned, tags)

    async def _usage(self, plan: CampaignPlan) -> Look:
        return await self.tools.reservations.look(
            key_id=NO_KEY, duplicate_key=None, subjects=plan.subjects, idempotency=None
        )

    def _learn(self, one: Asked) -> None:
        """What an answer fills, or whom it puts out."""
        if isinstance(one.result, Refused):
            if one.buyer_id is not None:
                self.out.setdefault(one.buyer_id, one.result)
        elif one.buyer_id is None:
            self.tags = self.tags.with_outputs(one.result.tags, one.webhook.webhook.name)
        else:
            self.outputs[one.buyer_id] = {**self.outputs.get(one.buyer_id, {}), **one.result.tags}

    def _note(self, asked: Iterable[Asked]) -> None:
        self._asks += [traced_ask(one, self._ms) for one in asked]

    def _attempt_id(self, one: Candidate) -> PingId:
        if self.reserved is not None and one.planned.buyer.id == self.reserved.buyer_id:
            return self.reserved.ping_id
        return new_ping_id(self.tools.clock.now(), self.tools.random_bytes)

    def _tokens(self, tags: Tags) -> Tokens:
        caller = self.caller
        values = call_tokens(
            tags,
            call_id=caller.call_id,
            caller_number=caller.caller_number,
            publisher_id=caller.publisher_id,
            campaign_id=self.campaign.id,
            inbound_number=caller.inbound_number,
            at=self.tools.clock.now(),
        )
        return with_aliases(values, self.plan.known_tags)

    def _left_seconds(self) -> float:
        """How long the network still waits."""
        return max(0.0, self.answer_by - self.tools.clock.monotonic())

    def _ms(self, monotonic: float) -> float:
        return round((monotonic - self._started_at) * 1000, 3)
