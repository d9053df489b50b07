"""Whatever strangers send to a running server: each line of its log stays one JSON object and tells nothing of them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from support.hostile_text import HOSTILE
from support.server import RunningServer, running_server

ACME = Path(__file__).parents[2] / "examples" / "acme.yaml"
KEY = "1915260e-da0c-4443-a35b-8fb9d9843e42"
CALLER = "2135550123"
SECRET = "s3cret-of-a-caller"
CARRIERS = {"main": {"kind": "twilio", "secret": "the auth token"}}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VARIABLES = {"RINGBID_CARRIERS": json.dumps(CARRIERS), "RINGBID_PUBLIC_URL": "https://calls.example.org"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(ACME, data=tmp_path_factory.mktemp("data"), environment=VARIABLES) as running:
        yield running


def send(server: RunningServer, method: str, path: str, body: str | None, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_send_stays_out_of_the_log(server: RunningServer, name: str) -> None:
    text = f"{HOSTILE[name]}{SECRET}"
    before = len(server.log)
    named = {"Accept": "text/html", "User-Agent": quote(text), "Referer": f"http://x/?{quote(text)}"}
    fields = urlencode({"key": KEY, "publisher_id": text, "caller_number": CALLER, "name": text})
    statuses = [
        send(server, "GET", f"/rtbs.json?{fields}", None, named),
        send(server, "POST", "/rtbs.json", fields, FORM),
        send(server, "POST", "/rtbs.json", urlencode({"key": text, "caller_number": text}), FORM),
        send(server, "GET", f"/rtbs/{quote(text, safe='')}.json?key={quote(text)}", None, named),
        send(server, "GET", f"/call_reservations/{quote(text, safe='')}?next={quote(text)}", None, named),
        send(server, "POST", f"/sign-in?next={quote(text)}", urlencode({"email": text, "password": text}), FORM),
        send(server, "GET", f"/{quote(text, safe='')}", None, {**named, "Cookie": f"ringbid={quote(text)}"}),
    ]
    assert all(status < 500 for status in statuses), statuses
    logged = server.log[before:]
    assert all(isinstance(json.loads(line), dict) for line in logged.splitlines())
    assert SECRET not in logged
    assert KEY not in logged
    assert CALLER not in logged


def test_a_forged_request_of_a_carrier_is_one_line_of_the_log_whatever_its_path(server: RunningServer) -> None:
    before = len(server.log)
    for text in HOSTILE.values():
        send(server, "POST", f"/carriers/main/{quote(text, safe='')}", urlencode({"CallSid": text, "From": text}), FORM)
        send(server, "POST", "/carriers/main/voice", urlencode({"CallSid": text, "From": CALLER}), FORM)
    lines = [json.loads(line) for line in server.log[before:].splitlines()]
    refused = [line for line in lines if line["event"] == "carrier_request_refused"]
    assert len(refused) == len(lines) >= len(HOSTILE)
    assert CALLER not in json.dumps(lines)
