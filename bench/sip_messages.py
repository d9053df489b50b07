"""What one run of SIPp shows: the messages that the caller sent and got, with their moments, become figures. Pure.

SIPp counts response times in whole milliseconds, which is as much as a route lookup takes. Its list of messages
(`-trace_shortmsg`) has microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

ANSWER_WAIT_MS = 50.0  # how long the buyer rings, on average: it is no delay of ours


@dataclass(slots=True)
class _Call:
    """Moments in seconds; `final` is the code that the INVITE ended with."""

    sent_at: float
    sign_at: float | None = None
    final: int | None = None
    final_at: float = 0.0
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The calls of one run. `delays_ms`: from the INVITE to the buyer's ringing, of the calls that were answered.

    `wrong` counts the others by how they ended; `rate` is at how many calls a second they were really placed.
    """

    calls: int
    delays_ms: tuple[float, ...]
    wrong: Counter[str] = field(default_factory=Counter)
    rate: float = 0.0


def read_messages(lines: Iterable[str]) -> Placed:
    """Every call must ring, be answered, and have its BYE answered; else it is among the wrong ones."""
    calls: dict[str, _Call] = {}
    for line in lines:
        parts = line.rstrip("\n").split("\t")
        if len(parts) == 7:
            _note(calls, at=float(parts[2]), sent=parts[3] == "S", call_id=parts[4], about=parts[5], text=parts[6])
    wrong: Counter[str] = Counter()
    delays = []
    for call in calls.values():
        if call.final == 200 and call.ended:
            sign_at = call.sign_at if call.sign_at is not None else call.final_at - ANSWER_WAIT_MS / 1000
            delays.append((sign_at - call.sent_at) * 1000)
        else:
            wrong[_ending(call)] += 1
    return Placed(calls=len(calls), delays_ms=tuple(sorted(delays)), wrong=wrong, rate=_rate(list(calls.values())))


def _note(calls: dict[str, _Call], *, at: float, sent: bool, call_id: str, about: str, text: str) -> None:
    call = calls.get(call_id)
    if sent:
        if call is None and text.startswith("INVITE "):
            calls[call_id] = _Call(at)
        return
    if call is None or not text.startswith("SIP/2.0 "):
        return
    code = int(text.split(" ", 2)[1])
    if about.endswith("BYE"):
        call.ended = code == 200
    elif about.endswith("INVITE"):
        if 180 <= code < 200 and call.sign_at is None:
            call.sign_at = at
        elif code >= 200 and call.final is None:
            call.final, call.final_at = code, at


def _ending(call: _Call) -> str:
    if call.final is None:
        return "no answer"
    return f"{call.final}" if call.final != 200 else "BYE without an answer"


def _rate(calls: list[_Call]) -> float:
    if len(calls) < 2:
        return 0.0
    moments = [call.sent_at for call in calls]
    return (len(calls) - 1) / max(1e-6, max(moments) - min(moments))
