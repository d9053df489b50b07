"""How a buyer stands at this moment: open or closed and when that changes, and how full each of its caps is.

Pure: given what the store counted. Shown by the console's pages and the buyer's portal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ringbid.catalog.model import Buyer, CapKind, Catalog
from ringbid.catalog.snapshot import build_snapshot
from ringbid.reservations.limits import NO_USAGE, WINDOWED, Subject, Usage, window_start
from ringbid.routing.hours import compile_hours, show_hours
from ringbid.routing.plan import subjects_of
from ringbid.values.verdict import Refused

WORDS: Mapping[CapKind, str] = {
    "concurrency": "at once",
    "hourly": "this hour",
    "daily": "today",
    "monthly": "this month",
    "total": "ever",
}
# Less than two windows after a window's start, more than one: inside the next one, also where the clock changes.
_INTO_NEXT = {
    "hourly": timedelta(minutes=90),
    "daily": timedelta(hours=26),
    "monthly": timedelta(days=32),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A cap and what stands against it. `held` are places whose call is not counted yet; `limit` None: no cap.
    `resets_at` None: it does not."""

    kind: CapKind
    words: str
    used: int
    held: int
    limit: int | None
    resets_at: datetime | None
    setting: str

    @property
    def full(self) -> bool:
        return self.limit is not None and self.used + self.held >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerState:
    """`closed` says why it takes no calls at this hour; `next_change` is when it next opens or closes. `groups` are
    the gauges of the groups it is in, by their name."""

    buyer: Buyer
    hours: str
    closed: Refused | None
    next_change: datetime | None
    live: int  # places taken now: calls on the line and reservations that count
    gauges: tuple[Gauge, ...]
    groups: tuple[tuple[str, tuple[Gauge, ...]], ...]

    @property
    def takes_calls(self) -> bool:
        return not self.buyer.paused and self.closed is None and not any(gauge.full for gauge in self.gauges)


def subjects_in(catalog: Catalog) -> tuple[Subject, ...]:
    """Whose usage `buyer_states` needs: every buyer's and every group's that has one."""
    view = build_snapshot(0, [catalog]).companies[catalog.company.id]
    found = {subject.id: subject for buyer in catalog.buyers for subject in subjects_of(view, buyer.id)}
    return tuple(found.values())


def buyer_states(catalog: Catalog, usage: Mapping[str, Usage], now: datetime) -> tuple[BuyerState, ...]:
    """Each buyer of the catalog, in its order; `now` is the store's time."""
    view = build_snapshot(0, [catalog]).companies[catalog.company.id]
    states = []
    for buyer in catalog.buyers:
        own, *groups = subjects_of(view, buyer.id)
        hours = compile_hours(buyer)
        names = [group.name for group in view.groups_of.get(buyer.id, ())]
        states.append(
            BuyerState(
                buyer=buyer,
                hours=show_hours(buyer.hours),
                closed=hours.check(now),
                next_change=hours.next_change(now),
                live=usage.get(own.id, NO_USAGE).places,
                gauges=_gauges(own, usage, now),
                groups=tuple((name, _gauges(group, usage, now)) for name, group in zip(names, groups, strict=True)),
            )
        )
    return tuple(states)


def _gauges(subject: Subject, usage: Mapping[str, Usage], now: datetime) -> tuple[Gauge, ...]:
    """One for concurrency, and one for each cap there is."""
    known = usage.get(subject.id, NO_USAGE)
    kinds: tuple[CapKind, ...] = ("concurrency", *WINDOWED)
    return tuple(
        Gauge(
            kind=kind,
            words=WORDS[kind],
            used=known.places if kind == "concurrency" else known.counted.get(kind, 0),
            held=0 if kind == "concurrency" else known.waiting,
            limit=limit,
            resets_at=_resets_at(kind, now, subject.zone),
            setting=f"{subject.setting}.{kind}",
        )
        for kind in kinds
        if (limit := getattr(subject.caps, kind)) is not None or kind == "concurrency"
    )


def _resets_at(kind: CapKind, now: datetime, zone: str) -> datetime | None:
    ahead = _INTO_NEXT.get(kind)
    return None if ahead is None else window_start(kind, window_start(kind, now, zone) + ahead, zone)
