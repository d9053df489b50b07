"""The server as a process of its own, on both databases: it takes changes up, tells its health, and stops cleanly."""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.server import RunningServer, apply_catalog, running_server

ACME = Path(__file__).parents[2] / "examples" / "acme.yaml"
QUERY = {"key": "1915260e-da0c-4443-a35b-8fb9d9843e42", "publisher_id": "4321ABCD"}
LONGEST_SECONDS = 60.0  # that anything may take, on a slow machine


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with running_server(ACME, data=tmp_path, database=database) as running:
        yield running


def ping(server: RunningServer, caller: str = "+12135550123") -> dict[str, Any]:
    query = urllib.parse.urlencode({**QUERY, "caller_number": caller})
    request = urllib.request.Request(f"{server.base_url}/rtbs.json?{query}", method="POST")
    with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
        return dict(json.load(answer))


def test_a_running_server_takes_a_catalog_change_of_another_process_up(server: RunningServer, tmp_path: Path) -> None:
    assert ping(server)["status"] == "reserved"
    paused = tmp_path / "paused.yaml"
    paused.write_text(
        ACME.read_text().replace("name: Auto insurance\n    paused: false", "name: Auto insurance\n    paused: true")
    )
    apply_catalog(paused, data=server.data, database=server.database)
    ends_at = time.monotonic() + LONGEST_SECONDS
    caller = 2135550200
    while ping(server, f"+1{caller}").get("code") != "campaign_paused":
        caller += 1
        assert time.monotonic() < ends_at, "the change is not in force"


def test_a_server_that_is_told_to_stop_finishes_the_ping_it_accepted(tmp_path: Path) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    class SlowBuyer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            may_answer.wait(LONGEST_SECONDS)
            body = b'{"accepted": true, "bid": {"amount": 12.5, "min_seconds": 60, "phone": "+12025550177"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    buyer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowBuyer)
    threading.Thread(target=buyer.serve_forever, daemon=True).start()
    catalog = tmp_path / "acme.yaml"
    catalog.write_text(ACME.read_text().replace("127.0.0.1:9101", f"127.0.0.1:{buyer.server_port}"))
    replies: list[dict[str, Any]] = []
    with running_server(catalog, data=tmp_path / "data") as server:
        waiting = threading.Thread(target=lambda: replies.append(ping(server)))
        waiting.start()
        assert asked.wait(LONGEST_SECONDS)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        may_answer.set()
        waiting.join(LONGEST_SECONDS)
        stopping.join(LONGEST_SECONDS)
        assert server.process.returncode == 0, (server.data / "serve.log").read_text()
    buyer.shutdown()
    buyer.server_close()
    assert [reply["status"] for reply in replies] == ["reserved"]
    assert replies[0]["retreaver_payout"] == 10


def test_health_and_metrics_are_told_and_unknown_addresses_are_a_clear_404(server: RunningServer) -> None:
    ping(server)
    with urllib.request.urlopen(f"{server.base_url}/healthz", timeout=LONGEST_SECONDS) as answer:
        assert json.load(answer) == {"status": "ok"}
    with urllib.request.urlopen(f"{server.base_url}/metrics", timeout=LONGEST_SECONDS) as answer:
        assert b"ringbid_ping_seconds_count 1.0" in answer.read()
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{server.base_url}/nothing", timeout=LONGEST_SECONDS)
    with missing.value as answer:
        assert answer.code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_neither_keys_nor_numbers_are_in_the_servers_log(server: RunningServer) -> None:
    ping(server)
    server.stop()
    log = (server.data / "serve.log").read_text()
    assert QUERY["key"] not in log
    assert "2135550123" not in log


def test_a_server_that_stops_writes_nothing_into_its_log_but_json(server: RunningServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{server.base_url}/nothing", timeout=LONGEST_SECONDS)
    missing.value.close()  # the pages' application is there by then
    before = len(server.log)
    server.stop()
    assert [line for line in server.log[before:].splitlines() if not line.startswith("{")] == []
