"""Buyers by script: an Outbound that answers each webhook as a scenario says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from ringbid.buyers.protocol import Answer, Ask
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


class ScriptedOutbound:
    """`answers` by webhook name: `{status, json | text}`, `{fails: <reason>}`, or `silent` (never answers)."""

    def __init__(self) -> None:
        self.answers: Mapping[str, Any] = {}
        self.asks: list[Ask] = []

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        self.asks.append(ask)
        script = self.answers.get(ask.webhook_name, "silent")
        if script == "silent":
            await asyncio.get_running_loop().create_future()
        if "fails" in script:
            return Refused(Reason[script["fails"].upper()], actual="scripted")
        body = msgspec.json.encode(script["json"]) if "json" in script else script.get("text", "").encode()
        return Answer(status=script.get("status", 200), headers=(("content-type", "application/json"),), body=body)
