"""What both ends of each call saw, by SIPp's own logs: the books that `crash.call_audit` holds against the store.

Times are seconds since 1970 by the machine's clock, as Kamailio and the server have them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_HEADING = re.compile(
    r"^-{40,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)\n\S+ message (sent|received) .*?:\n\n", re.MULTILINE
)
_CALL_ID = re.compile(r"^Call-ID: *(\S+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(r"^CSeq: *\d+ +(\S+)", re.MULTILINE | re.IGNORECASE)
_NUMBER = re.compile(r"^From:[^\n]*?sip:(\+\d+)@", re.MULTILINE | re.IGNORECASE)
_RETRY_AFTER = re.compile(r"^Retry-After: *\d+", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One message of SIP, as one end saw it. `method` is that of its CSeq; `code` None: a request."""

    at: float
    sent: bool
    call_id: str
    method: str
    code: int | None
    text: str


@dataclass
class End:
    """One end of a call. Times are those of the first such message."""

    invited_at: float | None = None
    answered_at: float | None = None  # 200 of the INVITE
    bye_at: float | None = None  # sent or received
    bye_over_at: float | None = None  # its answer
    last_bye_at: float | None = None  # of everything about a BYE, repeats too
    sent_bye: bool = False


@dataclass
class Call:
    """One call, by its Call-ID. `buyer`: the end that answered; None where no buyer did."""

    call_id: str
    number: str = ""
    caller: End = field(default_factory=End)
    buyer: End | None = None
    refused_with: int | None = None
    refused_at: float | None = None
    retry_after: bool = False
    gave_up_at: float | None = None

    @property
    def answered(self) -> bool:
        """Was the caller told that somebody answered?"""
        return self.caller.answered_at is not None

    @property
    def ended_at(self) -> float | None:
        """The last moment at which the call can have been over."""
        ends = [end.bye_over_at or end.bye_at for end in (self.caller, self.buyer) if end is not None]
        return max((at for at in ends if at is not None), default=None)

    @property
    def last_bye_at(self) -> float | None:
        """The last that either of them heard or said of its being over."""
        ends = [end.last_bye_at for end in (self.caller, self.buyer) if end is not None]
        return max((at for at in ends if at is not None), default=None)

    @property
    def hung_up_at(self) -> float | None:
        """The first moment at which one of the two wanted it to be over."""
        ends = [end.bye_at for end in (self.caller, self.buyer) if end is not None]
        return min((at for at in ends if at is not None), default=None)


def now() -> float:
    """What the machine's clock says."""
    return time.time_ns() / 1_000_000_000


def read_books(callers: list[Path], buyers: list[Path]) -> dict[str, Call]:
    """All calls that callers made, from SIPp's message files."""
    calls: dict[str, Call] = {}
    for path in callers:
        for message in read_messages(path.read_text(errors="replace")):
            _note_caller(calls.setdefault(message.call_id, Call(message.call_id)), message)
    for path in buyers:
        ends: dict[str, End] = {}
        for message in read_messages(path.read_text(errors="replace")):
            _note(ends.setdefault(message.call_id, End()), message)
        for call_id, end in ends.items():
            if end.answered_at is not None and call_id in calls:
                calls[call_id].buyer = end
    return calls


def read_messages(text: str) -> Iterator[Message]:
    """The messages of one file, in order."""
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        message = text[heading.end() : following.start() if following is not None else len(text)]
        call_id, cseq = _CALL_ID.search(message), _CSEQ.search(message)
        if call_id is None or cseq is None:
            continue
        first = message.split(" ", 2)
        yield Message(
            at=datetime.fromisoformat(heading[1]).timestamp(),
            sent=heading[2] == "sent",
            call_id=call_id[1],
            method=cseq[1],
            code=int(first[1]) if first[0] == "SIP/2.0" else None,
            text=message,
        )


def _note_caller(call: Call, message: Message) -> None:
    _note(call.caller, message)
    if message.method == "INVITE" and message.code is None:
        found = _NUMBER.search(message.text)
        call.number = found[1] if found is not None else ""
    if message.method == "CANCEL" and message.code is None and call.gave_up_at is None:
        call.gave_up_at = message.at
    if message.method == "INVITE" and message.code is not None and message.code >= 300 and call.refused_with is None:
        call.refused_with, call.refused_at = message.code, message.at
        call.retry_after = _RETRY_AFTER.search(message.text) is not None


def _note(end: End, message: Message) -> None:
    if message.method == "INVITE" and message.code is None and end.invited_at is None:
        end.invited_at = message.at
    if message.method == "INVITE" and message.code == 200 and end.answered_at is None:
        end.answered_at = message.at
    if message.method == "BYE":
        end.last_bye_at = message.at
    if message.method == "BYE" and message.code is None and end.bye_at is None:
        end.bye_at, end.sent_bye = message.at, message.sent
    if message.method == "BYE" and message.code is not None and end.bye_over_at is None:
        end.bye_over_at = message.at
