"""What needs the owner's attention now: each a sentence with what was found, and the page that mends it.

Pure; `read_attention` asks the ports below for what it takes, always the same number of questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import quote

from ringbid.catalog.snapshot import CompanyView
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Listed
from ringbid.reports.catalog_doubts import find_doubts
from ringbid.reports.counts import Counts, percent
from ringbid.reports.settings_links import setting_link
from ringbid.reservations.limits import WINDOWED, Subject, Usage
from ringbid.reservations.ports import IdempotencyUse, Look
from ringbid.routing.plan import subjects_of
from ringbid.values.ids import CompanyId, KeyId
from ringbid.values.reason import Reason

LOOKS_BACK = timedelta(hours=24)
FEW_PINGS = 20  # of a publisher: with fewer, none delivered says nothing
FEW_ASKS = 10
LATE_PERCENT = 10  # of a buyer's asks
FULL_PERCENT = 90  # of a cap
MOST_MESSAGES = 200

Tone = Literal["bad", "limit"]
_NO_ANSWER = {
    Reason.ASK_TIMED_OUT.code: "did not answer in time",
    Reason.ASK_UNREACHABLE.code: "could not be reached",
    Reason.ASK_ANSWERED_ERROR.code: "answered with an error",
    Reason.ASK_BREAKER_OPEN.code: "was left alone after failures",
    Reason.ASK_NAME_UNRESOLVED.code: "could not be found by its name",
    Reason.ASK_TLS_FAILED.code: "failed at TLS",
    Reason.BID_UNREADABLE.code: "could not be read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """`action` says what `path` leads to."""

    tone: Tone
    text: str
    action: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The last day: counts by publisher, and how often each buyer's webhook came to which outcome."""

    publishers: Mapping[str, Counts]
    asks: Mapping[str, Mapping[str, int]]


class RecentReads(Protocol):
    async def recent(self, company_id: CompanyId, since: datetime) -> Recent:
        """What happened since then, by whole hours."""
        ...


class UsageReads(Protocol):
    async def look(
        self,
        *,
        key_id: KeyId,
        duplicate_key: str | None,
        subjects: tuple[Subject, ...],
        idempotency: IdempotencyUse | None,
    ) -> Look:
        """How full these are."""
        ...


class DeliveryReads(Protocol):
    async def listing(
        self, *, state: MessageState | None = None, company_id: CompanyId | None = None, limit: int = 50
    ) -> Sequence[Listed]:
        """The newest messages that fit."""
        ...


async def read_attention(
    view: CompanyView | None, now: datetime, *, recent: RecentReads, usage: UsageReads, messages: DeliveryReads
) -> tuple[Attention, ...]:
    """Everything that needs attention, what is broken first."""
    if view is None:
        return ()
    company_id = view.catalog.company.id
    subjects = {subject.id: subject for buyer_id in view.buyers for subject in subjects_of(view, buyer_id)}
    capped = tuple(subject for subject in subjects.values() if subject.caps.any)
    look = await usage.look(key_id=KeyId(""), duplicate_key=None, subjects=capped, idempotency=None)
    happened = await recent.recent(company_id, now - LOOKS_BACK)
    failed = [
        message
        for state in (MessageState.DEAD, MessageState.DISABLED)
        for message in await messages.listing(state=state, company_id=company_id, limit=MOST_MESSAGES)
    ]
    found = [
        *_of_buyers(view, happened),
        *_of_messages(failed, now),
        *_of_caps(capped, look.usage),
        *_of_publishers(view, happened),
        *_of_catalog(view),
    ]
    return tuple(sorted(found, key=lambda one: one.tone != "bad"))


