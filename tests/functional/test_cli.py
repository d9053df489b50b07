"""The commands, run as a user types them: on a store of their own, beside a running server, and the whole demo."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringbid.cli import app
from support.server import RunningServer, running_server

ACME = Path(__file__).parents[2] / "examples" / "acme.yaml"
RINGBID = str(Path(sys.executable).with_name("ringbid"))
KEY = "1915260e-da0c-4443-a35b-8fb9d9843e42"
LONGEST_SECONDS = 240  # on a slow machine
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def run(*arguments: object, code: int = 0, stdin: str | None = None) -> str:
    """What the command prints; it must end with this exit code, and never with a traceback."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": "100"})
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def test_a_plan_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    planned = run("apply", ACME, "--plan", "--data", tmp_path)
    assert "+ buyers[alpha]" in planned
    assert "Nothing was applied" in planned
    assert "has no catalog yet" in run("export", "--data", tmp_path, code=1)


def test_applying_says_what_is_created_changed_and_removed_and_twice_changes_nothing(tmp_path: Path) -> None:
    assert "In force as version 1." in run("apply", ACME, "--data", tmp_path)
    assert "Nothing changes" in run("apply", ACME, "--data", tmp_path)
    text = ACME.read_text().replace("concurrency: 2", "concurrency: 3").replace("{id: PUB-FREE,", "{id: PUB-X,")
    edited = run("apply", "-", "--data", tmp_path, stdin=text)
    assert "~ buyers[alpha].caps.concurrency  2 → 3" in edited
    assert "- publishers[PUB-FREE]  id: PUB-FREE, name: No Criteria Yet" in edited
    assert "+ publishers[PUB-X]  id: PUB-X, name: No Criteria Yet" in edited
    assert "1 created, 1 changed, 1 removed. In force as version 2." in edited


def test_what_is_exported_applies_to_an_equal_catalog(tmp_path: Path) -> None:
    run("apply", ACME, "--data", tmp_path / "a")
    exported = run("export", "--data", tmp_path / "a")
    assert KEY not in exported
    run("apply", "-", "--data", tmp_path / "b", stdin=exported)
    assert run("export", "--data", tmp_path / "b") == exported
    assert "Nothing changes" in run("apply", ACME, "--data", tmp_path / "b")


def test_a_wrong_file_is_refused_with_every_problem_and_nothing_is_applied(tmp_path: Path) -> None:
    text = ACME.read_text().replace("operator: in,", "operator: inn,").replace("concurrency: 10}", "concurrency: -1}")
    refused = run("apply", "-", "--data", tmp_path, stdin=text, code=1)
    assert "2 problems; nothing was applied" in refused
    assert 'buyers[alpha].filters[0].operator (line 37): found "inn"; allowed: one of: ==' in refused
    assert "buyers[charlie].caps.concurrency" in refused
    assert "has no catalog yet" in run("export", "--data", tmp_path, code=1)


def test_a_key_that_the_file_does_not_give_is_made_and_shown_this_once(tmp_path: Path) -> None:
    text = ACME.read_text().replace(f"key: {KEY}\n        name: Default", "name: Default")
    made = run("apply", "-", "--data", tmp_path, stdin=text)
    assert re.search(r"New RTB key Default of auto-insurance: " + UUID.pattern, made)
    assert "New RTB key" not in run("apply", "-", "--data", tmp_path, stdin=text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export"], "there is no store in"),
        (["apply", "no-such-file.yaml"], "no-such-file.yaml cannot be read: No such file or directory."),
        (["explain", "019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01"], "there is no store in"),
        (
            ["ping", "--url", "http://127.0.0.1:1", "--key", "k"],
            "did not answer: ask_unreachable (connection refused).",
        ),
    ],
)
def test_expected_trouble_is_one_clear_error(arguments: list[str], said: str, tmp_path: Path) -> None:
    output = run(*arguments, "--data", tmp_path / "none", code=1)
    assert output.startswith("Error: ")
    assert said in output


def test_a_wrong_setting_is_named_with_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBID_LIMITS_BODY_SECONDS", "soon")
    output = run("export", "--data", tmp_path, code=1)
    assert "limits.body_seconds: Input should be a valid number" in output
    assert "'soon'" in output


def test_a_pings_uuid_that_the_store_does_not_know_is_unknown_or_where_it_is_old_flushed(tmp_path: Path) -> None:
    run("apply", ACME, "--data", tmp_path)
    assert "has no ping" in run("explain", "7ad7c5b2-0000-4000-8000-000000000000", "--data", tmp_path, code=1)
    old = run("explain", "018ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01", "--data", tmp_path, code=1)
    assert "was flushed: pings are kept for 24 hours (retention.rtb_hours)." in old


def test_doctor_finds_nothing_broken_in_a_fresh_store_and_says_what_is_doubtful(tmp_path: Path) -> None:
    run("apply", ACME, "--data", tmp_path / "d")
    text = run("doctor", "--data", tmp_path / "d")
    findings = json.loads(run("doctor", "--data", tmp_path / "d", "--json"))
    assert {finding["part"] for finding in findings} == {
        "Python", "Event loop", "Time zones", "Port", "Outbound", "SQLite", "Data folder", "Disk", "Store", "Clock",
        "Catalog acme", "Phones", "Ledger", "Outbox",
    }  # fmt: skip
    assert "broken" not in {finding["state"] for finding in findings}
    assert "no conversion rule of any campaign pays publisher PUB-FREE, so it is quoted" in " ".join(text.split())


