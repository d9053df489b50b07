"""Corrections and their answers as plain data, for the control socket of a server that owns the store.

`bootstrap` sends and answers them; the command makes the correction and shows the answer.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from ringbid.ledger.correcting import Adjust, Corrected, Correction, Void
from ringbid.ledger.posting import Posting
from ringbid.values.reason import BY_CODE
from ringbid.values.verdict import Refused


def correction_message(correction: Correction) -> dict[str, Any]:
    what = "void" if isinstance(correction, Void) else "adjust"
    return {"what": what, "correction": msgspec.to_builtins(correction)}


def read_correction(message: dict[str, Any]) -> Correction:
    """From `correction_message`. Raises msgspec.ValidationError for what is none."""
    if message["what"] == "void":
        return msgspec.convert(message["correction"], Void)
    return msgspec.convert(message["correction"], Adjust)


def answer_message(answer: Corrected | Refused) -> dict[str, Any]:
    if isinstance(answer, Refused):
        return {"refused": answer.reason.code, "actual": answer.actual, "expected": answer.expected}
    return cast("dict[str, Any]", msgspec.to_builtins(answer))


def read_answer(message: dict[str, Any]) -> Corrected | Refused:
    """From `answer_message`."""
    if "refused" in message:
        return Refused(BY_CODE[message["refused"]], actual=message["actual"], expected=message["expected"])
    return Corrected(msgspec.convert(message["posting"], Posting), repeated=message["repeated"])
