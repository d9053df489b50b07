"""A ping drawn for the terminal, as it reads on paper."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ringbid.cli.waterfall import draw, plain
from ringbid.reports.explain import explain
from ringbid.reservations.ports import StoredPing
from ringbid.reservations.trace import TracedAsk, TracedTag, TracedVerdict
from ringbid.values.ids import PublisherId
from ringbid.values.reason import Reason
from support.stored_pings import ASK_CHARLIE, make_ping, make_trace


def drawn(ping: StoredPing, *, width: int = 100, with_asks: bool = False, encoding: str = "utf-8") -> list[str]:
    """The lines on a terminal of this width, without colour."""
    paper = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=paper, width=width, color_system=None, highlight=False)
    for part in draw(explain(ping), with_asks=with_asks):
        console.print(part)
    paper.flush()
    return paper.buffer.getvalue().decode(encoding).splitlines()


def line_with(text: str, lines: list[str]) -> str:
    (found,) = [line for line in lines if text in line]
    return found


def test_buyers_stand_in_routing_order_with_level_verdict_prices_and_milliseconds() -> None:
    lines = drawn(make_ping())
    rows = [line.split() for line in lines if line[:4].strip().isdigit() and line[:1] == " "]
    assert [row[:2] for row in rows] == [
        ["1", "charlie"],
        ["1", "alpha"],
        ["1", "bravo"],
        ["1", "foxtrot"],
        ["1", "india"],
        ["2", "delta"],
    ]
    assert rows[0][2:7] == ["won", "12.50", "10.00", "42", "ms"]
    assert rows[1][2:] == ["outbid", "1.50", "1.173"]


def test_each_verdict_has_its_code_its_sentence_and_found_against_expected_with_the_setting() -> None:
    lines = drawn(make_ping())
    at = lines.index(line_with(" 1  bravo", lines))
    assert lines[at + 1].strip() == "filter_not_matched  The caller does not match one of the buyer's filters."
    assert lines[at + 2].strip() == "found age = 15   expected age >= 18   see buyers[bravo].filters[0]"


def test_a_bar_is_as_long_as_the_ask_took_of_the_timeout() -> None:
    lines = drawn(make_ping())
    heading, silent, winner = (line_with(text, lines) for text in ("verdict", " 1  foxtrot", " 1  charlie"))
    start, end = heading.index("  0 ") + 2, silent.index("|")
    assert silent[start:end].rstrip().count("█") == int((1.3 + 898.4) / 1000 * (end - start))
    assert winner[start:end].count("█") == 1
    assert heading.endswith("1000 ms")


def test_prices_stand_with_their_decimal_points_below_each_other() -> None:
    lines = drawn(make_ping())
    winner, outbid = line_with(" 1  charlie", lines), line_with(" 1  alpha", lines)
    assert winner.index("12.50") + 2 == outbid.index("1.50") + 1
    assert winner.index("10.00") + 2 == outbid.index("1.173") + 1


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in drawn(make_ping(), width=width, with_asks=True)) <= width


def test_a_narrow_terminal_gets_no_bars_and_still_all_verdicts() -> None:
    text = "\n".join(drawn(make_ping(), width=62))
    assert "█" not in text
    assert "898 ms" in text


def test_a_terminal_without_unicode_gets_bars_of_hashes() -> None:
    lines = drawn(make_ping(), encoding="ascii")
    assert "#####" in line_with(" 1  foxtrot", lines)


def test_tags_are_shown_with_where_they_come_from() -> None:
    lines = drawn(make_ping())
    assert line_with("geo ", lines).split() == ["geo", "us,", "us-ca,", "us-90210,", "310", "from", "zip"]


def test_asks_are_told_in_a_line_each_and_in_full_where_that_is_wanted() -> None:
    short = drawn(make_ping())
    assert line_with("charlie bid", short).strip() == "charlie bid  HTTP 200 after 42 ms"
    in_words = " ".join(line_with("foxtrot bid", short).split())
    assert in_words == "foxtrot bid 898 ms ask_timed_out no answer after 898 ms"
    assert ASK_CHARLIE.answer is not None
    assert not any(ASK_CHARLIE.answer in line for line in short)
    full = drawn(make_ping(), with_asks=True)
    assert line_with(ASK_CHARLIE.answer, full).strip().startswith("← ")
    assert line_with("→ POST http://127.0.0.1:9101/bid?zip=90210&state=CA", full)
    assert line_with("charlie_bid = 12.5", full)


def test_steps_and_notes_are_shown() -> None:
    lines = drawn(make_ping(trace=make_trace(notes=["No conversion rule fits."])))
    assert line_with("No conversion rule fits.", lines)
    assert "asks\N{NO-BREAK SPACE}899.5" not in "\n".join(lines)
    assert "asks\N{NO-BREAK SPACE}899.2" in line_with("eligibility", lines)


def test_a_refused_ping_shows_what_was_found_and_where_to_mend_it() -> None:
    trace = make_trace(
        Reason.PUBLISHER_PAUSED, actual="paused", expected="not paused", setting="publishers[PUB-OFF].paused", asks=[]
    )
    lines = drawn(make_ping(Reason.PUBLISHER_PAUSED, trace=trace))
    assert lines[0].endswith("rejected  publisher_paused")
    assert lines[2] == "found paused   expected not paused   see publishers[PUB-OFF].paused"


def test_no_answer_can_steer_the_terminal() -> None:
    evil = "\x1b[2J\x07\u202etxt\r\n\x9b31m"
    trace = make_trace(
        verdicts=[TracedVerdict(buyer="charlie", reason="bid_unreadable", actual=evil, expected=evil)],
        asks=[TracedAsk(webhook="w", buyer="charlie", request=evil, started_ms=0, took_ms=1, answer=evil, detail=evil)],
        tags={"evil": TracedTag(evil, evil)},
        notes=[evil],
    )
    text = "\n".join(drawn(make_ping(trace=trace), with_asks=True))
    assert not {"\x1b", "\x07", "\u202e", "\r", "\x9b"} & set(text)
    assert "\\x1b[2J" in text


def test_markup_in_a_value_stays_as_it_is() -> None:
    trace = make_trace(tags={"note": TracedTag("[bold]x[/bold] [/]", "ping")})
    lines = drawn(make_ping(trace=trace, publisher_id=PublisherId("[/a] [red]b")))
    assert "[bold]x[/bold] [/]" in line_with("note", lines)
    assert "[/a] [red]b" in line_with("campaign  acme", lines)


def test_plain_keeps_what_can_be_read() -> None:
    assert plain("naïve “quotes” 中\n") == "naïve “quotes” 中\n"