def _of_buyers(view: CompanyView, happened: Recent) -> Iterator[Attention]:
    for buyer_id, outcomes in sorted(happened.asks.items()):
        asked = sum(outcomes.values())
        worst = max(_NO_ANSWER, key=lambda outcome: outcomes.get(outcome, 0))
        count = outcomes.get(worst, 0)
        if asked < FEW_ASKS or count * 100 < asked * LATE_PERCENT:
            continue
        name = next((buyer.name for buyer in view.catalog.buyers if buyer.id == buyer_id), buyer_id)
        text = (
            f"{name} {_NO_ANSWER[worst]} in {percent(count, asked)} % of the last day's asks ({count:,} of {asked:,})."
        )
        yield Attention(tone="bad", text=text, action="See its answers", path=f"/buyers/{_part(buyer_id)}#address")


def _of_messages(failed: Sequence[Listed], now: datetime) -> Iterator[Attention]:
    disabled = sorted({one.endpoint for one in failed if one.state is MessageState.DISABLED})
    for endpoint in disabled:
        text = f"The webhook {endpoint} answered that it wants no more (410), and is sent nothing."
        path = f"/deliveries?state=disabled&endpoint={_part(endpoint)}"
        yield Attention(tone="bad", text=text, action="See what was kept back", path=path)
    dead = [one for one in failed if one.state is MessageState.DEAD and (one.ended_at or now) >= now - LOOKS_BACK]
    for endpoint in sorted({one.endpoint for one in dead} - set(disabled)):
        of_it = [one for one in dead if one.endpoint == endpoint]
        why = of_it[0].last_error or f"status {of_it[0].last_status}"
        text = f"{len(of_it):,} messages to the webhook {endpoint} were given up in the last day; the newest: {why}."
        path = f"/deliveries?state=dead&endpoint={_part(endpoint)}"
        yield Attention(tone="bad", text=text, action="See and replay them", path=path)


def _of_caps(capped: Sequence[Subject], usage: Mapping[str, Usage]) -> Iterator[Attention]:
    for subject in capped:
        used = usage.get(subject.id, Usage())
        for kind in ("concurrency", *WINDOWED):
            limit, taken = getattr(subject.caps, kind), used.of(kind)
            if limit is None or taken * 100 < limit * FULL_PERCENT:
                continue
            *_, name = subject.id.split("/", 2)
            full = "is full" if taken >= limit else f"is at {percent(taken, limit)} %"
            text = f"The {kind} cap of {name} {full}: {taken:,} of {limit:,}."
            path = setting_link(f"{subject.setting}.{kind}") or "/buyers"
            yield Attention(tone="limit", text=text, action="Change the cap", path=path)


def _of_publishers(view: CompanyView, happened: Recent) -> Iterator[Attention]:
    for publisher in view.catalog.publishers:
        counts = happened.publishers.get(publisher.id, Counts())
        if publisher.paused or counts.pings < FEW_PINGS or counts.delivered:
            continue
        held = f", {counts.reserved:,} of them reserved" if counts.reserved else ", none of them reserved"
        text = f"{publisher.name} sent {counts.pings:,} pings in the last day{held}, and not one call arrived."
        path = f"/reports?group=reason&publisher={_part(publisher.id)}"
        yield Attention(tone="limit", text=text, action="See why", path=path)


def _of_catalog(view: CompanyView) -> Iterator[Attention]:
    """What is allowed in a catalog and yet hardly meant."""
    for doubt in find_doubts(view.catalog, sip_domain=""):
        place = doubt.path.removeprefix("campaigns[")
        campaign_id, _, part = place.partition("].")
        if place == doubt.path:
            path = "/campaigns" if doubt.path == "publishers" else "/settings/catalog"  # rules pay: campaigns have them
            yield Attention(tone="limit", text=_sentence(doubt.text), action="Change it", path=path)
            continue
        campaign = next(one for one in view.catalog.campaigns if one.id == campaign_id)
        pages = {"rtb_keys": "keys", "routing.buyers": "routing"}
        path = f"/campaigns/{_part(campaign_id)}/{pages.get(part, part)}"
        yield Attention(tone="limit", text=f"{campaign.name}: {doubt.text}.", action="Change it", path=path)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _part(text: str) -> str:
    return quote(text, safe="")
