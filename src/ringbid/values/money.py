"""Money as an integer of micros (1/1,000,000 of the currency's unit) with its currency; never a float.

Catalog, quotes, reservations and the ledger all speak this one type; the edge turns it into JSON numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MICROS_PER_UNIT = 1_000_000
MAX_MICROS = 1_000_000 * MICROS_PER_UNIT  # one million units: above it a price for one call is absurd
_ONE_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. `micros` may be negative in corrections; `currency` is an ISO 4217 code."""

    micros: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.micros) is not int:
            raise TypeError(f"micros must be an int, got {type(self.micros).__name__}: money is never a float")

    def __str__(self) -> str:
        return f"{format_micros(self.micros)} {self.currency}"


def micros_from_decimal(amount: Decimal) -> int | None:
    """The exact micros of `amount`, or None where it is not finite or has more than six decimals."""
    if not amount.is_finite() or amount.adjusted() > 20:
        return None
    rounded = amount.quantize(_ONE_MICRO)
    return int(rounded.scaleb(6)) if rounded == amount else None


def round_decimal_to_micros(amount: Decimal) -> int:
    """`amount` in micros, rounded once, half to even. The one place where a price from outside loses digits."""
    if not amount.is_finite():
        raise ValueError("an amount of money must be finite")
    return int(amount.quantize(_ONE_MICRO, ROUND_HALF_EVEN).scaleb(6))


def share_of(micros: int, percent: Decimal) -> int:
    """`percent` % of `micros`, rounded half to even to a whole micro."""
    return int((micros * percent).scaleb(-2).to_integral_value(ROUND_HALF_EVEN))


def parse_decimal(text: str) -> Decimal | None:
    """A plain decimal number such as `1.173`, `-5` or `1e3`; None for all else (NaN, `1,5`, `1_0`, empty, words)."""
    if len(text) > 40 or not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def format_micros(micros: int) -> str:
    """The shortest decimal text: 1173000 → `1.173`, 2000000 → `2`. Valid as a JSON number, with no float noise."""
    sign = "-" if micros < 0 else ""
    units, rest = divmod(abs(micros), MICROS_PER_UNIT)
    if not rest:
        return f"{sign}{units}"
    return f"{sign}{units}.{rest:06d}".rstrip("0")


def format_price(micros: int) -> str:
    """For people: at least two decimals, and as many as it takes to be exact: 1173000 → `1.173`, 2000000 → `2.00`."""
    units, _, decimals = format_micros(micros).partition(".")
    return f"{units}.{decimals:0<2}"
