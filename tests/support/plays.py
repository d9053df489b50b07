"""The base plays: together they reach every row of the table of `call.transitions`. Each is told in many ways by
`playbooks/test_playbooks.py`."""

from __future__ import annotations

from collections.abc import Mapping

from ringbid.values.reason import Reason
from support.playbook import Play, direct, reserved

MONEY = {"revenue": "1.50", "payout": "1.173"}
TOLD = "call_received buyer_selected answered converted converted call_ended"
TOLD_SHORT = "call_received buyer_selected answered call_ended"
RECOVERS = {"buyers[alpha].recover_below_seconds": 10}
TOGETHER = {
    "buyer_groups[+]": {"id": "desk", "name": "Desk", "buyers": ["alpha", "bravo"], "ring": "all_at_once"},
}
POSTBACK = {
    "campaigns[cars].conversions[any]": {
        "name": "any", "on": "postback", "postback_seconds": 600, "revenue": 1.5, "payout": 1.173,
    }
}  # fmt: skip
EVERYBODY_PAUSED = {f"buyers[{buyer}].paused": True for buyer in ("alpha", "bravo", "delta")}
# Who wants to know of a selected buyer keeps it from being a step that the network takes by itself.
UNSEEN = {"campaigns[cars].webhooks[buyer_selected]": "~remove"}
UNSEEN_TOLD = "call_received answered converted converted call_ended"

