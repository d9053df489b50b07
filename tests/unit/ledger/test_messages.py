"""Corrections and their answers survive the way over the control socket."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ringbid.ledger.correcting import Corrected, Correction
from ringbid.ledger.messages import answer_message, correction_message, read_answer, read_correction
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.money import ALPHA, adjust_by, adjust_to, conversion, void_it


def sent(message: dict[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(json.dumps(message))
    return decoded


@pytest.mark.parametrize("correction", [adjust_to("1.173"), adjust_by("-0.5", account=ALPHA), void_it()])
def test_a_correction_arrives_as_it_was_sent(correction: Correction) -> None:
    assert read_correction(sent(correction_message(correction))) == correction


@pytest.mark.parametrize(
    "answer",
    [
        Corrected(conversion()),
        Corrected(conversion(side="payout"), repeated=True),
        Refused(Reason.AMOUNT_OUT_OF_RANGE, actual="-1.00", expected="0 to 1000000"),
        Refused(Reason.ALREADY_VOIDED),
    ],
)
def test_an_answer_arrives_as_it_was_given(answer: Corrected | Refused) -> None:
    assert read_answer(sent(answer_message(answer))) == answer


@pytest.mark.parametrize("micros", [1.5, "1", None])
def test_an_amount_that_is_no_integer_is_not_read(micros: object) -> None:
    message = sent(correction_message(adjust_to("1")))
    message["correction"]["set_to"]["micros"] = micros
    with pytest.raises(msgspec.ValidationError):
        read_correction(message)
