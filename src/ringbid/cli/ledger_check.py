"""What `ringbid doctor` says about the ledger: facts in, a finding out, as in `checks`."""

from __future__ import annotations

from collections.abc import Sequence

from ringbid.cli.checks import Finding
from ringbid.ledger.ports import LedgerProblem


def check_ledger(problems: Sequence[LedgerProblem]) -> Finding:
    """Whether every posting sums to zero, and every balance is what its entries add up to."""
    if not problems:
        return Finding("Ledger", "ok", "every posting sums to zero, and every balance to its entries")
    others = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    if all(problem.kind == "balance" for problem in problems):
        return Finding("Ledger", "broken", f"{problems[0].text}{others}", "ringbid ledger verify --mend")
    mend = "ringbid ledger verify lists what is wrong; restore the store from a backup"
    return Finding("Ledger", "broken", f"{problems[0].text}{others}", mend)
