"""The demo's picture and its lines."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console

from ringbid.cli.demo_calls import CallView, Tried
from ringbid.cli.demo_rows import Row
from ringbid.cli.demo_screen import Screen, print_opening
from ringbid.ledger.entry import Account
from ringbid.ledger.ports import Balance
from ringbid.reports.labels import LABELS, Label
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId
from ringbid.values.money import Money
from ringbid.values.reason import Reason

EXPLAIN = "ringbid explain {uuid} --data /tmp/ringbid-abcd1234"
UUID = "019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01"
NOW = datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC)


class StoppedClock:
    """It is always the same moment."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def make_row(label: Label, *, held_seconds: int | None = None, then: str | None = None) -> Row:
    return Row(
        at=NOW,
        uuid=UUID,
        campaign="medicare",
        publisher="PUB-TWO",
        caller="…0123",
        label=label,
        then=then,
        buyer="echo-slow",
        payout="12.50",
        took_ms=40.0,
        why="2 closed",
        held_until=NOW + timedelta(seconds=held_seconds) if held_seconds is not None else None,
    )


RESERVED = make_row(LABELS[Reason.RESERVED], held_seconds=9, then="confirmed")
REFUSED = make_row(Label("no target", "limit"))
BUSY, RINGING, TALKS = Label("busy", "limit"), Label("ringing", "plain"), Label("talks", "good")
RINGS = CallView(
    call_id=CallId("0195a4d0-0000-7000-8000-00000000ca11"),
    came=None,
    tried=(Tried("echo-slow", BUSY), Tried("kilo-pricey", RINGING)),
    connected_ms=None,
    talked_ms=None,
    needed_seconds=6,
    ending=None,
    note="",
    revenue=None,
    payout=None,
    final=False,
)
TALKING = replace(RINGS, tried=(Tried("echo-slow", BUSY), Tried("kilo-pricey", TALKS)), connected_ms=to_ms(NOW) - 3000)
CONVERTED = replace(
    TALKING,
    talked_ms=6800,
    ending=LABELS[Reason.CONVERTED],
    revenue=Money(9_000_000, "USD"),
    payout=Money(7_200_000, "USD"),
    final=True,
)
BALANCES = [
    Balance(Account(name), Money(micros, "USD"))
    for name, micros in (
        ("buyer/kilo-pricey", -9_000_000),
        ("publisher/PUB-TWO", 7_200_000),
        ("company/revenue", 9_000_000),
        ("company/payout", -7_200_000),
    )
]


def shown(
    *rows: Row, calls: tuple[CallView, ...] = (), terminal: bool, width: int = 120, height: int = 30
) -> tuple[Screen, str]:
    """These pings, and to the first of them these calls, one view after the other."""
    paper = io.StringIO()
    console = Console(
        file=paper, width=width, height=height, force_terminal=terminal, color_system=None, highlight=False
    )
    screen = Screen(console, clock=StoppedClock(), explain_command=EXPLAIN)
    with screen.opened():
        for row in rows:
            screen.show(row)
        for view in calls:
            screen.show_call(next(iter(screen.board.shown(1000, NOW))), view)
            screen.show_books(BALANCES if view.converted else [], postbacks=int(view.converted))
    return screen, paper.getvalue()


def frame(*rows: Row, calls: tuple[CallView, ...] = (), width: int = 120, height: int = 30) -> list[str]:
    """What stands on a terminal while the demo runs."""
    screen, _ = shown(*rows, calls=calls, terminal=False, width=width, height=height)
    paper = io.StringIO()
    Console(file=paper, width=width, height=height, color_system=None, highlight=False).print(screen.frame())
    return [line.rstrip() for line in paper.getvalue().splitlines()]


def test_where_there_is_no_terminal_each_ping_is_one_plain_line() -> None:
    _, text = shown(RESERVED, RESERVED, terminal=False)
    first, second, summary, ledger = text.splitlines()
    assert first == second
    assert (
        first.split()
        == (
            f"10:14:18 medicare PUB-TWO …0123 reserved, then confirmed echo-slow payout 12.50 USD 40 ms 2 closed {UUID}"
        ).split()
    )
    assert summary.startswith("2 pings · 2 reserved · 0 calls · ")
    assert ledger.split() == ["ledger", "revenue", "0.00", "payout", "0.00", "margin", "0.00", "USD"]
    assert "\x1b" not in text


