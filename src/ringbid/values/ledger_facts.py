"""The texts of the reasons that arise where somebody corrects the ledger. `reason` lists them under their names."""

from __future__ import annotations

from ringbid.values.facts import Facts, Fault, Stage


def _ledger(code: str, text: str, *, safe: str | None = None) -> Facts:
    return Facts(code, Stage.LEDGER, Fault.OWNER, text, safe or text, public=True)


NOTHING_BOOKED = _ledger(
    "nothing_booked", "Nothing is booked here for this call: check its uuid, the side and the account."
)
ALREADY_VOIDED = _ledger(
    "already_voided", "What was booked here for this call is voided already. To bring it back, convert it by hand."
)
AMOUNT_OUT_OF_RANGE = _ledger(
    "amount_out_of_range", "After the correction, the revenue or payout would not lie from 0 to 1,000,000."
)
AMOUNT_UNCHANGED = _ledger("amount_unchanged", "The revenue or payout has this very amount already.")
ADJUSTMENT_CURRENCY_DIFFERS = _ledger(
    "adjustment_currency_differs", "The call was booked in another currency. Give the amount in that one."
)
ADJUSTMENT_ACCOUNT_UNCLEAR = _ledger(
    "adjustment_account_unclear",
    "Several buyers pay for this call: name the account that is meant.",
    safe="It is not clear which account is meant.",
)
NOTE_INVALID = _ledger("note_invalid", "A correction needs a note of why: one line of 1 to 500 characters.")
