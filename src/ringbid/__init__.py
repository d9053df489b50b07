"""Ringbid: the open exchange where phone calls are priced, reserved, routed and paid for."""

__version__ = "0.1.0"
