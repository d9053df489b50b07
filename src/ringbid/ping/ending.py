"""The end of a ping: one outcome, one verdict for each buyer, one transaction that writes them with the reservation.

`ping.flow` ends every ping here. The store decides who gets the place (caps are checked under its lock); `_finish`
turns that decision into the record and the reply, inside the same transaction.
"""

from __future__ import annotations

from dataclasses import replace

from ringbid.ping.ports import FlowTools
from ringbid.ping.reply import PingReply, refused_body, reserved_body
from ringbid.ping.request import PingRequest, check_terms
from ringbid.ping.trace import Notebook
from ringbid.reservations.ports import (
    Decision,
    Duplicate,
    KeyReused,
    NotTaken,
    PingRecord,
    Replayed,
    Settlement,
    Stale,
    Taken,
)
from ringbid.routing.ranking import losing_reason
from ringbid.values.ids import BuyerId
from ringbid.values.money import format_micros
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused, Verdict

_CATALOG_CHANGES_FOLLOWED = 5  # a catalog that changes more often than this within one ping is being hammered


class Ending:
    """One ping that is about to end. `refused`: it ends without any place being tried."""

    def __init__(
        self, request: PingRequest, notebook: Notebook, *, refused: Refused | None, destination: str, tools: FlowTools
    ) -> None:
        self.request = request
        self.notebook = notebook
        self.refused = refused
        self.destination = destination
        self.tools = tools
        self.reply: PingReply | None = None

    def settlement(self, duplicate_key: str | None) -> Settlement:
        """What the store needs to end this ping."""
        request, view = self.request, self.request.view
        notebook = self.notebook
        order = notebook.ranking.order if notebook.ranking is not None and self.refused is None else ()
        return Settlement(
            ping_id=request.ping_id,
            company_id=view.company.catalog.company.id,
            campaign_id=view.campaign.id,
            key_id=view.key.id,
            publisher_id=request.publisher_id,
            caller_number=request.caller_number,
            inbound_number=self.destination,
            received_at=request.received_at,
            snapshot_version=request.snapshot_version,
            places=tuple(
                notebook.candidates[offer.buyer_id].place() for offer in order if offer.buyer_id in notebook.candidates
            ),
            ttl_seconds=view.key.ttl_seconds,
            count_on_reserve=view.key.count_on_reserve,
            duplicate_key=duplicate_key if self.refused is None else None,
            idempotency=request.idempotency,
            finish=self._finish,
            event_webhooks=view.company.catalog.event_webhooks,
        )

    async def follow_catalog(self, version: int) -> None:
        """The catalog changed while buyers were being asked: who was paused or removed meanwhile is out, and the caps
        that count are the new ones."""
        view = await self.tools.plans.view_at(self.request.view, version)
        if view is None:
            self.refused = Refused(
                Reason.KEY_UNKNOWN,
                actual="removed while the ping was under way",
                expected="a key of the campaign",
                setting=f"campaigns[{self.request.view.campaign.id}].rtb_keys",
            )
            return
        self.request = replace(self.request, view=view, snapshot_version=self.tools.plans.snapshot.version)
        self.refused = check_terms(self.request)
        plan = self.tools.plans.plan_of(view)
        for buyer_id, candidate in list(self.notebook.candidates.items()):
            planned = plan.find(buyer_id)
            if planned is None:
                out = Refused(Reason.BUYER_REMOVED, actual="removed", expected="in the campaign", setting=self._routing)
            elif planned.buyer.paused:
                setting = f"buyers[{buyer_id}].paused"
                out = Refused(Reason.BUYER_PAUSED, actual="paused", expected="not paused", setting=setting)
            else:
                self.notebook.candidates[buyer_id] = replace(candidate, planned=planned)
                continue
            self.notebook.refuse(buyer_id, out)
            del self.notebook.candidates[buyer_id]

    def _finish(self, decision: Decision) -> PingRecord:
        """The record and the reply that the store's decision means. Called inside its transaction."""
        self.notebook.step("reservation", self.tools.clock.monotonic())
        if isinstance(decision, Taken):
            record = self._taken(decision)
        elif isinstance(decision, Duplicate):
            record = self._duplicate(decision)
        else:
            record = self._not_taken(decision)
        self.reply = PingReply(record.reply_status, record.reply_body)
        return record

    def _taken(self, taken: Taken) -> PingRecord:
        reservation, notebook = taken.reservation, self.notebook
        verdicts = self._verdicts(taken.passed)
        winner = notebook.candidates[reservation.buyer_id]
        revenue = f"{format_micros(winner.quote.revenue_micros)} {winner.quote.currency}"
        verdicts[reservation.buyer_id] = Verdict(reservation.buyer_id, Reason.WON, actual=revenue)
        for buyer_id, candidate in notebook.candidates.items():
            if buyer_id not in verdicts:
                lost = losing_reason(notebook.plan.strategy, winner=winner.offer(), loser=candidate.offer())
                verdicts[buyer_id] = Verdict.of(buyer_id, replace(lost, setting=f"{self._routing}[{buyer_id}]"))
        if winner.quote.rule_id is None:
            notebook.notes.append(
                f"No conversion rule fits publisher {self.request.publisher_id} and buyer {reservation.buyer_id}: "
                "the quoted payout is 0. Add the publisher to a rule of the campaign's `conversions`."
            )
        return PingRecord(
            reason=Reason.RESERVED,
            status="reserved",
            buyer_id=reservation.buyer_id,
            trace=notebook.encode(Refused(Reason.RESERVED), verdicts),
            reply_status=200,
            reply_body=reserved_body(reservation, sip_domain=self.tools.sip_domain),
            caller_place=self.notebook.caller_place(),
            took_ms=self.notebook.took_ms,
        )

    def _duplicate(self, duplicate: Duplicate) -> PingRecord:
        original = duplicate.original
        verdicts = self._verdicts(())
        for planned in self.notebook.plan.buyers:
            verdicts.setdefault(planned.buyer.id, Verdict(planned.buyer.id, Reason.NOT_ASKED_DUPLICATE))
        ending = Refused(Reason.DUPLICATE, actual=f"duplicate {duplicate.order} of {original.ping_id}")
        return PingRecord(
            reason=Reason.DUPLICATE,
            status="reserved",
            buyer_id=original.buyer_id,
            trace=self.notebook.encode(ending, verdicts),
            reply_status=200,
            reply_body=reserved_body(original, sip_domain=self.tools.sip_domain, shielded=True),
            caller_place=self.notebook.caller_place(),
            took_ms=self.notebook.took_ms,
        )

    def _not_taken(self, not_taken: NotTaken) -> PingRecord:
        verdicts = self._verdicts(not_taken.passed)
        ending = self.refused
        if ending is not None:
            for planned in self.notebook.plan.buyers:
                verdicts.setdefault(planned.buyer.id, Verdict(planned.buyer.id, Reason.NOT_CONSIDERED))
            status = "rejected"
        else:
            ending, status = _nobody(verdicts, self._routing)
        return PingRecord(
            reason=ending.reason,
            status=status,
            buyer_id=None,
            trace=self.notebook.encode(ending, verdicts),
            reply_status=200,
            reply_body=refused_body(self.request.ping_id, status, ending),
            caller_place=self.notebook.caller_place(),
            took_ms=self.notebook.took_ms,
        )

    @property
    def _routing(self) -> str:
        """Where the campaign's buyers stand in the catalog."""
        return f"campaigns[{self.request.view.campaign.id}].routing.buyers"

    def _verdicts(self, passed: tuple[Verdict, ...]) -> dict[BuyerId, Verdict]:
        verdicts = dict(self.notebook.verdicts)
        for verdict in passed:
            verdicts[verdict.buyer_id] = verdict
        return verdicts


