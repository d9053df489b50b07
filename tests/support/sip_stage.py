"""A stage for real calls: Kamailio, the router, a fake desk, and SIPp at both ends, on loopback addresses of their own.

All of 127.0.0.0/8 is loopback on Linux. Each stage takes a random corner of it, so that stages can run side by side and
every party has the usual port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal

from ringbid.call.desk import CallDesk
from ringbid.edge import tasks
from ringbid.edge.telephony.sip.commands import EngineCommands
from ringbid.edge.telephony.sip.engine import SipEngine, find_missing
from ringbid.edge.telephony.sip.noting import NotingDesk
from ringbid.edge.telephony.sip.router import SipRouter
from ringbid.settings import Settings, Sip
from support.loopback import own_network
from support.sip_desk import WAIT_SECONDS, FakeDesk

CALL_SECONDS = 60.0  # the longest that a call may take, on a slow machine
NUMBER = "+18005550100"


@dataclass(frozen=True)
class Finished:
    """How a scenario of SIPp ended, and all messages that it saw."""

    code: int
    messages: str
    output: str

    def check(self) -> Finished:
        """Fail where something else happened than the scenario says."""
        assert self.code == 0, f"SIPp ended with {self.code}:\n{self.output[-1500:]}\n{self.messages[-6000:]}"
        return self

    def received(self) -> list[str]:
        """The messages that came in, in order."""
        return [message for _, message in self._log("received")]

    def moments(self, direction: Literal["sent", "received"], start: str) -> list[datetime]:
        """When it sent or received the messages that begin so. SIPp takes the time once it has sent, or read, them."""
        return [moment for moment, message in self._log(direction) if message.startswith(start)]

    def _log(self, direction: str) -> list[tuple[datetime, str]]:
        parts = self.messages.split("-----------------------------------------------")
        parted = [part.partition("\n\n") for part in parts if f" message {direction} " in part]
        return [
            (datetime.fromisoformat(head.split("\n")[0].strip()).astimezone(), message) for head, _, message in parted
        ]


@dataclass
class Stage:
    """Addresses, and what plays on them."""

    settings: Settings
    desk: FakeDesk
    engine: SipEngine
    folder: Path
    network: str
    commands: EngineCommands
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _playing: list[asyncio.subprocess.Process] = field(default_factory=list)
    _routers: list[asyncio.Task[None]] = field(default_factory=list)
    routers: list[SipRouter] = field(default_factory=list)  # in the order they were connected

    @property
    def engine_address(self) -> str:
        return f"{self.network}.1"

    @property
    def carrier(self) -> str:
        """A trusted address."""
        return f"{self.network}.10"

    @property
    def stranger(self) -> str:
        """An address that is not trusted."""
        return f"{self.network}.66"

    def buyer_address(self, number: int) -> str:
        return f"{self.network}.{100 + number}"

    def buyer_uri(self, number: int, parameters: str = "") -> str:
        return f"sip:buyer@{self.buyer_address(number)}{parameters}"

    def log(self) -> str:
        """Everything that Kamailio has logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.engine.folder.glob("engine-*.log")))

    async def connect_router(self, desk: CallDesk | None = None) -> asyncio.Task[None]:
        """Another router, of the same desk or of another; returns its task when it is connected."""
        router = SipRouter(NotingDesk(desk or self.desk), self.settings.sip)
        task = tasks.start(router.run(), name="router")
        self._routers.append(task)
        self.routers.append(router)
        await asyncio.wait_for(router.wait_until_connected(), WAIT_SECONDS)
        return task

    async def disconnect_routers(self) -> None:
        for task in self._routers:
            task.cancel()
        await asyncio.gather(*self._routers, return_exceptions=True)
        self._routers.clear()

    async def buyer(self, number: int, scenario: str, *options: str, calls: int = 1) -> asyncio.Task[Finished]:
        """A buyer who waits for calls from now on; the task ends with the last of them."""
        task = await self._play(scenario, self.buyer_address(number), *options, calls=calls)
        await asyncio.to_thread(_wait_until_bound, self.buyer_address(number), task)
        return task

    async def call(
        self,
        scenario: str,
        *options: str,
        dialled: str = NUMBER,
        source: str | None = None,
        port: int = 5060,
        calls: int = 1,
        seconds: float = CALL_SECONDS,
    ) -> Finished:
        """A call, from the trusted carrier unless told otherwise."""
        arguments = ("-s", dialled, f"{self.engine_address}:{port}", *options)
        return await (await self._play(scenario, source or self.carrier, *arguments, calls=calls, seconds=seconds))

    async def start_call(
        self, scenario: str, *options: str, dialled: str = NUMBER, calls: int = 1
    ) -> asyncio.Task[Finished]:
        """A call that goes on meanwhile."""
        return await self._play(scenario, self.carrier, "-s", dialled, self.engine_address, *options, calls=calls)

    async def phone(self, address: str, **wanted: Any) -> asyncio.Task[dict[str, Any]]:
        """A telephone made of PJSIP (`sip_phone`) that is ready; the task ends with its call, and says what it saw."""
        program = Path(__file__).with_name("sip_phone.py")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), json.dumps({"address": address, **wanted}),
            cwd=self.folder, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._playing.append(process)
        assert process.stdout is not None
        while (line := await process.stdout.readline()) != b"ready\n":
            assert line, f"the telephone at {address} did not start"
        return tasks.start(_last_line(process), name=f"telephone {address}")

    async def _play(
        self, scenario: str, address: str, *options: str, calls: int = 1, seconds: float = CALL_SECONDS
    ) -> asyncio.Task[Finished]:
        name = f"{next(self._numbers)}"
        path = self.folder / f"{name}.xml"
        path.write_text(scenario)
        messages = self.folder / f"{name}.messages"
        process = await asyncio.create_subprocess_exec(
            "sipp", "-sf", str(path), "-i", address, "-p", "5060", "-m", str(calls), "-nostdin", "-trace_msg",
            "-message_file", str(messages), "-trace_err", "-error_file", str(self.folder / f"{name}.errors"),
            "-nd", *options,
            cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        self._playing.append(process)
        return tasks.start(self._finish(process, messages, seconds), name=f"sipp {name}")

    async def _finish(self, process: asyncio.subprocess.Process, messages: Path, seconds: float) -> Finished:
        try:
            output, _ = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            process.kill()
            output = b"it did not end"
            await process.wait()
        reported = output.decode(errors="replace")[-800:] + _read(messages.with_suffix(".errors"))
        return Finished(process.returncode or 0, _read(messages), reported)

    def hang_up_all(self) -> None:
        """Kill both ends: what they have seen can be read then."""
        for process in self._playing:
            if process.returncode is None:
                process.kill()

    def seen(self) -> str:
        """All messages that SIPp has sent and received so far."""
        return "".join(_read(path) for path in sorted(self.folder.glob("*.messages")))

    async def wait_for_questions(self, count: int) -> None:
        """Until so many questions wait for a server."""

        async def waiting() -> bool:
            tables = await self.commands.ask("htable.stats")
            return any(table["name"] == "ask" and table["all"] >= count for table in tables)

        await until(waiting, f"{count} questions")

    async def wait_until_talking(self, calls: int = 1) -> None:
        """Until Kamailio has seen the caller's ACK of so many calls."""

        async def talking() -> bool:
            listed = await self.commands.ask("dlg.list")
            return sum(dialog["state"] == 4 for dialog in listed or ()) >= calls

        await until(talking, f"{calls} calls that were acknowledged")

    async def wait_until_over(self) -> None:
        """Until Kamailio has forgotten all calls."""

        async def over() -> bool:
            return not await self.commands.dialogs()

        await until(over, "the end of all calls")

    async def close(self) -> None:
        await self.disconnect_routers()
        for process in self._playing:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await self.engine.stop()


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Until it holds. For what other processes do, which tell nobody."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while not await holds():
        assert time.monotonic() < ends_at, f"waited for {what}"
        await asyncio.sleep(0.01)


async def _last_line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The last line that is ours: PJSIP's own wait in a buffer of C's, and may come after it."""
    output, _ = await asyncio.wait_for(process.communicate(), CALL_SECONDS)
    ours = [line for line in output.decode(errors="replace").splitlines() if line.startswith("{")]
    return dict(json.loads(ours[-1]))


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _wait_until_bound(address: str, task: asyncio.Task[Finished]) -> None:
    """Until port 5060 of `address` is taken: SIPp does not say when it is ready."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + ":13C4"
    ends_at = time.monotonic() + WAIT_SECONDS
    while not any(wanted in Path(f"/proc/net/{table}").read_text() for table in ("udp", "tcp")):
        assert not task.done(), f"SIPp ended at once: {task.result().output}"
        assert time.monotonic() < ends_at, f"nobody listens on {address}"
        time.sleep(0.005)


def make_settings(folder: Path, network: str, **changes: Any) -> Settings:
    """Settings of a stage; `changes` are those of the section `sip`, and `database` and `transports`."""
    database, transports = changes.pop("database", None), changes.pop("transports", ("udp", "tcp"))
    ports = {"udp": 5060, "tcp": 5060, "tls": 5061}
    sip: dict[str, Any] = {
        "domain": "sip.ringbid.test",
        "listen_addresses": tuple(f"{transport}:{network}.1:{ports[transport]}" for transport in transports),
        "trusted_networks": (f"{network}.10/32",),
        "router_address": f"{network}.1:8448",
        "control_address": f"{network}.1:8449",
        "rtpengine_address": f"{network}.1:2223",
        "no_sign_seconds": 3.0,  # whoever is there gives a sign sooner, also on a slow machine
        "lookup_seconds": 20.0,
        "workers": 2,
        "memory_megabytes": 64,
        **changes,
    }
    return Settings(data=folder / "data", database=database, sip=Sip(**sip))


@contextlib.asynccontextmanager
async def set_up(folder: Path, desk: FakeDesk, *, router: bool = True, **changes: Any) -> AsyncIterator[Stage]:
    """A stage with a running Kamailio and, unless told otherwise, one router of `desk`."""
    network = own_network()
    settings = make_settings(folder, network, **changes)
    assert not find_missing(settings), f"missing for SIP: {find_missing(settings)} (scripts/require_test_tools.sh)"
    assert shutil.which("sipp"), "SIPp is missing (scripts/require_test_tools.sh installs it)"
    stage = Stage(settings, desk, SipEngine(settings), folder, network, EngineCommands(settings.sip))
    try:
        await stage.engine.start()
        if router:
            await stage.connect_router()
        yield stage
    finally:
        await stage.close()


Play = Callable[[Stage], Coroutine[Any, Any, None]]


def perform(play: Play, folder: Path, desk: FakeDesk, **changes: Any) -> None:
    """Run `play` on a fresh stage."""

    async def run() -> None:
        async with set_up(folder, desk, **changes) as stage:
            await play(stage)

    asyncio.run(run())
