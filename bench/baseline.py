"""The empty POST: what a request costs before anything is done about it. The measure for everything else.

A plain ASGI application that reads the body and answers some 200 bytes of JSON, on the very server settings of the
product (`edge.serving.http_config`). Started by `bench.run` on the core of the measured servers.

    python -m bench.baseline --port 8701
"""

from __future__ import annotations

import argparse

import uvicorn
import uvloop

from ringbid.edge.api.http import Receive, Scope, Send
from ringbid.edge.listening import take_port
from ringbid.edge.serving import http_config

ANSWER = (
    b'{"uuid":"018fc52c-3f0e-7a37-9a5c-6b8f2b0a7d11","status":"reserved","retreaver_payout":1.173,'
    b'"retreaver_seconds":95,"inbound_number":"+18444021146","expires_at":"2024-05-29T16:16:18.246Z"}'
)
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Read everything, say the same always."""
    assert scope["type"] == "http", "the product's settings switch the other kinds off"
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Answer every POST with the same JSON.")
    parser.add_argument("--port", type=int, required=True)
    listener = take_port("127.0.0.1", parser.parse_args().port)
    uvloop.run(uvicorn.Server(http_config(application)).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
