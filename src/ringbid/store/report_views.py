"""In which of its views the rollup answers a question: the one that has the fewest rows to add up.

A facet of journeys (their number, ending, state, a tag) is kept several times, each time with some of campaign,
publisher and buyer told apart and the others left empty, and the rows of a view lie together in the order of the
table's key. So a report of one publisher reads that publisher's sums and no others', however many there are. Used by
`journey_rows`, which writes the views, and `funnels`, which reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

PLACES = ("publisher", "campaign", "buyer")  # as they stand in the key
# Which of them are told apart. A publisher with more is found in the last one: the key begins with the publisher.
KEPT: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"campaign"}),
    frozenset({"publisher"}),
    frozenset({"buyer"}),
    frozenset({"campaign", "buyer"}),
    frozenset(PLACES),
)
# Campaign, publisher and buyer are facets too, each within one of the others or alone.
KEPT_OF_PLACES: Mapping[str, tuple[frozenset[str], ...]] = {
    place: (frozenset(), *(frozenset({other}) for other in PLACES if other != place)) for place in PLACES
}
ANY_FACET = "number"  # every journey stands in it once


@dataclass(frozen=True, slots=True)
class View:
    """`facet` as it is stored; `kept` are the places told apart; the rows of a report are by the column of `key`:
    `value`, or a place."""

    facet: str
    kept: frozenset[str]
    key: str = "value"


@lru_cache(maxsize=1024)
def stored_facet(facet: str, kept: frozenset[str]) -> str:
    """What the facet is called where these are told apart: `*state`, `campaign,buyer*state`, and `state` for all."""
    if len(kept) == len(PLACES):
        return facet
    return f"{','.join(place for place in PLACES if place in kept)}*{facet}"


def view_of_times(facet: str, filtered: Collection[str]) -> View:
    """The view that tells the values of `facet` where these places are filtered by."""
    kept = _kept_for(filtered)
    return View(stored_facet(facet, kept), kept)


def view_of_places(place: str, facet: str | None, filtered: Collection[str]) -> View:
    """The view with a row for each campaign, publisher or buyer; `facet` is what else is filtered by, if anything."""
    within = frozenset(filtered)
    if facet is None and within in KEPT_OF_PLACES[place]:
        return View(stored_facet(place, within), within)
    kept = _kept_for(within | {place})
    return View(stored_facet(facet or ANY_FACET, kept), kept, key=place)


def _kept_for(places: Collection[str]) -> frozenset[str]:
    return next(kept for kept in KEPT if kept.issuperset(places))
