"""Commands to a running Kamailio: JSON-RPC over HTTP at its control address, on loopback or a network of our own.

Used by `engine` (is it ready?), `records` (which calls are live?) and whoever hangs a call up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from ringbid.edge.telephony.sip.config import split_address
from ringbid.settings import Sip

_SECONDS = 10.0
_LONGEST_BYTES = 64 * 1024 * 1024
_CONFIRMED_STATES = (3, 4)  # answered, and not yet over
_DELETED_STATE = 5


class EngineUnreachable(Exception):  # noqa: N818 -- what is the case, named as such
    """Kamailio does not answer at its control address, or not with what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """A call that Kamailio holds. `call_id` is its name: where its caller was sent back to us, the first Call-ID."""

    call_id: str
    entry: int
    id: int
    answered: bool


class _Answer(msgspec.Struct):
    result: Any = None
    error: Any = None


class EngineCommands:
    """One connection for each command: they are rare."""

    def __init__(self, sip: Sip) -> None:
        self._host, self._port = split_address(sip.control_address, name="control_address")

    async def dialogs(self) -> list[Dialog]:
        """Every call that rings or talks; one that waits for its first answer is not among them. Raises
        EngineUnreachable."""
        listed = await self.ask("dlg.list")
        return [_dialog(item) for item in listed or () if item.get("state") != _DELETED_STATE]

    async def hang_up(self, call_id: str) -> bool:
        """End an answered call on both sides; False where there is none of this Call-ID. Raises EngineUnreachable."""
        for dialog in await self.dialogs():
            if dialog.call_id == call_id and dialog.answered:
                await self.ask("dlg.end_dlg", dialog.entry, dialog.id)
                return True
        return False

    async def uptime_seconds(self) -> int:
        """Raises EngineUnreachable."""
        return int((await self.ask("core.uptime"))["uptime"])

    async def main_process_id(self) -> int:
        """Raises EngineUnreachable."""
        return int((await self.ask("core.psx"))[0]["PID"])

    async def ask(self, method: str, *parameters: str | int) -> Any:  # noqa: ANN401 -- each command has its own result
        """The result of any of Kamailio's RPC commands. Raises EngineUnreachable."""
        try:
            async with asyncio.timeout(_SECONDS):
                body = await self._post(_request(method, parameters))
            answer = msgspec.json.decode(body, type=_Answer)
        except (OSError, EOFError, ValueError, TimeoutError, msgspec.DecodeError) as error:
            raise EngineUnreachable(f"{method}: {error!r}") from error
        if answer.error is not None:
            raise EngineUnreachable(f"{method}: {answer.error}")
        return answer.result

    async def _post(self, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(
                b"POST /rpc HTTP/1.1\r\nHost: kamailio\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            if length > _LONGEST_BYTES:
                raise ValueError(f"an answer of {length} bytes")
            return await reader.readexactly(length)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def _request(method: str, parameters: Sequence[str | int]) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)})


def _dialog(item: dict[str, Any]) -> Dialog:
    named = [one["name"] for one in item.get("variables", ()) if one.get("name")]
    return Dialog(
        call_id=named[0] if named else item["call-id"],
        entry=int(item["h_entry"]),
        id=int(item["h_id"]),
        answered=item.get("state") in _CONFIRMED_STATES,
    )
