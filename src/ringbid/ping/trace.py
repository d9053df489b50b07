"""The ping's notebook: what each step found, kept while the flow runs and turned into the stored trace at its end.

Written by `ping.flow`; the stored form is `reservations.trace`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ringbid.ping.request import PingRequest
from ringbid.reservations.ports import NOWHERE, CallerPlace
from ringbid.reservations.trace import Trace, TracedVerdict, encode
from ringbid.routing.bids import Asked
from ringbid.routing.candidate import Candidate
from ringbid.routing.plan import CampaignPlan
from ringbid.routing.ranking import Ranking
from ringbid.routing.tags import Tags, TagValue
from ringbid.routing.tracing import traced_ask, traced_tags, traced_verdict
from ringbid.values.ids import BuyerId
from ringbid.values.verdict import Refused, Verdict


class Notebook:
    """Facts of one ping, in the order they were found. Mutable, and never outlives its ping."""

    def __init__(self, request: PingRequest, plan: CampaignPlan, *, seed: int) -> None:
        self.plan = plan
        self.seed = seed
        self.verdicts: dict[BuyerId, Verdict] = {}
        self.candidates: dict[BuyerId, Candidate] = {}
        self.ranking: Ranking | None = None
        self.tags: Tags | None = None
        self.asked: Sequence[Asked] = ()
        self.notes: list[str] = []
        self._request = request
        self._steps_ms: dict[str, float] = {}

    def step(self, name: str, monotonic_now: float) -> None:
        """The step `name` ended now."""
        self._steps_ms[name] = self._ms(monotonic_now)

    def refuse(self, buyer_id: BuyerId, refused: Refused) -> None:
        """This buyer is out, and why. The first verdict stands."""
        self.verdicts.setdefault(buyer_id, Verdict.of(buyer_id, refused))

    @property
    def took_ms(self) -> int:
        """How long the ping took until its last step ended."""
        return round(max(self._steps_ms.values(), default=0.0))

    def caller_place(self) -> CallerPlace:
        """Where the caller is, for lists."""
        tags = self.tags
        if tags is None:
            return NOWHERE
        return CallerPlace(
            state=_short(tags.get("caller_state"), 16),
            country=_short(tags.get("caller_country"), 16),
            city=_short(tags.get("caller_city"), 64),
            zip_code=_short(tags.get("caller_zip"), 16),
        )

    def encode(self, ending: Refused, verdicts: Mapping[BuyerId, Verdict]) -> bytes:
        """The trace of a ping that ended as `ending` with exactly one verdict for each buyer of the campaign."""
        view = self._request.view
        return encode(
            Trace(
                snapshot_version=self._request.snapshot_version,
                reason=ending.reason.code,
                actual=ending.actual,
                expected=ending.expected,
                setting=ending.setting,
                strategy=self.plan.strategy,
                seed=self.seed,
                currency=self.plan.currency,
                timeout_ms=int(view.key.timeout_seconds * 1000),
                ttl_seconds=view.key.ttl_seconds,
                steps_ms=self._steps_ms,
                tags=traced_tags(self.tags) if self.tags is not None else {},
                asks=[traced_ask(asked, self._ms) for asked in self.asked],
                verdicts=self._traced_verdicts(verdicts),
                notes=self.notes,
            )
        )

    def _ms(self, monotonic: float) -> float:
        return round((monotonic - self._request.received_monotonic) * 1000, 3)

    def _traced_verdicts(self, verdicts: Mapping[BuyerId, Verdict]) -> list[TracedVerdict]:
        """In routing order: by level; within it those that were ranked, in their order, before those that were not."""
        asked_ms = {one.buyer_id: round(one.took_seconds * 1000, 3) for one in self.asked if one.buyer_id}
        order = [offer.buyer_id for offer in self.ranking.order] if self.ranking is not None else []
        rank_of = {buyer_id: rank for rank, buyer_id in enumerate(order)}
        traced = [
            (planned.routed.priority, rank_of.get(planned.buyer.id, len(order)), index, planned)
            for index, planned in enumerate(self.plan.buyers)
        ]
        traced.sort(key=lambda row: row[:3])
        return [
            traced_verdict(
                verdicts[planned.buyer.id],
                candidate=self.candidates.get(planned.buyer.id),
                priority=planned.routed.priority,
                weight=planned.routed.weight,
                asked_ms=asked_ms.get(planned.buyer.id),
            )
            for *_, planned in traced
        ]


def _short(value: TagValue | None, length: int) -> str | None:
    """A tag's (first) value as a text that fits into an index of either database."""
    text = value if value is None or isinstance(value, str) else value[0]
    if not text:
        return None
    return text[:length] if text.isprintable() else "".join(filter(str.isprintable, text))[:length] or None
