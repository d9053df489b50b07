"""The demo's catalog, `demo.yaml`, with the ports that its simulated buyers listen on now.

Applied by `ringbid demo`; `publishers` pings with its keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

# By campaign, as they stand in demo.yaml.
KEYS: Mapping[str, str] = {
    "auto-insurance": "1915260e-da0c-4443-a35b-8fb9d9843e42",
    "medicare": "6d1f1c52-0f4e-4f0b-9d8f-3f1c0f4f7a65",
    "home-services": "0b7a2a2e-3c55-4c0c-8d5e-61b54a0cbb0e",
}
_BUYER = re.compile(r"127\.0\.0\.1:\d+(?=/buyers/(\w+)/bid)")


def demo_catalog(ports: Mapping[str, int]) -> str:
    """The catalog's YAML. `ports` says where the buyer of each behaviour listens."""
    text = files("ringbid.edge.emulate").joinpath("demo.yaml").read_text(encoding="utf-8")
    return _BUYER.sub(lambda found: f"127.0.0.1:{ports[found[1]]}", text)
