"""The demo's table and its lines."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from ringbid.cli.demo_rows import Row
from ringbid.cli.demo_screen import Screen, print_opening
from ringbid.reports.labels import Label

EXPLAIN = "ringbid explain {uuid} --data /tmp/ringbid-abcd1234"
UUID = "019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01"


def make_row(label: Label, *, uuid: str | None = UUID, took_ms: float = 40.0, then: str | None = None) -> Row:
    return Row(
        at=datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC),
        uuid=uuid,
        campaign="medicare",
        publisher="PUB-TWO",
        caller="…0123",
        label=label,
        then=then,
        buyer="echo-slow",
        payout="12.50",
        took_ms=took_ms,
        why="2 closed",
    )


RESERVED = make_row(Label("reserved", "good"), then="confirmed")
REFUSED = make_row(Label("no target", "limit"))


def shown(*rows: Row, terminal: bool, width: int = 100) -> tuple[Screen, str]:
    paper = io.StringIO()
    console = Console(file=paper, width=width, height=24, force_terminal=terminal, color_system=None, highlight=False)
    screen = Screen(console, explain_command=EXPLAIN)
    with screen.opened():
        for row in rows:
            screen.show(row)
    return screen, paper.getvalue()


def test_where_there_is_no_terminal_each_ping_is_one_plain_line() -> None:
    _, text = shown(RESERVED, RESERVED, terminal=False)
    first, second, summary = text.splitlines()
    assert first == second
    assert (
        first.split()
        == (
            f"10:14:18 medicare PUB-TWO …0123 reserved, then confirmed echo-slow payout 12.50 USD 40 ms 2 closed {UUID}"
        ).split()
    )
    assert summary == "2 pings · 2 reserved · p95 40 ms"
    assert "\x1b" not in text


def test_the_first_refused_ping_comes_with_a_line_that_explains_it() -> None:
    _, text = shown(RESERVED, REFUSED, REFUSED, terminal=False, width=40)
    assert text.count("Why? ") == 1
    assert f"Why? {EXPLAIN.format(uuid=UUID)}\n" in text


def frame(*rows: Row, width: int = 100) -> list[str]:
    """What stands on a terminal while the demo runs."""
    paper = io.StringIO()
    console = Console(file=paper, width=width, height=24, force_terminal=True, color_system=None, highlight=False)
    screen = Screen(console, explain_command=EXPLAIN)
    for row in rows:
        screen.show(row)
    paper.truncate(0)
    paper.seek(0)
    console.print(screen.frame())
    return [line.rstrip() for line in paper.getvalue().splitlines()]


def test_on_a_terminal_pings_are_rows_of_a_table() -> None:
    heading, reserved, refused, *below = frame(RESERVED, REFUSED)
    assert heading.split() == ["time", "campaign", "publisher", "caller", "outcome", "buyer", "payout", "ms", "why"]
    assert reserved.split() == [
        "10:14:18",
        "medicare",
        "PUB-TWO",
        "…0123",
        "confirmed",
        "echo-slow",
        "12.50",
        "40",
        "2",
        "closed",
    ]
    assert "no target" in refused
    assert EXPLAIN.format(uuid=UUID) in below


def test_a_terminal_shows_as_many_of_the_latest_pings_as_it_has_room_for() -> None:
    lines = frame(*[RESERVED] * 30, REFUSED)
    assert sum("confirmed" in line for line in lines) == 7
    assert sum("no target" in line for line in lines[1:9]) == 1


def test_on_a_narrow_terminal_the_command_is_broken_so_that_a_shell_still_reads_it() -> None:
    lines = frame(REFUSED, width=80)
    at = lines.index(f"ringbid explain {UUID} \\")
    assert lines[at + 1] == "  --data /tmp/ringbid-abcd1234"


def test_when_it_is_over_nothing_invites_to_explain_what_is_deleted() -> None:
    _, text = shown(REFUSED, terminal=True)
    assert "ringbid explain" not in text[text.rindex("1 pings") :]


def test_the_summary_counts_outcomes_and_tells_the_95th_percentile() -> None:
    rows = [make_row(Label("reserved", "good"), took_ms=float(ms)) for ms in range(1, 101)]
    screen, _ = shown(*rows, REFUSED, terminal=False)
    assert screen.summary().plain == "101 pings · 100 reserved · 1 no target · p95 95 ms"


def test_the_summary_of_nothing_is_nothing() -> None:
    screen, _ = shown(terminal=False)
    assert screen.summary().plain == "0 pings"


def test_the_curl_line_is_never_broken() -> None:
    paper = io.StringIO()
    curl = f"curl -X POST 'http://127.0.0.1:8700/rtbs.json?{'x' * 150}'"
    print_opening(Console(file=paper, width=60), url="http://127.0.0.1:8700", curl=curl, folder="/tmp/ringbid-x")
    assert curl in paper.getvalue()
