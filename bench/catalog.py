"""The catalog that is measured: one campaign for each number of asked buyers, each with a key of its own.

Every buyer has caps and a filter; every asked one has a webhook like that of `examples/acme.yaml` (a template for URL,
header and body, `accept`, three outputs) and a conversion rule that prices by the bid.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import yaml

from bench.buyers import bid_of

NUMBERS_ASKED = (0, 5, 20)
DELAY_MS = 20  # how long buyers take in the campaigns whose latency is measured
TTL_SECONDS = 2  # short, so that the cost of tidying ended reservations falls into the measured time


def key_of(asked: int, delay_ms: int) -> str:
    """The RTB key of the campaign that asks `asked` buyers, which answer after `delay_ms` (0: at once)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bench/{asked}/{delay_ms}"))


def payout_of(asked: int) -> Decimal:
    """What every ping of that campaign must be answered: 80 % of the highest bid, which is the last buyer's."""
    return bid_of(asked - 1) * 80 / 100 if asked else Decimal("1.173")


def catalog_yaml(buyer_ports: Sequence[int]) -> str:
    """The catalog as `ringbid apply` takes it; buyer 0 listens on the first port, and so on."""
    campaigns = [_campaign(asked, 0, buyer_ports) for asked in NUMBERS_ASKED]
    campaigns += [_campaign(asked, DELAY_MS, buyer_ports) for asked in NUMBERS_ASKED if asked]
    catalog = {
        "company": {"id": "bench", "name": "Bench", "time_zone": "America/New_York", "currency": "USD"},
        "tags": [{"key": "age", "type": "number"}, {"key": "jornaya_id", "type": "text", "private": True}],
        "publishers": [{"id": "bench", "name": "Load generator"}],
        "buyers": [_buyer("plain", "+12025550100")]
        + [_buyer(_asked_id(buyer), f"[{_asked_id(buyer)}_number]") for buyer in range(len(buyer_ports))],
        "campaigns": campaigns,
    }
    return yaml.safe_dump(catalog, sort_keys=False)


def _asked_id(buyer: int) -> str:
    return f"asked_{buyer:02d}"


def _buyer(buyer_id: str, number: str) -> dict[str, Any]:
    return {
        "id": buyer_id,
        "name": f"Buyer {buyer_id}",
        "number": number,
        "caps": {"concurrency": 10, "daily": 500},
        "filters": [{"tag": "caller_state", "operator": "in", "value": ["CA", "NV", "NY"]}],
    }


def _campaign(asked: int, delay_ms: int, ports: Sequence[int]) -> dict[str, Any]:
    buyers = [_asked_id(buyer) for buyer in range(asked)] or ["plain"]
    name = f"asks-{asked}-after-{delay_ms}"
    return {
        "id": name,
        "name": name,
        "numbers": [{"number": f"+1844402{asked:02d}{delay_ms:02d}"}],
        "rtb_keys": [{"key": key_of(asked, delay_ms), "name": "Default", "ttl_seconds": TTL_SECONDS}],
        "routing": {"strategy": "bid", "buyers": [{"buyer": buyer, "priority": 1, "weight": 1} for buyer in buyers]},
        "conversions": [_conversion(buyer) for buyer in buyers],
        "webhooks": [_webhook(buyer, delay_ms, port) for buyer, port in zip(buyers, ports, strict=False) if asked],
    }


def _conversion(buyer: str) -> dict[str, Any]:
    if buyer == "plain":
        return {"name": "fixed", "buyer": buyer, "seconds": 95, "revenue": 1.5, "payout": 1.173}
    prices = {"seconds": f"[{buyer}_seconds]", "revenue": f"[{buyer}_bid]", "payout": "80%"}
    return {"name": f"{buyer} pays what it bids", "buyer": buyer, **prices}


def _webhook(buyer: str, delay_ms: int, port: int) -> dict[str, Any]:
    return {
        "name": f"ask {buyer}",
        "on": "passthrough",
        "buyer": buyer,
        "method": "POST",
        "url": f"http://127.0.0.1:{port}/bid/{delay_ms}?zip=[caller_zip]&state=[caller_state]",
        "headers": {"X-Api-Key": "bench"},
        "body": {"caller": "[caller_number]", "age": "[age]", "call": "[call_uuid]"},
        "accept": "accepted == `true`",
        "outputs": {
            f"{buyer}_bid": "bid.amount",
            f"{buyer}_seconds": "bid.min_seconds",
            f"{buyer}_number": "bid.phone",
        },
    }
