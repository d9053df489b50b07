"""Postings: two sides of one decision, that sum to zero or are not made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbid.ledger.entry import Account, Entry, name_of, owner_of, parse_account
from ringbid.ledger.posting import Posting, book_conversion, sum_entries
from ringbid.values.money import Money
from support.money import ACME, ALPHA, BRAVO, CALL, PUBLISHER, conversion, usd


def accounts_of(posting: Posting) -> dict[str, str]:
    return {entry.account: str(entry.amount) for entry in posting.entries}


def with_entries(*entries: tuple[str, Money]) -> Posting:
    return replace(conversion(), entries=tuple(Entry(Account(account), amount) for account, amount in entries))


def test_revenue_is_credited_to_the_company_and_owed_by_the_buyer() -> None:
    posting = conversion("1.5")
    assert accounts_of(posting) == {"company/revenue": "1.5 USD", "buyer/alpha": "-1.5 USD"}
    assert posting.shares == {ALPHA: 1_500_000}


def test_payout_is_owed_to_the_publisher_and_borne_by_the_company() -> None:
    posting = conversion("1.173", side="payout")
    assert accounts_of(posting) == {"company/payout": "-1.173 USD", "publisher/4321ABCD": "1.173 USD"}
    assert posting.shares == {PUBLISHER: 1_173_000}


def test_a_conversion_is_named_by_its_call_attempt_and_side() -> None:
    assert conversion().posting_key == f"conversion:{CALL}:1:revenue"
    assert conversion("9", account=BRAVO).posting_key == conversion("1").posting_key, "whatever it brings"
    assert conversion(side="payout").posting_key != conversion().posting_key != conversion(attempt=2).posting_key


def test_a_conversion_for_nothing_is_a_decision_too() -> None:
    assert accounts_of(conversion("0")) == {"company/revenue": "0 USD", "buyer/alpha": "0 USD"}


def test_a_conversion_below_zero_is_a_bug() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        conversion("-0.000001")


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ([("company/revenue", usd("1")), ("buyer/alpha", usd("-0.999999"))], "sum to 1 micros"),
        ([("company/revenue", usd("1")), ("buyer/alpha", Money(-1_000_000, "EUR"))], "must be in USD"),
        ([("company/revenue", Money(1, "EUR")), ("buyer/alpha", Money(-1, "EUR"))], "must be in USD"),
        ([("company/revenue", usd("0"))], "between"),
        ([("buyer/alpha", usd("1")), ("buyer/bravo", usd("-1"))], "between"),
        ([("company/revenue", usd("1")), ("publisher/P", usd("-1"))], "between"),
        ([("company/payout", usd("1")), ("buyer/alpha", usd("-1"))], "between"),
        ([("company/revenue", usd("2")), ("buyer/alpha", usd("-1")), ("buyer/alpha", usd("-1"))], "twice"),
        ([], "between"),
    ],
)
def test_a_posting_that_is_unbalanced_mixed_or_between_the_wrong_accounts_cannot_be_made(
    entries: list[tuple[str, Money]], what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        with_entries(*entries)


@pytest.mark.parametrize("wrong", [1.5, 1.0, True, "1"])
def test_an_entry_that_is_no_integer_cannot_be_made(wrong: object) -> None:
    with pytest.raises(TypeError, match="never a float"):
        book_conversion(
            company_id=ACME,
            call_id=CALL,
            attempt=1,
            side="revenue",
            account=ALPHA,
            amount=Money(wrong, "USD"),  # type: ignore[arg-type]  -- it is the wrong one that is meant
            rule_id=None,
            rule_version=None,
        )


@pytest.mark.parametrize("missing", ["posting_key", "company_id", "call_id", "author"])
def test_a_posting_says_what_caused_it_whose_it_is_and_who_made_it(missing: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        replace(conversion(), **{missing: ""})


def test_postings_add_up_by_company_account_and_currency() -> None:
    sums = sum_entries([conversion("1.5"), conversion("2", account=BRAVO), conversion("1.2", side="payout")])
    assert {account: micros for (_, account, _), micros in sums.items()} == {
        "company/revenue": 3_500_000,
        "buyer/alpha": -1_500_000,
        "buyer/bravo": -2_000_000,
        "company/payout": -1_200_000,
        "publisher/4321ABCD": 1_200_000,
    }
    assert {(company, currency) for company, _, currency in sums} == {("acme", "USD")}


@pytest.mark.parametrize("text", ["buyer/alpha", "publisher/4321ABCD", "company/revenue", "company/payout"])
def test_an_account_is_an_owner_and_a_name(text: str) -> None:
    account = parse_account(text)
    assert account == text
    assert f"{owner_of(account)}/{name_of(account)}" == text


@pytest.mark.parametrize("text", ["", "alpha", "buyer", "buyer/", "seller/alpha", "company/margin", "Buyer/alpha"])
def test_what_is_no_account_is_none(text: str) -> None:
    assert parse_account(text) is None
