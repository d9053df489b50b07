"""The control socket: how `ringbid apply` and `export` reach a server that owns the SQLite store.

SQLite has one writing process. While a server runs, it is that process; the commands hand it their
work over a Unix socket in the data folder, which only the folder's owner can open. One JSON line each way.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 60.0
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes, 104 on some systems

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

_log = structlog.get_logger(__name__)


class ControlServer:
    """Answers messages `{"do": NAME, …}` with what the handler of that name returns."""

    def __init__(self, folder: Path, handlers: Mapping[str, Handler]) -> None:
        self._folder = folder
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. A socket left behind by a killed server is replaced: the writer's lock says that we are alone."""
        path = self._folder / "control.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short_path(path) as short:
            listener.bind(short)
        path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MESSAGE_LIMIT_BYTES)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            (self._folder / "control.sock").unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = msgspec.json.decode(await reader.readline(), type=dict[str, Any])
            handler = self._handlers.get(message.get("do", ""))
            answer = await handler(message) if handler is not None else {"error": "unknown message"}
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
        except Exception:  # noqa: BLE001 -- a message that breaks us must not end the server
            _log.exception("control_message_failed")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def ask_server(folder: Path, message: dict[str, Any]) -> dict[str, Any] | None:
    """The running server's answer; None where no server listens in this data folder."""
    path = folder / "control.sock"
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        with _short_path(path) as short:
            await asyncio.get_running_loop().sock_connect(connection, short)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MESSAGE_LIMIT_BYTES)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(msgspec.json.encode(message) + b"\n")
            await writer.drain()
            return msgspec.json.decode(await reader.readline(), type=dict[str, Any])
    finally:
        writer.close()


class _short_path:  # noqa: N801 -- used like a function, in a with statement
    """A name for `path` that fits into a socket address, however deep the data folder lies (through /proc on Linux)."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._folder: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _LONGEST_SOCKET_PATH:
            return str(self._path)
        self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            os.close(self._folder)
