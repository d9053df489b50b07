"""Refusals are a product: every reason has its texts, a code of its own, and a scenario in which it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from house.code_rules import ROOT, assert_none
from ringbid.values.reason import BY_CODE, Reason

SCENARIOS = ROOT / "tests/scenarios"

# Reasons that no single ping can end in, and the test that shows each instead.
_EDGES = "tests/functional/test_ping_edges.py"
_CORRECTING = "tests/unit/ledger/test_correcting.py"
_CALLS_API = "tests/functional/test_calls_api.py"
_DATA_WRITING = "tests/functional/test_data_writing.py"
_CONVERSION_REPORTS = "tests/functional/test_conversion_reports.py"
_HANDING_BACK = "tests/functional/test_handing_back.py"
_CALL_COMMANDS = "tests/functional/test_call_commands.py"
_MATCHING = "tests/playbooks/test_matching.py"
_FALL_OVER = "tests/playbooks/test_fall_over.py"
_CALL_MONEY = "tests/playbooks/test_call_money.py"
_CALL_WEBHOOKS = "tests/playbooks/test_call_webhooks.py"
SHOWN_ELSEWHERE: dict[Reason, str] = {
    Reason.ASK_LEFT_OUT: "tests/functional/test_trying.py",
    Reason.BODY_TOO_SLOW: _EDGES,
    Reason.IDEMPOTENCY_KEY_IN_FLIGHT: _EDGES,
    Reason.OVERLOADED: _EDGES,
    Reason.STORE_UNAVAILABLE: _EDGES,
    Reason.BUYER_REMOVED: _EDGES,
    Reason.NOTHING_BOOKED: _CORRECTING,
    Reason.ALREADY_VOIDED: _CORRECTING,
    Reason.AMOUNT_OUT_OF_RANGE: _CORRECTING,
    Reason.AMOUNT_UNCHANGED: _CORRECTING,
    Reason.ADJUSTMENT_CURRENCY_DIFFERS: _CORRECTING,
    Reason.ADJUSTMENT_ACCOUNT_UNCLEAR: _CORRECTING,
    Reason.NOTE_INVALID: _CORRECTING,
    Reason.CALL_UNKNOWN: _CALLS_API,
    Reason.ACCESS_KEY_UNKNOWN: _CALLS_API,
    Reason.ACCESS_NOT_ALLOWED: _CALLS_API,
    Reason.ACCESS_LATE: _DATA_WRITING,
    Reason.CALL_NOT_LIVE: _HANDING_BACK,
    Reason.HAND_BACK_LATE: _HANDING_BACK,
    Reason.CONVERSION_NOT_AWAITED: _CONVERSION_REPORTS,
    Reason.CALL_REQUEST_INVALID: _CALLS_API,
    Reason.TAG_RESERVED: _DATA_WRITING,
    Reason.SIDE_INVALID: _CALLS_API,
    Reason.HAND_BACK_UNSUPPORTED: _HANDING_BACK,
    Reason.NETWORK_UNREACHABLE: _HANDING_BACK,
    Reason.REPORTED_CONVERTED: _CONVERSION_REPORTS,
    Reason.POSTBACK_MISSED: _CONVERSION_REPORTS,
    Reason.CONVERTED_BEFORE: _CONVERSION_REPORTS,
    Reason.BUYER_HANDED_BACK: _HANDING_BACK,
    Reason.CONVERSION_DECIDED: _CALL_COMMANDS,
    Reason.CONVERTED_BY_HAND: _CALL_COMMANDS,
    Reason.CALL_CLAIMED: _MATCHING,
    Reason.CALL_LATE: _MATCHING,
    Reason.CALL_DIRECT: _MATCHING,
    Reason.CALLER_DIFFERS: _MATCHING,
    Reason.INBOUND_UNKNOWN: _MATCHING,
    Reason.CALL_CAMPAIGN_PAUSED: _MATCHING,
    Reason.CALL_REJECTED_LATE: _MATCHING,
    Reason.CALL_PUBLISHER_PAUSED: _MATCHING,
    Reason.CALL_NOT_TAKEN: _MATCHING,
    Reason.ONLY_RESERVED_BUYER: _MATCHING,
    Reason.NO_CONVERSION_RULE: _MATCHING,
    Reason.PAYOUT_WITHHELD: _MATCHING,
    Reason.RINGS: _FALL_OVER,
    Reason.TOOK_CALL: _FALL_OVER,
    Reason.IN_RESERVE: _FALL_OVER,
    Reason.OTHER_BUYER_ANSWERED: _FALL_OVER,
    Reason.BUYER_BUSY: _FALL_OVER,
    Reason.BUYER_NO_ANSWER: _FALL_OVER,
    Reason.BUYER_REFUSED_CALL: _FALL_OVER,
    Reason.BUYER_UNREACHABLE: _FALL_OVER,
    Reason.BUYER_CALL_FAILED: _FALL_OVER,
    Reason.BUYER_HUNG_UP_EARLY: _FALL_OVER,
    Reason.CALLER_HUNG_UP: _FALL_OVER,
    Reason.NOBODY_ANSWERED: _FALL_OVER,
    Reason.CALL_UNHEARD: _FALL_OVER,
    Reason.CONVERTED: _CALL_MONEY,
    Reason.CALL_TOO_SHORT: _CALL_MONEY,
    Reason.POSTBACK_AWAITED: _CALL_MONEY,
    Reason.REVENUE_MISSED: _CALL_MONEY,
    Reason.RECORD_MISSING: _CALL_WEBHOOKS,
}


def _expected_codes(value: object, *, expected: bool = False) -> Iterator[str]:
    """The codes that a scenario expects: below an `expect`, each `reason`, each `code` and each buyer's verdict."""
    if isinstance(value, list):
        for inner in value:
            yield from _expected_codes(inner, expected=expected)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if expected and name in ("reason", "code") and isinstance(inner, str):
                yield inner
            if expected and name == "verdicts":
                yield from (code for code in inner.values() if isinstance(code, str) and code != "any")
            yield from _expected_codes(inner, expected=expected or name == "expect")


