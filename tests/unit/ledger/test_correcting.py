"""Corrections: what was booked is never changed, only added to; each refusal has its reason."""

from __future__ import annotations

import pytest

from ringbid.ledger.correcting import Adjust, Corrected, Correction, convert_by_hand, correct, standing_of
from ringbid.ledger.posting import Posting, sum_entries
from ringbid.values.ids import CallId
from ringbid.values.money import Money
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.money import ACME, ALPHA, BRAVO, CALL, PUBLISHER, adjust_by, adjust_to, conversion, usd, void_it

CONVERTED = [conversion("1.5"), conversion("1.2", side="payout")]
TWO_BUYERS = [conversion("1.5"), conversion("2", account=BRAVO, attempt=2)]


def booked(postings: list[Posting], *corrections: Correction) -> list[Posting]:
    """`postings` with those of `corrections`, none of which may be refused."""
    postings = list(postings)
    for correction in corrections:
        made = correct(postings, correction)
        assert isinstance(made, Corrected), made
        assert not made.repeated
        postings.append(made.posting)
    return postings


def refusal(postings: list[Posting], correction: Correction) -> Reason:
    refused = correct(postings, correction)
    assert isinstance(refused, Refused)
    return refused.reason


@pytest.mark.parametrize(
    ("correction", "difference", "after"),
    [
        (adjust_to("2"), 500_000, 2_000_000),
        (adjust_to("1.25"), -250_000, 1_250_000),
        (adjust_to("0"), -1_500_000, 0),
        (adjust_by("0.1"), 100_000, 1_600_000),
        (adjust_by("-1.5"), -1_500_000, 0),
        (adjust_to("1000000"), 999_998_500_000, 1_000_000_000_000),
    ],
)
def test_an_adjustment_books_the_difference(correction: Adjust, difference: int, after: int) -> None:
    *_, posting = postings = booked(CONVERTED, correction)
    assert (posting.kind, posting.shares) == ("adjustment", {ALPHA: difference})
    assert standing_of(postings, "revenue").shares == {ALPHA: after}
    assert standing_of(postings, "payout").shares == {PUBLISHER: 1_200_000}, "the other side stays"


def test_a_correction_says_by_whom_why_and_which_rule_it_corrects() -> None:
    *_, posting = booked(CONVERTED, adjust_to("2", note="agreed by phone"))
    assert (posting.author, posting.note) == ("anna", "agreed by phone")
    assert (posting.rule_id, posting.rule_version) == ("auto-insurance/alpha", "5d1f0c")


def test_a_void_takes_back_whatever_stands_after_all_adjustments() -> None:
    postings = booked(CONVERTED, adjust_to("2", "k1"), adjust_by("-0.3", "k2"), void_it("k3"))
    assert postings[-1].shares == {ALPHA: -1_700_000}
    assert sum_entries(postings)[ACME, ALPHA, "USD"] == 0
    assert standing_of(postings, "revenue").voided
    assert not standing_of(postings, "payout").voided


def test_a_void_of_a_conversion_for_nothing_is_booked_too() -> None:
    *_, posting = booked([conversion("0")], void_it())
    assert (posting.kind, posting.shares) == ("void", {ALPHA: 0})


def test_a_void_takes_back_what_every_buyer_of_the_call_owes() -> None:
    *_, posting = booked(TWO_BUYERS, void_it())
    assert posting.shares == {ALPHA: -1_500_000, BRAVO: -2_000_000}


def test_with_several_buyers_the_account_must_be_named() -> None:
    assert refusal(TWO_BUYERS, adjust_to("1")) is Reason.ADJUSTMENT_ACCOUNT_UNCLEAR
    assert booked(TWO_BUYERS, adjust_to("1", account=BRAVO))[-1].shares == {BRAVO: -1_000_000}


@pytest.mark.parametrize("correction", [adjust_to("2", "other"), adjust_by("2", "other"), void_it("other")])
def test_what_was_voided_is_corrected_no_more(correction: Correction) -> None:
    assert refusal(booked(CONVERTED, void_it()), correction) is Reason.ALREADY_VOIDED


@pytest.mark.parametrize("correction", [adjust_to("2"), void_it()])
def test_where_nothing_is_booked_nothing_can_be_corrected(correction: Correction) -> None:
    assert refusal([], correction) is Reason.NOTHING_BOOKED
    assert refusal([conversion(side="payout")], correction) is Reason.NOTHING_BOOKED


