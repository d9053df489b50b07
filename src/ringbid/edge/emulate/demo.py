"""The demo's catalog, `demo.yaml`, with the ports that its simulated buyers and publisher listen on now.

Applied by `ringbid demo`; `publishers` pings with its keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files

from ringbid.edge.emulate.phones import PHONES, user_of

# By campaign, as they stand in demo.yaml.
KEYS: Mapping[str, str] = {
    "auto-insurance": "1915260e-da0c-4443-a35b-8fb9d9843e42",
    "medicare": "6d1f1c52-0f4e-4f0b-9d8f-3f1c0f4f7a65",
    "home-services": "0b7a2a2e-3c55-4c0c-8d5e-61b54a0cbb0e",
}
_BUYER = re.compile(r"127\.0\.0\.1:\d+(?=/buyers/(\w+)/bid)")
_RECEIVER = re.compile(r"127\.0\.0\.1:\d+(?=/postback)")
_NUMBER = re.compile(r'(?<=number: ")[^"\[]+(?=")')


def demo_catalog(ports: Mapping[str, int], *, receiver_port: int, address_of: Callable[[str], str]) -> str:
    """The catalog's YAML. `ports` says where the buyer of each behaviour listens, `receiver_port` where the publisher
    is told of conversions, and `address_of` where the phone of a number or SIP user is called."""
    text = files("ringbid.edge.emulate").joinpath("demo.yaml").read_text(encoding="utf-8")
    text = _BUYER.sub(lambda found: f"127.0.0.1:{ports[found[1]]}", text)
    text = _RECEIVER.sub(f"127.0.0.1:{receiver_port}", text)
    return _NUMBER.sub(lambda found: address_of(user_of(found[0])) if user_of(found[0]) in PHONES else found[0], text)
