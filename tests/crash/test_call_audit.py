"""The auditor of the chaos run finds each broken promise, and nothing where there is none; and reads SIPp's logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crash.call_audit import PAYOUT_MICROS, REVENUE_MICROS, Run, Verdict, audit
from crash.call_books import Call, End, read_books
from crash.call_contents import Attempt, Contents, Posting, StoredCall
from crash.call_pings import Pinged

AT = 1_700_000_000.0  # when the call came in; it was answered a second later, and lasted 2.5 s
CALL = Call(
    call_id="a-1@chaos",
    number="+12125550000",
    caller=End(invited_at=AT, answered_at=AT + 1.01, bye_at=AT + 3.5, bye_over_at=AT + 3.52, sent_bye=True),
    buyer=End(invited_at=AT + 0.5, answered_at=AT + 1, bye_at=AT + 3.51, bye_over_at=AT + 3.51),
)
REFUSED = Call(
    call_id="a-2@chaos",
    number="+12125550001",
    caller=End(invited_at=AT),
    refused_with=503,
    refused_at=AT + 6,
    retry_after=True,
)
BUSY = Attempt("r1", "busy", None, None, recorded=False, revenue="pending", payout="pending")
TALKED = Attempt("t1", "ash", 1_700_000_001_005, 2500, recorded=True, revenue="converted", payout="converted")
STORED = StoredCall("u1", "a-1@chaos", "+12125550000", "ended", "r1", (BUSY, TALKED))
EARNED = Posting(
    "conversion:u1:2:revenue",
    "u1",
    "conversion",
    "revenue",
    {"buyer/ash": -REVENUE_MICROS, "company/revenue": REVENUE_MICROS},
)
PAID = Posting(
    "conversion:u1:2:payout",
    "u1",
    "conversion",
    "payout",
    {"publisher/chaos": PAYOUT_MICROS, "company/payout": -PAYOUT_MICROS},
)
KEPT = Contents(
    calls=(STORED,),
    records=(("a-1@chaos", "t1", 2500),),
    inbox=(("a-1@chaos", "t1"),),
    postings=(EARNED, PAID),
    balances={**EARNED.entries, **PAID.entries},
    reservations={"r1": "done", "t1": "done"},
    places=0,
    open_callers=0,
    unnoted=0,
    ghosts=0,
)
PINGED = Pinged("+12125550000", {"uuid": "r1", "status": "reserved"}, AT - 3, 1)


def run_of(*calls: Call, kills: tuple[tuple[float, float], ...] = (), dialogs_last: bool = True) -> Run:
    return Run({call.call_id: call for call in calls}, [PINGED], kills, dialogs_last)


def with_talk(**changes: Any) -> Contents:
    """The same, with another account of the answered attempt."""
    attempt = replace(TALKED, **changes)
    return replace(KEPT, calls=(replace(STORED, attempts=(BUSY, attempt)),))


def verdict_on(contents: Contents, *calls: Call, **options: Any) -> Verdict:
    return audit(run_of(*(calls or (CALL, REFUSED)), **options), contents)


def test_kept_promises_are_no_findings() -> None:
    verdict = verdict_on(KEPT)
    assert verdict.violations == ()
    assert (verdict.counts["answered"], verdict.counts["refused"], verdict.counts["claimed"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("contents", "found"),
    [
        (replace(KEPT, calls=()), "answered, and not stored"),
        (replace(KEPT, calls=(STORED, replace(STORED, uuid="u2"))), "stored 2 times"),
        (replace(KEPT, calls=(STORED, replace(STORED, call_id="x"))), "x: stored, and nobody called"),
        (replace(KEPT, calls=(replace(STORED, phase="connected"),)), "it is over, and stored as connected"),
        (with_talk(recorded=False), "0 of its attempts are recorded"),
        (replace(KEPT, calls=(replace(STORED, attempts=(TALKED, TALKED)),)), "2 of its attempts are recorded"),
        (replace(KEPT, inbox=()), "the store took in the records []"),
        (replace(KEPT, inbox=KEPT.inbox * 2), "the store took in the records"),
        (replace(KEPT, records=()), "Kamailio has no record"),
        (replace(KEPT, records=(*KEPT.records, ("a-1@chaos", "t1", 6000))), "Kamailio recorded it 2 times"),
        (replace(KEPT, records=(("a-1@chaos", "t1", 2300),)), "Kamailio's records are"),
        (replace(KEPT, records=(("a-1@chaos", "r1", 2500),)), "Kamailio's records are"),
        (with_talk(duration_ms=2000), "ended at"),
        (with_talk(answered_ms=1_700_000_000_500), "answered at"),
        (with_talk(revenue="not_converted"), "its revenue is not_converted"),
        (with_talk(payout="pending"), "its payout is pending"),
        (with_talk(duration_ms=1900), "1900 ms, and booked"),
        (replace(KEPT, postings=(EARNED,)), "booked [('conversion', 'revenue')]"),
        (replace(KEPT, postings=(EARNED, PAID, EARNED)), "posted 2 times"),
        (replace(KEPT, postings=(EARNED, PAID, replace(PAID, key="again"))), "2500 ms, and booked"),
        (
            replace(KEPT, postings=(replace(EARNED, entries={"buyer/ash": -1, "company/revenue": 1}), PAID)),
            "is booked as",
        ),
        (replace(KEPT, postings=(replace(EARNED, entries={"buyer/ash": -1}), PAID)), "sums to -1"),
        (replace(KEPT, postings=(EARNED, PAID, replace(PAID, call_uuid="u9"))), "is of no call"),
        (replace(KEPT, balances={**KEPT.balances, "buyer/ash": 0}), "the balances are"),
        (replace(KEPT, calls=(replace(STORED, reservation_id=None),)), "it did not claim it"),
        (replace(KEPT, reservations={"r1": "done", "t1": "live"}), "leaked: reservations"),
        (replace(KEPT, places=1), "leaked: 1 places"),
        (replace(KEPT, open_callers=1), "leaked: 1 callers"),
        (replace(KEPT, ghosts=1), "1 calls are over, and would come back"),
        (replace(KEPT, unnoted=1), "1 records of Kamailio were never taken in"),
    ],
)
def test_a_store_that_differs_from_what_both_ends_saw_is_found(contents: Contents, found: str) -> None:
    violations = verdict_on(contents).violations
    assert any(found in line for line in violations), violations


def test_a_reservation_with_two_calls_is_found() -> None:
    other = replace(STORED, uuid="u2", call_id="a-2@chaos", attempts=(BUSY,))
    violations = verdict_on(replace(KEPT, calls=(STORED, other))).violations
    assert violations == ("reservation r1 has 2 calls",)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"retry_after": False}, "503 without Retry-After"),
        ({"refused_with": 480}, "refused with 480"),
    ],
)
def test_a_call_that_was_not_refused_cleanly_is_found(change: dict[str, Any], found: str) -> None:
    violations = verdict_on(KEPT, CALL, replace(REFUSED, **change)).violations
    assert [line for line in violations if found in line]


def test_money_for_a_refused_call_is_found() -> None:
    stored = StoredCall("u2", "a-2@chaos", "+12125550001", "refused", None, ())
    booked = replace(KEPT, calls=(STORED, stored), postings=(EARNED, replace(PAID, call_uuid="u2", key="wrong")))
    assert "a-2@chaos: nobody answered, and booked is ['wrong']" in verdict_on(booked).violations


def test_a_record_of_a_call_that_no_buyer_answered_is_found() -> None:
    stored = StoredCall("u2", "a-2@chaos", "+12125550001", "ended", None, (replace(TALKED, duration_ms=0),))
    violations = verdict_on(replace(KEPT, calls=(STORED, stored))).violations
    assert [line for line in violations if "nobody answered, and it has the record" in line]


def test_a_call_whose_caller_gave_up_though_kamailio_ran_is_counted() -> None:
    unheard = replace(REFUSED, refused_with=None, gave_up_at=AT + 8)
    cancelled = replace(unheard, call_id="a-3@chaos", refused_with=487)
    assert verdict_on(KEPT, CALL, unheard, cancelled).counts["unheard"] == 2


def test_a_call_that_was_being_set_up_when_kamailio_was_killed_is_lost_and_counted() -> None:
    lost = replace(REFUSED, refused_with=None, gave_up_at=AT + 8)
    told = replace(REFUSED, call_id="a-3@chaos")
    verdict = verdict_on(KEPT, CALL, lost, told, kills=((AT + 0.1, AT + 0.5),))
    assert verdict.violations == ()
    assert (verdict.counts["lost"], verdict.counts["refused"]) == (2, 0)


def test_a_call_that_came_while_kamailio_was_away_is_not_lost() -> None:
    unheard = replace(REFUSED, refused_with=None, gave_up_at=AT + 8)
    assert verdict_on(KEPT, CALL, unheard, kills=((AT - 1, AT + 1),)).counts["unheard"] == 1


def test_of_two_accounts_of_a_kamailio_that_was_killed_as_a_call_ended_the_first_is_true() -> None:
    twice = replace(KEPT, records=(*KEPT.records, ("a-1@chaos", "t1", 6000)))
    kills = ((AT + 3.6, AT + 4),)
    assert verdict_on(twice, kills=kills).violations == ()
    second = replace(with_talk(duration_ms=6000), records=twice.records)
    assert [line for line in verdict_on(second, kills=kills).violations if "Kamailio's records are" in line]


@pytest.mark.parametrize(
    "change", [lambda: with_talk(duration_ms=2000), lambda: replace(with_talk(duration_ms=2000), records=())]
)
def test_only_a_call_that_kamailio_could_forget_may_be_shorter_than_it_was(change: Callable[[], Contents]) -> None:
    kills = ((AT + 2, AT + 2.5),)
    forgotten = replace(change(), records=())
    assert verdict_on(forgotten, kills=kills).violations
    verdict = verdict_on(forgotten, kills=kills, dialogs_last=False)
    assert verdict.violations == ()
    assert (verdict.counts["cut"], verdict.counts["short"]) == (1, 1)


def test_the_books_are_what_sipp_logged(tmp_path: Path) -> None:
    head = "Via: SIP/2.0/UDP 127.0.0.1\nFrom: <sip:+12125550000@127.0.0.1>;tag=1\nCall-ID: a-1@chaos\n"
    told = [
        ("10.0", "sent", f"INVITE sip:x SIP/2.0\n{head}CSeq: 1 INVITE\n\n"),
        ("10.5", "sent", f"INVITE sip:x SIP/2.0\n{head}CSeq: 1 INVITE\n\n"),
        ("11.0", "received", f"SIP/2.0 200 OK\n{head}CSeq: 1 INVITE\n\nv=0\n"),
        ("13.5", "sent", f"BYE sip:x SIP/2.0\n{head}CSeq: 2 BYE\n\n"),
        ("13.6", "received", f"SIP/2.0 200 OK\n{head}CSeq: 2 BYE\n\n"),
    ]
    caller, buyer = tmp_path / "caller", tmp_path / "buyer"
    caller.write_text(_logged(told))
    buyer.write_text(_logged([("10.9", "sent", f"SIP/2.0 200 OK\n{head}CSeq: 1 INVITE\n\n")]))
    [call] = read_books([caller], [buyer]).values()
    assert (call.number, call.answered, call.caller.sent_bye) == ("+12125550000", True, True)
    assert call.buyer is not None
    times = (call.caller.invited_at, call.buyer.answered_at, call.caller.answered_at, call.hung_up_at, call.ended_at)
    assert [round(at % 60, 1) for at in times if at is not None] == [10.0, 10.9, 11.0, 13.5, 13.6]


def test_a_refusal_is_read_with_its_retry_after(tmp_path: Path) -> None:
    head = "From: <sip:+12125550000@127.0.0.1>;tag=1\nCall-ID: a-1@chaos\nCSeq: 1 INVITE\n"
    log = tmp_path / "caller"
    log.write_text(_logged([("10.0", "received", f"SIP/2.0 503 Unavailable\n{head}Retry-After: 5\n\n")]))
    [call] = read_books([log], []).values()
    assert (call.refused_with, call.retry_after, call.answered) == (503, True, False)


def _logged(messages: list[tuple[str, str, str]]) -> str:
    line = "-" * 47
    return "".join(
        f"{line} 2026-11-24 12:00:{at}00000\nUDP message {way} ({len(text)} bytes):\n\n{text}\n"
        for at, way, text in messages
    )
