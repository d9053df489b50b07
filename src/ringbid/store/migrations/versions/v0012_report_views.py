"""The rollup's views, by what reports are filtered (`store.report_views`), made of what was kept before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_KEY = ("company_id", "facet", "publisher_id", "campaign_id", "buyer_id", "start_ms", "value", "currency")
_COUNTS = (
    "pings",
    "direct_calls",
    "asked",
    "bid",
    "reserved",
    "delivered",
    "connected",
    "converted",
    "paid",
    "revenue_micros",
    "payout_micros",
    "connected_ms",
)
_PLACES = ("publisher_id", "campaign_id", "buyer_id")
_VIEWS = ((), ("campaign_id",), ("publisher_id",), ("buyer_id",), ("campaign_id", "buyer_id"))
_JOURNEYS = "facet NOT LIKE '*%' AND facet <> 'ask'"


def upgrade() -> None:
    op.execute("CREATE TABLE rollup_before AS SELECT * FROM journey_rollup")
    op.drop_table("journey_rollup")
    op.create_table(
        "journey_rollup",
        *(
            sa.Column(
                name,
                sa.BigInteger() if name == "start_ms" else sa.Text(),
                primary_key=True,
                nullable=False,
                autoincrement=False,
            )
            for name in _KEY
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_journey_rollup"),
        sqlite_with_rowid=False,
    )
    _add("facet", "value", _PLACES, _JOURNEYS)
    for kept in _VIEWS:
        prefix = ",".join(place.removesuffix("_id") for place in kept)
        _add(f"'{prefix}*' || facet", "value", kept, _JOURNEYS)
        for place in _PLACES:
            if len(kept) < 2 and place not in kept:  # every journey stands under its number once
                _add(f"'{prefix}*{place.removesuffix('_id')}'", place, kept, "facet = 'number'")
    _add("facet", "value || ' ' || buyer_id", (), "facet = 'ask'")
    op.drop_table("rollup_before")
    op.create_index("ix_journey_rollup_start_ms", "journey_rollup", ["start_ms"])


def _add(facet: str, value: str, kept: tuple[str, ...], which: str) -> None:
    """A view: these places are told apart in it."""
    places = ", ".join(place if place in kept else "''" for place in _PLACES)
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in _COUNTS)
    op.execute(
        f"INSERT INTO journey_rollup ({', '.join((*_KEY, *_COUNTS))})"  # noqa: S608 -- names of this file alone
        f" SELECT company_id, {facet}, {places}, start_ms, {value}, currency, {sums}"
        f" FROM rollup_before WHERE {which} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    )
