"""Money and times as JSON: exact decimals as text, times in UTC."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ringbid.values.money import Money, format_micros

Decimals = Annotated[
    str,
    msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,6})?$", description="An exact decimal number.", examples=["1.173"]),
]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", examples=["USD"])]


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of money. `amount` is text, so that no program makes an inexact number of it."""

    amount: Decimals
    currency: Currency


def amount_of(money: Money) -> Amount:
    return Amount(amount=format_micros(money.micros), currency=money.currency)


def optional_amount(money: Money | None) -> Amount | None:
    return None if money is None else amount_of(money)