PLAYS: Mapping[str, Play] = {
    "a reserved call of exactly its seconds": (
        reserved().arrive("alpha").rings("alpha").talks("alpha", 95.0)
        .comes_to(**MONEY, told=TOLD, sides={"alpha": ("converted", "converted")}, counted=1)
    ),
    "a tenth of a second short": (
        reserved().arrive("alpha").talks("alpha", 94.9)
        .comes_to(told=TOLD_SHORT, sides={"alpha": ("call_too_short", "call_too_short")}, counted=1)
    ),
    "a reservation claimed by its SIP address": (
        reserved().arrive("alpha", by_uuid=True).talks("alpha", 120.0).comes_to(**MONEY, told=TOLD)
    ),
    "a direct call": direct().arrive("alpha").talks("alpha", 200.0).comes_to(**MONEY, told=TOLD, reservation=None),
    "the first is busy, the second takes it": (
        reserved().arrive("alpha").rings("alpha").fails("alpha", "busy").go_on("bravo").rings("bravo")
        .talks("bravo", 100.0)
        .comes_to(**MONEY, told=f"call_received buyer_selected {TOLD.partition(' ')[2]}", counted=1,
                  verdicts={"alpha": "buyer_busy", "bravo": None})
    ),
    "the network goes on by itself": (
        reserved(**UNSEEN).arrive("alpha", "bravo", "delta", most_steps=3).fails("alpha", "no_answer")
        .rings("bravo").talks("bravo", 100.0)
        .comes_to(**MONEY, told=UNSEEN_TOLD, counted=1,
                  verdicts={"alpha": "buyer_no_answer", "bravo": None, "delta": "other_buyer_answered"})
    ),
    "nobody answers, one after the other": (
        reserved().arrive("alpha").fails("alpha", "declined").go_on("bravo").fails("bravo", "unreachable")
        .go_on("delta").fails("delta", "failed").go_on(Reason.NOBODY_ANSWERED)
        .comes_to(told="call_received buyer_selected buyer_selected buyer_selected call_ended", counted=0,
                  reason="nobody_answered",
                  verdicts={"alpha": "buyer_refused_call", "bravo": "buyer_unreachable", "delta": "buyer_call_failed"})
    ),
    "nobody answers, as the network says": (
        reserved(**UNSEEN).arrive("alpha", "bravo", "delta", most_steps=3).fails("alpha").fails("bravo").fails("delta")
        .unanswered().comes_to(told="call_received call_ended", counted=0, reason="nobody_answered")
    ),
    "the caller hangs up while it rings": (
        reserved().arrive("alpha").rings("alpha").abandons()
        .comes_to(told="call_received buyer_selected call_ended", counted=0, reason="caller_hung_up",
                  verdicts={"alpha": "caller_hung_up"})
    ),
    "two ring at once": (
        reserved(**TOGETHER).arrive(("alpha", "bravo")).rings("alpha").rings("bravo").answers("bravo")
        .fails("alpha", "cancelled").wait(95).ends().record("bravo", 95.0)
        .comes_to(**MONEY, told=f"call_received buyer_selected {TOLD.partition(' ')[2]}", counted=1)
    ),
    "the buyer lets go early, the next takes it": (
        reserved(**RECOVERS).arrive("alpha").answers("alpha").wait(2).record("alpha", 2.0, "buyer").go_on("bravo")
        .talks("bravo", 95.0)
        .comes_to(**MONEY, told=f"call_received buyer_selected buyer_selected answered {TOLD_SHORT.split()[2]}"
                                " converted converted call_ended", counted=2,
                  sides={"alpha": ("call_too_short", "call_too_short"), "bravo": ("converted", "converted")},
                  verdicts={"alpha": "buyer_hung_up_early", "bravo": None})
    ),
    "the buyer lets go early, and one who was not needed takes it": (
        reserved(**RECOVERS, **UNSEEN).arrive("alpha", "bravo", most_steps=2).answers("alpha").wait(2)
        .record("alpha", 2.0, "buyer").go_on("bravo", "delta").talks("bravo", 95.0)
        .comes_to(**MONEY, told="call_received answered answered converted converted call_ended", counted=2)
    ),
    "the buyer lets go early, and nobody else is there": (
        reserved(**RECOVERS, **{"buyers[bravo].paused": True, "buyers[delta].paused": True})
        .arrive("alpha").answers("alpha").wait(2).record("alpha", 2.0, "buyer").go_on()
        .comes_to(told=TOLD_SHORT, counted=1, reason=None)
    ),
    "the buyer lets go early, and so does the caller": (
        reserved(**RECOVERS).arrive("alpha").answers("alpha").wait(2).record("alpha", 2.0, "buyer").abandons()
        .comes_to(told=TOLD_SHORT, counted=1, reason="caller_hung_up")
    ),
    "the buyer lets go early, and the network cannot go on": (
        reserved(**RECOVERS).arrive("alpha").answers("alpha").wait(2).record("alpha", 2.0, "buyer").ends()
        .comes_to(told=TOLD_SHORT, counted=1, reason=None)
    ),
    "one is said to have failed and has talked": (
        reserved().arrive("alpha").fails("alpha").go_on("bravo").answers("bravo").answers("alpha").wait(95)
        .record("alpha", 95.0).ends().record("bravo", 40.0)
        .comes_to(**MONEY, told="call_received buyer_selected buyer_selected answered answered converted converted"
                                " call_ended", counted=2,
                  sides={"alpha": ("converted", "converted"), "bravo": ("call_too_short", "call_too_short")})
    ),
    "everything again": (
        reserved().arrive("alpha").rings("alpha").rings("alpha", "b").answers("alpha").answers("alpha", "b")
        .rings("alpha", "c").fails("alpha").unanswered().wait(95).record("alpha", 95.0)
        .record("alpha", 300.0, name="b").comes_to(**MONEY, told=TOLD, counted=1)
    ),
    "everything too late": (
        reserved().arrive("alpha").answers("alpha").abandons("early").wait(95).ends().ends("b").answers("alpha", "b")
        .abandons().unanswered().record("alpha", 95.0).answers("nobody").comes_to(**MONEY, told=TOLD, counted=1)
    ),
    "a failure again": (
        reserved().arrive("alpha").fails("alpha").fails("alpha", "no_answer", "b").rings("alpha").unanswered()
        .comes_to(told="call_received buyer_selected call_ended", reason="nobody_answered", counted=0)
    ),
    "nothing but the record": (
        reserved().arrive("alpha").wait(95).record("alpha", 95.0).comes_to(**MONEY, told=TOLD, counted=1)
    ),
    "the end is told before the answer": (
        reserved(**UNSEEN).arrive("alpha", "bravo", most_steps=2).wait(95).ends().answers("alpha").fails("bravo")
        .record("alpha", 95.0).comes_to(**MONEY, told=UNSEEN_TOLD, counted=1)
    ),
    "nothing is told after the answer": (
        reserved().arrive("alpha").answers("alpha").wait(7300).check()
        .comes_to(told=TOLD_SHORT, counted=1, reason="call_unheard",
                  sides={"alpha": ("record_missing", "record_missing")})
    ),
    "the record never comes": (
        reserved().arrive("alpha").answers("alpha").wait(95).ends().wait(700).check()
        .comes_to(told=TOLD_SHORT, counted=1, sides={"alpha": ("record_missing", "record_missing")})
    ),
    "a conversion that is reported": (
        direct(**POSTBACK).arrive("alpha").talks("alpha", 5.0).wait(300).reports("alpha")
        .comes_to(**MONEY, told=TOLD, reservation=None, sides={"alpha": ("reported_converted", "reported_converted")})
    ),
    "a conversion that nobody reports": (
        direct(**POSTBACK).arrive("alpha").talks("alpha", 500.0).wait(601).check()
        .comes_to(told=TOLD_SHORT, reservation=None, sides={"alpha": ("postback_missed", "postback_missed")})
    ),
    "a call that nobody may take": (
        direct(**EVERYBODY_PAUSED).arrive(Reason.CALL_NOT_TAKEN).abandons().unanswered().ends()
        .comes_to(told="call_received call_ended", reservation=None, reason="call_not_taken", counted=0)
    ),
}  # fmt: skip
