"""A publisher that pings for every second caller before the call is made, through every crash of the server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crash.call_books import now
from ringbid.edge import tasks

LEAD_SECONDS = 3.0  # so long before its call a caller is pinged
_ANSWER_SECONDS = 15.0
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Pinged:
    """What the publisher was told. `expires_at`: seconds since 1970; 0: no place."""

    number: str
    reply: dict[str, Any]
    answered_at: float
    tries: int

    @property
    def uuid(self) -> str:
        return str(self.reply["uuid"])

    @property
    def reserved(self) -> bool:
        return self.reply.get("status") == "reserved"


@dataclass
class Publisher:
    """Pings `numbers` under `key`, one every `gap_seconds`, whether or not the ones before were answered."""

    port: int
    key: str
    numbers: Sequence[str]
    gap_seconds: float

    async def run(self) -> list[Pinged]:
        """Until each of them was answered."""
        started = time.monotonic()
        pinging = []
        for index, number in enumerate(self.numbers):
            await asyncio.sleep(max(0.0, started + index * self.gap_seconds - time.monotonic()))
            pinging.append(tasks.start(self._ping(number), name=f"ping {number}"))
        return await asyncio.gather(*pinging)

    async def _ping(self, number: str) -> Pinged:
        body = json.dumps({"key": self.key, "publisher_id": "chaos", "caller_number": number}).encode()
        head = (
            f"POST /rtbs.json HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: ping-{number}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    status, reply = await self._post(head.encode() + body)
            except (OSError, TimeoutError, EOFError, ValueError):
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if status in (409, 503):  # the same ping, tried before, is still under way; or there is too much to do
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            assert status == 200, f"the ping of {number} was answered {status}: {reply}"
            return Pinged(number, reply, now(), tries)

    async def _post(self, request: bytes) -> tuple[int, dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]), json.loads(body)
        except IndexError as error:
            raise EOFError from error
        finally:
            writer.close()