async def settle(ending: Ending, *, duplicate_key: str | None) -> PingReply | Refused:
    """End the ping in the store, following the catalog where it changed under way."""
    for _ in range(_CATALOG_CHANGES_FOLLOWED):
        settled = await ending.tools.reservations.settle(ending.settlement(duplicate_key))
        if isinstance(settled, Stale):
            await ending.follow_catalog(settled.version)
            continue
        if isinstance(settled, KeyReused):
            return Refused(Reason.IDEMPOTENCY_KEY_REUSED)
        if isinstance(settled, Replayed):
            return PingReply(settled.reply_status, settled.reply_body, replayed=True)
        assert ending.reply is not None, "the store calls finish before it answers with a decision"
        return ending.reply
    return Refused(Reason.OVERLOADED, retry_after_seconds=1)


def _nobody(verdicts: dict[BuyerId, Verdict], routing: str) -> tuple[Refused, str]:
    """How a ping ends for which no place was free: a buyer that would take the call but cannot be priced is told
    apart, and so is a campaign without buyers. Else each buyer's verdict says what mends it.
    """
    for verdict in verdicts.values():
        if verdict.reason is Reason.QUOTE_PAYOUT_UNKNOWN:
            return Refused(Reason.PAYOUT_UNKNOWN, verdict.actual, verdict.expected, verdict.setting), "rejected"
    expected = "one buyer that can take the call"
    if not verdicts:
        actual = "the campaign has no buyers"
        return Refused(Reason.NO_BUYER_AVAILABLE, actual=actual, expected=expected, setting=routing), "no-target"
    actual = f"none of {len(verdicts)} buyers"
    return Refused(Reason.NO_BUYER_AVAILABLE, actual=actual, expected=expected), "no-target"
