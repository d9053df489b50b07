"""Kamailio, and rtpengine where media pass through us, as child processes in a folder of their own.

For `ringbid sip run`, `ringbid demo` and the tests. Kamailio's log goes straight into a file that it keeps open itself:
the records in it (`records`) survive the end of whoever started it. Each start begins a new file.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from ringbid.edge.telephony.sip.commands import EngineCommands, EngineUnreachable
from ringbid.edge.telephony.sip.config import (
    engine_database,
    listen_addresses,
    recordings_folder,
    sip_folder,
    split_address,
    write_config,
)
from ringbid.edge.telephony.sip.record_log import LOG_PATTERN, make_private
from ringbid.settings import Settings

PACKAGES = ("kamailio", "kamailio-extra-modules", "kamailio-postgres-modules", "kamailio-tls-modules")
MEDIA_PACKAGES = ("rtpengine-daemon",)
READY_SECONDS = 15.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_PRIVATE_MEGABYTES = 16

_log = structlog.get_logger(__name__)


class EngineFailed(Exception):  # noqa: N818 -- what has happened, named as such
    """Kamailio or rtpengine ended, or did not get ready; the message has the end of its log."""


def find_missing(settings: Settings) -> tuple[str, ...]:
    """The Debian packages without which these settings cannot run; for `ringbid doctor` and before a start."""
    missing = [package for package in PACKAGES if not _has(package)]
    if settings.sip.media != "none" and shutil.which("rtpengine") is None:
        missing.extend(MEDIA_PACKAGES)
    return tuple(missing)


def check_config(main_file: Path) -> str | None:
    """What Kamailio finds wrong with a configuration; None where it would start with it. Blocks for a moment."""
    command = ["kamailio", "-c", "-E", "-f", str(main_file)]
    try:
        done = subprocess.run(  # noqa: S603 -- the arguments are ours, and no shell reads them
            command, capture_output=True, text=True, check=False, timeout=READY_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr or done.stdout)[-2000:]


class SipEngine:
    """One Kamailio. `start`, `stop` and `kill` may follow each other in any order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._commands = EngineCommands(settings.sip)
        self._kamailio: asyncio.subprocess.Process | None = None
        self._rtpengine: asyncio.subprocess.Process | None = None
        self.folder = sip_folder(settings).absolute()

    async def start(self) -> None:
        """Write the configuration, start, and return when it answers. Raises EngineFailed and WrongSipSettings."""
        main_file = write_config(self._settings, self.folder)
        run_folder = self.folder / "run"
        run_folder.mkdir(exist_ok=True)
        if self._settings.sip.media != "none" and not _runs(self._rtpengine):
            await self.start_media()
        command = [
            "kamailio", "-DD", "-E", "-f", str(main_file), "-Y", str(run_folder), "-P", str(run_folder / "pid"),
            "-w", str(self.folder), "-m", str(self._settings.sip.memory_megabytes), "-M", str(_PRIVATE_MEGABYTES),
        ]  # fmt: skip
        log = self._next_log()
        self._kamailio = await self._spawn(command, log)
        await self._wait_until_ready(log)

    async def start_media(self) -> None:
        """Start rtpengine. Raises EngineFailed."""
        sip = self._settings.sip
        address = sip.media_address or listen_addresses(self._settings)[0].host.strip("[]")
        command = [
            "rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--log-level=4", "--table=-1",
            f"--interface={address}",
            f"--listen-ng={sip.rtpengine_address}", f"--port-min={sip.first_media_port}",
            f"--port-max={sip.last_media_port}", "--timeout=60", "--silent-timeout=3600", "--delete-delay=0",
            "--num-threads=2",
        ]  # fmt: skip
        if sip.media == "record":
            folder = raw_recordings_folder(self._settings)
            make_private(folder)
            command += [f"--recording-dir={folder}", "--recording-method=pcap", "--recording-format=eth"]
        log = self.folder / "rtpengine.log"
        self._rtpengine = await self._spawn(command, log)
        host, port = split_address(sip.rtpengine_address, name="rtpengine_address")
        try:
            async with asyncio.timeout(READY_SECONDS):
                while _runs(self._rtpengine):
                    if await asyncio.to_thread(answers_ping, host, port):
                        return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.kill_media()
        raise EngineFailed(f"rtpengine did not start:\n{_end_of(log)}")

    async def stop(self) -> None:
        """End both; calls under way stay in the database, where there is one."""
        for process in (self._kamailio, self._rtpengine):
            if process is None or not _runs(process):
                continue
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                _kill_group(process)
                await process.wait()

    async def kill(self) -> None:
        """SIGKILL to Kamailio and its workers, as a crash would."""
        if self._kamailio is not None and _runs(self._kamailio):
            _kill_group(self._kamailio)
            await self._kamailio.wait()

    async def kill_media(self) -> None:
        """SIGKILL to rtpengine."""
        if self._rtpengine is not None and _runs(self._rtpengine):
            _kill_group(self._rtpengine)
            await self._rtpengine.wait()

    async def wait(self) -> int:
        """Returns when Kamailio has ended, with its exit code. Raises EngineFailed where it was not started."""
        if self._kamailio is None:
            raise EngineFailed("Kamailio was not started")
        return await self._kamailio.wait()

    async def start_what_ended(self) -> None:
        """Start again whichever of the two has ended. Raises as `start`."""
        if not _runs(self._kamailio):
            if self._kamailio is not None:
                _kill_group(self._kamailio)  # workers of a Kamailio that was killed alone hold its ports
            await self.start()
        elif self._settings.sip.media != "none" and not _runs(self._rtpengine):
            await self.start_media()

    def endings(self) -> list[Coroutine[Any, Any, int]]:
        """What to await to learn that one of them has ended: its exit code."""
        return [process.wait() for process in (self._kamailio, self._rtpengine) if process is not None]

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of Kamailio, and of rtpengine where it runs."""
        return tuple(process.pid for process in (self._kamailio, self._rtpengine) if _runs(process) and process)

    async def _spawn(self, command: list[str], log: Path) -> asyncio.subprocess.Process:
        # Its own group, so that it can be ended whole; and it ends with us, however we end, where `setpriv` is.
        setpriv = shutil.which("setpriv")
        dies_with_us = [setpriv, "--pdeathsig", "TERM"] if setpriv is not None else []
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *dies_with_us,
                *command,
                cwd=self.folder,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise EngineFailed(f"{command[0]} is not installed: {', '.join(find_missing(self._settings))}") from error
        finally:
            os.close(descriptor)

    def _environment(self) -> Mapping[str, str]:
        environment = dict(os.environ)
        if engine_database(self._settings) is not None:
            # Kamailio writes several rows for each call: waiting for the disk would stall its workers. The log has the
            # records of the last moment, should the database crash.
            environment["PGOPTIONS"] = "-c synchronous_commit=off"
        return environment

    def _next_log(self) -> Path:
        numbers = [int(path.stem.rpartition("-")[2]) for path in self.folder.glob(LOG_PATTERN)]
        return self.folder / f"engine-{max(numbers, default=0) + 1:08d}.log"

    async def _wait_until_ready(self, log: Path) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                while self._kamailio is not None and _runs(self._kamailio):
                    with suppress(EngineUnreachable):
                        # Another one may have the address, and ours not know yet that it cannot start.
                        if await self._commands.main_process_id() == self._kamailio.pid:
                            return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.kill()
        raise EngineFailed(f"Kamailio did not start:\n{_end_of(log)}")


def answers_ping(host: str, port: int) -> bool:
    """Does rtpengine answer at its control address? Blocks for up to a tenth of a second."""
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking, suppress(OSError):
        asking.settimeout(0.1)
        asking.connect((host.strip("[]"), port))
        asking.send(b"ringbid d7:command4:pinge")
        return b"pong" in asking.recv(1000)
    return False


def raw_recordings_folder(settings: Settings) -> Path:
    """Where rtpengine leaves what it recorded, before it becomes WAV files."""
    return recordings_folder(settings).absolute() / "raw"


def _has(package: str) -> bool:
    if package == "kamailio":
        return shutil.which("kamailio") is not None
    module = {"extra": "evapi.so", "postgres": "db_postgres.so", "tls": "tls.so"}[package.split("-")[1]]
    folders = ("usr/lib/*/kamailio/modules", "usr/lib64/kamailio/modules", "usr/local/lib*/kamailio/modules")
    return any(any(Path("/").glob(f"{folder}/{module}")) for folder in folders)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]


def _runs(process: asyncio.subprocess.Process | None) -> bool:
    return process is not None and process.returncode is None


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
