"""What the demo shows of a ping: the chip, the buyer and the top reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ringbid.cli.demo_rows import Row, row_of
from ringbid.edge.emulate.publishers import PingMaker, Reply, SentPing
from ringbid.reservations.trace import TracedVerdict
from ringbid.values.reason import Reason
from support.stored_pings import PING_ID, make_ping, make_trace

AT = datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC)
PLANNED = PingMaker(seed=7).next()


def row(reply: Reply | None, stored: object = None, then: str | None = None) -> Row:
    sent = SentPing(planned=PLANNED, reply=reply, took_ms=41.6, then_status=then)
    return row_of(sent, stored, at=AT)


def test_a_reserved_ping_shows_buyer_payout_and_what_kept_the_others() -> None:
    reply = Reply(status="reserved", uuid=PING_ID, retreaver_payout=Decimal("1.173"))
    shown = row(reply, make_ping(), "confirmed")
    assert (shown.label.word, shown.then, shown.buyer, shown.payout) == ("reserved", "confirmed", "charlie", "1.173")
    assert shown.why == "1 outbid, 1 filtered, 1 timed out, 1 capped, 1 not needed"
    assert not shown.refused


def test_a_ping_that_nobody_took_shows_the_counted_verdicts_and_can_be_explained() -> None:
    verdicts = [TracedVerdict(buyer="a", reason="buyer_closed"), TracedVerdict(buyer="b", reason="buyer_closed")]
    stored = make_ping(Reason.NO_BUYER_AVAILABLE, trace=make_trace(Reason.NO_BUYER_AVAILABLE, verdicts=verdicts))
    shown = row(Reply(status="no-target", uuid=PING_ID, code="no_buyer_available"), stored)
    assert (shown.label.word, shown.why, shown.payout) == ("no target", "2 closed", "")
    assert shown.refused


def test_a_ping_refused_for_its_request_shows_the_code() -> None:
    shown = row(Reply(status="rejected", uuid=PING_ID, code="publisher_paused"), make_ping(Reason.PUBLISHER_PAUSED))
    assert (shown.label.word, shown.why, shown.refused) == ("rejected", "publisher_paused", True)


def test_a_duplicate_shows_the_buyer_that_holds_the_place() -> None:
    shown = row(Reply(status="reserved", uuid=PING_ID, retreaver_ping_shield=True), make_ping())
    assert (shown.label.word, shown.buyer, shown.refused) == ("duplicate", "charlie", False)


def test_a_request_that_was_no_ping_shows_its_code_and_cannot_be_explained() -> None:
    shown = row(Reply(status="rejected", code="caller_number_missing"))
    assert (shown.label.word, shown.why, shown.refused) == ("bad request", "caller_number_missing", False)


@pytest.mark.parametrize(("status", "tone"), [("reserved", "good"), ("no-target", "limit")])
def test_a_ping_that_the_store_does_not_know_shows_what_the_publisher_was_told(status: str, tone: str) -> None:
    shown = row(Reply(status=status, uuid=PING_ID))
    assert (shown.label.word, shown.label.tone) == (status, tone)


def test_a_ping_without_an_answer_is_alarming() -> None:
    assert row(None).label.tone == "bad"


def test_of_a_caller_only_the_last_four_digits_are_shown() -> None:
    assert row(None).caller == f"…{PLANNED.caller_number[-4:]}"
    assert len(row(None).caller) == 5
