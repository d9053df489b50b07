"""The demo's calls over real SIP: Kamailio in the middle, a SIPp for every caller and for every buyer's phone.

Used by `ringbid demo` where both are installed. Everything is on loopback, on ports that are free now; what is started
here ends here, and ends too when the demo is killed.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.phones import PHONES, user_of
from ringbid.edge.emulate.phones_scenarios import caller_scenario, phone_scenario
from ringbid.edge.telephony.sip.engine import EngineFailed, SipEngine, find_missing
from ringbid.settings import Settings, Sip

HOST = "127.0.0.1"
DOMAIN = "sip.ringbid.demo"
_PACKAGES = (
    "kamailio",
    "kamailio-extra-modules",
)  # of those that the engine may need: a demo has no TLS, no PostgreSQL
_SIP_PORT = 5060
_TRIED = 40
_STOP_SECONDS = 2.0


class PhonesFailed(Exception):  # noqa: N818 -- what has happened, named as such
    """Kamailio or SIPp did not start; the message says why."""


def missing_packages(settings: Settings) -> tuple[str, ...]:
    """The Debian packages that would have to be installed."""
    missing = [package for package in find_missing(settings) if package in _PACKAGES]
    return (*missing, *(["sip-tester"] if shutil.which("sipp") is None else []))


class SipPhones:
    """Kamailio, and SIPp at both of its sides."""

    def __init__(self) -> None:
        self._sip_port = _next_udp_port(_SIP_PORT)
        self._ports = {user: _free_port(socket.SOCK_DGRAM) for user in PHONES}
        self._router_port, self._control_port = (_free_port(socket.SOCK_STREAM) for _ in range(2))
        self._engine: SipEngine | None = None
        self._folder = Path()
        self._phones: list[asyncio.subprocess.Process] = []
        self._callers: set[asyncio.subprocess.Process] = set()
        self._numbers = count(1)

    @property
    def description(self) -> str:
        return f"over real SIP: Kamailio on {HOST}:{self._sip_port}, SIPp as callers and as nine buyers' phones"

    def address_of(self, user: str) -> str:
        """Where the phone of this number or SIP user is called; whoever has none keeps the number."""
        return f"sip:{user}@{HOST}:{self._ports[user]}" if user in self._ports else user

    def sip(self) -> Sip:
        """The server's settings for it."""
        return Sip(
            domain=DOMAIN,
            listen_addresses=(f"udp:{HOST}:{self._sip_port}",),
            router_address=f"{HOST}:{self._router_port}",
            control_address=f"{HOST}:{self._control_port}",
            workers=2,
            memory_megabytes=64,
        )

    async def start(self, settings: Settings) -> None:
        """Start both. Raises PhonesFailed, with nothing left running."""
        self._folder = settings.data / "phones"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = SipEngine(settings)
        try:
            for user, ways in PHONES.items():
                port = str(self._ports[user])
                self._phones.append(await self._sipp(f"phone-{user}", phone_scenario(ways), "-p", port))
            await self._engine.start()
        except (EngineFailed, OSError) as error:
            await self.stop()
            raise PhonesFailed(str(error)) from error
        if any(phone.returncode is not None for phone in self._phones):
            await self.stop()
            raise PhonesFailed(f"SIPp ended at once: {self._errors()}")

    async def call(self, placed: PlacedCall) -> None:
        name = f"caller-{next(self._numbers)}"
        dialled = user_of(placed.dialled)
        port = str(_free_port(socket.SOCK_DGRAM))
        target = f"{HOST}:{self._sip_port}"
        process = await self._sipp(name, caller_scenario(placed), "-p", port, "-m", "1", "-s", dialled, target)
        self._callers.add(process)
        try:
            await process.wait()
        finally:
            await _end(process)
            self._callers.discard(process)

    async def stop(self) -> None:
        """End everything that runs."""
        await asyncio.gather(*map(_end, (*self._callers, *self._phones)))
        if self._engine is not None:
            await self._engine.stop()

    async def _sipp(self, name: str, scenario: str, *options: str) -> asyncio.subprocess.Process:
        path = self._folder / f"{name}.xml"
        path.write_text(scenario, encoding="utf-8")
        return await asyncio.create_subprocess_exec(
            *_ends_with_us(), "sipp", "-sf", str(path), "-i", HOST, *options,
            "-nostdin", "-trace_err", "-error_file", str(self._folder / f"{name}.errors"),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the demo, which ends them in order
        )  # fmt: skip

    def _errors(self) -> str:
        texts = [path.read_text(errors="replace")[-300:] for path in self._folder.glob("phone-*.errors")]
        return next(iter(texts), "it does not say why")


def _ends_with_us() -> Sequence[str]:
    """Where `setpriv` is, a child ends with us, however we end."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv is not None else ()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _next_udp_port(first: int) -> int:
    """`first`, or the next one that is free, or any."""
    for port in range(first, first + _TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried, suppress(OSError):
            tried.bind((HOST, port))
            return port
    return _free_port(socket.SOCK_DGRAM)


def _free_port(kind: socket.SocketKind) -> int:
    """One that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as tried:
        tried.bind((HOST, 0))
        port: int = tried.getsockname()[1]
        return port
