"""What needs attention: caps that are nearly full, webhooks that failed, each with the page that mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Listed
from ringbid.reports.attention import Attention, Recent, read_attention
from ringbid.reservations.limits import Subject, Usage
from ringbid.reservations.ports import Look
from ringbid.values.ids import CompanyId
from support.catalogs import catalog_of, view_of
from support.clocks import START

TEXT = """
company: {id: acme, name: Acme, time_zone: UTC, currency: USD}
publishers: [{id: P1, name: Leads}, {id: P2, name: More}]
buyers:
  - {id: alpha, name: Alpha, number: "+12025550101", caps: {daily: 100, concurrency: 2}}
  - {id: bravo, name: Bravo, number: "+12025550102"}
buyer_groups: [{id: night, name: Night, buyers: [bravo], caps: {hourly: 10}}]
"""


@dataclass
class World:
    """What the ports answer: usage by subject, messages by state."""

    usage: dict[str, Usage] = field(default_factory=dict)
    messages: dict[MessageState, list[Listed]] = field(default_factory=dict)

    async def look(self, *, subjects: tuple[Subject, ...], **_: Any) -> Look:
        return Look(now=START, open_duplicate=None, replayed=None, usage=self.usage)

    async def listing(self, *, state: MessageState | None = None, **_: Any) -> Sequence[Listed]:
        assert state is not None
        return self.messages.get(state, [])

    async def recent(self, company_id: CompanyId, since: datetime) -> Recent:
        return Recent(publishers={}, asks={})

    def told(self, more: str = "") -> list[Attention]:
        view = view_of(catalog_of(TEXT + more))
        return list(asyncio.run(read_attention(view, START, recent=self, usage=self, messages=self)))


def failed(state: MessageState, *, endpoint: str = "auto/Tell & ask", hours_ago: float = 1, number: int = 1) -> Listed:
    return Listed(
        number=number,
        message_id=f"msg_{number}",
        company_id=CompanyId("acme"),
        call_id=None,
        kind="webhook",
        endpoint=endpoint,
        created_at=START,
        state=state,
        tries=9,
        next_at=None,
        ended_at=START - timedelta(hours=hours_ago),
        last_status=500,
        last_error=None,
    )


@pytest.mark.parametrize(
    ("used", "said"),
    [(89, None), (90, "is at 90.0 %: 90 of 100"), (99, "is at 99.0 %: 99 of 100"), (100, "is full: 100 of 100")],
)
def test_a_cap_needs_attention_from_nine_tenths_on(used: int, said: str | None) -> None:
    usage = Usage(counted=MappingProxyType({"daily": used}))
    told = World(usage={"acme/buyer/alpha": usage}).told()
    assert [one.text for one in told] == ([] if said is None else [f"The daily cap of alpha {said}."])
    assert {one.path for one in told} <= {"/buyers/alpha#caps-daily"}


def test_the_caps_of_a_group_lead_to_the_group_s_own_field() -> None:
    usage = Usage(counted=MappingProxyType({"hourly": 10}))
    [told] = World(usage={"acme/group/night": usage}).told()
    assert told.text == "The hourly cap of night is full: 10 of 10."
    assert told.path == "/buyer-groups/edit?name=night#caps-hourly"


def test_a_webhook_that_was_given_up_leads_to_its_own_messages() -> None:
    dead = [failed(MessageState.DEAD, number=number) for number in (1, 2)]
    [told] = World(messages={MessageState.DEAD: dead}).told()
    assert told.text.startswith("2 messages to the webhook auto/Tell & ask were given up in the last day")
    assert told.text.endswith("the newest: status 500.")
    assert told.path == "/deliveries?state=dead&endpoint=auto%2FTell%20%26%20ask"


def test_a_webhook_that_wants_no_more_is_told_once_and_not_as_given_up_too() -> None:
    world = World(
        messages={
            MessageState.DEAD: [failed(MessageState.DEAD)],
            MessageState.DISABLED: [failed(MessageState.DISABLED, number=2)],
        }
    )
    [told] = world.told()
    assert "answered that it wants no more (410)" in told.text
    assert told.path == "/deliveries?state=disabled&endpoint=auto%2FTell%20%26%20ask"


def test_what_was_given_up_before_the_last_day_needs_no_attention_any_more() -> None:
    old = failed(MessageState.DEAD, hours_ago=25)
    assert World(messages={MessageState.DEAD: [old]}).told() == []


def test_what_is_broken_stands_before_what_is_full() -> None:
    world = World(
        usage={"acme/buyer/alpha": Usage(places=2)}, messages={MessageState.DEAD: [failed(MessageState.DEAD)]}
    )
    assert [one.tone for one in world.told()] == ["bad", "limit"]


def test_a_publisher_needs_attention_only_where_no_campaign_pays_it() -> None:
    def campaign(name: str, publisher: str, number: str) -> str:
        return f"""
  - id: {name}
    name: {name}
    numbers: [{{number: "{number}"}}]
    rtb_keys: [{{name: Default, key: {name * 20}}}]
    routing: {{buyers: [{{buyer: alpha}}]}}
    conversions: [{{name: for it, publishers: [{publisher}]}}]"""

    def told(first: str, second: str) -> list[tuple[str, str]]:
        more = f"campaigns:{campaign('a', first, '+18885550101')}{campaign('b', second, '+18885550102')}"
        return [(one.text, one.path) for one in World().told(more) if "payout" in one.text]

    assert told("P1", "P2") == []
    assert told("P1", "P1") == [
        ("No conversion rule of any campaign pays publisher P2, so it is quoted a payout of 0.", "/campaigns")
    ]