def test_where_there_is_no_terminal_all_that_happens_to_a_call_is_a_line() -> None:
    _, text = shown(RESERVED, calls=(RINGS, RINGS, TALKING, CONVERTED), terminal=False)
    told = [line.partition("…0123 ")[2] for line in text.splitlines() if "↳" in line]
    assert told == [
        "echo-slow busy",
        "kilo-pricey ringing",
        "kilo-pricey talks",
        "converted  revenue 9.00, payout 7.20 USD",
    ]
    assert "1 converted · 1 postbacks taken" in text
    assert "revenue 9.00   payout 7.20   margin 1.80   USD   sums to 0" in text


def test_the_first_refused_ping_comes_with_a_line_that_explains_it() -> None:
    _, text = shown(RESERVED, REFUSED, REFUSED, terminal=False, width=40)
    assert text.count("Why? ") == 1
    assert f"Why? {EXPLAIN.format(uuid=UUID)}\n" in text


def test_on_a_terminal_pings_are_rows_of_a_table() -> None:
    heading, reserved, refused, *_ = frame(RESERVED, REFUSED)
    assert heading.split()[:6] == ["time", "campaign", "caller", "ping", "offer", "ms"]
    row = "10:14:18 medicare …0123 confirmed 12.50 40 held for echo-slow, 9 s left"
    assert reserved.split() == row.split()
    assert refused.endswith("2 closed")


def test_a_call_that_talks_has_a_bar_that_fills_up_to_where_it_converts() -> None:
    row = frame(RESERVED, calls=(TALKING,))[1]
    assert row.endswith("echo-slow busy › kilo-pricey 0:03 ━━━━──── 6 s")


def test_a_converted_call_shows_its_money_and_the_ledger_below_has_moved() -> None:
    lines = frame(RESERVED, calls=(RINGS, TALKING, CONVERTED))
    assert lines[1].split()[-6:] == ["6.8", "s", "›", "converted", "+9.00", "7.20"]
    text = "\n".join(lines)
    assert "ledger  revenue 9.00   payout 7.20   margin 1.80   USD   sums to 0" in text
    assert "kilo-pricey owes 9.00 · PUB-TWO is owed 7.20" in text


def test_where_a_call_has_no_room_its_first_buyers_go() -> None:
    row = frame(RESERVED, calls=(TALKING,), width=80)[1]
    assert "…kilo-pricey 0:03" in row


def test_a_place_that_nobody_called_for_says_so() -> None:
    assert frame(make_row(LABELS[Reason.RESERVED], held_seconds=-1))[1].endswith("no call in time")
    assert frame(make_row(LABELS[Reason.RESERVED], then="released"))[1].endswith("given back")


def test_what_can_be_looked_at_closer_is_offered_as_commands() -> None:
    lines = frame(RESERVED, REFUSED, calls=(CONVERTED,))
    at = lines.index("Look closer, in another terminal:")
    assert lines[at + 1] == f"failed over, then converted  {EXPLAIN.format(uuid=UUID)}"
    assert lines[at + 2] == f"refused                      {EXPLAIN.format(uuid=UUID)}"


def test_on_a_narrow_terminal_the_command_is_broken_so_that_a_shell_still_reads_it() -> None:
    lines = frame(REFUSED, width=80)
    at = lines.index(f"ringbid explain {UUID} \\")
    assert lines[at - 1] == "refused:"
    assert lines[at + 1] == "  --data /tmp/ringbid-abcd1234"


def test_a_picture_is_never_higher_than_its_terminal() -> None:
    for width, height in ((80, 24), (120, 30), (160, 60)):
        lines = frame(*[RESERVED] * 60, REFUSED, calls=(CONVERTED,), width=width, height=height)
        assert len(lines) < height
        assert sum("confirmed" in line for line in lines) >= 5


def test_when_it_is_over_nothing_invites_to_explain_what_is_deleted() -> None:
    _, text = shown(REFUSED, terminal=True)
    assert "ringbid explain" not in text[text.rindex("1 pings") :]


def test_the_curl_line_is_never_broken() -> None:
    paper = io.StringIO()
    curl = f"curl -X POST 'http://127.0.0.1:8700/rtbs.json?{'x' * 150}'"
    console = Console(file=paper, width=60)
    print_opening(
        console,
        url="http://127.0.0.1:8700",
        curl=curl,
        folder="/tmp/ringbid-x",
        calls="none",
        link="http://127.0.0.1:8700/claim/x",
    )
    assert curl in paper.getvalue()
