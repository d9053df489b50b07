"""Tags, asks and verdicts as traces keep them: the same form for pings and calls, and back again.

Used by `ping.trace` and by the call flow; the stored form is `reservations.trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringbid.buyers.protocol import Bid
from ringbid.buyers.webhook import redact, show_answer
from ringbid.reservations.trace import TracedAsk, TracedTag, TracedVerdict
from ringbid.routing.bids import Asked
from ringbid.routing.candidate import Candidate
from ringbid.routing.tags import Tags
from ringbid.values.reason import BY_CODE
from ringbid.values.verdict import Refused, Verdict


def traced_tags(tags: Tags) -> dict[str, TracedTag]:
    """Every tag with its source."""
    return {
        name: TracedTag(value if isinstance(value, str) else list(value), tags.sources[name])
        for name, value in tags.values.items()
    }


def tags_from(traced: Mapping[str, TracedTag]) -> Tags:
    """The tags of a trace, as they were."""
    values = {name: tag.value if isinstance(tag.value, str) else tuple(tag.value) for name, tag in traced.items()}
    return Tags(values, {name: tag.source for name, tag in traced.items()})


def traced_ask(asked: Asked, ms_of: Callable[[float], float]) -> TracedAsk:
    """One ask and its answer. `ms_of` turns monotonic seconds into milliseconds since the ping or call arrived."""
    result = asked.result
    refused = None if isinstance(result, Bid) else result
    return TracedAsk(
        webhook=asked.webhook.webhook.name,
        buyer=asked.buyer_id,
        request=redact(asked.ask) if asked.ask is not None else "",
        started_ms=ms_of(asked.started_at),
        took_ms=round(asked.took_seconds * 1000, 3),
        status=asked.answer.status if asked.answer is not None else None,
        answer=show_answer(asked.answer) if asked.answer is not None else None,
        outputs=dict(result.tags) if isinstance(result, Bid) else {},
        reason=refused.reason.code if refused is not None else None,
        detail=refused.actual if refused is not None else None,
    )


def traced_verdict(
    verdict: Verdict, *, candidate: Candidate | None, priority: int = 1, weight: int = 1, asked_ms: float | None = None
) -> TracedVerdict:
    """The verdict on one buyer, with what it would have brought where that was known."""
    quote = candidate.quote if candidate is not None else None
    return TracedVerdict(
        buyer=verdict.buyer_id,
        reason=verdict.reason.code,
        actual=verdict.actual,
        expected=verdict.expected,
        setting=verdict.setting,
        priority=priority,
        weight=weight,
        number=candidate.number if candidate is not None else None,
        revenue_micros=quote.revenue_micros if quote is not None else None,
        payout_micros=quote.payout_micros if quote is not None else None,
        seconds=quote.seconds if quote is not None else None,
        rule=quote.rule_id if quote is not None else None,
        rule_version=quote.rule_version if quote is not None else None,
        asked_ms=asked_ms,
    )


def refusal_of(verdict: TracedVerdict) -> Refused:
    """Why a buyer was out, as its trace keeps it."""
    return Refused(BY_CODE[verdict.reason], verdict.actual, verdict.expected, verdict.setting)
