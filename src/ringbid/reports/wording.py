"""How sentences about pings and calls name things and tell times: by ids and in UTC, as the store and programs have
them, or as the people of a company do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Wording:
    """`buyers` and `publishers` are names by id; what is not in them, and may have been removed, goes by its id."""

    buyers: Mapping[str, str] = field(default_factory=dict)
    publishers: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC

    def buyer(self, buyer_id: str) -> str:
        return self.buyers.get(buyer_id, buyer_id)

    def publisher(self, publisher_id: str) -> str:
        return self.publishers.get(publisher_id, publisher_id)

    def time(self, at: datetime) -> str:
        """Such as `16:44:54 EDT`."""
        return f"{at.astimezone(self.zone):%H:%M:%S %Z}"


PLAIN = Wording()
