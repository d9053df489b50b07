"""What the doctor says about the ledger."""

from __future__ import annotations

from ringbid.cli.ledger_check import check_ledger
from ringbid.ledger.ports import LedgerProblem

BALANCE = LedgerProblem("balance", "the balance of buyer/alpha (acme) differs from its entries by -0.5 USD")
POSTING = LedgerProblem("posting", "posting x has 1 entries that sum to 1, not to 0")


def test_a_ledger_that_adds_up_is_ok() -> None:
    assert check_ledger([]).state == "ok"


def test_wrong_balances_are_broken_and_can_be_mended() -> None:
    found = check_ledger([BALANCE, BALANCE])
    assert (found.state, found.found) == ("broken", f"{BALANCE.text}, and 1 more")
    assert found.mend == "ringbid ledger verify --mend"


def test_wrong_entries_are_broken_and_need_a_backup() -> None:
    found = check_ledger([POSTING, BALANCE])
    assert found.state == "broken"
    assert "backup" in (found.mend or "")
