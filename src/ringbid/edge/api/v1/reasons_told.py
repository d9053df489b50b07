"""Reasons as JSON, and the addresses at which codes are explained."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ringbid.values.reason import Reason

Code = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]+$", examples=["no_buyer_available"])]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A reason: its code, which stays, and what it says."""

    code: Code
    text: str


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A reason with what was found, what was expected, and the setting that decides it."""

    code: Code
    text: str
    actual: str | None
    expected: str | None
    setting: Annotated[str | None, msgspec.Meta(description="A path in the catalog.", examples=["buyers[alpha].hours"])]


def told(reason: Reason) -> Told:
    """In the owner's words."""
    return Told(code=reason.code, text=reason.text)


def told_safely(reason: Reason | None) -> Told | None:
    """In words for publishers: nothing about buyers, prices or settings."""
    return None if reason is None else Told(code=reason.safe_code, text=reason.safe_text)
