"""Ports to listen on: taking one, the next one that is free, and whether one is. A port that was taken is ours: nobody
comes between finding it and listening on it. Called by the commands and by `bootstrap` before a server starts.
"""

from __future__ import annotations

import os
import socket

Listener = socket.socket

_TRIED = 100
_BACKLOG = 2048  # connections that wait while the server starts or is busy


def take_port(host: str, port: int) -> Listener:
    """A socket that listens on `host`:`port` (0: any free port). Raises OSError where that is not ours to have."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)  # only a port that is listened on is refused to others
    except OSError:
        listener.close()
        raise
    return listener


def take_next_port(host: str, port: int) -> Listener:
    """`port`, or the first free one of the hundred that follow it, or any."""
    for candidate in (*range(port, port + _TRIED), 0):
        try:
            return take_port(host, candidate)
        except OSError as error:
            refused = error
    raise refused


def why_not_free(host: str, port: int) -> str | None:
    """Why nothing can listen on `host`:`port` now, in the system's words; None where it can."""
    try:
        take_port(host, port).close()
    except OSError as error:
        return why(error)
    return None


def why(error: OSError) -> str:
    """The system's words for `error`."""
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
