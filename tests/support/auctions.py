"""The whole product but the network, with buyers that answer as scripted after as long as scripted, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ringbid.bootstrap import apply_to, build_application
from ringbid.buyers.protocol import Answer, Ask
from ringbid.edge.api.app import Application
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import Trace, decode
from ringbid.settings import Settings
from ringbid.store.opening import open_store
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from ringbid.worker.snapshot import Catalogs
from support.asgi import Response, call
from support.exchange import Rows
from support.virtual_time import VirtualClock, VirtualLoop

KEY = "auction-key-0123456789"
NUMBER = "+18444021146"


@dataclass(frozen=True, slots=True)
class Script:
    """One buyer's answer: after `seconds` (None: never), a body with its status, or a failure on the way."""

    seconds: float | None = 0.0
    body: bytes = b"{}"
    status: int = 200
    fails: Reason | None = None


def bid(amount: str, *, seconds: float = 0.0) -> Script:
    """An answer that offers `amount`: any JSON, as it stands."""
    return Script(seconds, b'{"accepted": true, "amount": ' + amount.encode() + b"}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBuyer:
    """A buyer of the generated catalogs that is asked for its price, which is paid out in full."""

    name: str
    script: Script
    priority: int = 1
    weight: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)


class PacedOutbound:
    """Buyers by script, by the name of their webhook."""

    def __init__(self) -> None:
        self.scripts: Mapping[str, Script] = {}
        self.asks: list[Ask] = []

    async def send(self, ask: Ask, *, ends_at: float) -> Answer | Refused:
        self.asks.append(ask)
        script = self.scripts[ask.webhook_name]
        if script.seconds is None:
            await asyncio.get_running_loop().create_future()
        elif script.seconds:
            await asyncio.sleep(script.seconds)
        if script.fails is not None:
            return Refused(script.fails, actual="scripted")
        return Answer(status=script.status, headers=(("content-type", "application/json"),), body=script.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One ping as its publisher, the owner and the buyers saw it."""

    response: Response
    took_seconds: float
    stored: StoredPing
    trace: Trace
    asks: tuple[Ask, ...]

    @property
    def reply(self) -> dict[str, Any]:
        return dict(self.response.json)

    @property
    def winner(self) -> str | None:
        return self.stored.buyer_id

    @property
    def reasons(self) -> dict[str, str]:
        """The verdicts, by buyer."""
        return {verdict.buyer: verdict.reason for verdict in self.trace.verdicts}


def catalog_of(
    buyers: Sequence[AskedBuyer],
    *,
    strategy: str = "bid",
    key: Mapping[str, Any] | None = None,
    webhook: Mapping[str, Any] | None = None,
    campaign: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A catalog in which each of these is asked; `key`, `webhook` and `campaign` add to or change what stands there."""
    return {
        "company": {"id": "sim", "name": "Simulated", "time_zone": "UTC", "currency": "USD"},
        "tags": [{"key": "age", "type": "number"}, {"key": "tag"}],
        "publishers": [{"id": "pub", "name": "Publisher"}, {"id": "off", "name": "Paused", "paused": True}],
        "buyers": [
            {"id": buyer.name, "name": buyer.name, "number": "+12025550100", **buyer.settings} for buyer in buyers
        ],
        "campaigns": [
            {
                "id": "c",
                "name": "C",
                "numbers": [{"number": NUMBER}],
                "rtb_keys": [{"key": KEY, "name": "K", **(key or {})}],
                "routing": {
                    "strategy": strategy,
                    "buyers": [{"buyer": one.name, "priority": one.priority, "weight": one.weight} for one in buyers],
                },
                "conversions": [
                    {
                        "name": f"{one.name} pays",
                        "buyer": one.name,
                        "seconds": 90,
                        "revenue": f"[{one.name}_bid]",
                        "payout": "100%",
                        "publishers": ["pub"],
                    }
                    for one in buyers
                ],
                "webhooks": [
                    {
                        "name": one.name,
                        "on": "passthrough",
                        "buyer": one.name,
                        "method": "POST",
                        "url": f"http://{one.name}.example/bid",
                        "body": {"call": "[call_uuid]"},
                        "accept": "accepted == `true`",
                        "outputs": {f"{one.name}_bid": "amount"},
                        **(webhook or {}),
                    }
                    for one in buyers
                ],
                **(campaign or {}),
            }
        ],
    }


class Auctions:
    """A running product. Each catalog comes into force an hour later, when no reservation is open any more."""

    def __init__(self, template: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="auctions-", dir=template.parent))
        shutil.copy(template, self._folder / FILE_NAME)
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.outbound = PacedOutbound()
        self._counter = itertools.count()
        self._settings = Settings(data=self._folder)
        self.store = self.loop.run_until_complete(open_store(self._settings, self.clock))
        self._catalogs = Catalogs(self.store)
        self.app = self.node(clock_wrong_by_seconds=0)
        self.rows = Rows(self._folder / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.rows.close()
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        shutil.rmtree(self._folder)

    def node(self, *, clock_wrong_by_seconds: int) -> Application:
        """One more server on the same store, with a clock of its own."""
        return build_application(
            self.store.reservations,
            self._catalogs,
            self.outbound,
            settings=self._settings,
            clock=VirtualClock(self.loop, wrong_by_seconds=clock_wrong_by_seconds),
            random_bytes=lambda size: (next(self._counter) % (1 << 8 * size)).to_bytes(size, "big"),
        )

    def use(self, tree: Mapping[str, Any], *, seed: int = 0) -> None:
        """Put a catalog in force, an hour later; `seed` is where the product's random bytes start anew."""
        self.loop.jump(3600)
        self._counter = itertools.count(seed)

        async def change() -> None:
            result = await apply_to(self.store, json.dumps(tree), plan_only=False, applied_by="property")
            assert not result.problems, result.problems
            await self._catalogs.refresh()

        self.loop.run_until_complete(change())

    def send(self, method: str, path: str, *, app: Application | None = None, **request: Any) -> Response:
        """One request, as `support.asgi.call` takes it."""
        return self.loop.run_until_complete(call(app or self.app, method, path, **request))

    def ping(self, scripts: Mapping[str, Script], *, headers: Mapping[str, str] | None = None, **query: str) -> Result:
        """One ping of a caller from California, to these buyers."""
        self.outbound.scripts = scripts
        self.outbound.asks = []
        started = self.loop.time()
        sent = {"key": KEY, "publisher_id": "pub", "caller_number": "+12135550123", **query}
        response = self.send("POST", "/rtbs.json", query=sent, headers=headers or {})
        took_seconds = self.loop.time() - started
        assert response.status == 200, response
        stored = self.find(self.rows.newest_ping())
        return Result(
            response=response,
            took_seconds=took_seconds,
            stored=stored,
            trace=decode(stored.trace),
            asks=tuple(self.outbound.asks),
        )

    def hold(self, buyers: Sequence[AskedBuyer], **catalog: Any) -> Result:
        """An auction among these buyers, and nothing before it."""
        self.use(catalog_of(buyers, **catalog))
        return self.ping({one.name: one.script for one in buyers})

    def find(self, uuid: str) -> StoredPing:
        stored = self.loop.run_until_complete(self.store.reservations.find(PingId(uuid)))
        assert stored is not None
        return stored
