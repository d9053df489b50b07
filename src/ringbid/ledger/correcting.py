"""Corrections: new postings that change what was booked, or take it back. Nothing booked is ever changed itself.

Pure: `postings` are all those of the call, in the order in which they were booked. The store reads them under the
call's lock, asks `correct`, and books the answer. A person may also decide that a call converts: `convert_by_hand`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringbid.ledger.entry import Account, Side
from ringbid.ledger.posting import Posting, book_conversion, conversion_key, make_entries
from ringbid.values.author import Author
from ringbid.values.ids import CallId, CompanyId
from ringbid.values.money import MAX_MICROS, MICROS_PER_UNIT, Money, format_price
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

LONGEST_NOTE = 500
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    """Make the revenue or payout of a call `set_to`, or change it by `change_by` (below zero: take away): one of them.

    `account` may be left out where one buyer, or publisher, is concerned. `key` is the caller's own: asking again with
    the same one books nothing more.
    """

    company_id: CompanyId
    call_id: CallId
    side: Side
    key: str
    author: Author
    note: str
    set_to: Money | None = None
    change_by: Money | None = None
    account: Account | None = None

    @property
    def amount(self) -> Money:
        amount = self.set_to if self.change_by is None else self.change_by
        if amount is None or (self.set_to is not None and self.change_by is not None):
            raise ValueError("an adjustment has either set_to or change_by")
        return amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """Take back everything that is booked on one side of a call. `key` as in `Adjust`."""

    company_id: CompanyId
    call_id: CallId
    side: Side
    key: str
    author: Author
    note: str


Correction = Adjust | Void


@dataclass(frozen=True, slots=True)
class Corrected:
    """The posting that a correction made. `repeated`: it was booked before, when the same was asked for."""

    posting: Posting
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How one side of a call stands: the postings since it was last voided, and the micros they add up to."""

    postings: tuple[Posting, ...]
    shares: dict[Account, int]
    voided: bool  # was something booked here before, and taken back?

    @property
    def currency(self) -> str:
        return self.postings[-1].currency


def standing_of(postings: Iterable[Posting], side: Side) -> Standing:
    """How `side` stands after all of `postings`."""
    shares: dict[Account, int] = {}
    since: list[Posting] = []
    voided = False
    for posting in postings:
        if posting.side != side:
            continue
        assert not since or posting.currency == since[0].currency, f"{posting.posting_key} is in another currency"
        for account, micros in posting.shares.items():
            shares[account] = shares.get(account, 0) + micros
        since.append(posting)
        if posting.kind == "void":
            assert not any(shares.values()), f"{posting.posting_key} left something"
            shares, since, voided = {}, [], True
    return Standing(tuple(since), shares, voided and not since)


def correct(postings: Sequence[Posting], correction: Correction) -> Corrected | Refused:
    """What `correction` books, given all that was booked for its call.

    Refused: IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_REUSED (by another correction of this side), NOTE_INVALID,
    NOTHING_BOOKED, ALREADY_VOIDED, and what `adjust` refuses.
    """
    if not (0 < len(correction.key) <= LONGEST_KEY and correction.key.isascii() and correction.key.isprintable()):
        return Refused(Reason.IDEMPOTENCY_KEY_INVALID, actual=repr(correction.key[:40]))
    if not (0 < len(correction.note.strip()) <= LONGEST_NOTE and correction.note.isprintable()):
        return Refused(Reason.NOTE_INVALID, actual=f"{len(correction.note)} characters")
    key = _correction_key(correction)
    for number, posting in enumerate(postings):
        if posting.posting_key == key:
            same = _is_same(correction, posting, standing_of(postings[: number + 1], correction.side))
            return Corrected(posting, repeated=True) if same else Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    standing = standing_of(postings, correction.side)
    if standing.voided:
        return Refused(Reason.ALREADY_VOIDED)
    if not standing.postings:
        return Refused(Reason.NOTHING_BOOKED, actual=f"no {correction.side}")
    made = void(standing, correction) if isinstance(correction, Void) else adjust(standing, correction)
    return made if isinstance(made, Refused) else Corrected(made)


def void(standing: Standing, correction: Void) -> Posting:
    """The reverse of all that stands."""
    return _make_posting(standing, correction, {account: -micros for account, micros in standing.shares.items()})


