"""What differs between carriers that speak TwiML: limits, spellings, where their REST API is. One row each.

Read by `markup` and `redirecting`, and by the simulated carrier, which enforces the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ringbid.settings import CarrierKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One carrier's rules. The limits are those of Dial's `timeout` and `timeLimit`, in seconds, both ends allowed."""

    ring_seconds: tuple[int, int]
    talk_seconds: tuple[int, int]
    record: str  # the value of Dial's `record` that records from the answer on
    api_url: str | None  # without a slash at its end
    calls_path: str  # where the REST API keeps one call
    bearer: bool  # its REST API takes a bearer token, not account and password
    callers_number: bool  # Dial's `callerId` may be the caller's own number, and not only one of the account's


_TWILIO_PATH = "/2010-04-01/Accounts/{account}/Calls/{call}.json"
_RING, _TALK = (1, 600), (1, 14400)

DIALECTS: Mapping[CarrierKind, Dialect] = MappingProxyType(
    {
        "twilio": Dialect(
            ring_seconds=_RING,
            talk_seconds=_TALK,
            record="record-from-answer-dual",
            api_url="https://api.twilio.com",
            calls_path=_TWILIO_PATH,
            bearer=False,
            callers_number=True,
        ),
        "signalwire": Dialect(
            ring_seconds=_RING,
            talk_seconds=_TALK,
            record="record-from-answer-dual",
            api_url=None,  # each customer has a host of its own
            calls_path=f"/api/laml{_TWILIO_PATH}",
            bearer=False,
            callers_number=True,
        ),
        "telnyx": Dialect(
            ring_seconds=(5, 120),
            talk_seconds=(60, 14400),  # less than a minute is refused, and the call with it
            record="record-from-answer",
            api_url="https://api.telnyx.com",
            calls_path="/v2/texml/Accounts/{account}/Calls/{call}",
            bearer=True,
            callers_number=True,
        ),
        "somleng": Dialect(
            ring_seconds=_RING,
            talk_seconds=_TALK,
            record="record-from-answer-dual",
            api_url=None,  # open source: everyone has a host of his own
            calls_path=_TWILIO_PATH,
            bearer=False,
            callers_number=False,  # without one it shows the caller's, and refuses the call where it is written
        ),
    }
)


def clamped(seconds: int, limits: tuple[int, int]) -> int:
    """`seconds`, or the nearest that the carrier accepts."""
    shortest, longest = limits
    return min(max(seconds, shortest), longest)
