"""A whole server with people's pages for browsers: the demo's catalog, simulated buyers, a few pings of every kind.

It runs in a thread of this process, so that tests say who is signed in: whoever sends the cookie `owner` is the owner.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ringbid import bootstrap
from ringbid.accounts.tokens import form_token
from ringbid.edge.emulate.buyers import EmulatedBuyers
from ringbid.edge.emulate.demo import KEYS, demo_catalog
from ringbid.edge.listening import take_port
from ringbid.settings import Outbound, Settings
from ringbid.values.ids import BuyerId
from support.call_world import call_world, dials
from support.clocks import START, JumpingClock
from support.loopback import free_port
from support.server import apply_catalog
from support.stores import StorePlace
from support.web import BUYER, FixedIdentities

READY_SECONDS = 60.0
SEED = 7


@dataclass
class Desk:
    """A server that answers. `things` are the names that paths of screens may use: `{reserved}` is the uuid of a ping
    that got a place, and so on."""

    base_url: str
    data: Path
    things: dict[str, str] = field(default_factory=dict)
    identities: FixedIdentities = field(default_factory=FixedIdentities)
    stop: Callable[[], None] = lambda: None  # and wait until it has

    def ping(self, campaign: str = "auto-insurance", **parameters: str) -> dict[str, Any]:
        """Send one ping, as publisher 4321ABCD unless said otherwise; the reply."""
        values = {"key": KEYS[campaign], "publisher_id": "4321ABCD"} | parameters
        answer = httpx.post(f"{self.base_url}/rtbs.json", data=values, timeout=30)
        reply: dict[str, Any] = answer.json()
        return reply


@contextmanager
def running_desk(
    data: Path, *, identities: FixedIdentities | None = None, real_accounts: bool = False
) -> Iterator[Desk]:
    """The server, for as long as the block runs. With `real_accounts` people sign in, as they do elsewhere."""
    ready, ended = threading.Event(), threading.Event()
    port = free_port()
    desk = Desk(f"http://127.0.0.1:{port}", data)
    if identities is not None:
        desk.identities = identities
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    failed: list[BaseException] = []

    async def story() -> None:
        desk.things.update(await _sample_call(data))
        async with EmulatedBuyers(seed=SEED, address_of=_phone) as buyers:
            catalog = data / "catalog.yaml"
            catalog.write_text(demo_catalog(buyers.ports, receiver_port=free_port(), address_of=_phone))
            await asyncio.to_thread(apply_catalog, catalog, data=data)
            ending = asyncio.Event()
            stops.append((asyncio.get_running_loop(), ending))
            await bootstrap.serve(
                Settings(data=data, outbound=Outbound(allow_private=True)),
                on_ready=lambda _: ready.set(),
                stop=ending,
                listener=take_port("127.0.0.1", port),
                identities=None if real_accounts else desk.identities,
            )

    def run() -> None:
        try:
            asyncio.run(story())
        except BaseException as error:  # noqa: BLE001 -- told to the test's thread, which raises it
            failed.append(error)
        finally:
            ended.set()
            ready.set()

    thread = threading.Thread(target=run, name="desk")
    thread.start()

    def stop() -> None:
        for loop, ending in stops:
            if not ended.is_set():
                loop.call_soon_threadsafe(ending.set)
        thread.join(READY_SECONDS)

    desk.stop = stop
    try:
        assert ready.wait(READY_SECONDS), "the server did not get ready"
        if failed:
            raise failed[0]
        desk.things.update(_sample_pings(desk))
        if not real_accounts:  # where people sign in, nobody has yet
            desk.things["posting"] = _sample_link(desk)
            _dispute_call(desk)
        yield desk
    finally:
        stop()


async def _sample_call(data: Path) -> Mapping[str, str]:
    """A call of some days ago that failed over and converted, with the messages that it made."""
    weeks = (datetime.now(UTC) - START) // timedelta(weeks=1)  # noqa: TID251 -- the server's clock is the machine's
    clock = JumpingClock(START + timedelta(weeks=weeks))
    place = StorePlace("sqlite", Settings(data=data), clock)
    async with call_world(place) as world:
        await world.ping(caller_zip="10001")
        clock.advance(4.2)
        alpha, delta = dials(await world.arrive(most_steps=2))
        clock.advance(4)
        await world.tell("failed", attempt=alpha, cause="busy")
        clock.advance(6)
        await world.talk(delta, 97.3)
        [message, *_] = await world.store.outbox.listing()
        return {"call": (await world.stored()).call_id, "message": message.message_id}


def _sample_pings(desk: Desk) -> Mapping[str, str]:
    """One of each ending, by the name that paths use."""
    medicare = {"caller_zip": "90210", "caller_state": "CA", "age": "67", "jornaya_id": "A" * 32}
    auto = {"caller_zip": "10001", "caller_state": "NY", "age": "44"}
    replies = {
        "reserved": desk.ping("medicare", caller_number="+12135550123", **medicare),
        "duplicate": desk.ping("medicare", caller_number="+12135550123", **medicare),
        "outbid": desk.ping("auto-insurance", caller_number="+12125550124", **auto),
        "unpaid": desk.ping("auto-insurance", caller_number="+12125550125", publisher_id="PUB-FREE", **auto),
        "rejected": desk.ping("auto-insurance", caller_number="+12125550126", publisher_id="PUB-OFF", **auto),
        "no_target": desk.ping("home-services", caller_number="+13055550127", caller_state="FL", age="15"),
    }
    return {name: str(reply["uuid"]) for name, reply in replies.items()}


def _sample_link(desk: Desk) -> str:
    """The token of a link to posting instructions, made by the owner."""
    made = httpx.post(
        f"{desk.base_url}/campaigns/auto-insurance/posting",
        data={"publisher": "4321ABCD", "key": "Default", "secret": KEYS["auto-insurance"]},
        headers=_headers_of("owner"),
        timeout=30,
    )
    found = re.search(r"/p/([\w-]{43})", made.text)
    assert found is not None, made.text
    return found[1]


def _dispute_call(desk: Desk) -> None:
    """The buyer who took the sample call, signed in as `delta`, disputes it."""
    desk.identities.actors["delta"] = replace(BUYER, buyer_id=BuyerId("delta"))
    path = f"/portal/buyer/calls/{desk.things['call']}/dispute"
    answer = httpx.post(
        f"{desk.base_url}{path}",
        data={"reason": "The caller wanted a dentist."},
        headers=_headers_of("delta"),
        timeout=30,
    )
    assert answer.status_code == 303, answer.text


def _headers_of(session: str) -> dict[str, str]:
    return {"cookie": f"ringbid={session}", "x-csrf-token": form_token(session), "accept": "text/html"}


def _phone(user: str) -> str:
    """Nobody calls in these tests."""
    return f"sip:{user}@127.0.0.1:5071"
