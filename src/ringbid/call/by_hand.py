"""Conversions that a person decides: a side that did not convert by itself does, for an amount, with author and note.

`ledger.correcting` says whether that may be booked, under the call's lock; the call's state shows it, and whoever is
told of conversions is told. Adjusting and voiding what is booked is the ledger's own matter. Called by
`worker.call_orders`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from ringbid.call import react
from ringbid.call.access import answered
from ringbid.call.convert import Conversion, Side, terms_of
from ringbid.call.money_audit import money_change
from ringbid.call.ports import CallPlans, Calls, Lookups, Reaction, StoredCall
from ringbid.call.state import Attempt, SideOutcome
from ringbid.ledger.correcting import convert_by_hand
from ringbid.ledger.entry import Account, buyer_account, publisher_account
from ringbid.values.author import Author
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, RandomBytes, RuleId
from ringbid.values.money import MAX_MICROS, MICROS_PER_UNIT, Money, format_price
from ringbid.values.quote import SideTerms
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_NO_RULE = SideTerms(rule_id=RuleId(""), rule_version="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What a person wants to convert. `amount_micros` None: what was quoted; `attempt` None: the last buyer that had
    the call, else the last that was rung; they count from 1."""

    call_id: CallId
    side: Side
    author: Author
    note: str
    amount_micros: int | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was booked."""

    call_id: CallId
    attempt: int
    side: Side
    account: Account
    amount: Money


async def convert_call(
    calls: Calls, wanted: ByHand, *, plans: CallPlans, random_bytes: RandomBytes
) -> Converted | Refused:
    """Book it. Refused: CALL_UNKNOWN, CALL_NOT_TAKEN (no such attempt), PUBLISHER_UNKNOWN (nobody to be paid),
    AMOUNT_OUT_OF_RANGE, NOTE_INVALID, CONVERSION_DECIDED."""
    change = partial(_convert, wanted=wanted, plans=plans, random_bytes=random_bytes)
    changed = await calls.change(wanted.call_id, change)
    if isinstance(changed, Refused):
        return changed
    number = _number_of(changed, wanted)
    assert number is not None, "it was there when the change was made"
    attempt = changed.state.attempts[number - 1]
    outcome = attempt.revenue if wanted.side == "revenue" else attempt.payout
    return Converted(
        call_id=changed.call_id,
        attempt=number,
        side=wanted.side,
        account=_account(changed, attempt, wanted.side),
        amount=Money(outcome.amount_micros, attempt.quote.currency),
    )


def _convert(
    call: StoredCall, lookups: Lookups, *, wanted: ByHand, plans: CallPlans, random_bytes: RandomBytes
) -> Reaction | Refused:
    number = _number_of(call, wanted)
    if number is None:
        count = len(call.state.attempts)
        actual = f"attempt {wanted.attempt}" if wanted.attempt is not None else "nobody was rung"
        return Refused(Reason.CALL_NOT_TAKEN, actual=actual, expected=f"1 to {count}" if count else None)
    if wanted.side == "payout" and not call.publisher_id:
        return Refused(Reason.PUBLISHER_UNKNOWN, actual="the call is of no publisher")
    attempt = call.state.attempts[number - 1]
    quoted = attempt.quote.revenue_micros if wanted.side == "revenue" else attempt.quote.payout_micros
    micros = quoted if wanted.amount_micros is None else wanted.amount_micros
    if not 0 <= micros <= MAX_MICROS:
        expected = f"0 to {MAX_MICROS // MICROS_PER_UNIT}"
        return Refused(Reason.AMOUNT_OUT_OF_RANGE, actual=format_price(micros), expected=expected)
    booked = lookups.postings_of(call)
    posting = convert_by_hand(
        booked,
        company_id=call.company_id,
        call_id=call.call_id,
        attempt=number,
        side=wanted.side,
        account=_account(call, attempt, wanted.side),
        amount=Money(micros, attempt.quote.currency),
        author=wanted.author.name,
        note=wanted.note,
    )
    if isinstance(posting, Refused):
        return posting
    outcome = SideOutcome(
        outcome="converted",
        amount_micros=micros,
        reason=Reason.CONVERTED_BY_HAND.code,
        actual=f"by {wanted.author.name}",
        decided_ms=to_ms(lookups.now),
    )
    after = replace(attempt, revenue=outcome) if wanted.side == "revenue" else replace(attempt, payout=outcome)
    if wanted.side == "revenue" and attempt.payout.reason == Reason.REVENUE_MISSED.code:
        after = replace(after, payout=SideOutcome())  # it converts when the revenue does, whenever that is
    conversion = Conversion(after, wanted.side, micros, terms_of(attempt, wanted.side) or _NO_RULE)
    reaction = react.decide_by_hand(
        call, lookups, conversion=conversion, posting=posting, plans=plans, random_bytes=random_bytes
    )
    return dataclasses.replace(reaction, audit=(money_change(wanted.author, booked, posting),))


def _number_of(call: StoredCall, wanted: ByHand) -> int | None:
    """Which attempt is meant, from 1; None where there is none such."""
    attempts = call.state.attempts
    if wanted.attempt is not None:
        return wanted.attempt if 1 <= wanted.attempt <= len(attempts) else None
    if not attempts:
        return None
    had = answered(call)
    return attempts.index(had[0] if had else attempts[-1]) + 1


def _account(call: StoredCall, attempt: Attempt, side: Side) -> Account:
    return buyer_account(attempt.buyer_id) if side == "revenue" else publisher_account(call.publisher_id)