def test_on_postgresql_a_catalog_goes_in_and_out_and_doctor_compares_the_clocks(postgres_url: str) -> None:
    run("apply", ACME, "--database", postgres_url)
    assert "company: {id: acme" in run("export", "acme", "--database", postgres_url)
    assert "there is no company other" in run("export", "other", "--database", postgres_url, code=1)
    started = time.monotonic()
    found = {finding["part"]: finding for finding in json.loads(run("doctor", "--json", "--database", postgres_url))}
    took_seconds = time.monotonic() - started
    assert found["Store"]["found"].startswith("postgresql ")
    skew = re.fullmatch(r"([+-]\d+\.\d) s from the database's", found["Clock"]["found"])
    assert skew
    assert abs(float(skew[1])) <= took_seconds + 0.1, "it is one clock, read twice"
    assert "Data folder" not in found


def test_doctor_ends_with_code_1_where_the_database_is_away_and_shows_no_password() -> None:
    text = run("doctor", "--database", "postgresql://someone:hunter2@127.0.0.1:1/nothing", code=1)
    assert "broken" in text
    assert "pg_isready -d postgresql://127.0.0.1:1/nothing" in text
    assert "hunter2" not in text


def test_doctor_finds_a_database_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ringbid.sqlite").write_text("garbage" * 1000)
    assert "not a database" in run("doctor", "--data", tmp_path, code=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with running_server(ACME, data=tmp_path / "data") as running:
        yield running


def test_beside_a_running_server_all_commands_work_or_say_why_not(server: RunningServer) -> None:
    where = ("--url", server.base_url, "--data", server.data)
    caller = ("--key", KEY, "--publisher", "4321ABCD", "--caller", "+1 (310) 555-0123", "caller_zip=90210")
    for send_as in ("json", "form", "query", "get"):
        pinged = run("ping", *where, *caller, "--send-as", send_as)
        assert "HTTP 200" in pinged
        assert '"status": "reserved"' in pinged
        assert re.search(r"1  alpha +won +1\.50 +1\.173", pinged)
    uuid = UUID.findall(pinged)[0]
    explained = run("explain", uuid, "--data", server.data, "--asks")
    assert "Reserved for alpha at 1.50 USD revenue; the publisher is paid 1.173 USD after 95 s; held until" in explained
    assert "→ POST http://127.0.0.1:9101/bid?zip=90210&state=CA" in explained
    assert "ask_unreachable" in explained
    elsewhere = run("ping", "--url", server.base_url, "--data", server.data / "none", *caller)
    assert "does not know this ping" in elsewhere
    refused = run("ping", *where, "--key", "no-such-key", "--publisher", "4321ABCD", code=1)
    assert "HTTP 401" in refused
    assert '"code": "key_unknown"' in refused
    assert "Nothing changes" in run("apply", ACME, "--data", server.data)
    assert f"Error: process {server.pid} has the store in {server.data} open" in refused_serve("0", server.data)
    taken = f"Error: cannot listen on 127.0.0.1:{server.port}: Address already in use."
    assert taken in refused_serve(str(server.port), server.data / "other")
    assert "company: {id: acme" in run("export", "--data", server.data)
    assert server.stop() == 0
    log = (server.data / "serve.log").read_text()
    assert f"Ringbid listens on {server.base_url} with the folder {server.data}." in log
    assert "outbound.allow_private is on" in log


def refused_serve(port: str, data: Path) -> str:
    """What a server that cannot start prints: in a process of its own, as it sets up the logs for good."""
    command = [RINGBID, "serve", "--port", port, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@contextlib.contextmanager
def demo(*options: str) -> Iterator[subprocess.Popen[str]]:
    """`ringbid demo` as a process of its own, its output in a pipe."""
    command = [RINGBID, "demo", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGBID_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**environment, "TZ": "UTC"}
    ) as process:
        watchdog = threading.Timer(LONGEST_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def lines_until(word: str, process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if word in line:
            return lines
    raise AssertionError(f"{word!r} never came:\n" + "\n".join(lines))


def test_a_demo_of_so_many_pings_shows_each_ends_by_itself_and_leaves_nothing() -> None:
    with demo("--pings", "9", "--phones", "none") as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        assert process.wait() == 0
    text = "\n".join(lines)
    rows = [line for line in lines if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert len(rows) == 9
    assert any("reserved" in row and "payout" in row for row in rows)
    assert re.search(r"^9 pings · ", text, re.MULTILINE)
    folder = re.search(r"Data in +(\S+)", text)
    assert folder
    assert not Path(folder[1]).exists()
    assert "Traceback" not in text
    assert "task_failed" not in text


def test_the_demos_curl_and_explain_lines_work_as_printed_and_ctrl_c_ends_it_cleanly() -> None:
    with demo() as process:
        lines = lines_until("Why? ", process)
        curl = next(line for line in lines if line.startswith("Try"))
        url = re.search(r"curl -X POST '(\S+)'", curl)
        assert url
        request = urllib.request.Request(url[1], method="POST")
        with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
            assert json.load(answer)["status"] == "reserved"
        explain = lines[-1].removeprefix("Why? ").split()
        done = subprocess.run(explain, capture_output=True, text=True, check=True)
        assert "verdict" in done.stdout
        process.send_signal(signal.SIGINT)
        lines_until("The demo is over", process)
        assert process.wait() == 0
    assert not Path(explain[-1]).exists()
