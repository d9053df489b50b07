"""Postings for tests, random decisions about money, and an independent record of what they come to.

`DecimalBooks` shares no code with the ledger: it keeps whole units as Decimal, and every change as one line.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ringbid.ledger.correcting import Adjust, Correction, Void
from ringbid.ledger.entry import Account, Side, buyer_account, publisher_account
from ringbid.ledger.posting import Posting, book_conversion
from ringbid.values.author import Author
from ringbid.values.ids import BuyerId, CallId, CompanyId, PublisherId, RuleId
from ringbid.values.money import Money

ACME = CompanyId("acme")
CALL = CallId("019ab0c4-5f3e-7c41-9a52-0d6a1f6f8a01")
ALPHA, BRAVO = buyer_account(BuyerId("alpha")), buyer_account(BuyerId("bravo"))
PUBLISHER = publisher_account(PublisherId("4321ABCD"))
ANNA = Author(name="anna", user_id="u-anna", via="session")
SIDES: tuple[Side, ...] = ("revenue", "payout")
CURRENCIES = {ACME: "USD", CompanyId("umbrella"): "EUR"}


def usd(amount: str) -> Money:
    return Money(int(Decimal(amount).scaleb(6)), "USD")


def conversion(
    amount: str = "1.5",
    *,
    side: Side = "revenue",
    account: Account | None = None,
    attempt: int = 1,
    call: CallId = CALL,
) -> Posting:
    """A conversion of a call of acme, paid by alpha or to 4321ABCD."""
    return book_conversion(
        company_id=ACME,
        call_id=call,
        attempt=attempt,
        side=side,
        account=account or (ALPHA if side == "revenue" else PUBLISHER),
        amount=usd(amount),
        rule_id=RuleId("auto-insurance/alpha"),
        rule_version="5d1f0c",
    )


def adjust_to(amount: str, key: str = "k1", **changes: object) -> Adjust:
    """Set the call's revenue to `amount`."""
    facts = {"set_to": usd(amount), "note": "agreed by phone"} | changes
    return Adjust(**({"company_id": ACME, "call_id": CALL, "side": "revenue", "key": key, "author": ANNA} | facts))


def adjust_by(amount: str, key: str = "k1", **changes: object) -> Adjust:
    """Change the call's revenue by `amount`."""
    return adjust_to("0", key, set_to=None, change_by=usd(amount), **changes)


def void_it(key: str = "k1", **changes: object) -> Void:
    """Take back the call's revenue."""
    facts = {
        "company_id": ACME,
        "call_id": CALL,
        "side": "revenue",
        "key": key,
        "author": ANNA,
        "note": "a test call",
    }
    return Void(**(facts | changes))


@dataclass(frozen=True)
class Conversion:
    """A conversion of one side that is to be booked."""

    posting: Posting
    amount: Decimal
    account: Account


