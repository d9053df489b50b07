"""The ping, as a list of steps: request → duplicate → tags → eligibility → asks and bids → quote → auction →
reservation → reply, with a trace.

`edge.api` hands in a well-formed request and sends what comes back; every step below is a pure function or a port.
"""

from __future__ import annotations

from ringbid.ping.destination import choose_destination
from ringbid.ping.ending import Ending, settle
from ringbid.ping.ports import FlowTools
from ringbid.ping.reply import PingReply
from ringbid.ping.request import PingRequest, check_terms
from ringbid.ping.trace import Notebook
from ringbid.reservations.ports import KeyReused, Look, Replayed
from ringbid.routing import bids, eligibility
from ringbid.routing.candidate import Candidate, make_candidate
from ringbid.routing.plan import PlannedBuyer
from ringbid.routing.ranking import rank
from ringbid.routing.tags import Tags, parameter_of, tags_of_ping
from ringbid.values.clock import Deadline
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


async def run_ping(request: PingRequest, tools: FlowTools) -> PingReply | Refused:
    """One ping, from a well-formed request to its reply. Refused only for an Idempotency-Key that was used for
    something else; every other ending is a reply, with a record and a trace in the store."""
    key = duplicate_key(request)
    if key is None:
        return await _Flow(request, tools, None).run()
    await tools.turns.take(key)
    try:
        return await _Flow(request, tools, key).run()
    finally:
        tools.turns.give_back(key)


def duplicate_key(request: PingRequest) -> str | None:
    """What makes two pings duplicates: the same caller under the same key, or campaign, as the key says."""
    if request.caller_number is None:
        return None
    view = request.view
    scope = (
        view.key.id if view.key.duplicate_scope == "key" else f"{view.company.catalog.company.id}/{view.campaign.id}"
    )
    return f"{scope}:{request.caller_number}"


class _Flow:
    """The state of one ping while it runs."""

    def __init__(self, request: PingRequest, tools: FlowTools, duplicate_key: str | None) -> None:
        self.request = request
        self.duplicate_key = duplicate_key
        self.tools = tools
        self.plan = tools.plans.plan_of(request.view)
        self.deadline = Deadline.start(
            arrived_at=request.received_monotonic, timeout_seconds=float(request.view.key.timeout_seconds)
        )
        seed = int.from_bytes(tools.random_bytes(6), "big")
        self.notebook = Notebook(request, self.plan, seed=seed)

    async def run(self) -> PingReply | Refused:
        """The steps."""
        request, notebook = self.request, self.notebook
        look = await self._look()
        if isinstance(look.replayed, Replayed):
            return PingReply(look.replayed.reply_status, look.replayed.reply_body, replayed=True)
        if isinstance(look.replayed, KeyReused):
            return Refused(Reason.IDEMPOTENCY_KEY_REUSED)
        destination = choose_destination(request, sip_domain=self.tools.sip_domain)
        refused = check_terms(request) or (destination if isinstance(destination, Refused) else None)
        if refused is not None:
            return await self._end(refused)
        assert isinstance(destination, str), "a destination that is refused has ended the ping"
        if look.open_duplicate is not None:
            return await self._end(None, destination)
        tags = self._tag()
        missing = next((tag for tag in self.plan.required_tags if not tags.get(tag)), None)
        if missing is not None:
            parameter = parameter_of(missing, tag_prefix=request.view.key.tag_prefix)
            actual, expected = f"no {parameter}", f"{parameter} with every ping"
            return await self._end(Refused(Reason.REQUIRED_TAG_MISSING, actual, expected, f"tags[{missing}].required"))
        eligible = self._eligible(tags, look)
        if self.plan.asks:
            left_seconds = self.deadline.seconds_for_asks(self.tools.clock.monotonic())
            tokens = bids.tokens(
                tags,
                caller_number=request.caller_number,
                call_uuid=request.ping_id,
                publisher_id=request.publisher_id,
                campaign_id=request.view.campaign.id,
                destination=destination,
                at=request.received_at,
                left_ms=int(left_seconds * 1000),
            )
            notebook.asked = await bids.ask_buyers(
                self.plan,
                eligible,
                tokens=tokens,
                deadline=self.deadline,
                tools=self.tools,
                timeout_setting=f"{request.view.setting}.timeout_seconds",
            )
        self._step("asks")
        self._rank(eligible, tags)
        return await self._end(None, destination)

    async def _look(self) -> Look:
        """What speaks against asking. Where nobody is asked there is nothing to spare: the store's one transaction at
        the end finds duplicates, earlier replies and full caps just as well."""
        if not self.plan.asks:
            return Look(now=self.tools.clock.now(), open_duplicate=None, replayed=None, usage={})
        look = await self.tools.reservations.look(
            key_id=self.request.view.key.id,
            duplicate_key=self.duplicate_key,
            subjects=self.plan.subjects,
            idempotency=self.request.idempotency,
        )
        self._step("duplicate")
        return look

    def _tag(self) -> Tags:
        request = self.request
        tags = tags_of_ping(
            parameters=request.parameters,
            caller_number=request.caller_number,
            publisher_id=request.publisher_id,
            campaign_id=request.view.campaign.id,
            tag_prefix=request.view.key.tag_prefix,
            call_uuid=request.ping_id,
        ).without(self.plan.answered_terms)
        self.notebook.tags = tags
        self._step("tags")
        return tags

    def _eligible(self, tags: Tags, look: Look) -> list[PlannedBuyer]:
        eligible: list[PlannedBuyer] = []
        for planned in self.plan.buyers:
            refused = eligibility.check_buyer(planned, tags=tags, now=look.now, usage=look.usage)
            if refused is None:
                eligible.append(planned)
            else:
                self.notebook.refuse(planned.buyer.id, refused)
        self._step("eligibility")
        return eligible

    def _rank(self, eligible: list[PlannedBuyer], tags: Tags) -> None:
        notebook = self.notebook
        shared = bids.shared_tags(notebook.asked, tags)
        notebook.tags = shared
        asks_of = bids.by_buyer(notebook.asked)
        for planned in eligible:
            known = bids.tags_of(asks_of.get(planned.buyer.id, ()), shared.without(planned.answered))
            made = known if isinstance(known, Refused) else self._candidate(planned, known)
            if isinstance(made, Refused):
                notebook.refuse(planned.buyer.id, made)
            else:
                notebook.candidates[planned.buyer.id] = made
        offers = [candidate.offer() for candidate in notebook.candidates.values()]
        notebook.ranking = rank(offers, strategy=self.plan.strategy, seed=notebook.seed)
        self._step("auction")

    def _candidate(self, planned: PlannedBuyer, tags: Tags) -> Candidate | Refused:
        return make_candidate(planned, tags=tags, publisher_id=self.request.publisher_id, currency=self.plan.currency)

    async def _end(self, refused: Refused | None, destination: str = "") -> PingReply | Refused:
        ending = Ending(self.request, self.notebook, refused=refused, destination=destination, tools=self.tools)
        return await settle(ending, duplicate_key=self.duplicate_key)

    def _step(self, name: str) -> None:
        self.notebook.step(name, self.tools.clock.monotonic())
