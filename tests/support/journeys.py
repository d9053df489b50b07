"""Journeys in tests: folded now, and counted again from their rows by code that shares nothing with the product's."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from ringbid.reports.homes import Home
from ringbid.store.opening import Store
from ringbid.values.ids import CompanyId
from support.store_clients import rows_of
from support.stores import StorePlace

COLUMNS = (
    "uuid, company_id, direct, start_ms, campaign_id, publisher_id, caller_state, tags, buyer_id, number, step, ending,"
    " currency, revenue_micros, payout_micros, connected_ms"
)
COUNTS = (
    "pings, direct_calls, asked, bid, reserved, delivered, connected, converted, paid, revenue_micros, payout_micros,"
    " connected_ms"
)
KEY = "company_id, facet, publisher_id, campaign_id, buyer_id, start_ms, value, currency"
Sums = dict[tuple[Any, ...], tuple[int, ...]]


async def fold_all(store: Store, home: Home | None = None) -> int:
    """Fold until nothing is left; how many rounds it took."""

    def homes(_: CompanyId) -> Home:
        return home or Home(zone="America/New_York", tags=("source", "score"))

    rounds = 1
    while await store.journeys.fold(homes):
        rounds += 1
    return rounds


def journeys(place: StorePlace, columns: str = "ending, step, revenue_micros, payout_micros") -> list[tuple[Any, ...]]:
    """Those columns of all journeys, in the order of arrival."""
    return rows_of(place, f"select {columns} from journey order by at_ms, uuid")


def kept_sums(place: StorePlace) -> Sums:
    """What stands in the rollup, without its facet of asks, and without rows that have come to nothing."""
    found = {tuple(row[:8]): tuple(row[8:]) for row in rows_of(place, f"select {KEY}, {COUNTS} from journey_rollup")}
    return {key: counts for key, counts in found.items() if any(counts) and key[1] != "ask"}


def counted_sums(place: StorePlace) -> Sums:
    """What should stand there: every journey counted once in each facet."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 12)
    for row in rows_of(place, f"select {COLUMNS} from journey"):
        _, company, direct, start_ms, campaign, publisher, state, tags, buyer, number, step, ending, *rest = row
        currency, revenue, payout, connected_ms = rest
        facets = [("number", number), ("ending", ending), ("state", state)]
        facets += [(f"tag:{name}", value) for name, value in json.loads(tags).items()]
        reached = [1 if step >= least else 0 for least in range(2, 9)]
        views = [
            ("", publisher, campaign, buyer),
            ("*", "", "", ""),
            ("publisher*", publisher, "", ""),
            ("campaign*", "", campaign, ""),
            ("buyer*", "", "", buyer),
        ]
        within = [(view, facet) for view in [*views, ("campaign,buyer*", "", campaign, buyer)] for facet in facets]
        for place in [("publisher", publisher), ("campaign", campaign), ("buyer", buyer)]:
            within += [(view, place) for view in views[1:] if not view[0].startswith(place[0])]
        keys = [
            (company, f"{name}{facet}", *places, start_ms, value, currency)
            for (name, *places), (facet, value) in within
        ]
        for key in keys:
            counts = [1 - direct, direct, *reached, revenue, payout, connected_ms]
            sums[key] = [one + two for one, two in zip(sums[key], counts, strict=True)]
    return {key: tuple(counts) for key, counts in sums.items()}
