"""What is killed in the chaos run of calls: `ringbid serve` and Kamailio, each started again at once.

Between the two is a connection that can be cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from crash.call_books import now
from ringbid import bootstrap
from ringbid.edge import tasks
from ringbid.edge.telephony.sip.commands import EngineCommands, EngineUnreachable
from ringbid.edge.telephony.sip.running import run_engine
from ringbid.settings import Settings, Sip

READY_SECONDS = 60.0
PORT = 5060
_ROUTER_PORT, _CONTROL_PORT = 8448, 8449


@dataclass(frozen=True)
class Place:
    """A corner of loopback (`127.x.y`), the folder of the store, and PostgreSQL's URL where it is used."""

    network: str
    data: Path
    port: int
    lookup_seconds: float
    database: str | None = None

    @property
    def engine(self) -> str:
        return f"{self.network}.1"

    @property
    def link(self) -> str:
        """Where the server believes Kamailio to be."""
        return f"{self.network}.2"

    @property
    def carrier(self) -> str:
        return f"{self.network}.10"

    def buyer(self, number: int) -> str:
        return f"{self.network}.{100 + number}"

    def settings(self, *, of_server: bool) -> Settings:
        """What `ringbid serve`, or `ringbid sip run`, is told."""
        return Settings(data=self.data, database=self.database, port=self.port, sip=self._sip(of_server=of_server))

    def environment(self) -> dict[str, str]:
        """The server's settings as variables."""
        sip = self._sip(of_server=True).model_dump_json(exclude_unset=True)
        ours = {"RINGBID_DATA": str(self.data), "RINGBID_PORT": str(self.port), "RINGBID_SIP": sip}
        ours |= {"RINGBID_DATABASE": self.database} if self.database is not None else {}
        return {name: value for name, value in os.environ.items() if not name.startswith("RINGBID_")} | ours

    def _sip(self, *, of_server: bool) -> Sip:
        return Sip(
            domain="sip.ringbid.test",
            listen_addresses=(f"udp:{self.engine}:{PORT}",),
            trusted_networks=(f"{self.carrier}/32",),
            router_address=f"{self.link if of_server else self.engine}:{_ROUTER_PORT}",
            control_address=f"{self.engine}:{_CONTROL_PORT}",
            lookup_seconds=self.lookup_seconds,
            workers=2,
            memory_megabytes=64,
        )


@dataclass
class Server:
    """`ringbid serve`, started again whenever it has ended."""

    place: Place
    kills: list[float] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start it, and again, until cancelled; it ends with us."""
        program = Path(sys.executable).with_name("ringbid")
        with (self.place.data / "serve.log").open("ab") as log:
            try:
                while True:
                    self._process = await asyncio.create_subprocess_exec(
                        program, "serve", env=self.place.environment(), cwd=self.place.data, stdout=log, stderr=log
                    )
                    await self._process.wait()
            finally:
                if self._process is not None and self._process.returncode is None:
                    self._process.kill()
                    await self._process.wait()

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None, "it was started"
        self.kills.append(now())
        with suppress(ProcessLookupError):
            self._process.kill()


@dataclass
class Engine:
    """Kamailio, as `ringbid sip run` keeps it running. `kills`: when it was killed, and when it was back."""

    place: Place
    kills: list[tuple[float, float]] = field(default_factory=list)

    async def run(self) -> None:
        """Keep it running, until cancelled."""
        settings = self.place.settings(of_server=False)
        await bootstrap.prepare_engine(settings)
        await run_engine(settings, stop=asyncio.Event())

    async def kill(self) -> None:
        """SIGKILL to Kamailio and its workers; returns when the next one answers."""
        pid = int((self.place.data / "sip" / "run" / "pid").read_text())
        killed = now()
        os.killpg(pid, signal.SIGKILL)
        await self.wait_until_up(after=pid)
        self.kills.append((killed, now()))

    async def wait_until_up(self, *, after: int = 0) -> None:
        """Until a Kamailio answers that is another than `after`."""

        async def another(commands: EngineCommands) -> bool:
            return await commands.main_process_id() != after

        await self._until(another)

    async def wait_until_talking(self, *, calls: int = 5) -> None:
        """Until the buyers of so many calls have answered."""

        async def talking(commands: EngineCommands) -> bool:
            return sum(dialog.answered for dialog in await commands.dialogs()) >= calls

        await self._until(talking)

    async def _until(self, holds: Callable[[EngineCommands], Awaitable[bool]]) -> None:
        commands = EngineCommands(self.place.settings(of_server=False).sip)
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with suppress(EngineUnreachable):
                    if await holds(commands):
                        return
                await asyncio.sleep(0.02)


@dataclass
class Link:
    """Stands between the server and Kamailio, and can be cut. `greeted`: when a server was connected to Kamailio."""

    place: Place
    greeted: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _greeting: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.place.link, _ROUTER_PORT)

    def cut(self) -> None:
        """Both sides see the connection break, also in the middle of a message."""
        self.cuts.append(now())
        for writer in self._open:
            writer.transport.abort()

    async def wait_until_greeted(self, *, after: float) -> None:
        """Until a server was connected to Kamailio later than that."""
        async with asyncio.timeout(READY_SECONDS), self._greeting:
            await self._greeting.wait_for(lambda: any(at > after for at in self.greeted))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            try:
                from_engine, to_engine = await asyncio.open_connection(self.place.engine, _ROUTER_PORT)
            except OSError:
                writer.transport.abort()
                return
            async with self._greeting:
                self.greeted.append(now())
                self._greeting.notify_all()
            both = {writer, to_engine}
            self._open |= both
            try:
                await asyncio.wait(
                    {
                        tasks.start(_pass_on(reader, to_engine), name="to Kamailio"),
                        tasks.start(_pass_on(from_engine, writer), name="from Kamailio"),
                    },
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                self._open -= both
                for each in both:
                    each.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