@dataclass
class DecimalBooks:
    """What everybody stands at, by company, account and currency, and what each side of each call brought."""

    balances: dict[tuple[str, str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    sides: dict[tuple[str, Side], dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    seen: set[tuple[str, str]] = field(default_factory=set)

    def decide(self, decision: Conversion | Correction) -> bool:
        """Whether it is to be booked; then it is."""
        if isinstance(decision, Conversion):
            return self._convert(decision.posting, decision.amount, decision.account)
        return self._correct(decision, CURRENCIES[decision.company_id])

    def _convert(self, posting: Posting, amount: Decimal, account: str) -> bool:
        if ("conversion", posting.posting_key) in self.seen:
            return False
        self.seen.add(("conversion", posting.posting_key))
        side = self.sides[posting.call_id, posting.side]
        self._add(posting.company_id, posting.side, account, posting.currency, amount)
        side[account] = side.get(account, Decimal(0)) + amount
        return True

    def _correct(self, wish: Correction, currency: str) -> bool:
        side = self.sides[wish.call_id, wish.side]
        name = f"{wish.call_id} {wish.side} {wish.key}"
        if not side or ("correction", name) in self.seen:
            return False
        if isinstance(wish, Void):
            for account, amount in side.items():
                self._add(wish.company_id, wish.side, account, currency, -amount)
            side.clear()
        else:
            account = wish.account or (next(iter(side)) if len(side) == 1 else None)
            if account not in side:
                return False
            before = side[account]
            if wish.set_to is not None:
                after = Decimal(wish.set_to.micros).scaleb(-6)
            else:
                after = before + Decimal(wish.change_by.micros if wish.change_by else 0).scaleb(-6)
            if after < 0 or after > 1_000_000 or after == before:
                return False
            self._add(wish.company_id, wish.side, account, currency, after - before)
            side[account] = after
        self.seen.add(("correction", name))
        return True

    def _add(self, company: str, side: Side, account: str, currency: str, amount: Decimal) -> None:
        owed = amount if side == "payout" else -amount
        self.balances[company, account, currency] += owed
        self.balances[company, f"company/{side}", currency] -= owed

    def micros(self) -> dict[tuple[str, str, str], int]:
        """The balances as the ledger would have them."""
        return {key: int(amount.scaleb(6)) for key, amount in self.balances.items()}


class RandomMoney:
    """Random decisions about the calls of two companies: first and repeated conversions, adjustments and voids, of
    calls that have converted, that have not, and that were voided; some with keys that were used before."""

    def __init__(self, seed: int, *, calls: int) -> None:
        self._chance = random.Random(seed)
        self._calls = calls
        self._number = 0

    def decisions(self, count: int) -> Iterator[Conversion | Correction]:
        for _ in range(count):
            self._number += 1
            yield self._conversion() if self._chance.random() < 0.5 else self._correction()

    def _call(self) -> tuple[CompanyId, CallId]:
        number = self._chance.randrange(self._calls)
        return list(CURRENCIES)[number % 2], CallId(f"call-{number}")

    def _conversion(self) -> Conversion:
        chance, (company, call) = self._chance, self._call()
        side: Side = chance.choice(SIDES)
        amount = self._amount()
        account = self._account(side)
        posting = book_conversion(
            company_id=company,
            call_id=call,
            attempt=chance.choice((1, 1, 1, 2)),
            side=side,
            account=account,
            amount=Money(int(amount.scaleb(6)), CURRENCIES[company]),
            rule_id=RuleId("rule"),
            rule_version="1",
        )
        return Conversion(posting, amount, account)

    def _correction(self) -> Correction:
        chance, (company, call) = self._chance, self._call()
        side: Side = chance.choice(SIDES)
        key = f"key {self._number if chance.random() < 0.8 else chance.randrange(self._number)}"
        facts = {"company_id": company, "call_id": call, "side": side, "key": key, "author": ANNA, "note": "why"}
        if chance.random() < 0.3:
            return Void(**facts)  # type: ignore[arg-type]  # -- what all corrections have
        micros = int(self._amount().scaleb(6))
        account = self._account(side) if chance.random() < 0.3 else None
        if chance.random() < 0.5:
            return Adjust(**facts, account=account, set_to=Money(micros, CURRENCIES[company]))  # type: ignore[arg-type]  # -- see above
        change = Money(micros * chance.choice((1, -1)), CURRENCIES[company])
        return Adjust(**facts, account=account, change_by=change)  # type: ignore[arg-type]  # -- see above

    def _account(self, side: Side) -> Account:
        if side == "revenue":
            return buyer_account(BuyerId(self._chance.choice("abcdef")))
        return publisher_account(PublisherId(self._chance.choice("PQRST")))

    def _amount(self) -> Decimal:
        """0, small, and large ones up to the most that a call can bring."""
        digits = self._chance.choice((0, 2, 4, 8, 12))
        return Decimal(self._chance.randrange(10**digits + 1)).scaleb(-6)
