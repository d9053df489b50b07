"""The demo's phones: how each buyer of `demo.yaml` takes the calls that come in, and what places a call.

Two things place them: `phones_sip` (Kamailio, with SIPp at both ends) and `phones_simulated` (a simulated carrier that
speaks TwiML). At both, the same phones behave in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from ringbid.edge.emulate.carrier_calls import PlacedCall
from ringbid.edge.emulate.carrier_lines import Behaviour

PhonesKind = Literal["sip", "simulated", "none"]

_ANSWERS = Behaviour(after_seconds=1.8)
_ANSWERS_SOON = Behaviour(after_seconds=1.2)
_BUSY = Behaviour(after_seconds=0.7, refuses="busy")
_DECLINES = Behaviour(after_seconds=1.0, refuses="declined")
_RINGS_ON = Behaviour(after_seconds=None)  # until its `ring_seconds` are over
_LETS_GO = Behaviour(after_seconds=1.2, talk_seconds=2.5)

# By number or SIP user. A phone takes its first call in the first of its ways, its next one in the next, and so on.
PHONES: Mapping[str, tuple[Behaviour, ...]] = MappingProxyType(
    {
        "+12025550101": (_ANSWERS, _ANSWERS_SOON, _RINGS_ON),  # alpha
        "sales": (_ANSWERS,),  # bravo
        "+12025550111": (_BUSY, _ANSWERS, _ANSWERS_SOON, _BUSY, _ANSWERS),  # charlie
        "+12025550104": (_ANSWERS_SOON, _ANSWERS),  # delta
        "+12025550112": (_ANSWERS, _DECLINES, _ANSWERS_SOON),  # echo-slow
        "+12025550116": (_ANSWERS, _RINGS_ON, _ANSWERS_SOON),  # india-capped
        "+12025550118": (_ANSWERS_SOON, _BUSY, _ANSWERS, _LETS_GO),  # kilo-pricey
        "+12025550121": (_ANSWERS_SOON, _BUSY, _ANSWERS),  # november
        "+12025550122": (_ANSWERS, _ANSWERS_SOON, _DECLINES),  # oscar
    }
)
NOBODY = Behaviour(after_seconds=0.1, refuses="failed")  # at any other number


class Phones(Protocol):
    """Whatever places the demo's calls."""

    async def call(self, placed: PlacedCall) -> None:
        """One whole call, until somebody hangs up. Cancelled: the caller is gone."""
        ...


class Turns:
    """Whose turn is it: the next way of each phone."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def next(self, address: str) -> Behaviour:
        """How the phone at this number or SIP URI takes the call that comes now."""
        user = user_of(address)
        ways = PHONES.get(user, (NOBODY,))
        way = ways[self._calls[user] % len(ways)]
        self._calls[user] += 1
        return way


def user_of(address: str) -> str:
    """`sip:sales@127.0.0.1:5071` → `sales`; a number is its own."""
    return address.removeprefix("sip:").partition("@")[0]


def plain_address(user: str) -> str:
    """Where a phone is called that has no real one: a number at itself, a SIP user somewhere."""
    return user if user.startswith("+") else f"sip:{user}@127.0.0.1:5071"