def _shown_in_scenarios() -> set[str]:
    paths = sorted(SCENARIOS.rglob("*.yaml"))
    assert paths, "there are no scenarios"
    scenarios = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths)
    return {code for scenario in scenarios for code in _expected_codes(scenario)}


def test_codes_are_unique_and_fit_for_a_url() -> None:
    assert len(BY_CODE) == len(Reason)
    assert_none([reason.code for reason in Reason if not re.fullmatch(r"[a-z]+(_[a-z]+)*", reason.code)])


def test_no_two_reasons_were_merged_by_equal_facts() -> None:
    assert_none([name for name, reason in Reason.__members__.items() if reason.name != name])


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.code)
def test_a_reason_says_what_happened_to_the_owner_and_to_the_publisher(reason: Reason) -> None:
    for text in (reason.text, reason.safe_text):
        assert text == text.strip()
        assert text[:1].isalnum()
        assert len(text) > 5


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.public], ids=lambda reason: reason.code)
def test_what_is_not_public_reads_like_any_other_absence_of_buyers(reason: Reason) -> None:
    assert reason.safe_code == Reason.NO_BUYER_AVAILABLE.code
    assert reason.safe_text == Reason.NO_BUYER_AVAILABLE.safe_text


def test_every_reason_has_a_scenario() -> None:
    shown = _shown_in_scenarios()
    assert_none([reason.code for reason in Reason if reason.code not in shown and reason not in SHOWN_ELSEWHERE])


def test_a_reason_that_has_a_scenario_is_not_excused_from_having_one() -> None:
    assert_none([reason.code for reason in SHOWN_ELSEWHERE if reason.code in _shown_in_scenarios()])


@pytest.mark.parametrize(("reason", "path"), SHOWN_ELSEWHERE.items(), ids=lambda value: getattr(value, "code", ""))
def test_a_reason_without_a_scenario_is_shown_by_the_test_that_is_named(reason: Reason, path: str) -> None:
    test = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"\b({reason.code}|{reason.name})\b", test), f"{path} does not mention {reason.code}"


def test_no_scenario_expects_a_reason_that_does_not_exist() -> None:
    assert_none(sorted(_shown_in_scenarios() - set(BY_CODE)))


def test_only_the_reasons_that_a_scenario_expects_count_as_shown() -> None:
    verdicts = {"alpha": {"reason": "won"}, "bravo": "buyer_paused", "*": "any"}
    expect = {"reply": {"status": "reserved", "code": "outbid"}, "verdicts": verdicts}
    scenario = {"title": "duplicate", "steps": [{"reason": "not_drawn", "expect": expect}]}
    assert sorted(_expected_codes(scenario)) == ["buyer_paused", "outbid", "won"]
