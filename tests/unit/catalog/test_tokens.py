"""`[tokens]` and the names that are built in."""

from __future__ import annotations

from typing import get_args

import pytest

from ringbid.catalog.model import WebhookTrigger
from ringbid.catalog.tokens import BUILT_IN, TRIGGERS, only_token, tokens_in


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ()),
        ("no token", ()),
        ("[a]", ("a",)),
        ("x=[a]&y=[b_1.c:d-E]&z=[a]", ("a", "b_1.c:d-E", "a")),
        ("[[a]]", ("a",)),
        ("[]", ()),
        ("[a b]", ()),
        ('["a"]', ()),
        ("[é]", ()),
        (f"[{'a' * 64}]", ("a" * 64,)),
        (f"[{'a' * 65}]", ()),
    ],
)
def test_tokens_are_found_in_the_order_they_stand(text: str, tokens: tuple[str, ...]) -> None:
    assert tokens_in(text) == tokens


def test_only_token_wants_the_whole_text() -> None:
    assert only_token("[bid]") == "bid"
    assert only_token("[bid] ") is None
    assert only_token("[a][b]") is None


def test_every_trigger_has_its_built_in_tokens() -> None:
    assert set(TRIGGERS) == set(BUILT_IN) == set(get_args(WebhookTrigger))


def test_an_ask_has_the_tokens_that_the_contract_names() -> None:
    named = {"caller_number", "nanp_caller_number", "caller_number_digits", "call_uuid", "publisher_id", "campaign_id"}
    assert named | {"timestamp", "deadline_ms"} <= set(BUILT_IN["passthrough"])


def test_money_is_only_known_when_a_call_has_converted() -> None:
    with_money = [trigger for trigger in TRIGGERS if "payout" in BUILT_IN[trigger]]
    assert with_money == ["converted", "call_ended"]
