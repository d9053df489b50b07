"""What the company with a million pings has: the acme example, and many more publishers, buyers and campaigns."""

from __future__ import annotations

import uuid
from typing import Any


def ids_of(kind: str, count: int) -> tuple[str, ...]:
    """`campaign-000`, `campaign-001` and so on."""
    return tuple(f"{kind}-{number:03}" for number in range(count))


def enlarge(tree: Any, *, campaigns: int, publishers: int, buyers: int) -> None:  # noqa: ANN401 -- a YAML document
    """Add so many to the acme example."""
    tree["publishers"] += [{"id": one, "name": f"Publisher {one}"} for one in ids_of("publisher", publishers)]
    tree["buyers"] += [_buyer(number, one) for number, one in enumerate(ids_of("buyer", buyers))]
    tree["campaigns"] += [_campaign(number, one, buyers) for number, one in enumerate(ids_of("campaign", campaigns))]


def _buyer(number: int, buyer_id: str) -> dict[str, Any]:
    filters = [{"tag": "age", "operator": ">=", "value": 18}]
    caps = {"concurrency": 10, "daily": 5000}
    return {
        "id": buyer_id,
        "name": f"Buyer {buyer_id}",
        "number": f"+120255{50200 + number:05}",
        "caps": caps,
        "filters": filters,
    }


def _campaign(number: int, campaign_id: str, buyers: int) -> dict[str, Any]:
    ours = [one for index, one in enumerate(ids_of("buyer", buyers)) if index % 4 == number % 4][:12] or ["delta"]
    key = {"key": str(uuid.uuid5(uuid.NAMESPACE_URL, campaign_id)), "name": "Default"}
    rule = {"name": "fixed", "buyer": ours, "seconds": 90, "revenue": 12.5, "payout": 10}
    return {
        "id": campaign_id,
        "name": f"Campaign {campaign_id}",
        "numbers": [{"number": f"+184440{22000 + number:05}"}],
        "rtb_keys": [key],
        "routing": {"strategy": "bid", "buyers": [{"buyer": one, "priority": 1, "weight": 1} for one in ours]},
        "conversions": [rule],
    }
