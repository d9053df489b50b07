"""A call drawn for the terminal, as it reads on paper."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed
from rich.console import Console

from ringbid.cli.call_picture import FLOW_TONES, draw_call
from ringbid.outbox.message import MessageState
from ringbid.reports.call_story import CallStory
from ringbid.reservations.trace import TracedTag
from support.stored_calls import PlayedCall, failed_over, make_attempt, make_call, make_message
from support.stored_pings import ASK_CHARLIE, PING_ID, make_ping


def drawn(story: CallStory, *, width: int = 100, encoding: str = "utf-8", with_asks: bool = False) -> list[str]:
    """The lines on a terminal of this width, without colour."""
    paper = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=paper, width=width, color_system=None, highlight=False)
    for part in draw_call(story, with_asks=with_asks):
        console.print(part)
    paper.flush()
    return paper.buffer.getvalue().decode(encoding).splitlines()


def line_with(text: str, lines: list[str]) -> str:
    return next(line for line in lines if text in line)


def test_the_bars_follow_each_other_and_the_mark_stands_where_it_converts() -> None:
    lines = drawn(failed_over().story())
    heading, alpha, delta = (line_with(text, lines) for text in ("verdict", " 1  alpha  busy", " 2  delta  connected"))
    start, end = heading.index("  0 ") + 2, len(heading)
    assert heading.endswith("1:47.3")
    assert alpha[start:].startswith("░")
    assert alpha.rstrip().rindex("░") <= delta.index("░")
    assert "◆" in delta
    mark, width = delta.index("◆") - start, end - start
    assert mark == 105_000 * width // 107_300
    assert delta[start + mark - 1] == "█"


def test_a_call_that_ended_short_shows_the_mark_behind_its_talk() -> None:
    lines = drawn(failed_over(60).story())
    delta = line_with(" 2  delta", lines)
    assert delta.index("◇") > delta.rindex("█") + 1
    assert any("◇ here it would convert" in line for line in lines)
    assert any("60.0 s of 95 s, 35.0 s short" in line for line in lines)


def test_a_live_call_shows_where_it_is_now() -> None:
    played = PlayedCall(make_call(make_attempt("alpha"))).tell("answered", 5, "alpha")
    lines = drawn(played.story(now=45))
    alpha = line_with(" 1  alpha", lines)
    assert alpha.index("█") < alpha.index("›") < alpha.index("◇")
    assert any("› now" in line for line in lines)


def test_ring_and_talk_times_and_who_hung_up_stand_with_each_buyer() -> None:
    lines = drawn(failed_over(ended_by="buyer").story())
    assert line_with(" 2  delta", lines).split()[2:7] == ["connected", "5.1", "s", "97.3", "s"]
    assert "took_call  +12025550101, delta hung up" in line_with("took_call", lines)
    assert "buyer_busy  SIP 486, +12025550101" in line_with("buyer_busy", lines)


def test_money_messages_verdicts_and_the_ping_are_all_there() -> None:
    dead = make_message(MessageState.DEAD, tries=9, last_status=500)
    text = "\n".join(drawn(failed_over().story(ping=make_ping(), messages=[dead])))
    for said in (
        "revenue 1.50 USD, payout 1.173 USD, margin 0.327 USD",
        "given up after 9 tries (HTTP 500)",
        "filter_not_matched  The caller does not match one of the buyer's filters.",
        "found age = 15   expected age >= 18   see buyers[bravo].filters[0]",
        PING_ID,
        "Reserved at 10:14:19 UTC for charlie: revenue 12.50 USD, payout 10.00 USD after 90 s.",
        "alpha was busy (SIP 486).  [fails]",
    ):
        assert said in text


def test_a_message_of_which_no_request_could_be_made_says_why() -> None:
    lost = make_message(MessageState.DEAD, tries=0, last_status=None, last_error="found 'é', expected ASCII")
    text = "\n".join(drawn(failed_over().story(messages=[lost])))
    assert "never sent: found 'é', expected ASCII" in text


def test_an_event_that_was_repeated_is_said_so_with_its_row() -> None:
    lines = drawn(failed_over().tell("ended", 108).story())
    assert "The call ended.  repeated  the call was over  [ends_again]" in line_with("repeated", lines)


@pytest.mark.parametrize("width", [50, 80, 100, 160])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    story = failed_over().story(ping=make_ping(), messages=[make_message()])
    assert max(len(line) for line in drawn(story, width=width)) <= width


def test_a_narrow_terminal_gets_no_bars_and_still_all_times() -> None:
    text = "\n".join(drawn(failed_over().story(), width=50))
    assert "█" not in text
    assert "97.3 s" in text


def test_a_terminal_without_these_characters_gets_bars_of_plain_ones() -> None:
    lines = drawn(failed_over().story(), encoding="ascii")
    delta = line_with(" 2  delta", lines)
    assert "#" in delta
    assert "|" in delta
    assert "?" not in delta


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    call = make_call(make_attempt("alpha", number="sip:\x1b[2J@evil"), inbound_number="\x1b]0;title\x07")
    tags = {**call.trace.tags, "note": TracedTag("a\x1b[31mb", "written")}
    text = "\n".join(drawn(PlayedCall(replace(call, trace=changed(call.trace, tags=tags))).story(now=3)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"\x1b[31mb" in text


def test_asks_of_a_routing_are_short_unless_they_are_wanted() -> None:
    call = make_call(make_attempt("alpha"))
    asked = changed(call.trace.routings[0], asks=[ASK_CHARLIE])
    story = PlayedCall(replace(call, trace=changed(call.trace, routings=[asked]))).story(now=3)
    assert any("Add --asks" in line for line in drawn(story))
    assert any("POST http://127.0.0.1:9101/bid" in line for line in drawn(story, with_asks=True))


def test_the_colours_are_those_of_a_call_flow() -> None:
    assert FLOW_TONES == {"plain": "blue", "good": "green", "limit": "yellow", "bad": "red"}
