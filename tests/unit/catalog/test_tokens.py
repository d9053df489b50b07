"""`[tokens]` and the names that are built in."""

from __future__ import annotations

from typing import get_args

import pytest

from ringbid.catalog.model import WebhookTrigger
from ringbid.catalog.tokens import ALIASES, BUILT_IN, TRIGGERS, aliases_of, only_token, tokens_in, with_aliases


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


def test_a_buyer_learns_the_key_of_its_call_from_the_moment_it_is_chosen() -> None:
    assert [trigger for trigger in TRIGGERS if "call_key" in BUILT_IN[trigger]] == list(TRIGGERS[2:])
    assert [trigger for trigger in TRIGGERS if "side" in BUILT_IN[trigger]] == ["converted"]


def test_other_platforms_names_stand_for_what_a_call_can_tell_and_for_nothing_in_an_ask() -> None:
    assert aliases_of("passthrough") == frozenset()
    assert aliases_of("call_ended") == frozenset(ALIASES)
    assert aliases_of("answered") == {"affiliate_id", "caller_id", "called_number"}


def test_values_are_found_under_their_other_names_too_and_a_tag_of_the_catalog_of_that_name_stays() -> None:
    values = {"publisher_id": "P1", "caller_number": "+12125550123", "caller_id": "a tag"}
    assert with_aliases(values, {"caller_id"}) == values | {"affiliate_id": "P1"}


def test_a_parameter_that_has_another_platforms_name_does_not_stand_in_for_what_it_means() -> None:
    values = {"publisher_id": "P1", "affiliate_id": "somebody else", "duration_seconds": "3", "call_duration": "600"}
    assert with_aliases(values, ()) == values | {"affiliate_id": "P1", "call_duration": "3"}
