"""The promises about the auction, each for whatever buyers may do. The whole product runs but the network, in virtual
time: an hour in which nobody answers takes no time at all."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.reservations.reservation import Reservation
from ringbid.values.reason import Reason
from support.auctions import AskedBuyer, Auctions, Result, Script, bid

# A store in a file makes an example slow to begin, which says nothing about the product.
FEW = settings(max_examples=20, derandomize=True, database=None)
MOST = 1_000_000
STRATEGIES = st.sampled_from(["bid", "performance", "priority"])
RANK_REASONS = {"won", "outbid", "outperformed", "not_drawn", "lower_priority"}

AMOUNTS = st.one_of(
    st.integers(0, 3).map(str), st.decimals(0, 100, places=2).map(str), st.just(str(MOST)), st.just("0.000001")
)
HOSTILE = st.one_of(
    st.just(Script(None)),
    st.binary(max_size=40).map(lambda body: Script(body=body, status=500)),
    st.binary(max_size=40).map(lambda body: Script(body=b"\xff" + body)),
    st.sampled_from(
        ["NaN", "Infinity", "-Infinity", "-1", "1e309", "1e-400", str(MOST + 1), "9" * 400, "true", '"x"', "[]", "null"]
    ).map(bid),
    st.just(Script(body=b"[" * 5000)),
    st.just(Script(body=b'{"accepted": true, "amount": 1, "amount": 2}')),
    st.integers(300, 599).map(lambda status: replace(bid("999"), status=status)),
    st.sampled_from([Reason.ASK_UNREACHABLE, Reason.ASK_TLS_FAILED, Reason.BID_UNREADABLE]).map(
        lambda reason: Script(fails=reason)
    ),
    st.floats(5.0, 4000.0).map(lambda seconds: bid("999", seconds=seconds)),
)
PRICED = AMOUNTS.map(bid)


@st.composite
def buyers_of(draw: st.DrawFn, scripts: st.SearchStrategy[Script], *, least: int = 1) -> list[AskedBuyer]:
    return [
        AskedBuyer(
            name=f"b{index}",
            script=draw(scripts),
            priority=draw(st.sampled_from([1, 1, 2])),
            weight=draw(st.sampled_from([1, 1, 5])),
            settings=draw(st.sampled_from([{}, {}, {}, {"paused": True}, {"caps": {"concurrency": 0}}])),
        )
        for index in range(draw(st.integers(least, 4)))
    ]


def outcome(result: Result) -> dict[str, Any]:
    """What must not depend on the order of buyers, or on a buyer that fails."""
    told = {name: result.reply.get(name) for name in ("status", "retreaver_payout", "retreaver_seconds")}
    return {"winner": result.winner, **told}


def price_of(buyer: AskedBuyer) -> Fraction:
    """What a buyer with a valid answer bids."""
    return Fraction(str(json.loads(buyer.script.body, parse_float=Decimal)["amount"]))


@FEW
@given(
    timeout_ms=st.integers(100, 5000),
    delays=st.lists(st.one_of(st.none(), st.floats(0, 12)), min_size=1, max_size=5),
)
def test_the_answer_comes_within_the_deadline_whatever_buyers_do(
    sqlite_template: Path, timeout_ms: int, delays: list[float | None]
) -> None:
    """11. In virtual time, so that only waiting counts."""
    buyers = [
        AskedBuyer(name=f"b{index}", script=replace(bid(str(index + 1)), seconds=delay))
        for index, delay in enumerate(delays)
    ]
    with Auctions(sqlite_template) as auctions:
        result = auctions.hold(buyers, key={"timeout_seconds": timeout_ms / 1000})
    assert result.took_seconds <= timeout_ms / 1000
    kept_back = min(0.2, timeout_ms / 10_000)
    in_time = [
        one.name
        for one in buyers
        if one.script.seconds is not None and one.script.seconds < timeout_ms / 1000 - kept_back - 1e-6
    ]
    assert result.winner == (in_time[-1] if in_time else None), result.reasons


@FEW
@given(buyers=buyers_of(PRICED), hostile=st.lists(HOSTILE, min_size=1, max_size=2), strategy=STRATEGIES)
def test_a_hostile_buyer_more_leaves_the_same_winner(
    sqlite_template: Path, buyers: list[AskedBuyer], hostile: list[Script], strategy: str
) -> None:
    """12, in its metamorphic form."""
    others = [AskedBuyer(name=f"a{index}", script=script) for index, script in enumerate(hostile)]
    with Auctions(sqlite_template) as auctions:
        before = auctions.hold(buyers, strategy=strategy)
        after = auctions.hold([*others, *buyers], strategy=strategy)
    assert outcome(after) == outcome(before)
    assert {name: after.reasons[name] for name in before.reasons} == before.reasons
    assert all(after.reasons[one.name] not in RANK_REASONS for one in others), after.reasons


@FEW
@given(buyers=buyers_of(PRICED, least=2), failure=HOSTILE, which=st.integers(0, 3), strategy=STRATEGIES)
def test_one_buyers_failure_changes_no_other_buyers_verdict_but_by_rank(
    sqlite_template: Path, buyers: list[AskedBuyer], failure: Script, which: int, strategy: str
) -> None:
    """12. Who wins may change; why the others are out may not."""
    failed = buyers[which % len(buyers)]
    with Auctions(sqlite_template) as auctions:
        before = auctions.hold(buyers, strategy=strategy)
        after = auctions.hold(
            [replace(one, script=failure) if one is failed else one for one in buyers], strategy=strategy
        )
    for one in buyers:
        if one is not failed:
            ranked = {before.reasons[one.name], after.reasons[one.name]} <= RANK_REASONS
            assert ranked or before.reasons[one.name] == after.reasons[one.name]
            assert ranked or one.name not in (before.winner, after.winner)


@FEW
@given(buyers=buyers_of(st.one_of(PRICED, PRICED, HOSTILE), least=2), strategy=STRATEGIES, data=st.data())
def test_permuting_the_buyers_changes_neither_the_winner_nor_the_payouts(
    sqlite_template: Path, buyers: list[AskedBuyer], strategy: str, data: st.DataObject
) -> None:
    """13. With the same seed, ties too."""
    permuted = data.draw(st.permutations(buyers))
    with Auctions(sqlite_template) as auctions:
        before = auctions.hold(buyers, strategy=strategy)
        after = auctions.hold(permuted, strategy=strategy)
    assert after.trace.seed == before.trace.seed
    assert outcome(after) == outcome(before)
    assert after.reasons == before.reasons
    assert list(after.reasons) == list(before.reasons), "and the trace has them in the same order"
    assert {one.buyer: one.payout_micros for one in after.trace.verdicts} == {
        one.buyer: one.payout_micros for one in before.trace.verdicts
    }


@FEW
@given(buyers=buyers_of(st.one_of(PRICED, PRICED, HOSTILE)))
def test_the_winner_is_the_best_valid_bid_of_an_eligible_buyer(sqlite_template: Path, buyers: list[AskedBuyer]) -> None:
    """13, judged by hand; ties are the seed's."""
    with Auctions(sqlite_template) as auctions:
        result = auctions.hold(buyers)
    valid = [one for one in buyers if not one.settings and result.reasons[one.name] in RANK_REASONS]
    assert {one.name for one in valid} >= {
        one.name for one in buyers if not one.settings and one.script in _known_prices(buyers)
    }, "a valid bid was thrown away"
    best = min(((one.priority, -price_of(one)) for one in valid), default=None)
    assert result.winner in (
        [one.name for one in valid if (one.priority, -price_of(one)) == best] if best is not None else [None]
    )


