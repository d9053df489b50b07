"""What every reason has: its code, where it arises, whose fault it is, and its two texts.

`reason` is the list itself; `call_facts` has the texts of what arises in calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """Where in the two flows a reason arises, in their order."""

    REQUEST = "request"
    DUPLICATE = "duplicate"
    ELIGIBILITY = "eligibility"
    ASK = "ask"
    BID = "bid"
    QUOTE = "quote"
    AUCTION = "auction"
    RESERVATION = "reservation"
    LOOKUP = "lookup"
    CALL = "call"
    CONVERSION = "conversion"
    LEDGER = "ledger"


class Fault(Enum):
    """Who can do something about it."""

    PUBLISHER = "publisher"
    OWNER = "owner"
    BUYER = "buyer"
    RINGBID = "ringbid"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Facts:
    code: str
    stage: Stage
    fault: Fault
    text: str  # for the owner: what happened, and what mends it
    safe_text: str  # for the publisher: nothing about buyers, prices or other publishers
    public: bool = False  # may the publisher read this code, or only that nobody was available?
    retry: bool = False  # may the same request succeed a little later, unchanged?


NOBODY = "No buyer is available for this call."


def of_request(
    code: str, text: str, *, fault: Fault = Fault.PUBLISHER, retry: bool = False, safe: str | None = None
) -> Facts:
    return Facts(code, Stage.REQUEST, fault, text, safe or text, public=True, retry=retry)


def of_buyer(code: str, stage: Stage, fault: Fault, text: str, *, safe: str = NOBODY, retry: bool = False) -> Facts:
    return Facts(code, stage, fault, text, safe, public=safe is not NOBODY, retry=retry)