def adjust(standing: Standing, correction: Adjust) -> Posting | Refused:
    """The difference to what stands. Refused: ADJUSTMENT_CURRENCY_DIFFERS, ADJUSTMENT_ACCOUNT_UNCLEAR, NOTHING_BOOKED,
    AMOUNT_OUT_OF_RANGE, AMOUNT_UNCHANGED.
    """
    amount, account = correction.amount, correction.account
    if amount.currency != standing.currency:
        return Refused(Reason.ADJUSTMENT_CURRENCY_DIFFERS, actual=amount.currency, expected=standing.currency)
    if account is None and len(standing.shares) > 1:
        return Refused(Reason.ADJUSTMENT_ACCOUNT_UNCLEAR, expected=f"one of {', '.join(sorted(standing.shares))}")
    if account is None:
        [account] = standing.shares
    if account not in standing.shares:
        return Refused(Reason.NOTHING_BOOKED, actual=f"no {account}", expected=", ".join(sorted(standing.shares)))
    before_micros = standing.shares[account]
    after_micros = amount.micros if correction.change_by is None else before_micros + amount.micros
    if not 0 <= after_micros <= MAX_MICROS:
        expected = f"0 to {MAX_MICROS // MICROS_PER_UNIT}"
        return Refused(Reason.AMOUNT_OUT_OF_RANGE, actual=format_price(after_micros), expected=expected)
    if after_micros == before_micros:
        return Refused(Reason.AMOUNT_UNCHANGED, actual=format_price(before_micros))
    return _make_posting(standing, correction, {account: after_micros - before_micros})


def convert_by_hand(
    postings: Sequence[Posting],
    *,
    company_id: CompanyId,
    call_id: CallId,
    attempt: int,
    side: Side,
    account: Account,
    amount: Money,
    author: str,
    note: str,
) -> Posting | Refused:
    """The conversion that a person decided, also of what was voided. Refused: CONVERSION_DECIDED where one of this
    attempt stands, NOTE_INVALID. It has the key that the automatic one would have, so that only one of them is booked.
    """
    if not (0 < len(note.strip()) <= LONGEST_NOTE and note.isprintable()):
        return Refused(Reason.NOTE_INVALID, actual=f"{len(note)} characters")
    key = conversion_key(call_id, attempt, side)
    if any(_is_key_of(posting.posting_key, key) for posting in standing_of(postings, side).postings):
        return Refused(Reason.CONVERSION_DECIDED)
    made = book_conversion(
        company_id=company_id,
        call_id=call_id,
        attempt=attempt,
        side=side,
        account=account,
        amount=amount,
        rule_id=None,
        rule_version=None,
        author=author,
        note=note,
    )
    earlier = sum(_is_key_of(posting.posting_key, key) for posting in postings)
    return replace(made, posting_key=f"{key}:{earlier}") if earlier else made


def _is_key_of(posting_key: str, key: str) -> bool:
    return posting_key == key or posting_key.startswith(f"{key}:")


def _correction_key(correction: Correction) -> str:
    return f"correction:{correction.call_id}:{correction.side}:{correction.key}"


def _make_posting(standing: Standing, correction: Correction, changes: dict[Account, int]) -> Posting:
    last = next((one for one in reversed(standing.postings) if one.rule_id is not None), standing.postings[-1])
    return Posting(
        posting_key=_correction_key(correction),
        company_id=correction.company_id,
        call_id=correction.call_id,
        kind="void" if isinstance(correction, Void) else "adjustment",
        side=correction.side,
        rule_id=last.rule_id,
        rule_version=last.rule_version,
        currency=standing.currency,
        author=correction.author.name,
        note=correction.note,
        entries=make_entries(correction.side, changes, standing.currency),
    )


def _is_same(correction: Correction, posting: Posting, after: Standing) -> bool:
    """Was `posting`, after which its side stood as `after`, made by this very correction?"""
    if posting.note != correction.note or (posting.kind == "void") is not isinstance(correction, Void):
        return False
    if isinstance(correction, Void):
        return True
    [(account, micros)] = posting.shares.items()
    if correction.account not in (None, account) or correction.amount.currency != posting.currency:
        return False
    return correction.amount.micros == (after.shares[account] if correction.change_by is None else micros)
