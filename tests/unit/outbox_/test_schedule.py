"""What follows from a try, and which messages are picked."""

from __future__ import annotations

import pytest

from ringbid.outbox.message import MessageState
from ringbid.outbox.schedule import LONGEST_RETRY_AFTER_SECONDS, Next, next_of, pick
from ringbid.settings import Outbox
from support.clocks import START

SETTINGS = Outbox()
EVEN = 0.5  # in the middle of the spread


def after(status: int | None, *, step: int = 0, chance: float = EVEN, retry_after: str | None = None) -> Next:
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return next_of(status=status, headers=headers, step=step, settings=SETTINGS, now=START, chance=chance)


def seconds_after(status: int | None, **how: object) -> float:
    following = after(status, **how)  # type: ignore[arg-type]  # -- a test may be loose with types
    assert following.state is MessageState.WAITING
    assert following.in_ms is not None
    return following.in_ms / 1000


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert after(status) == Next(MessageState.DELIVERED)


@pytest.mark.parametrize("status", [None, 199, 300, 302, 400, 404, 409, 429, 500, 503])
def test_everything_else_but_410_is_tried_again(status: int | None) -> None:
    assert seconds_after(status) == 5


@pytest.mark.parametrize("step", [0, 7])
def test_410_disables_the_endpoint_at_any_try(step: int) -> None:
    assert after(410, step=step) == Next(MessageState.DISABLED)


def test_the_pauses_grow_over_days_and_then_the_message_is_dead() -> None:
    pauses = [seconds_after(500, step=step) for step in range(7)]
    assert pauses == [5, 300, 1800, 7200, 18000, 36000, 36000]
    assert after(500, step=7) == Next(MessageState.DEAD)


def test_chance_spreads_a_pause_both_ways() -> None:
    assert [seconds_after(500, step=1, chance=chance) for chance in (0, EVEN, 1)] == [240, 300, 360]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("2", 5),  # never sooner than the schedule says
        ("Wed, 04 Mar 2026 15:01:00 GMT", 60),
        ("Wed, 04 Mar 2026 14:00:00 GMT", 5),
        ("999999999", LONGEST_RETRY_AFTER_SECONDS),
        ("Wed, 04 Mar 9999 15:01:00 GMT", LONGEST_RETRY_AFTER_SECONDS),
        ("-5", 5),
        ("soon", 5),
        ("٣٠٠", 5),
        ("1e9", 5),
        ("", 5),
    ],
)
def test_the_receiver_may_ask_for_a_longer_pause_up_to_a_day(retry_after: str, seconds: float) -> None:
    assert seconds_after(503, retry_after=retry_after) == seconds


def test_the_receiver_cannot_prolong_the_life_of_a_message() -> None:
    assert after(503, step=7, retry_after="60") == Next(MessageState.DEAD)


def test_messages_are_picked_in_their_order_up_to_the_room_and_each_endpoint_s_share() -> None:
    due = [("m1", "slow"), ("m2", "slow"), ("m3", "slow"), ("m4", "quick"), ("m5", "quick"), ("m6", "third")]
    picked = pick(due, room=3, most_per_queue=2, under_way={"slow": 1})
    assert picked == ["m1", "m4", "m5"]
