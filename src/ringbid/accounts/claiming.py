"""Links from the terminal: the first owner's claim of an installation, and signing in where all else fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

LINK_GOOD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ClaimLink:
    """A link that is good now. `user_id` None: it claims the installation; else who signs in with it."""

    user_id: str | None


class Claimed(Enum):
    """What became of using one to claim."""

    DONE = "done"
    OVER = "over"  # used, expired, or never made
    ALREADY = "already"  # somebody else claimed first
    COMPANY_TAKEN = "company taken"
