"""Ports to listen on: whether one is free, and the next one that is. Asked by the commands before a server starts."""

from __future__ import annotations

import os
import socket

_TRIED = 100


def why_not_free(host: str, port: int) -> str | None:
    """Why nothing can listen on `host`:`port` now, in the system's words; None where it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
    return None


def next_free_port(host: str, port: int) -> int:
    """`port`, or the first free one of the hundred that follow it; 0, any free port, where there is none."""
    return next((one for one in range(port, port + _TRIED) if why_not_free(host, one) is None), 0)