def _known_prices(buyers: list[AskedBuyer]) -> list[Script]:
    """The scripts that are valid bids in time."""
    known = []
    for one in buyers:
        script = one.script
        if script.status != 200 or script.fails is not None or script.seconds is None or script.seconds >= 4.8:
            continue
        try:
            price = price_of(one)
        except (ValueError, TypeError, KeyError, RecursionError, UnicodeDecodeError, OverflowError):
            continue
        if 0 <= price <= MOST and b'"amount": 1, "amount"' not in script.body:
            known.append(script)
    return known


@FEW
@given(buyers=buyers_of(st.one_of(PRICED, HOSTILE)), strategy=STRATEGIES, age=st.sampled_from([{}, {"age": "9"}]))
def test_every_configured_buyer_appears_once_in_the_trace_with_a_reason(
    sqlite_template: Path, buyers: list[AskedBuyer], strategy: str, age: dict[str, str]
) -> None:
    """14. For a ping that is priced, its duplicate, and one of a publisher who may not ping."""
    codes = {reason.code for reason in Reason}
    with Auctions(sqlite_template) as auctions:
        first = auctions.hold(buyers, strategy=strategy)
        scripts = {one.name: one.script for one in buyers}
        for result in (first, auctions.ping(scripts, **age), auctions.ping(scripts, publisher_id="off")):
            named = [verdict.buyer for verdict in result.trace.verdicts]
            assert sorted(named) == sorted(one.name for one in buyers)
            assert {verdict.reason for verdict in result.trace.verdicts} <= codes
        assert (first.winner is None) == ("won" not in first.reasons.values())


NUMBERS = st.one_of(
    AMOUNTS,
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(json.dumps),
    st.integers(-(10**30), 10**30).map(str),
    st.text("0123456789.-+eE", max_size=12),
    st.decimals(-1, MOST + 1, places=8).map(lambda number: json.dumps(str(number))),
    st.text(max_size=12).map(json.dumps),
)


@settings(FEW, max_examples=80)
@given(number=NUMBERS, percent=st.sampled_from(["100%", "80%", "33.333%", "0%"]))
def test_a_quote_is_finite_and_from_zero_to_the_maximum_and_the_stored_one_is_the_one_that_was_sent(
    sqlite_template: Path, number: str, percent: str
) -> None:
    """15. As it was sent, as it is stored, and as the trace tells it."""
    with Auctions(sqlite_template) as auctions:
        rule = {
            "name": "r",
            "buyer": "b",
            "seconds": 90,
            "revenue": "[b_bid]",
            "payout": percent,
            "publishers": ["pub"],
        }
        result = auctions.hold([AskedBuyer(name="b", script=bid(number))], campaign={"conversions": [rule]})
    reservation = result.stored.reservation
    if result.winner is None:
        assert reservation is None
        assert "inbound_number" not in result.reply
        assert "retreaver_payout" not in result.reply
        return
    assert isinstance(reservation, Reservation)
    sent = json.loads(result.response.body, parse_float=Decimal, parse_int=Decimal)["retreaver_payout"]
    assert isinstance(sent, Decimal)
    assert sent.is_finite()
    assert 0 <= sent <= MOST
    assert sent * 1_000_000 == reservation.quote.payout_micros
    assert result.trace.verdicts[0].payout_micros == reservation.quote.payout_micros
    offered = Fraction(json.loads(b'{"n": ' + number.encode() + b"}", parse_float=str, parse_int=str)["n"].strip())
    assert abs(Fraction(reservation.quote.revenue_micros) - offered * 1_000_000) <= Fraction(1, 2), "rounded once"