@pytest.mark.parametrize(
    ("correction", "reason"),
    [
        (adjust_to("-0.000001"), Reason.AMOUNT_OUT_OF_RANGE),
        (adjust_by("-1.500001"), Reason.AMOUNT_OUT_OF_RANGE),
        (adjust_to("1000000.000001"), Reason.AMOUNT_OUT_OF_RANGE),
        (adjust_to("1.5"), Reason.AMOUNT_UNCHANGED),
        (adjust_by("0"), Reason.AMOUNT_UNCHANGED),
        (adjust_to("0", set_to=Money(1, "EUR")), Reason.ADJUSTMENT_CURRENCY_DIFFERS),
        (adjust_to("2", account=BRAVO), Reason.NOTHING_BOOKED),
        (adjust_to("2", note=" "), Reason.NOTE_INVALID),
        (adjust_to("2", note="two\nlines"), Reason.NOTE_INVALID),
        (adjust_to("2", note="x" * 501), Reason.NOTE_INVALID),
        (adjust_to("2", key=""), Reason.IDEMPOTENCY_KEY_INVALID),
        (adjust_to("2", key="k" * 256), Reason.IDEMPOTENCY_KEY_INVALID),
        (adjust_to("2", key="clé"), Reason.IDEMPOTENCY_KEY_INVALID),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused(correction: Adjust, reason: Reason) -> None:
    assert refusal(CONVERTED, correction) is reason


@pytest.mark.parametrize("correction", [adjust_to("2"), adjust_by("0.5"), adjust_to("2", account=ALPHA), void_it()])
def test_the_same_correction_again_is_the_posting_that_it_made(correction: Correction) -> None:
    postings = booked(CONVERTED, correction)
    later = [*postings, conversion("3", attempt=2)]
    assert correct(later, correction) == Corrected(postings[-1], repeated=True)


def test_a_correction_repeated_after_others_is_still_the_same() -> None:
    postings = booked(CONVERTED, adjust_to("2", "k1"), adjust_by("1", "k2"), void_it("k3"))
    for correction, posting in zip(
        (adjust_to("2", "k1"), adjust_by("1", "k2"), void_it("k3")), postings[2:], strict=True
    ):
        assert correct(postings, correction) == Corrected(posting, repeated=True)


@pytest.mark.parametrize(
    "other",
    [adjust_to("3"), adjust_by("2"), adjust_to("2", note="something else"), adjust_to("2", account=BRAVO), void_it()],
)
def test_a_key_that_made_another_correction_is_refused(other: Correction) -> None:
    postings = booked(CONVERTED, adjust_to("2"))
    assert refusal(postings, other) is Reason.IDEMPOTENCY_KEY_REUSED


def test_an_adjustment_is_to_an_amount_or_by_one_and_not_both() -> None:
    for wrong in (adjust_to("1", set_to=None), adjust_to("1", change_by=usd("1"))):
        with pytest.raises(ValueError, match="either"):
            correct(CONVERTED, wrong)


def by_hand(postings: list[Posting], *, attempt: int = 1, note: str = "the buyer agreed") -> Posting | Refused:
    return convert_by_hand(
        postings,
        company_id=ACME,
        call_id=CALL,
        attempt=attempt,
        side="revenue",
        account=ALPHA,
        amount=usd("7"),
        author="anna",
        note=note,
    )


def test_a_conversion_by_hand_has_the_key_of_the_automatic_one_so_that_one_of_them_is_booked() -> None:
    made = by_hand([])
    assert isinstance(made, Posting)
    assert (made.posting_key, made.author, made.note) == (conversion().posting_key, "anna", "the buyer agreed")


def test_what_has_converted_is_not_converted_by_hand_again() -> None:
    refused = by_hand(CONVERTED)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.CONVERSION_DECIDED
    assert isinstance(by_hand(CONVERTED, attempt=2), Posting), "another attempt is another decision"


def test_what_was_voided_can_be_brought_back_by_hand_and_voided_again() -> None:
    postings = booked(CONVERTED, void_it("k1"))
    for key in ("k2", "k3"):
        made = by_hand(postings)
        assert isinstance(made, Posting)
        assert made.posting_key not in {posting.posting_key for posting in postings}
        postings = booked([*postings, made], adjust_by("1", f"{key}a"), void_it(key))
        assert isinstance(by_hand(postings[:-1]), Refused)
    assert sum_entries(postings)[ACME, ALPHA, "USD"] == 0


def test_a_conversion_by_hand_needs_a_note() -> None:
    refused = by_hand([], note="")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOTE_INVALID


def test_an_automatic_conversion_that_comes_late_finds_its_key_used_even_after_a_void() -> None:
    first = by_hand([])
    assert isinstance(first, Posting)
    voided = booked([first], void_it())
    again = by_hand(voided, attempt=2)
    assert isinstance(again, Posting)
    assert conversion(attempt=2).posting_key == again.posting_key
    assert conversion(attempt=1, call=CallId("another")).posting_key not in {one.posting_key for one in voided}
