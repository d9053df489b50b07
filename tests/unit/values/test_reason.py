"""The closed list of reasons: codes are unique and stable in shape, and nothing private reaches a publisher."""

import re

import pytest

from ringbid.values.ids import BuyerId
from ringbid.values.reason import BY_CODE, Reason
from ringbid.values.verdict import Refused, Verdict


def test_every_code_is_used_once_and_is_the_reasons_name_in_small_letters() -> None:
    assert len(BY_CODE) == len(Reason)
    assert {reason.name.lower(): reason for reason in Reason} == BY_CODE


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_text_for_its_owner_and_one_for_the_publisher(reason: Reason) -> None:
    for text in (reason.text, reason.safe_text):
        assert text == text.strip()
        assert re.match(r"[A-Z\[`a-z]", text)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", reason.code)


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.public])
def test_a_private_reason_reads_to_the_publisher_as_nobody_available(reason: Reason) -> None:
    assert reason.safe_code == "no_buyer_available"
    assert reason.safe_text == Reason.NO_BUYER_AVAILABLE.safe_text


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.public])
def test_a_public_reason_reads_as_itself(reason: Reason) -> None:
    assert reason.safe_code == reason.code


def test_a_verdict_says_of_one_buyer_what_the_refusal_says() -> None:
    refused = Refused(Reason.OUTBID, actual="1 USD", expected="more than 2 USD", setting="x")
    assert Verdict.of(BuyerId("alpha"), refused) == Verdict(
        BuyerId("alpha"), Reason.OUTBID, actual="1 USD", expected="more than 2 USD", setting="x"
    )
